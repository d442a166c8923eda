"""Bad input of every kind: the sender gets a clear error, others notice nothing, memory stays bounded."""

import json
import socket
import struct
import time
import unittest

from harness import Campanile, main, wait_until

CONNECT = bytes.fromhex("101000044d5154540402003c000462616431")


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile().start()

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()

    def tearDown(self):
        # Whatever the test sent, the others still get through.
        self.campanile.publish("u4/1/temperature", '{"value":20.5,"value_units":"celsius","subID":"1","unitID":"auto_ffff"}')
        self.assertEqual("pass", json.loads(self.campanile.request("GET", "/health")[2])["status"])

    def mqtt(self):
        connection = socket.create_connection(("127.0.0.1", self.campanile.mqtt_port), 15)
        connection.settimeout(15)
        return connection

    def assert_closed(self, connection):
        data = b"x"
        while data:
            try:
                data = connection.recv(4096)
            except ConnectionResetError:
                return
        connection.close()

    def test_malformed_mqtt_packets_close_their_connection_only(self):
        packets = {
            "not MQTT at all": b"GET / HTTP/1.1\r\n\r\n",
            "a remaining length of five bytes": b"\x10\xff\xff\xff\xff\x01",
            "a reserved packet type": CONNECT + b"\x00\x00",
            "a PUBLISH with QoS 3": CONNECT + b"\x36\x05\x00\x01a\x00\x01",
            "a PUBLISH to a wildcard": CONNECT + b"\x30\x05\x00\x03a/#",
            "a SUBSCRIBE without topics": CONNECT + b"\x82\x02\x00\x01",
            "a topic that is not UTF-8": CONNECT + b"\x30\x04\x00\x02\xc0\xaf",
            "a second CONNECT": CONNECT + CONNECT,
            "a packet longer than the limit": CONNECT + b"\x30\xff\xff\xff\x7f" + b"\x00" * 1024,
        }
        for name, data in packets.items():
            with self.subTest(name):
                connection = self.mqtt()
                connection.sendall(data)
                self.assert_closed(connection)

    def test_an_oversize_packet_is_refused_before_it_is_read(self):
        before = resident_mb(self.campanile.process.pid)
        connections = []
        for _ in range(20):
            connection = self.mqtt()
            connection.sendall(CONNECT + b"\x30\xff\xff\xff\x7f")
            connections.append(connection)
        for connection in connections:
            self.assert_closed(connection)
        self.assertLess(resident_mb(self.campanile.process.pid) - before, 64)

    def test_bad_payloads_are_kept_with_their_reason(self):
        payloads = ["", "{", "[1,2", '{"value":NaN}', '{"value":1e999}', "\x01\x02", '{"value":{"a":', '{"unitID":"x","value":"abc']
        before = self.campanile.get_json("/api/v1/rejected")["total"]
        for payload in payloads:
            self.campanile.publish("u4/2/temperature", payload)
        wait_until(lambda: self.campanile.get_json("/api/v1/rejected")["total"] >= before + len(payloads) - 1, "the rejected messages",
                   lambda: self.campanile.get_json("/api/v1/rejected"))
        for message in self.campanile.get_json("/api/v1/rejected")["messages"]:
            self.assertTrue(message["reason"], message)

    def test_nan_is_refused_over_http(self):
        for value in ("NaN", "nan", "Inf", "-inf", "1e999"):
            status, _, body = self.campanile.request("POST", "/write?db=campanile", f"bad v={value} 1")
            self.assertEqual(400, status, value)
            self.assertIn("bad v=", body)

    def test_a_body_of_a_gigabyte_is_refused_at_once(self):
        before = resident_mb(self.campanile.process.pid)
        connection = socket.create_connection(("127.0.0.1", self.campanile.http_port), 15)
        connection.settimeout(15)
        connection.sendall(b"POST /write?db=campanile HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n")
        answer = connection.recv(4096)
        self.assertIn(b"413", answer.split(b"\r\n")[0])
        connection.close()
        # The same without saying how long it will be.
        connection = socket.create_connection(("127.0.0.1", self.campanile.http_port), 15)
        connection.settimeout(15)
        connection.sendall(b"POST /write?db=campanile HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        for _ in range(70):  # the limit is 64 MiB
            connection.sendall(chunk)
        self.assertIn(b"413", connection.recv(4096).split(b"\r\n")[0])
        self.assert_closed(connection)
        self.assertLess(resident_mb(self.campanile.process.pid) - before, 200)

    def test_a_gzip_bomb_is_refused(self):
        import zlib
        compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join(compressor.compress(b"\0" * (1 << 20)) for _ in range(512)) + compressor.flush()
        before = resident_mb(self.campanile.process.pid)
        status, _, _ = self.campanile.request("POST", "/write?db=campanile", bomb, {"Content-Encoding": "gzip"})
        self.assertEqual(413, status)
        self.assertLess(resident_mb(self.campanile.process.pid) - before, 200)

    def test_unknown_paths_and_methods_say_so(self):
        status, _, body = self.campanile.request("GET", "/api/v1/nothing")
        self.assertEqual(404, status)
        self.assertIn("nothing at /api/v1/nothing", json.loads(body)["error"])
        status, headers, _ = self.campanile.request("DELETE", "/query")
        self.assertEqual(405, status)
        self.assertIn("GET", headers["Allow"])

    def test_unreadable_http_gets_400(self):
        connection = socket.create_connection(("127.0.0.1", self.campanile.http_port), 15)
        connection.settimeout(15)
        connection.sendall(b"\x16\x03\x01\x02\x00 nonsense\r\n\r\n")
        self.assertIn(b"400", connection.recv(4096).split(b"\r\n")[0])
        connection.close()

    def test_half_open_connections_hold_nobody_up(self):
        held = []
        for port in (self.campanile.http_port, self.campanile.mqtt_port):
            for _ in range(200):
                connection = socket.create_connection(("127.0.0.1", port), 15)
                connection.sendall(b"POST /wri" if port == self.campanile.http_port else CONNECT[:5])
                held.append(connection)
        self.campanile.write("held v=1 1")
        self.assertEqual(1, len(self.campanile.values("SELECT v FROM held")))
        for connection in held:
            # A reset instead of a proper end, as a device that loses power gives.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def test_a_subscriber_that_never_reads_does_not_fill_memory(self):
        slow = self.mqtt()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(CONNECT + b"\x82\x09\x00\x01\x00\x04bulk\x00")
        time.sleep(0.2)
        before = resident_mb(self.campanile.process.pid)
        payload = b"x" * 60000
        publisher = self.mqtt()
        publisher.sendall(CONNECT.replace(b"bad1", b"bad2"))
        packet = b"\x30" + bytes([(len(payload) + 6) & 127 | 128, (len(payload) + 6) >> 7 & 127 | 128, (len(payload) + 6) >> 14]) + b"\x00\x04bulk" + payload
        for _ in range(2000):
            publisher.sendall(packet)
        with self.campanile.subscriber("-t", "after") as subscriber:
            self.campanile.publish("after", "still quick")
            self.assertEqual(["still quick"], subscriber.wait_for(1))
        self.assertLess(resident_mb(self.campanile.process.pid) - before, 100)
        publisher.close()
        slow.close()


if __name__ == "__main__":
    main()
