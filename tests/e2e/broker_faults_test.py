"""Clients that break the protocol, or do what it allows to excess: the offender gets the right reason code, everybody else notices nothing."""

import json
import os
import random
import re
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import BINARY, Campanile, main, run, wait_until
from raw_mqtt import (CONNACK, DISCONNECT, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, Closed, RawClient, acknowledge, connect, packet, properties,
                      publish, subscribe, text)

MALFORMED, PROTOCOL_ERROR, TOPIC_NAME, KEEP_ALIVE, TOO_LARGE, QUOTA = 0x81, 0x82, 0x90, 0x8D, 0x95, 0x97
# Reasons that the standard leaves open: a packet that cannot be read, or can be and must not be.
EITHER = (MALFORMED, PROTOCOL_ERROR)


def of_version(version):
    """Every packet type a client can get wrong, as (what, bytes after CONNECT, reason codes that version 5 may give)."""
    def props(data=b""):
        return properties(version, data)
    cases = [
        ("packet type 0", b"\x00\x00", (MALFORMED,)),
        ("a remaining length of five bytes", b"\x30\xff\xff\xff\xff\x01", (MALFORMED,)),
        ("a remaining length longer than it needs to be", b"\xc0\x80\x00", (MALFORMED,)),
        ("a packet over the limit", b"\x30\xff\xff\xff\x7f", (TOO_LARGE,)),
        ("a second CONNECT", connect(version), (PROTOCOL_ERROR,)),
        ("CONNACK", packet(0x20, b"\0\0" + props()), EITHER),
        ("PUBLISH of QoS 3", packet(0x36, text("a") + b"\0\1" + props()), (MALFORMED,)),
        ("PUBLISH of QoS 0 with DUP", packet(0x38, text("a") + props()), EITHER),
        ("PUBLISH to +", publish("a/+", version=version), EITHER + (TOPIC_NAME,)),
        ("PUBLISH to #", publish("a/#", version=version), EITHER + (TOPIC_NAME,)),
        ("PUBLISH to nothing", publish("", version=version), EITHER + (TOPIC_NAME,)),
        ("PUBLISH to a topic that is not UTF-8", publish(b"\xc0\xaf", version=version), (MALFORMED,)),
        ("PUBLISH to a surrogate", publish(b"\xed\xa0\x80", version=version), (MALFORMED,)),
        ("PUBLISH to a topic with NUL", publish(b"a\0b", version=version), (MALFORMED,)),
        ("PUBLISH whose topic goes beyond the packet", packet(0x30, b"\0\x09abc"), (MALFORMED,)),
        ("PUBLISH of one byte", packet(0x30, b"\0"), (MALFORMED,)),
        ("PUBLISH without room for its identifier", packet(0x32, text("a") + b"\0"), (MALFORMED,)),
        ("PUBLISH with identifier 0", publish("a", qos=1, packet_id=0, version=version), EITHER),
        ("PUBACK with flags", packet(0x41, b"\0\1"), (MALFORMED,)),
        ("PUBACK of one byte", packet(0x40, b"\0"), (MALFORMED,)),
        ("PUBREC with flags", packet(0x52, b"\0\1"), (MALFORMED,)),
        ("PUBREL without its flags", packet(0x60, b"\0\1"), (MALFORMED,)),
        ("PUBREL without identifier", packet(0x62), (MALFORMED,)),
        ("PUBCOMP with flags", packet(0x71, b"\0\1"), (MALFORMED,)),
        ("SUBSCRIBE without its flags", packet(0x80, b"\0\1" + props() + text("a") + b"\0"), (MALFORMED,)),
        ("SUBSCRIBE to nothing", packet(0x82, b"\0\1" + props()), EITHER),
        ("SUBSCRIBE with identifier 0", subscribe("a", packet_id=0, version=version), EITHER),
        ("SUBSCRIBE without options", packet(0x82, b"\0\1" + props() + text("a")), (MALFORMED,)),
        ("SUBSCRIBE with QoS 3", subscribe("a", options=3, version=version), EITHER),
        ("SUBSCRIBE with reserved options", subscribe("a", options=0xC0, version=version), EITHER),
        ("SUBSCRIBE to what is not UTF-8", subscribe(b"\xff", version=version), (MALFORMED,)),
        ("SUBACK", packet(0x90, b"\0\1" + props() + b"\0"), EITHER),
        ("UNSUBSCRIBE without its flags", packet(0xA0, b"\0\1" + props() + text("a")), (MALFORMED,)),
        ("UNSUBSCRIBE from nothing", packet(0xA2, b"\0\1" + props()), EITHER),
        ("UNSUBSCRIBE with identifier 0", packet(0xA2, b"\0\0" + props() + text("a")), EITHER),
        ("UNSUBACK", packet(0xB0, b"\0\1"), EITHER),
        ("PINGREQ with a body", packet(0xC0, b"x"), (MALFORMED,)),
        ("PINGREQ with flags", packet(0xC1), (MALFORMED,)),
        ("PINGRESP", packet(0xD0), EITHER),
        ("DISCONNECT with flags", packet(0xE1), (MALFORMED,)),
        ("AUTH", packet(0xF0), EITHER),
        ("AUTH with flags", packet(0xF5), (MALFORMED,)),
    ]
    if version == 4:
        return cases + [("PUBACK with three bytes", packet(0x40, b"\0\1\0"), ()), ("DISCONNECT with a body", packet(0xE0, b"\0"), ())]
    return cases + [
        ("PUBLISH with alias 0", publish("a", version=5, props=b"\x23\0\0"), (0x94,)),
        ("PUBLISH with an alias over the maximum", publish("a", version=5, props=b"\x23\xff\xff"), (0x94,)),
        ("PUBLISH with an alias that was never set", publish("", version=5, props=b"\x23\0\1"), EITHER),
        ("PUBLISH with a subscription identifier", publish("a", version=5, props=b"\x0b\1"), EITHER),
        ("PUBLISH with an unknown property", publish("a", version=5, props=b"\x7f\1"), EITHER),
        ("PUBLISH with a property of CONNECT", publish("a", version=5, props=b"\x21\0\1"), EITHER),
        ("PUBLISH with a property twice", publish("a", version=5, props=b"\x01\0\x01\0"), (PROTOCOL_ERROR,)),
        ("PUBLISH with payload format 2", publish("a", version=5, props=b"\x01\2"), EITHER),
        ("PUBLISH with a wildcard in its response topic", publish("a", version=5, props=b"\x08" + text("a/#")), EITHER + (TOPIC_NAME,)),
        ("PUBLISH whose properties go beyond the packet", packet(0x30, text("a") + b"\x7f"), (MALFORMED,)),
        ("PUBACK with a reason that is none", packet(0x40, b"\0\1\x77"), EITHER),
        ("SUBSCRIBE with retain handling 3", subscribe("a", options=0x30, version=5), EITHER),
        ("SUBSCRIBE with no-local on a shared subscription", subscribe("$share/g/a", options=4, version=5), (PROTOCOL_ERROR,)),
        ("SUBSCRIBE with subscription identifier 0", subscribe("a", version=5, props=b"\x0b\0"), (PROTOCOL_ERROR,)),
        ("DISCONNECT with a reason that is none", packet(0xE0, b"\x77"), EITHER),
        ("DISCONNECT that gives an expiry to a session without", packet(0xE0, b"\0\5\x11\0\0\0\1"), (PROTOCOL_ERROR,)),
    ]


# (what, the whole CONNECT, reason codes of version 5's CONNACK; none: closed without a word)
CONNECTS = [
    ("another protocol", packet(0x10, text("HTTP") + b"\4\2\0\x3c" + text("c")), ()),
    ("a reserved flag", connect(4, flags=0x03), ()),
    ("will QoS 3", connect(4, flags=0x1E, rest=text("w") + text("")), ()),
    ("will retain without a will", connect(4, flags=0x22), ()),
    ("a password without a user", connect(4, flags=0x42, rest=text("p")), ()),
    ("a user that is announced and not there", connect(4, flags=0x82), ()),
    ("a client identifier that is not UTF-8", connect(4, client_id=b"\xff"), ()),
    ("bytes behind its end", connect(4, rest=b"more"), ()),
    ("flags in its first byte", b"\x11" + connect(4)[1:], ()),
    ("version 5: a reserved flag", connect(5, flags=0x03), EITHER),
    ("version 5: will QoS 3", connect(5, flags=0x1E, rest=b"\0" + text("w") + text("")), EITHER),
    ("version 5: receive maximum 0", connect(5, props=b"\x21\0\0"), (PROTOCOL_ERROR,)),
    ("version 5: maximum packet size 0", connect(5, props=b"\x27\0\0\0\0"), (PROTOCOL_ERROR,)),
    ("version 5: session expiry twice", connect(5, props=b"\x11\0\0\0\1\x11\0\0\0\1"), (PROTOCOL_ERROR,)),
    ("version 5: an unknown property", connect(5, props=b"\x7f\0"), EITHER),
    ("version 5: an authentication method", connect(5, props=b"\x15" + text("SCRAM")), (0x8C,)),
    ("version 5: authentication data alone", connect(5, props=b"\x16" + text("x")), (PROTOCOL_ERROR,)),
    ("version 5: a wildcard in the will's topic", connect(5, flags=0x06, rest=b"\0" + text("a/#") + text("")), EITHER + (TOPIC_NAME,)),
    ("version 5: bytes behind its end", connect(5, rest=b"more"), EITHER),
    ("PUBLISH before CONNECT", publish("a"), ()),
    ("PINGREQ before CONNECT", packet(0xC0), ()),
]


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


class BystanderLoad:
    """`campanile bench mqtt` beside the test: a client that behaves, and that must not notice anything."""

    def __init__(self, port):
        self.process = subprocess.Popen([BINARY, "bench", "mqtt", "-h", "127.0.0.1", "-p", str(port), "--publishers", "4", "--subscribers", "2", "--rate", "200",
                                         "--warm-up", "0", "--duration", "120", "--json", "--topic", "bystander/{t}", "--threads", "1"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # The first line of progress says that it is under way.
        line = self.process.stderr.readline()
        assert "connected 6" in line, line + self.process.stderr.read()

    def finish(self):
        self.process.send_signal(2)  # ends the measurement, not the program
        out, errors = self.process.communicate(timeout=90)
        assert out, errors
        return json.loads(out)


class BrokerFaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile("--set", "mqtt.connect_timeout_s=2", "--set", "mqtt.packet_timeout_s=2").start()
        cls.port = cls.campanile.mqtt_port
        cls.at_first_mb = resident_mb(cls.campanile.process.pid)

    @classmethod
    def tearDownClass(cls):
        mb = resident_mb(cls.campanile.process.pid)
        code = cls.campanile.stop()
        assert code == 0, f"exit code {code}"
        print(f"memory: {cls.at_first_mb:.0f} MB at first, {mb:.0f} MB after all tests")
        assert mb < cls.at_first_mb + 200, f"{mb} MB"

    def tearDown(self):
        with RawClient(self.port, connect(4, "well-behaved") + publish("u4/1/temperature", b'{"value":20.5}', qos=1, packet_id=9)) as client:
            client.logged_in()
            self.assertEqual(b"\0\x09", client.expect(PUBACK))

    def raw(self, first=b""):
        client = RawClient(self.port, first)
        self.addCleanup(client.socket.close)
        return client

    def metric(self, name, **labels):
        total = 0
        for line in self.campanile.request("GET", "/metrics")[2].splitlines():
            if line.startswith(name) and all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def test_every_malformed_packet_of_version_3_closes_its_connection(self):
        for what, data, _ in of_version(4):
            with self.subTest(what):
                client = self.raw(connect(4, "offender") + data).logged_in()
                self.assertEqual([], client.rest())

    def test_every_malformed_packet_of_version_5_gets_its_reason(self):
        for what, data, reasons in of_version(5):
            with self.subTest(what):
                client = self.raw(connect(5, "offender") + data).logged_in()
                packets = client.rest()
                self.assertEqual([DISCONNECT], [kind for kind, _, _ in packets])
                self.assertIn(packets[0][2][0], reasons, f"reason {packets[0][2][0]:#x}")

    def test_every_malformed_connect_is_refused(self):
        for what, data, reasons in CONNECTS:
            with self.subTest(what):
                packets = self.raw(data).rest()
                if not reasons:
                    self.assertEqual([], packets)
                else:
                    self.assertEqual([CONNACK], [kind for kind, _, _ in packets])
                    self.assertIn(packets[0][2][1], reasons, f"reason {packets[0][2][1]:#x}")
        with self.subTest("a version to come"):
            self.assertEqual([(CONNACK, 0, b"\0\1")], self.raw(connect(6)).rest())

    def test_random_bytes_after_connect_never_harm_anybody(self):
        seed = int(os.environ.get("CAMPANILE_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
        print(f"seed {seed}")
        choose = random.Random(seed)
        for number in range(150):
            version = choose.choice((4, 5))
            valid = bytearray(choose.choice([publish("u4/1/temperature", b"{}", qos=2, version=version), subscribe(["a/#", "+"], version=version),
                                             connect(version, flags=0x06, rest=properties(version) + text("w") + text("gone")),
                                             acknowledge(choose.choice((PUBACK, PUBREC, PUBREL, PUBCOMP)), 7)]))
            for _ in range(choose.randrange(1, 4)):
                valid[choose.randrange(len(valid))] = choose.randrange(256)
            first = b"" if number % 5 == 0 else connect(version, "random")
            client = self.raw(first + bytes(valid) + choose.randbytes(choose.randrange(40)))
            client.socket.shutdown(socket.SHUT_WR)
            client.rest()

    def test_half_a_connect_that_drips_is_ended(self):
        clients = [self.raw() for _ in range(50)]
        data = connect(5, "x" * 2000)
        dripping = True

        def drip():
            for at in range(len(data) // 2):
                for client in clients:
                    client.send(data[at:at + 1])
                if not dripping:
                    return
                time.sleep(0.1)
        thread = threading.Thread(target=drip)
        thread.start()
        for client in clients:
            client.rest()
        dripping = False
        thread.join()

    def test_half_a_publish_is_ended_by_the_keep_alive(self):
        data = publish("a", b"x" * 1000, version=5)
        client = self.raw(connect(5, "half", keep_alive=1) + data[:500]).logged_in()
        self.assertEqual([(DISCONNECT, KEEP_ALIVE)], [(kind, body[0]) for kind, _, body in client.rest()])

    def test_half_a_publish_is_ended_without_a_keep_alive_too(self):
        data = publish("a", b"x" * 1000, version=5)
        client = self.raw(connect(5, "half", keep_alive=0)).logged_in()
        for at in range(30):
            client.send(data[at:at + 1])
            time.sleep(0.1)
        self.assertEqual([(DISCONNECT, QUOTA)], [(kind, body[0]) for kind, _, body in client.rest()])

    def test_floods_of_connections_leave_the_others_alone(self):
        bystander = BystanderLoad(self.port)
        opened = []
        for number in range(1500):
            client = RawClient(self.port)
            kind = number % 3
            if kind == 0:
                client.send(connect(4, "flood")[:9])       # half a CONNECT
            elif kind == 1:
                client.send(connect(4, f"flood-{number}"))  # a whole one
            else:
                client.send(connect(4, "flood"))            # the same client again and again
            opened.append(client)
            if number % 4 == 3:
                opened.pop(0).socket.close()
        for client in opened:
            client.socket.close()
        report = bystander.finish()
        self.assertGreater(report["sent"], 100)
        self.assertEqual((0, 0, 0), (report["lost"], report["failures"], report["unacknowledged"]), report)

    def test_a_topic_of_65535_bytes_is_delivered(self):
        topic = "long/" + "x" * 65530
        subscriber = self.raw(connect(4, "reader") + subscribe(["long/+"])).logged_in()
        subscriber.expect(SUBACK)
        with RawClient(self.port, connect(4, "writer") + publish(topic, b"1", qos=1)) as publisher:
            publisher.logged_in().expect(PUBACK)
        self.assertEqual(text(topic) + b"1", subscriber.expect(PUBLISH))

    def test_a_topic_of_65536_levels_is_served(self):
        topic = "/" * 65535
        subscriber = self.raw(connect(4, "deep") + subscribe([topic, "/" * 65534 + "+"], options=1)).logged_in()
        self.assertEqual(b"\1\1", subscriber.expect(SUBACK)[-2:])
        with RawClient(self.port, connect(5, "digger") + publish(topic, b"1", qos=1, flags=1, version=5)) as publisher:
            self.assertEqual(b"\0\1", publisher.logged_in().expect(PUBACK)[:2])
        self.assertEqual(text(topic), subscriber.expect(PUBLISH)[:65537])
        late = self.raw(connect(4, "late") + subscribe("/" * 30_000 + "#")).logged_in()
        late.expect(SUBACK)
        self.assertEqual(text(topic) + b"1", late.expect(PUBLISH))

    def test_a_topic_with_more_levels_than_allowed_is_refused_with_its_reason(self):
        with Campanile("--set", "mqtt.topic_levels_max=128") as campanile:
            def raw(first):
                client = RawClient(campanile.mqtt_port, first)
                self.addCleanup(client.socket.close)
                return client.logged_in()
            topic = "/" * 128
            self.assertEqual([(DISCONNECT, TOPIC_NAME)], [(kind, body[0]) for kind, _, body in raw(connect(5, "deep") + publish(topic, b"1", version=5)).rest()])
            self.assertEqual([], raw(connect(4, "deep") + publish(topic, b"1")).rest())
            self.assertEqual(0x8F, raw(connect(5, "deep") + subscribe(topic, version=5)).expect(SUBACK)[-1])
            self.assertEqual(0x80, raw(connect(4, "deep") + subscribe(topic)).expect(SUBACK)[-1])

    def test_bad_filters_are_answered_one_by_one(self):
        filters = ["ok/#", "a/#/b", "a+", "#a", "", "+/ok", "$share//a", "$share/g", "$share/+/a"]
        client = self.raw(connect(5, "filters") + subscribe(filters[:4] + filters[5:], version=5)).logged_in()
        answer = client.expect(SUBACK)[3:]
        self.assertEqual([True, False, False, False, True, False, False, False], [reason < 0x80 for reason in answer])
        self.assertTrue(all(reason in (0x8F, 0x00) for reason in answer), answer)

    def test_subscriptions_to_everything_get_each_message_once(self):
        clients = []
        for number in range(100):
            client = self.raw(connect(4, f"all-{number}") + subscribe(["#", "+/#", "everything/+", f"+/{number}/#"])).logged_in()
            client.expect(SUBACK)
            clients.append(client)
        with RawClient(self.port, connect(4, "all-writer") + publish("everything/7", b"once", qos=1)) as publisher:
            publisher.logged_in().expect(PUBACK)
        for client in clients:
            client.send(packet(0xC0))
            payloads = []
            while True:
                kind, _, body = client.packet()
                if kind != PUBLISH:
                    break
                if body.startswith(text("everything/7")):
                    payloads.append(body[-4:])
            # The message may come before or after PINGRESP: loops deliver on their own.
            while not payloads:
                body = client.expect(PUBLISH)
                if body.startswith(text("everything/7")):
                    payloads.append(body[-4:])
            self.assertEqual([b"once"], payloads)

    def test_subscriptions_of_one_client_are_limited(self):
        client = self.raw(connect(5, "collector")).logged_in()
        granted = refused = 0
        for block in range(11):
            client.send(subscribe([f"many/{block}/{number}" for number in range(1000)], packet_id=block + 1, version=5))
            for reason in client.expect(SUBACK)[3:]:
                granted += reason < 0x80
                refused += reason == QUOTA
        self.assertEqual((10_000, 1_000), (granted, refused))

    def test_a_client_that_never_acknowledges_fills_its_queue_and_no_more(self):
        lazy = self.raw(connect(4, "lazy") + subscribe("lazy/#", options=1)).logged_in()
        lazy.expect(SUBACK)
        before_mb = resident_mb(self.campanile.process.pid)
        reader = threading.Thread(target=self.read_forever, args=(lazy,), daemon=True)
        reader.start()
        done = run([BINARY, "bench", "mqtt", "-h", "127.0.0.1", "-p", str(self.port), "--publishers", "2", "--subscribers", "1", "--topic", "lazy/{t}", "--window", "100",
                    "--rate", "20000", "--duration", "1.5", "--warm-up", "0", "--json", "--quiet"], check=False)
        report = json.loads(done.stdout)
        self.assertEqual(0, report["failures"] + report["unacknowledged"], report)
        self.assertLess(resident_mb(self.campanile.process.pid) - before_mb, 64)
        lazy.socket.close()

    def test_a_client_that_never_reads_is_not_waited_for(self):
        client = RawClient(self.port, connect(4, "deaf") + subscribe("deaf/#", options=1))
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.addCleanup(client.socket.close)
        client.logged_in().expect(SUBACK)
        before_mb = resident_mb(self.campanile.process.pid)
        with RawClient(self.port, connect(4, "loud")) as publisher:
            publisher.logged_in()
            payload = b"x" * 50_000
            for number in range(600):
                publisher.send(publish(f"deaf/{number}", payload, qos=1, packet_id=number + 1))
            for number in range(600):
                self.assertEqual(struct.pack(">H", number + 1), publisher.expect(PUBACK))
        self.assertLess(resident_mb(self.campanile.process.pid) - before_mb, 64)

    @staticmethod
    def read_forever(client):
        try:
            while client.socket.recv(65536):
                pass
        except OSError:
            pass

    def test_packet_identifiers_are_abused_in_vain(self):
        subscriber = self.raw(connect(4, "abuse-reader") + subscribe("abuse/#", options=2)).logged_in()
        subscriber.expect(SUBACK)
        client = self.raw(connect(5, "abuse")).logged_in()
        # QoS 2 twice under one identifier: one message.
        client.send(publish("abuse/1", b"first", qos=2, packet_id=7, version=5) + publish("abuse/1", b"first", qos=2, packet_id=7, version=5, flags=8))
        self.assertEqual(b"\0\7", client.expect(PUBREC)[:2])
        self.assertEqual(b"\0\7", client.expect(PUBREC)[:2])
        client.send(acknowledge(PUBREL, 7))
        self.assertEqual(b"\0\7", client.expect(PUBCOMP))
        # A release of what was never sent, and acknowledgements of what never came.
        client.send(acknowledge(PUBREL, 99))
        self.assertEqual(b"\0\x63\x92", client.expect(PUBCOMP)[:3])
        client.send(acknowledge(PUBACK, 1) + acknowledge(PUBREC, 2) + acknowledge(PUBCOMP, 3) + publish("abuse/2", b"after", qos=1, packet_id=1, version=5))
        answers = {client.packet()[0]}
        while PUBACK not in answers:
            answers.add(client.packet()[0])
        self.assertLessEqual(answers, {PUBACK, PUBREL})
        topics = [subscriber.expect(PUBLISH)[2:9], subscriber.expect(PUBLISH)[2:9]]
        self.assertEqual([b"abuse/1", b"abuse/2"], topics)

    def test_more_than_the_receive_maximum_is_refused(self):
        client = self.raw(connect(5, "greedy")).logged_in()
        client.send(b"".join(publish("greedy", b"", qos=2, packet_id=number + 1, version=5) for number in range(1100)))
        packets = client.rest()
        self.assertEqual((DISCONNECT, 0x93), (packets[-1][0], packets[-1][2][0]), "nothing follows it")
        self.assertLessEqual(sum(kind == PUBREC for kind, _, _ in packets), 1024)


class InputMemoryTest(unittest.TestCase):
    """Many clients that each begin a large packet."""

    LIMIT = 8 << 20

    def metric(self, campanile, name):
        return float(re.search("^" + re.escape(name) + r" (\S+)$", campanile.request("GET", "/metrics")[2], re.MULTILINE).group(1))

    def test_large_packets_that_are_begun_share_a_limit_and_small_ones_pass(self):
        with Campanile("--set", "mqtt.input_memory_bytes_max=8MiB") as campanile:
            writer = RawClient(campanile.mqtt_port, connect(5, "healthy")).logged_in()
            self.addCleanup(writer.socket.close)
            crowd = [RawClient(campanile.mqtt_port, connect(5, f"crowd-{number}")).logged_in() for number in range(60)]
            for client in crowd:
                self.addCleanup(client.socket.close)
            before_mb = resident_mb(campanile.process.pid)
            large = publish("large", b"x" * 1_000_000, version=5)
            for at in range(0, 900_000, 60_000):
                for client in crowd:
                    client.send(large[at:at + 60_000])
                writer.send(publish("small", b"y" * 10_000, qos=1, packet_id=at + 1 & 0xFFFF or 1, version=5))
                writer.expect(PUBACK)
                self.assertLessEqual(self.metric(campanile, "campanile_broker_input_bytes"), self.LIMIT)
            self.assertLess(resident_mb(campanile.process.pid) - before_mb, 48)
            cut = 0
            for client in crowd:
                client.send(large[900_000:] + packet(0xC0))
                kind, _, body = client.packet()
                self.assertIn(kind, (DISCONNECT, PINGRESP))
                if kind == DISCONNECT:
                    self.assertEqual(QUOTA, body[0])
                    cut += 1
            self.assertGreater(cut, 50)
            self.assertLess(cut, 60, "there is room for some")
            self.assertEqual(cut, self.metric(campanile, 'campanile_broker_connections_cut_total{reason="input_memory"}'))
            self.assertEqual(0, self.metric(campanile, "campanile_broker_input_bytes"))


class FileLimitTest(unittest.TestCase):
    """More clients than the process may open files."""

    def test_connections_leave_the_store_its_files(self):
        # Small segments and tables: the store has to open files while the connections last.
        campanile = Campanile("--set", "storage.journal_segment_bytes=1MiB", "--set", "storage.checkpoint_interval_s=1", "--set", "storage.checkpoint_journal_bytes=4MiB")
        campanile.arguments = ["prlimit", "--nofile=240:240", *campanile.arguments]
        with campanile:
            writer = RawClient(campanile.mqtt_port, connect(4, "writer")).logged_in()
            self.addCleanup(writer.socket.close)
            crowd, refused = [], 0
            for number in range(300):
                client = RawClient(campanile.mqtt_port, connect(4, f"crowd-{number}"))
                self.addCleanup(client.socket.close)
                try:
                    client.logged_in()
                    crowd.append(client)
                except Closed:
                    refused += 1
            self.assertGreater(len(crowd), 100)
            self.assertGreater(refused, 60)
            padding = "x" * 4000
            for first in range(0, 2000, 100):
                writer.send(b"".join(publish("influx/files", f'files value={number}i,padding="{padding}" {number + 1}'.encode(), qos=1, packet_id=number - first + 1)
                                     for number in range(first, first + 100)))
                for _ in range(100):
                    writer.expect(PUBACK)
            for client in crowd:
                client.socket.close()

            def comes_in():
                try:
                    with RawClient(campanile.mqtt_port, connect(4, "later")) as client:
                        return client.logged_in()
                except Closed:
                    return None
            wait_until(comes_in, "room for a client")
            self.assertEqual(2000, campanile.values("SELECT count(value) FROM files")[0][1])
            self.assertTrue(any("kept for the store" in line for line in campanile.log), campanile.log)


if __name__ == "__main__":
    main()
