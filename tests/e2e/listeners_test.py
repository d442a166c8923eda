"""Listeners beside mqtt.listen: TLS, client certificates and their revocation, WebSocket, local sockets, PROXY, rights, mounts."""

import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import unittest

import paho.mqtt.client as mqtt

from certificates import Authority
from harness import Campanile, Subscriber, main, run, wait_until

CONFIG = """
auth:
  users:
    - name: campus
      password: secret
log:
  level: debug
mqtt:
  listeners:
    - {{name: tls, protocol: tls, listen: "127.0.0.1:0", certificate: {folder}/server.pem, key: {folder}/server.key}}
    - name: mutual
      protocol: tls
      listen: "127.0.0.1:0"
      certificate: {folder}/server.pem
      key: {folder}/server.key
      client_certificate: required
      client_ca: {folder}/ca.pem
      client_crl: {folder}/crl.pem
      accounts: false
    - {{name: ws, protocol: ws, listen: "127.0.0.1:0"}}
    - name: wss
      protocol: wss
      listen: "127.0.0.1:0"
      certificate: {folder}/server.pem
      key: {folder}/server.key
      client_certificate: optional
      client_ca: {folder}/ca.pem
    - {{name: local, protocol: unix, listen: {folder}/mqtt.sock, mode: "0600"}}
    - {{name: guests, listen: "127.0.0.1:0", anonymous: read}}
    - {{name: north, listen: "127.0.0.1:0", mount: north/}}
    - {{name: proxied, listen: "127.0.0.1:0", proxy_protocol: true}}
"""
LOGIN = ["-u", "campus", "-P", "secret"]


class ListenersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="campanile-listeners-")
        cls.authority = Authority(cls.folder)
        cls.authority.issue("server", "server", "DNS:localhost,IP:127.0.0.1")
        cls.authority.issue("gate7", "gate 7")
        cls.campanile = Campanile(config=CONFIG.format(folder=cls.folder)).start()
        cls.listeners = {listener["name"]: listener for listener in cls.status()["listeners"]}

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def status(cls):
        return cls.campanile.get_json("/api/v1/status?u=campus&p=secret")

    def port(self, name):
        return int(self.listeners[name]["address"].rsplit(":", 1)[1])

    def path(self, name):
        return os.path.join(self.folder, name)

    def publish(self, name, topic, payload, *options, check=True):
        where = ["--unix", self.path("mqtt.sock")] if name == "local" else ["-h", "127.0.0.1", "-p", str(self.port(name))]
        return run(["mosquitto_pub", *where, "-t", topic, "-m", payload, "-q", "1", *options], check=check)

    def subscriber(self, *options):
        return self.campanile.subscriber(*LOGIN, *options)

    def certificate(self, name="gate7"):
        return ["--cafile", self.path("ca.pem"), "--cert", self.path(name + ".pem"), "--key", self.path(name + ".key")]

    def test_the_status_names_every_listener(self):
        protocols = {name: listener["protocol"] for name, listener in self.listeners.items()}
        self.assertEqual({"mqtt": "tcp", "tls": "tls", "mutual": "tls", "ws": "ws", "wss": "wss", "local": "unix", "guests": "tcp", "north": "tcp",
                          "proxied": "tcp"}, protocols)
        self.assertEqual("north/", self.listeners["north"]["mount"])
        self.assertEqual(f"127.0.0.1:{self.campanile.mqtt_port}", self.listeners["mqtt"]["address"])
        self.assertTrue(any(f"MQTT over wss at 127.0.0.1:{self.port('wss')} (listener wss)" in line for line in self.campanile.log))

    def test_tls(self):
        with self.subscriber("-t", "over/tls") as subscriber:
            for version in ("tlsv1.2", "tlsv1.3"):
                self.publish("tls", "over/tls", version, *LOGIN, "--cafile", self.path("ca.pem"), "--tls-version", version)
            self.assertEqual(["tlsv1.2", "tlsv1.3"], subscriber.wait_for(2))
        self.assertNotEqual(0, self.publish("tls", "over/tls", "x", "--cafile", self.path("ca.pem"), check=False).returncode, "no name")
        self.assertNotEqual(0, self.publish("tls", "over/tls", "x", *LOGIN, check=False).returncode, "no TLS")

    def test_a_large_message_over_tls(self):
        payload = "".join(chr(33 + number % 90) for number in range(900_000))
        with open(self.path("payload"), "w", encoding="utf-8") as file:
            file.write(payload)
        with Subscriber(self.port("tls"), *LOGIN, "--cafile", self.path("ca.pem"), "-t", "large") as subscriber:
            run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port("tls")), *LOGIN, "--cafile", self.path("ca.pem"), "-t", "large", "-q", "2",
                 "-f", self.path("payload")])
            self.assertTrue(subscriber.wait_for(1) == [payload])

    def test_a_certificate_is_the_login(self):
        with self.subscriber("-t", "from/gate") as subscriber:
            self.publish("mutual", "from/gate", "open", *self.certificate())
            self.assertEqual(["open"], subscriber.wait_for(1))
        self.assertNotEqual(0, self.publish("mutual", "from/gate", "x", *LOGIN, "--cafile", self.path("ca.pem"), check=False).returncode)

    def test_a_revoked_certificate_is_refused_after_sighup_and_connections_stay(self):
        self.authority.issue("lost", "lost device")
        with Subscriber(self.port("mutual"), *self.certificate("lost"), "-t", "still/there") as old:
            self.authority.revoke("lost")
            self.campanile.process.send_signal(signal.SIGHUP)
            wait_until(lambda: self.publish("mutual", "a", "x", *self.certificate("lost"), check=False).returncode != 0, "the revocation")
            self.publish("mutual", "still/there", "yes", *self.certificate())
            self.assertEqual(["yes"], old.wait_for(1))
        wait_until(lambda: any("certificate revoked" in line for line in self.campanile.log), "the reason in the log")

    def test_a_new_certificate_is_noticed_and_a_broken_one_is_told(self):
        def serial():
            context = ssl.create_default_context(cafile=self.path("ca.pem"))
            with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port("tls"))), server_hostname="localhost") as connection:
                return connection.getpeercert()["serialNumber"]
        before = serial()
        self.authority.issue("server", "server", "DNS:localhost,IP:127.0.0.1")
        after = wait_until(lambda: serial() != before and serial(), "the new certificate")
        with open(self.path("server.key"), encoding="utf-8") as file:
            key = file.read()
        with open(self.path("server.key"), "w", encoding="utf-8") as file:
            file.write("nonsense")
        wait_until(lambda: any("those read before stay in use: key file" in line for line in self.campanile.log), "the complaint")
        self.assertEqual(after, serial())
        with open(self.path("server.key"), "w", encoding="utf-8") as file:
            file.write(key)

    def test_who_is_there_by_which_name(self):
        with Subscriber(self.port("mutual"), *self.certificate(), "-i", "gate", "-t", "none"), \
                Subscriber(self.port("north"), *LOGIN, "-i", "north-1", "-t", "none"):
            clients = {client["id"]: client for client in self.campanile.get_json("/api/v1/clients?u=campus&p=secret")["clients"]}
            self.assertEqual(("gate 7", "mutual"), (clients["gate"]["user"], clients["gate"]["listener"]))
            self.assertEqual(("campus", "north"), (clients["north/north-1"]["user"], clients["north/north-1"]["listener"]))

    def test_a_local_socket(self):
        self.assertEqual(0o600, os.stat(self.path("mqtt.sock")).st_mode & 0o777)
        with self.subscriber("-t", "local") as subscriber:
            self.publish("local", "local", "here", *LOGIN)
            self.assertEqual(["here"], subscriber.wait_for(1))

    def paho(self, name, certificate=False, user=True, **options):
        client = mqtt.Client(protocol=mqtt.MQTTv311, **options)
        if user:
            client.username_pw_set("campus", "secret")
        if name in ("tls", "wss", "mutual"):
            client.tls_set(self.path("ca.pem"), *([self.path("gate7.pem"), self.path("gate7.key")] if certificate else []))
        connected, codes = threading.Event(), []
        client.on_connect = lambda client, data, flags, code: (codes.append(code), connected.set())
        client.connect("127.0.0.1", self.port(name), 60)
        client.loop_start()
        self.addCleanup(lambda: (client.disconnect(), client.loop_stop()))
        self.assertTrue(connected.wait(15), f"no CONNACK over {name}")
        return client, codes[0]

    def test_paho_over_tls_and_websocket(self):
        cases = [("tls", {}), ("mutual", {"certificate": True, "user": False}), ("ws", {"transport": "websockets"}),
                 ("wss", {"transport": "websockets"}), ("wss", {"transport": "websockets", "certificate": True, "user": False})]
        for name, options in cases:
            with self.subTest(name=name, **options):
                client, code = self.paho(name, **options)
                self.assertEqual(0, code)
                received, subscribed = [], threading.Event()
                client.on_message = lambda client, data, message, received=received: received.append(message.payload)
                client.on_subscribe = lambda *unused, subscribed=subscribed: subscribed.set()
                client.subscribe("paho/#", 2)
                self.assertTrue(subscribed.wait(15))
                sent = [f"{number}".encode() * (number % 50 * 100 + 1) for number in range(200)]
                for payload in sent:
                    client.publish("paho/x", payload, 2)
                wait_until(lambda: len(received) >= len(sent), "all messages", lambda: len(received))
                self.assertEqual(sent, received)
                client.unsubscribe("paho/#")
        _, code = self.paho("wss", transport="websockets", user=False)
        self.assertNotEqual(0, code, "neither name nor certificate")

    def test_guests_may_only_listen(self):
        with Subscriber(self.port("guests"), "-t", "public/#") as guest, self.subscriber("-t", "public/#") as insider:
            self.publish("guests", "public/a", "from a guest")
            self.publish("guests", "public/a", "from a colleague", *LOGIN)
            self.assertEqual(["from a colleague"], guest.wait_for(1))
            self.assertEqual(["from a colleague"], insider.wait_for(1))
        will = self.publish("guests", "public/a", "x", "--will-topic", "public/will", "--will-payload", "x", check=False)
        self.assertNotEqual(0, will.returncode)

    def test_a_mount(self):
        with Subscriber(self.port("north"), *LOGIN, "-t", "#", "-F", "%t %p") as inside, self.subscriber("-t", "north/#", "-F", "%t %p") as outside:
            self.publish("north", "u4/x", "1", *LOGIN)
            self.publish("mqtt", "north/u4/y", "2", *LOGIN)
            self.publish("mqtt", "u4/z", "3", *LOGIN)
            self.assertEqual(["u4/x 1", "u4/y 2"], inside.wait_for(2))
            self.assertEqual(["north/u4/x 1", "north/u4/y 2"], outside.wait_for(2))

    def test_a_proxy_tells_who_the_client_is(self):
        address = struct.pack("!4s4sHH", socket.inet_aton("192.0.2.7"), socket.inet_aton("127.0.0.1"), 12345, 1883)
        header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(address)) + address
        connect = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06proxed"
        with socket.create_connection(("127.0.0.1", self.port("proxied")), timeout=20) as client:
            client.sendall(header + connect)
            self.assertEqual(b"\x20\x02\x00\x04", client.recv(4), "no name was given")
        wait_until(lambda: any("'proxed' from 192.0.2.7:12345 at proxied refused" in line for line in self.campanile.log), "the client's address")
        with socket.create_connection(("127.0.0.1", self.port("proxied")), timeout=20) as client:
            client.sendall(connect)
            self.assertEqual(b"", client.recv(4), "no header")


class RestartTest(unittest.TestCase):
    CONFIG = "mqtt:\n  listeners:\n    - {name: north, listen: '127.0.0.1:0', mount: north/, session_queue_messages_max: 2}\n"

    def test_a_session_behind_a_mount_survives_kill(self):
        with tempfile.TemporaryDirectory() as data:
            def north(campanile):
                listeners = campanile.get_json("/api/v1/status")["listeners"]
                return next(int(one["address"].rsplit(":", 1)[1]) for one in listeners if one["name"] == "north")
            options = ["-i", "keeper", "-c", "-q", "1", "-t", "u4/#", "-F", "%t %p"]
            with Campanile(data=data, config=self.CONFIG) as campanile:
                with Subscriber(north(campanile), *options):
                    pass
                campanile.publish("north/u4/x", "1")
                campanile.publish("u4/x", "not for it")
                campanile.kill()
            with Campanile(data=data, config=self.CONFIG) as campanile:
                campanile.publish("north/u4/y", "2")
                campanile.publish("north/u4/y", "beyond the listener's limit")
                with Subscriber(north(campanile), *options) as subscriber:
                    self.assertEqual(["u4/x 1", "u4/y 2"], subscriber.wait_for(2))
                    self.assertIn('campanile_broker_messages_dropped_total{reason="queue_full"} 1\n', campanile.request("GET", "/metrics")[2])


class StartTest(unittest.TestCase):
    def start_fails(self, listener):
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "campanile.yaml")
            with open(config, "w", encoding="utf-8") as file:
                file.write("mqtt:\n  listeners:\n    - " + listener + "\n")
            binary = Campanile("--config", config)
            done = subprocess.run(binary.arguments, capture_output=True, text=True, timeout=60)
            shutil.rmtree(binary.data, ignore_errors=True)
            self.assertEqual("", done.stdout)
            self.assertNotEqual(0, done.returncode)
            return done.stderr

    def test_what_is_wrong_is_named(self):
        self.assertIn("campanile.yaml:3:7: mqtt.listeners: 'a': certificate: protocol tls needs one", self.start_fails("{name: a, protocol: tls, listen: '127.0.0.1:0'}"))
        self.assertIn("listener a: certificate file /nowhere/a.pem: No such file", self.start_fails("{name: a, protocol: tls, listen: '127.0.0.1:0', certificate: /nowhere/a.pem}"))
        self.assertIn("'a' of mqtt.listeners is 0.0.0.0:0, which other machines can reach", self.start_fails("{name: a, listen: '0.0.0.0:0'}"))
        self.assertIn("did you mean 'mount'?", self.start_fails("{name: a, listen: '127.0.0.1:0', moun: x/}"))


if __name__ == "__main__":
    main()
