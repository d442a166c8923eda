"""$SYS topics beside those of Debian's mosquitto, and the broker's clients and messages over HTTP."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.parse

import harness
from harness import Campanile, Subscriber, run, wait_until

# Published by mosquitto 2.0.11 and not by Campanile, with the reason (docs/guides/broker-status.md lists them too).
LEFT_OUT = {}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# What mosquitto 2.0.11 publishes to a client that listens for a while.
MOSQUITTO_TOPICS = 53


def read_topics(port, complete):
    """The $SYS topics as a dictionary, once complete(topics); those whose value changes come more than once."""
    with Subscriber(port, "-t", "$SYS/#", "-F", "%t\t%p") as subscriber:
        topics = lambda: dict(line.split("\t", 1) for line in list(subscriber.lines))
        return wait_until(lambda: complete(topics()) and topics(), "the $SYS topics", topics)


def has_uptime(topics):
    return "$SYS/broker/uptime" in topics


class Mosquitto:
    """Debian's broker on a free loopback port, for a bounded time."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="campanile-mosquitto-")
        self.port = free_port()
        path = os.path.join(self.folder, "mosquitto.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\n")
        self.process = subprocess.Popen(["timeout", "120", "mosquitto", "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "mosquitto to listen")
        return self

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class SystemTopics(unittest.TestCase):
    def test_names_and_forms_are_those_of_mosquitto(self):
        if not shutil.which("mosquitto"):
            self.skipTest("mosquitto is not installed")
        with Mosquitto() as other:
            run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(other.port), "-t", "a/b", "-m", "hello"])
            theirs = read_topics(other.port, lambda topics: len(topics) >= MOSQUITTO_TOPICS)
        with Campanile(config="mqtt:\n  sys_interval_s: 1\n") as campanile:
            campanile.publish("a/b", "hello")
            ours = read_topics(campanile.mqtt_port, lambda topics: theirs.keys() <= topics.keys() | LEFT_OUT.keys())
        self.assertEqual({topic for topic in theirs if topic not in ours}, set(LEFT_OUT))
        for topic, payload in theirs.items():
            if topic in ours and topic != "$SYS/broker/version":
                self.assertEqual(form_of(ours[topic]), form_of(payload), f"{topic}: {ours[topic]!r}, mosquitto says {payload!r}")
        self.assertRegex(ours["$SYS/broker/version"], r"^campanile version \d+\.\d+\.\d+$")

    def test_loads_are_stored_as_the_campus_collector_does(self):
        with Campanile(config="mqtt:\n  sys_interval_s: 1\n") as campanile:
            with campanile.subscriber("-t", "a/b") as subscriber:
                campanile.publish("a/b", "hello")
                subscriber.wait_for(1)
            query = "SELECT last(value) FROM mqtt GROUP BY kind, direction, avg"
            series = wait_until(lambda: (rows := campanile.query(query)) and len(rows) == 12 and rows, "12 series of measurement mqtt", lambda: campanile.query(query))
            self.assertEqual(sorted({tuple(sorted(one["tags"].items())) for one in series}),
                             sorted((("avg", avg), ("direction", direction), ("kind", kind))
                                    for avg in ("1min", "5min", "15min") for direction in ("received", "sent") for kind in ("publish", "bytes")))
            # The broker's own load is no sensor of the campus, and no message of a client.
            self.assertEqual(campanile.get_json("/api/v1/sensors")["sensors"], [])
            self.assertEqual(campanile.get_json("/api/v1/status")["unrouted_topics"], ["a/b"])

    def test_can_be_switched_off(self):
        with Campanile(config="mqtt:\n  sys_interval_s: 1\ningest:\n  broker_load: false\n") as campanile:
            read_topics(campanile.mqtt_port, has_uptime)
            self.assertEqual(campanile.query("SHOW MEASUREMENTS"), [])
        with Campanile(config="mqtt:\n  sys_interval_s: 0\n") as campanile:
            self.assertEqual(campanile.get_json("/api/v1/retained?filter=" + urllib.parse.quote("$SYS/#"))["messages"], [])

    def test_are_gone_after_a_restart_and_nobody_may_say_them(self):
        with Campanile(config="mqtt:\n  sys_interval_s: 1\n") as campanile:
            read_topics(campanile.mqtt_port, has_uptime)
            campanile.publish("$SYS/broker/uptime", "for ever", "-r")
            self.assertRegex(read_topics(campanile.mqtt_port, has_uptime)["$SYS/broker/uptime"], r"^\d+ seconds$")
            campanile.kill()
            campanile.arguments += ["--set", "mqtt.sys_interval_s=0"]
            campanile.start()
            self.assertEqual(campanile.get_json("/api/v1/retained?filter=" + urllib.parse.quote("$SYS/#"))["messages"], [])


class ClientsOverHttp(unittest.TestCase):
    def test_a_client_is_seen_and_can_be_ended(self):
        with Campanile() as campanile, campanile.subscriber("-t", "u4/+/command", "-q", "1", "-i", "hall", "-c") as subscriber:
            page = campanile.get_json("/api/v1/clients?contains=hall")
            self.assertEqual([client["id"] for client in page["clients"]], ["hall"])
            details = campanile.get_json("/api/v1/clients/hall")
            self.assertTrue(details["client"]["connected"])
            self.assertEqual([(one["filter"], one["qos"]) for one in details["subscriptions"]], [("u4/+/command", 1)])
            status, _, body = campanile.request("POST", "/api/v1/publish", json.dumps({"topic": "u4/302/command", "payload": "on", "qos": 1}))
            self.assertEqual(status, 200, body)
            self.assertEqual(subscriber.wait_for(1), ["on"])
            # Another site's page may read nothing of that and change nothing.
            status, _, _ = campanile.request("DELETE", "/api/v1/clients/hall", headers={"Origin": "http://evil.example"})
            self.assertEqual(status, 403)
            status, _, body = campanile.request("DELETE", "/api/v1/clients/hall?end_session=true")
            self.assertEqual(status, 200, body)
            # mosquitto_sub comes back by itself, with a new session.
            wait_until(lambda: campanile.request("GET", "/api/v1/clients/hall")[0] in (200, 404), "an answer")

    def test_accounts_guard_them(self):
        with Campanile(config="auth:\n  user: campus\n  password: secret\n") as campanile:
            for method, path in (("GET", "/api/v1/clients"), ("GET", "/api/v1/topics"), ("POST", "/api/v1/publish"), ("DELETE", "/api/v1/clients/x")):
                self.assertEqual(campanile.request(method, path, "{}" if method == "POST" else None)[0], 401, path)

    def test_a_published_reading_is_stored_like_any_other(self):
        with Campanile() as campanile:
            body = json.dumps({"topic": "u4/302/temperature", "payload": '{"value": 21.5, "unitID": "x"}', "retain": True})
            status, _, answer = campanile.request("POST", "/api/v1/publish", body)
            self.assertEqual((status, json.loads(answer)), (200, {"stored": True, "retained": True}))
            campanile.kill()  # it was answered: it is on disk
            campanile.start()
            self.assertEqual([value for _, value in campanile.values("SELECT value FROM data")], [21.5])
            kept = campanile.get_json("/api/v1/retained?filter=u4/%23")["messages"]
            self.assertEqual([message["topic"] for message in kept], ["u4/302/temperature"])


def form_of(payload):
    """What kind of text it is: a whole number, one with two decimals, seconds."""
    words = payload.split(" ")
    number = words[0]
    kind = "whole" if number.isdigit() else "decimals" if number.count(".") == 1 and len(number.split(".")[1]) == 2 else "text"
    return " ".join([kind, *words[1:]])


if __name__ == "__main__":
    harness.main()
