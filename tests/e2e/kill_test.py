"""kill -9 during ingest: every point that was acknowledged is there after the restart. The seed is printed and can be given as CAMPANILE_SEED."""

import os
import random
import shutil
import tempfile
import threading
import time
import unittest
import urllib.request

import paho.mqtt.client as mqtt

from harness import Campanile, main, wait_until

ROUNDS = int(os.environ.get("CAMPANILE_KILL_ROUNDS", "4"))


class Writers:
    """Clients that write numbered points and remember which were acknowledged."""

    def __init__(self, campanile, first):
        self.campanile = campanile
        self.stopping = False
        self.acknowledged = {"http": set(), "mqtt": set(), "exactly_once": set()}
        self.sent = {"http": first, "mqtt": first, "exactly_once": first}
        self.threads = [threading.Thread(target=self.write_http), threading.Thread(target=self.publish, args=("mqtt", 1)),
                        threading.Thread(target=self.publish, args=("exactly_once", 2))]
        for thread in self.threads:
            thread.start()

    def write_http(self):
        number = self.sent["http"]
        while not self.stopping:
            batch = range(number, number + 50)
            body = "\n".join(f"survival,path=http value={n}i {n + 1}" for n in batch)
            number += 50
            self.sent["http"] = number
            try:
                request = urllib.request.Request(self.campanile.http + "/write?db=campanile", data=body.encode(), method="POST")
                with urllib.request.urlopen(request, timeout=10) as answer:
                    if answer.status == 204:
                        self.acknowledged["http"].update(batch)
            except OSError:
                return

    def publish(self, path, qos):
        client = mqtt.Client(client_id=f"killer-{path}", protocol=mqtt.MQTTv311)
        client.max_inflight_messages_set(100)
        numbers = {}
        client.on_publish = lambda unused_client, unused_data, mid: self.acknowledged[path].add(numbers[mid]) if mid in numbers else early.append(mid)
        early = []
        try:
            client.connect("127.0.0.1", self.campanile.mqtt_port, 60)
        except OSError:
            return
        client.loop_start()
        number = self.sent[path]
        while not self.stopping:
            info = client.publish(f"influx/{path}", f"survival,path={path} value={number}i {number + 1}", qos)
            numbers[info.mid] = number
            number += 1
            self.sent[path] = number
            if number % 50 == 0:
                time.sleep(0.001)  # lets the network thread of the client run
            if len(numbers) - len(self.acknowledged[path]) > 2000:
                time.sleep(0.01)
        client.loop_stop()
        for mid in early:
            if mid in numbers:
                self.acknowledged[path].add(numbers[mid])

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(30)


def unsynced_bytes(campanile):
    _, _, metrics = campanile.request("GET", "/metrics")
    text = metrics if isinstance(metrics, str) else metrics.decode()
    return float(next(line for line in text.splitlines() if line.startswith("campanile_journal_unsynced_bytes ")).split()[1])


class KillTest(unittest.TestCase):
    def test_every_acknowledged_point_survives(self):
        seed = int(os.environ.get("CAMPANILE_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
        print(f"seed {seed}")
        choose = random.Random(seed)
        data = tempfile.mkdtemp(prefix="campanile-kill-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        acknowledged = {"http": set(), "mqtt": set(), "exactly_once": set()}
        first = 0
        for _ in range(ROUNDS):
            # Small segments and chunks, so that the kill also falls into sealing, rolling and checkpoints.
            config = ("storage:\n  journal_segment_bytes: 1MiB\n  chunk_points_max: 64\n  checkpoint_interval_s: 1\n")
            campanile = Campanile(data=data, config=config).start()
            self.check(campanile, acknowledged)
            writers = Writers(campanile, first)
            wait_until(lambda: all(writers.acknowledged.values()), "first acknowledgements", lambda: {k: len(v) for k, v in writers.acknowledged.items()})
            time.sleep(choose.uniform(0.05, 2.0))
            campanile.kill()
            writers.stop()
            for path, numbers in writers.acknowledged.items():
                acknowledged[path] |= numbers
            first = max(writers.sent.values()) + 100
        with Campanile(data=data) as campanile:
            self.check(campanile, acknowledged)
        print("acknowledged and found again:", {path: len(numbers) for path, numbers in acknowledged.items()})

    def check(self, campanile, acknowledged):
        for path, numbers in acknowledged.items():
            rows = campanile.values(f"SELECT value FROM survival WHERE path = '{path}'", epoch="ns")
            found = {row[1] for row in rows}
            self.assertEqual(set(), numbers - found, f"acknowledged over {path} and lost")
            for time_ns, value in rows:
                self.assertEqual(value + 1, time_ns, "a point that nobody wrote")

    def test_what_waits_for_no_sync_is_acknowledged_without_it_and_survives_the_kill(self):
        """A power cut may take it; that the program is killed does not."""
        data = tempfile.mkdtemp(prefix="campanile-kill-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        config = ("storage:\n  databases:\n    - {name: metrics, sync_every_ms: 60s}\n"
                  "ingest:\n  routes:\n    - {pattern: 'relaxed/#', decoder: line_protocol, database: metrics}\n")
        campanile = Campanile(data=data, config=config).start()
        self.assertIn("WARNING", next(line for line in campanile.log if "'metrics'" in line).upper())
        databases = {one["name"]: one["sync_every_ms"] for one in campanile.get_json("/api/v1/status")["databases"]}
        self.assertEqual({"campanile": 0, "metrics": 60000}, databases)
        request = urllib.request.Request(campanile.http + "/write?db=metrics", data=b"m value=1i 1\nm value=2i 2", method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertEqual(204, answer.status)
        campanile.publish("relaxed/a", "m value=3i 3", qos=1)
        self.assertGreater(unsynced_bytes(campanile), 0, "acknowledged, and its sync is a minute away")
        campanile.kill()
        with Campanile(data=data, config=config) as campanile:
            rows = campanile.values("SELECT value FROM m", "metrics", epoch="ns")
            self.assertEqual([[1, 1], [2, 2], [3, 3]], [list(row) for row in rows])

    def test_retained_and_rejected_messages_survive(self):
        data = tempfile.mkdtemp(prefix="campanile-kill-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        campanile = Campanile(data=data).start()
        campanile.publish("state/door", "open", "-r")
        campanile.publish("u4/1/temperature", "{not JSON", qos=2)
        campanile.kill()
        with Campanile(data=data) as campanile:
            with campanile.subscriber("-t", "state/#", "-F", "%r %p") as subscriber:
                self.assertEqual(["1 open"], subscriber.wait_for(1))
            kept = campanile.get_json("/api/v1/rejected")["messages"]
            self.assertEqual([("u4/1/temperature", "{not JSON")], [(message["topic"], message["payload"]) for message in kept])


if __name__ == "__main__":
    main()
