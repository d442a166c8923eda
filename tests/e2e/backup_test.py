"""Backups of a running server under load: what was acknowledged before one began is in it, the second copies little, a restore answers the same.
The seed is printed and can be given as CAMPANILE_SEED."""

import os
import random
import re
import shutil
import tempfile
import threading
import unittest
import urllib.request

import paho.mqtt.client as mqtt

from full_disk_test import SmallDisk
from harness import BINARY, Campanile, main, run, wait_until

QUERIES = [
    "SELECT * FROM fixed",
    "SELECT count(value), mean(value), min(value), max(value), spread(big) FROM fixed GROUP BY sensor",
    "SELECT percentile(value, 90) FROM fixed WHERE time >= 0 AND time < 4000s GROUP BY time(10m), sensor fill(none)",
    "SELECT last(text), first(flag) FROM fixed",
    "SELECT * FROM typed",
    "SHOW SERIES FROM fixed",
    "SHOW FIELD KEYS FROM typed",
    "SHOW TAG VALUES FROM fixed WITH KEY = sensor",
    "SELECT count(value), mean(value) FROM history GROUP BY sensor",
]


def campanile(*arguments, check=True):
    return run([BINARY, *arguments], check=check, timeout=180)


def manifest(place, name):
    with open(os.path.join(place, name + ".backup"), encoding="utf-8") as file:
        entries = [line.split(" ", 3) for line in file.read().splitlines() if line.startswith("file ")]
    return {entry[3]: (int(entry[1]), entry[2]) for entry in entries}


def points(rng, sensors, count):
    lines = []
    for i in range(count):
        lines.append(f'fixed,sensor=s{i % sensors} value={rng.random() * 1000!r},big={rng.getrandbits(50)}i,'
                     f'flag={"true" if rng.random() < 0.5 else "false"},text="{rng.getrandbits(64):x}" {i * 1_000_000_000}')
    return lines


def fill(server, rng):
    """A bit of everything that a data directory holds."""
    lines = points(rng, 20, 4000)
    for begin in range(0, len(lines), 1000):
        server.write("\n".join(lines[begin:begin + 1000]))
    server.write("typed,kind=counter count=18446744073709551615u,level=-3i,share=0.25 1000000000\ntyped,kind=other count=7u 2000000000")
    server.create_database("other")
    server.write("elsewhere,a=b value=1 5", database="other")
    status, _, body = server.request("POST", "/query?" + "db=campanile&q=" + "DELETE%20FROM%20fixed%20WHERE%20sensor%3D%27s3%27%20AND%20time%3C1000s")
    assert status == 200 and "error" not in body, body
    for i in range(5):
        server.publish(f"kept/{i}", f"retained {i}", "-r")
    server.publish("u4/302/temperature", "no JSON")
    away = mqtt.Client(client_id="away", clean_session=False, protocol=mqtt.MQTTv311)
    subscribed = threading.Event()
    away.on_connect = lambda *unused: away.subscribe("queue/#", 1)
    away.on_subscribe = lambda *unused: subscribed.set()
    away.connect("127.0.0.1", server.mqtt_port, 60)
    away.loop_start()
    wait_until(subscribed.is_set, "SUBACK")
    away.disconnect()
    away.loop_stop()
    for i in range(20):
        server.publish(f"queue/{i}", f"queued {i}", qos=1 + i % 2)


def answers(server):
    """What can be asked, as it is answered now."""
    found = {text: server.query(text) for text in QUERIES}
    found["other"] = server.query("SELECT * FROM elsewhere", database="other")
    found["rejected"] = server.get_json("/api/v1/rejected")["messages"]
    found["retained"] = sorted((one["topic"], one["payload"]) for one in server.get_json("/api/v1/retained?filter=kept/%23")["messages"])
    return found


def queued_messages(server):
    got = []
    back = mqtt.Client(client_id="away", clean_session=False, protocol=mqtt.MQTTv311)
    back.on_message = lambda unused_client, unused_data, message: got.append(message.payload.decode())
    back.connect("127.0.0.1", server.mqtt_port, 60)
    back.loop_start()
    wait_until(lambda: len(got) >= 20, "the queued messages", lambda: got)
    back.disconnect()
    back.loop_stop()
    return got


class Load:
    """Writes numbered points over HTTP and MQTT, and remembers which were acknowledged."""

    def __init__(self, server):
        self.server = server
        self.stopping = False
        self.acknowledged = {"http": 0, "mqtt": 0}
        self.threads = [threading.Thread(target=self.write), threading.Thread(target=self.publish)]
        for thread in self.threads:
            thread.start()

    def write(self):
        number = 1
        while not self.stopping:
            body = "\n".join(f"moving,path=http value={n}i {n}" for n in range(number, number + 20))
            request = urllib.request.Request(self.server.http + "/write?db=campanile", data=body.encode(), method="POST")
            try:
                with urllib.request.urlopen(request, timeout=10):
                    number += 20
                    self.acknowledged["http"] = number - 1
            except OSError:
                return

    def publish(self):
        client = mqtt.Client(client_id="load", protocol=mqtt.MQTTv311)
        client.connect("127.0.0.1", self.server.mqtt_port, 60)
        client.loop_start()
        number = 1
        published = True
        while published and not self.stopping:
            info = client.publish("influx/load", f"moving,path=mqtt value={number}i {number}", 1)
            try:
                info.wait_for_publish(10)
                published = info.is_published()
            except (RuntimeError, ValueError):
                published = False
            if published:
                self.acknowledged["mqtt"] = number
                number += 1
        client.loop_stop()

    def wait_for_more(self):
        before = dict(self.acknowledged)
        wait_until(lambda: all(self.acknowledged[path] > before[path] + 5 for path in before), "acknowledgements", lambda: self.acknowledged)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(30)


class BackupTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="campanile-backup-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.place = os.path.join(self.folder, "backups")
        seed = int(os.environ.get("CAMPANILE_SEED", "20260726"))
        print(f"seed {seed}")
        self.rng = random.Random(seed)

    def path(self, name):
        return os.path.join(self.folder, name)

    def serve(self, name="data", *options, config=None):
        data = self.path(name)
        os.makedirs(data, exist_ok=True)
        return Campanile("--set", f"storage.backup_directory={self.place}", "--set", "storage.journal_segment_bytes=1MiB",
                         "--set", "storage.free_bytes_min=0", *options, data=data, config=config)

    def back_up(self, server, *options):
        done = campanile("backup", "--http", f"127.0.0.1:{server.http_port}", *options)
        match = re.match(r"backup (\S+) in (\S+): (\d+) files, ", done.stdout)
        self.assertTrue(match, done.stdout)
        self.assertEqual(match.group(2), self.place)
        return match.group(1)

    def assert_restored(self, name, expected, acknowledged):
        with self.serve(name) as restored:
            self.assertEqual(answers(restored), expected)
            for path, number in acknowledged.items():
                self.assertEqual(restored.values(f"SELECT count(value) FROM moving WHERE path='{path}' AND value <= {number}")[0][1] if number else 0, number)
            self.assertEqual(queued_messages(restored), [f"queued {i}" for i in range(20)])
            # It goes on from there.
            restored.write("moving,path=again value=1i 1")
            self.assertEqual(restored.values("SELECT value FROM moving WHERE path='again'")[0][1], 1)

    def test_under_load_and_killed(self):
        # A first run whose points go to tables at once, then one that keeps them in the journal: both kinds of files are backed up.
        with self.serve("data", "--set", "storage.checkpoint_interval_s=1") as server:
            history = [line.replace("fixed", "history", 1) for line in points(self.rng, 10, 20_000)]
            for begin in range(0, len(history), 2000):
                server.write("\n".join(history[begin:begin + 2000]))
            wait_until(lambda: self.journal_bytes(server) < 1 << 20, "a checkpoint", lambda: self.journal_bytes(server))
        with self.serve() as server:
            fill(server, self.rng)
            for _ in range(6):
                server.write("\n".join(f'bulk value="{self.rng.getrandbits(4000):x}"' for _ in range(1000)))
            expected = answers(server)
            load = Load(server)
            load.wait_for_more()
            before_first = dict(load.acknowledged)
            first = self.back_up(server)
            load.wait_for_more()
            before_second = dict(load.acknowledged)
            second = self.back_up(server)
            self.assertFalse(os.path.exists(os.path.join(self.path("data"), "backup.unfinished")))
            listed = server.get_json("/api/v1/backups")
            load.wait_for_more()
            server.kill()
            load.stop()
        self.assertEqual([one["id"] for one in listed["backups"]], [second, first])
        self.assertEqual(listed["job"]["state"], "done")
        self.assert_incremental(first, second, listed["backups"][0])
        for name, acknowledged in ((first, before_first), (second, before_second)):
            self.assertIn("is whole", campanile("verify", os.path.join(self.place, name + ".backup")).stdout)
            campanile("restore", os.path.join(self.place, name + ".backup"), self.path("restored-" + name))
            self.assert_restored("restored-" + name, expected, acknowledged)

    def journal_bytes(self, server):
        _, _, text = server.request("GET", "/metrics")
        return float(re.search(r"^campanile_journal_kept_bytes (\S+)$", text, re.M).group(1))

    def assert_incremental(self, first, second, listed):
        before, after = manifest(self.place, first), manifest(self.place, second)
        shared = {name: after[name] for name in after if name in before and after[name] == before[name]}
        sealed = sorted(name for name in before if name.startswith("journal/"))[:-1]
        self.assertGreaterEqual(len(sealed), 5, "the bulk of the journal is in files that no longer change")
        for name in sealed:
            self.assertIn(name, shared)
        shared_bytes = sum(size for size, _ in shared.values())
        total = sum(size for size, _ in after.values())
        print(f"second backup: {total} bytes, {listed['copied_bytes']} copied, {shared_bytes} as before")
        self.assertEqual(listed["bytes"], total)
        # What RocksDB puts together anew in between is small beside the journal's sealed files.
        self.assertLessEqual(listed["copied_bytes"], total - shared_bytes)
        self.assertLess(listed["copied_bytes"], total / 2)

    def test_without_a_server(self):
        with self.serve() as server:
            fill(server, self.rng)
            expected = answers(server)
        made = campanile("backup", "--offline", "--data", self.path("data"), "--to", self.place)
        self.assertIn(f" in {self.place}: ", made.stdout)
        self.assertIn("is whole", campanile("verify", self.place).stdout)
        self.assertIn("is whole", campanile("verify", self.path("data")).stdout)
        campanile("restore", self.place, self.path("restored"))
        self.assert_restored("restored", expected, {})

    def test_damage_is_named_and_not_restored(self):
        with self.serve() as server:
            fill(server, self.rng)
            name = self.back_up(server)
        files = manifest(self.place, name)
        victim = max((one for one in files if one.startswith("journal/")), key=lambda one: files[one][0])
        digest = files[victim][1]
        path = os.path.join(self.place, "files", digest[:2], digest)
        with open(path, "r+b") as file:
            file.seek(files[victim][0] // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        verified = campanile("verify", self.place, check=False)
        self.assertEqual(verified.returncode, 1)
        self.assertIn(victim, verified.stdout)
        restored = campanile("restore", self.place, self.path("restored"), check=False)
        self.assertEqual(restored.returncode, 1)
        self.assertIn(victim, restored.stderr)
        self.assertEqual([name for name in os.listdir(self.path("restored")) if name != "LOCK"], [])
        with open(os.path.join(self.path("restored"), "precious"), "w", encoding="utf-8") as file:
            file.write("x")
        refused = campanile("restore", self.place, self.path("restored"), check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("precious", refused.stderr)

    def test_a_server_killed_during_a_backup(self):
        with self.serve() as server:
            for _ in range(10):
                server.write("\n".join(f'bulk value="{self.rng.getrandbits(4000):x}"' for _ in range(1000)))
            for round_number in range(3):
                status, _, body = server.request("POST", "/api/v1/backups")
                self.assertEqual(status, 202, body)
                if round_number > 0:
                    wait_until(lambda: server.get_json("/api/v1/backups")["job"]["bytes"] > 0, "the first bytes")
                server.kill()
                server.start()
                self.assertFalse(os.path.exists(os.path.join(self.path("data"), "backup.unfinished")))
                # Whatever is there is whole.
                for one in server.get_json("/api/v1/backups")["backups"]:
                    campanile("verify", os.path.join(self.place, one["id"] + ".backup"))
            name = self.back_up(server, "--keep", "1")
            self.assertEqual([one["id"] for one in server.get_json("/api/v1/backups")["backups"]], [name])
            campanile("verify", self.place)

    def test_a_small_disk_for_backups(self):
        try:
            disk = SmallDisk().__enter__()
        except SystemExit:
            self.skipTest("a small disk cannot be mounted here")
        self.addCleanup(disk.__exit__)
        self.place = os.path.join(disk.folder, "backups")
        with self.serve() as server:
            for _ in range(18):
                server.write("\n".join(f'bulk value="{self.rng.getrandbits(4000):x}"' for _ in range(1000)))
            failed = campanile("backup", "--http", f"127.0.0.1:{server.http_port}", check=False)
            self.assertEqual(failed.returncode, 1)
            self.assertIn("make room", failed.stderr)
            self.assertEqual(server.get_json("/api/v1/backups")["job"]["state"], "failed")
            self.assertEqual(server.get_json("/api/v1/backups")["backups"], [])
            server.write("moving,path=http value=1i 1")
            os.remove(disk.ballast)
            name = self.back_up(server)
        self.assertIn("is whole", campanile("verify", os.path.join(self.place, name + ".backup")).stdout)

    def test_a_restore_that_was_cut_short(self):
        with self.serve() as server:
            fill(server, self.rng)
            self.back_up(server)
        campanile("restore", self.place, self.path("restored"))
        with open(os.path.join(self.path("restored"), "restore.unfinished"), "w", encoding="utf-8"):
            pass
        refused = campanile("serve", "--data", self.path("restored"), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("cut short", refused.stderr)

    def test_accounts(self):
        password = self.path("password")
        with open(password, "w", encoding="utf-8") as file:
            file.write("secret\n")
        config = f"auth:\n  anonymous: all\n  users:\n    - name: campus\n      password_file: {password}\n"
        with self.serve(config=config) as server:
            address = f"127.0.0.1:{server.http_port}"
            self.assertEqual(server.request("POST", "/api/v1/backups")[0], 401)
            foreign = server.request("POST", "/api/v1/backups", headers={"Origin": "http://elsewhere.example"})
            self.assertEqual(foreign[0], 403)
            refused = campanile("backup", "--http", address, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("account", refused.stderr)
            made = campanile("backup", "--http", address, "--config", server.config_file)
            self.assertIn("backup ", made.stdout)
            # The configuration lay in the data directory, and so came along.
            self.assertIn("campanile.yaml", manifest(self.place, made.stdout.split()[1]))


if __name__ == "__main__":
    main()
