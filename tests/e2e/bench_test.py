"""`campanile bench mqtt` against the real program, against Debian's mosquitto, and against brokers that fail."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import BINARY, Campanile, main, run, wait_until


def bench(port, *options, check=True, **more):
    """The report as JSON; with check=False the finished process."""
    done = run([BINARY, "bench", "mqtt", "-h", "127.0.0.1", "-p", str(port), "--quiet", "--json", *options], check=check, timeout=100, **more)
    return json.loads(done.stdout) if check else done


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class FakeBroker:
    """Accepts everybody, acknowledges every SUBSCRIBE and QoS 1 PUBLISH, and delivers what `deliver` picks."""

    def __init__(self, deliver=lambda number: False, close_after=None):
        self.deliver, self.close_after = deliver, close_after
        self.subscribers, self.messages, self.lock = [], 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")
        try:
            while first := stream.read(1):
                size, shift = 0, 0
                while True:
                    byte = stream.read(1)[0]
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                self.answer(connection, first[0], stream.read(size))
        except (OSError, IndexError, ValueError):
            pass
        connection.close()

    def answer(self, connection, first, body):
        kind = first >> 4
        if kind == 1:
            connection.sendall(b"\x20\x02\x00\x00")
        elif kind == 8:
            with self.lock:
                self.subscribers.append(connection)
            connection.sendall(b"\x90\x03" + body[:2] + body[-1:])
        elif kind == 3:
            with self.lock:
                number = self.messages
                self.messages += 1
                if self.close_after is not None and number >= self.close_after:
                    raise OSError
                topic = 2 + int.from_bytes(body[:2], "big")
                connection.sendall(b"\x40\x02" + body[topic:topic + 2])
                if self.deliver(number):
                    packet = body[:topic] + body[topic + 2:]
                    for subscriber in self.subscribers:
                        subscriber.sendall(bytes([0x30, len(packet)]) + packet)


class BenchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile("--set", "auth.user=bench", "--set", "auth.password=secret").start()
        cls.login = ("-u", "bench", "-P", "secret")

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()

    def bench(self, *options, **more):
        return bench(self.campanile.mqtt_port, *self.login, *options, **more)

    def test_what_is_acknowledged_is_delivered_in_every_quality_and_version(self):
        for qos in (0, 1, 2):
            for protocol in ("3.1.1", "5"):
                with self.subTest(qos=qos, protocol=protocol):
                    report = self.bench("--publishers", "5", "--subscribers", "2", "--qos", str(qos), "-V", protocol, "--rate", "500", "--window", "20",
                                        "--duration", "0.5", "--warm-up", "0.1", "--threads", "2")
                    self.assertEqual(7, report["connected"])
                    self.assertGreater(report["sent"], 0)
                    self.assertEqual(2 * report["sent"], report["delivered"])
                    self.assertEqual(0, report["duplicates"] + report["failures"] + report["foreign"] + report["reordered"])
                    if qos > 0:
                        self.assertEqual(report["sent"], report["acknowledged"])
                        self.assertEqual(0, report["lost"])
                        self.assertGreater(report["acknowledgement_latency"]["p50_us"], 0)
                    self.assertGreaterEqual(report["delivery_latency"]["max_us"], report["delivery_latency"]["p50_us"])

    def test_as_fast_as_acknowledged_with_memory_and_cpu_of_the_broker(self):
        report = self.bench("--publishers", "20", "--subscribers", "0", "--window", "10", "--duration", "1", "--warm-up", "0",
                            "--broker-pid", str(self.campanile.process.pid))
        self.assertEqual(report["sent"], report["acknowledged"])
        self.assertEqual(0, report["unacknowledged"])
        self.assertNotIn("lost", report)
        self.assertGreater(report["broker"]["resident_after_bytes"], 1 << 20)

    def test_readings_of_a_campus_are_stored(self):
        report = self.bench("--publishers", "10", "--subscribers", "1", "--payload", "campus", "--window", "5", "--topics", "40", "--duration", "0.5",
                            "--warm-up", "0", "--rate", "2000")
        self.assertEqual(report["sent"], report["acknowledged"])
        self.assertEqual(0, report["lost"])

        def stored():
            done = run(["curl", "-s", "-u", "bench:secret", "-G", self.campanile.http + "/query", "--data-urlencode", "db=campanile",
                        "--data-urlencode", "q=SELECT count(value) FROM data"])
            return json.loads(done.stdout)["results"][0].get("series", [{"values": [[0, 0]]}])[0]["values"][0][1]
        wait_until(lambda: stored() == report["acknowledged"], f"{report['acknowledged']} points", stored)

    def test_subscribers_of_a_part_and_of_a_shared_subscription(self):
        part = self.bench("--subscribers", "2", "--filter", "bench/building3/#", "--publishers", "4", "--rate", "1000", "--topics", "100", "--duration", "0.4",
                          "--warm-up", "0")
        self.assertEqual(0, part["lost"])
        self.assertLess(part["delivered"], part["sent"])
        shared = self.bench("--subscribers", "3", "--filter", "$share/g/bench/#", "--publishers", "4", "--rate", "1000", "--duration", "0.4", "--warm-up", "0",
                            "-V", "5")
        self.assertEqual(shared["acknowledged"], shared["delivered"])
        self.assertEqual(0, shared["lost"])

    def test_idle_connections_and_visitors(self):
        report = self.bench("--publishers", "1", "--subscribers", "1", "--idle", "50", "--rate", "100", "--churn", "100", "--duration", "1", "--warm-up", "0",
                            "--source-addresses", "127.0.0.2-127.0.0.5", "--connect-rate", "500")
        self.assertEqual(52, report["connected"])
        self.assertGreater(report["visits"], 10)
        self.assertEqual(0, report["failures"] + report["lost"])

    def test_the_closing_table_and_the_progress(self):
        done = run([BINARY, "bench", "mqtt", "-h", "127.0.0.1", "-p", str(self.campanile.mqtt_port), *self.login, "--publishers", "2", "--rate", "50",
                    "--duration", "1.5", "--warm-up", "0"])
        self.assertIn("2 publishers -> 1 subscriber, QoS 1, 140 B", done.stdout)
        self.assertRegex(done.stdout, r"lost +0 ")
        self.assertRegex(done.stdout, r"delivered +[0-9.]+ +[0-9.]+")
        self.assertRegex(done.stderr, r"measuring +connected 3  sent [0-9,]+/s")

    def test_a_wrong_password_is_told(self):
        done = bench(self.campanile.mqtt_port, "-u", "bench", "-P", "wrong", check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, "refused by the broker: bad user name or password|refused by the broker: .*not authori")

    def test_nobody_listening_is_told_with_the_address(self):
        port = free_port()
        done = bench(port, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn(f"127.0.0.1:{port}: connection refused", done.stderr)
        self.assertIn("-p", done.stderr)

    def test_too_few_file_descriptors_are_told_with_the_limit(self):
        done = run(["bash", "-c", f"ulimit -n 64; exec {BINARY} bench mqtt -h 127.0.0.1 -p {self.campanile.mqtt_port} --idle 100"], check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("may open 64", done.stderr)

    def test_acknowledged_messages_that_do_not_come_are_lost(self):
        with FakeBroker(deliver=lambda number: number % 10 != 3) as broker:
            done = bench(broker.port, "--publishers", "1", "--rate", "100", "--size", "60", "--duration", "1", "--warm-up", "0", check=False)
            report = json.loads(done.stdout)
            self.assertEqual(3, done.returncode, done.stdout)
            self.assertEqual(report["acknowledged"] - report["delivered"], report["lost"])
            self.assertGreater(report["lost"], 0)

    def test_a_broker_that_goes_away_is_a_failure(self):
        with FakeBroker(close_after=20) as broker:
            done = bench(broker.port, "--publishers", "2", "--subscribers", "0", "--rate", "100", "--duration", "1", "--warm-up", "0", check=False)
            self.assertEqual(1, done.returncode)
            self.assertEqual({"closed by the broker": 2}, json.loads(done.stdout)["reasons"])

    def test_over_tls_with_mosquitto(self):
        if not shutil.which("mosquitto") or not shutil.which("openssl"):
            self.skipTest("mosquitto or openssl is not installed")
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            key, certificate, port = f"{folder}/key.pem", f"{folder}/certificate.pem", free_port()
            run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate])
            os.chmod(key, 0o644)
            with open(f"{folder}/mosquitto.conf", "w", encoding="ascii") as file:
                file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\ncertfile {certificate}\nkeyfile {key}\nmax_queued_messages 0\n")
            broker = subprocess.Popen(["mosquitto", "-c", file.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(broker.wait)
            self.addCleanup(broker.terminate)
            wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "mosquitto")
            report = bench(port, "--cafile", certificate, "--publishers", "4", "--subscribers", "2", "--window", "5", "--rate", "500", "--duration", "0.5",
                           "--warm-up", "0", "--size", "3000")
            self.assertEqual(0, report["lost"])
            self.assertGreater(report["delivered"], 0)
            untrusted = bench(port, "--tls", check=False)
            self.assertEqual(1, untrusted.returncode)
            self.assertIn("--cafile", untrusted.stderr)


if __name__ == "__main__":
    main()
