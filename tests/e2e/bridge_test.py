"""Bridges: Campanile to Debian's mosquitto, mosquitto to Campanile, and two Campaniles, with clients of mosquitto on either end."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import Campanile, Subscriber, main, run, skip, wait_until

MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """Debian's broker with a configuration and a folder of its own; it may be stopped and started again on its port."""

    def __init__(self, config="", listener="", port=None):
        self.folder = tempfile.mkdtemp(prefix="campanile-e2e-mosquitto-")
        os.chmod(self.folder, 0o755)
        self.port = port or free_port()
        self.config = (f"listener {self.port} 127.0.0.1\n{listener or 'allow_anonymous true'}\n"
                       f"user root\npersistence true\npersistence_location {self.folder}/\nmax_queued_messages 0\n"
                       f"log_dest stderr\nlog_type all\n{config}\n")
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        path = os.path.join(self.folder, "mosquitto.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.config)
        with open(os.path.join(self.folder, "log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([MOSQUITTO, "-c", path], stdout=log, stderr=log)
        wait_until(lambda: self.answers() or self.process.poll() is not None, "mosquitto", self.log)
        if self.process.poll() is not None:
            raise AssertionError(f"mosquitto ended: {self.log()}")
        return self

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self, kill=False):
        if self.process is None:
            return
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    def publish(self, topic, payload, *options, qos=1):
        run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", topic, "-m", payload, "-q", str(qos), *options])

    def subscriber(self, *options):
        return Subscriber(self.port, *options)


def bridge_config(port, topics, name="there", **values):
    """The YAML of one bridge; `topics` are rows of (pattern, direction, qos, local prefix, remote prefix)."""
    lines = [f"  - name: {name}", f"    address: 127.0.0.1:{port}", "    reconnect_max_s: 1"]
    lines += [f"    {key}: {json.dumps(value)}" for key, value in values.items()]
    lines.append("    topics:")
    for pattern, direction, qos, local, remote in topics:
        lines.append(f"      - {{pattern: {json.dumps(pattern)}, direction: {direction}, qos: {qos}, "
                     f"local_prefix: {json.dumps(local)}, remote_prefix: {json.dumps(remote)}}}")
    return "bridges:\n" + "\n".join(lines) + "\n"


def bridge_of(campanile):
    return campanile.get_json("/api/v1/bridges")["bridges"][0]


def wait_connected(campanile):
    wait_until(lambda: bridge_of(campanile)["state"] == "connected", "the bridge", lambda: (bridge_of(campanile), campanile.log[-5:]))


def on_port(port, campanile):
    """The same, not yet started, with MQTT on that port, now and whenever it starts again."""
    campanile.arguments[campanile.arguments.index("--mqtt") + 1] = f"127.0.0.1:{port}"
    return campanile


def publish_lines(port, topic, lines, qos=1, timeout=60):
    """All lines over one connection, in order; returns once each is acknowledged."""
    run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-t", topic, "-l", "-q", str(qos)], input="\n".join(lines) + "\n", timeout=timeout)


class ToMosquittoTest(unittest.TestCase):
    def test_every_qos_and_version_passes_both_ways_with_prefixes(self):
        for version in ("5", "3.1.1"):
            with self.subTest(version=version), Mosquitto() as mosquitto:
                config = bridge_config(mosquitto.port, [("#", "out", 2, "u4/", "campus/u4/"), ("#", "in", 2, "commands/", "city/")], version=version)
                with Campanile(config=config) as campanile:
                    wait_connected(campanile)
                    with mosquitto.subscriber("-t", "campus/#", "-q", "2", "-F", "%t %p %q") as there, \
                            campanile.subscriber("-t", "commands/#", "-q", "2", "-F", "%t %p %q") as here:
                        for qos in (0, 1, 2):
                            campanile.publish("u4/302/co2", str(qos), qos=qos)
                            there.wait_for(qos + 1)
                            mosquitto.publish("city/lamp", str(qos), qos=qos)
                            here.wait_for(qos + 1)
                        self.assertEqual([f"campus/u4/302/co2 {qos} {qos}" for qos in (0, 1, 2)], there.lines)
                        self.assertEqual([f"commands/lamp {qos} {qos}" for qos in (0, 1, 2)], here.lines)
                    status = bridge_of(campanile)
                    self.assertEqual((3, 3), (status["messages_in"], status["messages_out"]))
                    metrics = campanile.request("GET", "/metrics")[2]
                    self.assertIn('campanile_bridge_messages_sent_total{bridge="there"} 3', metrics)
                    self.assertIn('campanile_bridge_connected{bridge="there"} 1', metrics)

    def test_both_ways_does_not_echo_and_retained_messages_are_retained(self):
        for version in ("5", "3.1.1"):
            with self.subTest(version=version), Mosquitto() as mosquitto:
                with Campanile(config=bridge_config(mosquitto.port, [("x/#", "both", 1, "", "")], version=version)) as campanile:
                    wait_connected(campanile)
                    with mosquitto.subscriber("-t", "#", "-q", "1", "-F", "%t %p") as there, campanile.subscriber("-t", "#", "-q", "1", "-F", "%t %p") as here:
                        campanile.publish("x/from-here", "1", "-r")
                        mosquitto.publish("x/from-there", "2", "-r")
                        # What would have come back has by then.
                        campanile.publish("x/last", "3")
                        mosquitto.publish("x/last", "4")
                        there.wait_for(4)
                        here.wait_for(4)
                        wanted = sorted(["x/from-here 1", "x/from-there 2", "x/last 3", "x/last 4"])
                        self.assertEqual(wanted, sorted(there.lines))
                        self.assertEqual(wanted, sorted(here.lines))
                    with mosquitto.subscriber("-t", "x/from-here", "-F", "%r %p") as there, campanile.subscriber("-t", "x/from-there", "-F", "%r %p") as here:
                        self.assertEqual(["1 1"], there.wait_for(1))
                        self.assertEqual(["1 2"], here.wait_for(1))

    def test_what_is_published_while_the_other_broker_is_down_arrives_in_order(self):
        # A watcher for each time that mosquitto is away: what one has not yet acknowledged when mosquitto stops comes to it again.
        watch = {topic: ["-t", topic, "-q", "1", "-c", "-i", topic] for topic in ("store/before", "store/later")}
        with Mosquitto() as mosquitto:
            for options in watch.values():
                with mosquitto.subscriber(*options):
                    pass
            mosquitto.stop()
            with Campanile(config=bridge_config(mosquitto.port, [("store/#", "both", 1, "", "")])) as campanile:
                wait_until(lambda: bridge_of(campanile)["last_error"], "a failure to connect", lambda: bridge_of(campanile))
                self.assertIn(f"127.0.0.1:{mosquitto.port}", bridge_of(campanile)["last_error"]["message"])
                for topic, count in (("store/before", 300), ("store/later", 400)):
                    lines = [str(number) for number in range(count)]
                    publish_lines(campanile.mqtt_port, topic, lines)
                    mosquitto.start()
                    with mosquitto.subscriber(*watch[topic]) as there:
                        self.assertEqual(lines, there.wait_for(count), topic)
                    mosquitto.stop()
                    wait_until(lambda: bridge_of(campanile)["state"] != "connected", "the bridge to see it", lambda: bridge_of(campanile))

    def test_the_other_broker_is_killed_between_messages(self):
        with Mosquitto("autosave_on_changes true\nautosave_interval 1") as mosquitto:
            config = bridge_config(mosquitto.port, [("out/#", "out", 1, "", "")])
            with Campanile(config=config) as campanile:
                wait_connected(campanile)
                with mosquitto.subscriber("-t", "out/#", "-q", "1", "-c", "-i", "watcher") as there:
                    for round_ in range(3):
                        publish_lines(campanile.mqtt_port, "out/x", [f"{round_}-{number}" for number in range(100)])
                        # Everything of this round has arrived: mosquitto itself keeps nothing safe when it is killed.
                        wait_until(lambda: f"{round_}-99" in there.lines, "the round", lambda: there.lines[-3:])
                        mosquitto.stop(kill=True)
                        publish_lines(campanile.mqtt_port, "out/x", [f"{round_}-away{number}" for number in range(100)])
                        mosquitto.start()
                        wait_connected(campanile)
                        wait_until(lambda: f"{round_}-away99" in there.lines, "what was sent meanwhile", lambda: (there.lines[-3:], bridge_of(campanile)))
                    wanted = [f"{round_}-{kind}{number}" for round_ in range(3) for kind in ("", "away") for number in range(100)]
                    seen = list(dict.fromkeys(there.lines))
                    self.assertEqual(wanted, [line for line in seen if line in set(wanted)], "in order, and nothing missing")

    def test_tls_with_a_ca_and_credentials(self):
        certificates = make_certificates()
        self.addCleanup(shutil.rmtree, certificates, True)
        passwords = os.path.join(certificates, "passwords")
        run(["mosquitto_passwd", "-c", "-b", passwords, "campus", "hunter2"])
        os.chmod(passwords, 0o644)
        listener = (f"allow_anonymous false\npassword_file {passwords}\ncafile {certificates}/ca.pem\ncertfile {certificates}/server.pem\n"
                    f"keyfile {certificates}/server.key\nrequire_certificate true")
        with open(os.path.join(certificates, "secret"), "w", encoding="utf-8") as file:
            file.write("hunter2\n")
        with Mosquitto(listener=listener) as mosquitto:
            good = {"tls": True, "tls_ca_file": f"{certificates}/ca.pem", "tls_certificate_file": f"{certificates}/client.pem",
                    "tls_key_file": f"{certificates}/client.key", "user": "campus", "password_file": f"{certificates}/secret"}
            address = mosquitto.port
            options = ["--cafile", f"{certificates}/ca.pem", "--cert", f"{certificates}/client.pem", "--key", f"{certificates}/client.key",
                       "-u", "campus", "-P", "hunter2"]
            with Campanile(config=bridge_config(address, [("#", "out", 1, "a/", "b/")], **good)) as campanile:
                wait_connected(campanile)
                with mosquitto.subscriber("-t", "b/#", *options) as there:
                    campanile.publish("a/x", "over TLS")
                    self.assertEqual(["over TLS"], there.wait_for(1))
                self.assertNotIn("hunter2", "".join(campanile.log))
            for change, words in (({"tls_ca_file": f"{certificates}/other-ca.pem"}, "certificate verify failed"),
                                  ({"tls_certificate_file": "", "tls_key_file": ""}, ""),
                                  ({"user": "nobody"}, "refused the connection")):
                with Campanile(config=bridge_config(address, [("#", "out", 1, "a/", "b/")], **{**good, **change})) as campanile:
                    wait_until(lambda: bridge_of(campanile)["last_error"], "a refusal", lambda: bridge_of(campanile))
                    self.assertIn(words, bridge_of(campanile)["last_error"]["message"])
                    self.assertNotEqual("connected", bridge_of(campanile)["state"])
                    self.assertNotIn("hunter2", "".join(campanile.log))

    def test_the_state_stands_on_a_topic_on_both_sides(self):
        topic = "$SYS/broker/connection/campus/state"
        with Mosquitto() as mosquitto:
            with Campanile(config=bridge_config(mosquitto.port, [("#", "out", 1, "a/", "b/")], client_id="campus")) as campanile:
                wait_connected(campanile)
                with mosquitto.subscriber("-t", topic) as there, campanile.subscriber("-t", topic) as here:
                    self.assertEqual(["1"], here.wait_for(1))
                    self.assertEqual(["1"], there.wait_for(1))
                    mosquitto.stop()
                    self.assertEqual(["1", "0"], here.wait_for(2))
                    mosquitto.start()
                    self.assertEqual(["1", "0", "1"], here.wait_for(3))
                with mosquitto.subscriber("-t", topic) as there:
                    self.assertEqual(["1"], there.wait_for(1))
                    campanile.kill()
                    self.assertEqual(["1", "0"], there.wait_for(2), "the will")
                    campanile.start()
                    self.assertEqual(["1", "0", "1"], there.wait_for(3))
                    self.assertEqual(0, campanile.stop())
                    self.assertEqual(["1", "0", "1", "0"], there.wait_for(4), "said at the end")

    def test_a_mistake_stops_the_start_and_is_named(self):
        with self.assertRaisesRegex(AssertionError, "no topic filter"):
            Campanile(config=bridge_config(1883, [("a/#/b", "out", 1, "", "")])).start()


class FromMosquittoTest(unittest.TestCase):
    def test_mosquittos_own_bridge_works_with_campanile(self):
        for version in ("mqttv311", "mqttv50"):
            with self.subTest(version=version), Campanile() as campanile:
                config = (f"connection campus\naddress 127.0.0.1:{campanile.mqtt_port}\nremote_clientid field\nlocal_clientid local-field\n"
                          f"bridge_protocol_version {version}\ntry_private true\ncleansession false\nrestart_timeout 1\n"
                          "topic # both 2 field/ campus/\ntopic status/# both 1\n")
                with Mosquitto(config) as mosquitto:
                    state = "$SYS/broker/connection/field/state"
                    with campanile.subscriber("-t", state) as connected:
                        self.assertEqual(["1"], wait_until(lambda: connected.lines[-1:] == ["1"] and connected.lines[-1:], "the state", mosquitto.log))
                        with mosquitto.subscriber("-t", "field/#", "-t", "status/#", "-q", "2", "-F", "%t %p") as there, \
                                campanile.subscriber("-t", "campus/#", "-t", "status/#", "-q", "2", "-F", "%t %p") as here:
                            for qos in (0, 1, 2):
                                mosquitto.publish("field/a", f"out{qos}", qos=qos)
                                here.wait_for(2 * qos + 1)
                                campanile.publish("campus/a", f"in{qos}", qos=qos)
                                there.wait_for(2 * qos + 2)
                            mosquitto.publish("status/x", "kept there", "-r")
                            campanile.publish("status/y", "kept here", "-r")
                            there.wait_for(8)
                            here.wait_for(8)
                            # An echo would come before what is sent now.
                            mosquitto.publish("status/end", "end")
                            campanile.publish("status/end2", "end")
                            there.wait_for(10)
                            here.wait_for(10)
                            for lines, name in ((there.lines, "field/a"), (here.lines, "campus/a")):
                                self.assertEqual(sorted([f"{name} {way}{qos}" for way in ("in", "out") for qos in (0, 1, 2)]
                                                        + ["status/x kept there", "status/y kept here", "status/end end", "status/end2 end"]), sorted(lines))
                        with campanile.subscriber("-t", "status/x", "-F", "%r %p") as here, mosquitto.subscriber("-t", "status/y", "-F", "%r %p") as there:
                            self.assertEqual(["1 kept there"], here.wait_for(1))
                            self.assertEqual(["1 kept here"], there.wait_for(1))
                        mosquitto.stop(kill=True)
                        wait_until(lambda: connected.lines[-1] == "0", "the bridge's will", lambda: connected.lines)


class TwoCampanilesTest(unittest.TestCase):
    def test_bridged_to_each_other_they_pass_each_message_once(self):
        with Campanile() as second:
            # The second one's bridge needs the first one's port, which is free until then.
            port = free_port()
            with on_port(port, Campanile(config=bridge_config(second.mqtt_port, [("#", "out", 1, "", "")], client_id="first"))) as first:
                wait_connected(first)
                with Campanile(config=bridge_config(port, [("#", "out", 1, "", "")], client_id="third")
                               .replace("bridges:\n", "bridges:\n" + bridge_config(second.mqtt_port, [("#", "in", 1, "", "")], name="back", client_id="third-in")
                                        .removeprefix("bridges:\n"))) as third:
                    # A ring: first -> second -> third -> first.
                    wait_until(lambda: all(b["state"] == "connected" for b in third.get_json("/api/v1/bridges")["bridges"]), "both bridges",
                               lambda: third.get_json("/api/v1/bridges"))
                    options = ["-t", "ring/#", "-q", "1"]
                    with first.subscriber(*options) as at_first, second.subscriber(*options) as at_second, third.subscriber(*options) as at_third:
                        for number in range(20):
                            first.publish("ring/x", str(number))
                        wanted = [str(number) for number in range(20)]
                        for subscriber in (at_first, at_second, at_third):
                            self.assertEqual(wanted, subscriber.wait_for(20))
                        # All that would still circle has passed by the time that these arrive.
                        second.publish("ring/y", "end")
                        for subscriber in (at_first, at_second, at_third):
                            subscriber.wait_for(21)
                            self.assertEqual(wanted + ["end"], subscriber.lines)

    def test_queues_and_acknowledgements_survive_kills_of_either_side(self):
        second = Campanile().start()
        try:
            port = second.mqtt_port
            on_port(port, second)
            with Campanile(config=bridge_config(port, [("data/#", "out", 2, "", "")])) as first:
                wait_connected(first)
                with second.subscriber("-t", "data/#", "-q", "2", "-c", "-i", "keeper"):
                    pass
                for round_ in range(3):
                    publish_lines(first.mqtt_port, "data/x", [f"{round_}-up{number}" for number in range(200)], qos=2)
                    second.kill()
                    publish_lines(first.mqtt_port, "data/x", [f"{round_}-down{number}" for number in range(200)], qos=2)
                    first.kill()
                    second.start()
                    first.start()
                    wait_connected(first)
                with second.subscriber("-t", "data/#", "-q", "2", "-c", "-i", "keeper") as there:
                    wanted = [f"{round_}-{kind}{number}" for round_ in range(3) for kind in ("up", "down") for number in range(200)]
                    self.assertEqual(wanted, there.wait_for(len(wanted)), "each once, in order")
        finally:
            second.stop()
            shutil.rmtree(second.data, ignore_errors=True)


def make_certificates():
    """A CA, a server's and a client's certificate of it, and another CA; returns their folder."""
    folder = tempfile.mkdtemp(prefix="campanile-e2e-tls-")
    os.chmod(folder, 0o755)
    at = lambda name: os.path.join(folder, name)
    for ca in ("ca", "other-ca"):
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={ca}", "-keyout", at(f"{ca}.key"), "-out", at(f"{ca}.pem")])
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1,DNS:localhost"), ("client", "extendedKeyUsage=clientAuth")):
        run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", at(f"{name}.key"), "-out", at(f"{name}.csr")])
        with open(at(f"{name}.ext"), "w", encoding="utf-8") as file:
            file.write(extension + "\n")
        run(["openssl", "x509", "-req", "-in", at(f"{name}.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2",
             "-extfile", at(f"{name}.ext"), "-out", at(f"{name}.pem")])
        os.chmod(at(f"{name}.key"), 0o644)
    return folder


if __name__ == "__main__":
    if MOSQUITTO is None:
        skip("mosquitto is not installed")
    main()
