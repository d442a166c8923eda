"""The disk fills up: nothing is acknowledged that is not stored, senders are told, and all goes on by itself once there is room again."""

import json
import os
import random
import subprocess
import tempfile
import unittest

from harness import Campanile, main, skip, wait_until
from raw_mqtt import DISCONNECT, PUBACK, Closed, RawClient, connect, publish

DISK_BYTES, BALLAST_BYTES = 24 << 20, 8 << 20
NOT_STORED = 0x83  # implementation specific error, with a reason string
# Small segments and frequent checkpoints, so that the disk fills in every part of the store.
SETTINGS = ("storage.free_bytes_min=2MiB", "storage.journal_segment_bytes=1MiB", "storage.checkpoint_journal_bytes=4MiB", "storage.checkpoint_interval_s=1")


class SmallDisk:
    """A file system in memory that holds `size` bytes; skips the test where mounting is not allowed."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="campanile-disk-")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.folder], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            os.rmdir(self.folder)
            skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        self.ballast = os.path.join(self.folder, "ballast")
        with open(self.ballast, "wb") as file:
            file.write(b"x" * BALLAST_BYTES)
        return self

    def __exit__(self, *unused):
        subprocess.run(["umount", self.folder], check=True)
        os.rmdir(self.folder)


class Writer:
    """Numbered points; remembers which were acknowledged."""

    def __init__(self, port, random_bytes):
        self.port, self.random_bytes = port, random_bytes
        self.next, self.acknowledged = 0, set()

    def write(self, messages):
        """The reason of the DISCONNECT that ended it, or None where everything was acknowledged."""
        with RawClient(self.port, connect(5, "writer")) as client:
            client.logged_in()
            for first in range(self.next, self.next + messages, 50):
                self.next = first + 50
                padding = self.random_bytes(400).hex()
                client.send(b"".join(publish("influx/full", f'filling value={number}i,padding="{padding}" {number + 1}'.encode(), qos=1,
                                             packet_id=number - first + 1, version=5) for number in range(first, first + 50)))
                try:
                    for _ in range(50):
                        kind, _, body = client.packet()
                        if kind == DISCONNECT:
                            return body[0]
                        assert kind == PUBACK, kind
                        assert len(body) < 3 or body[2] < 0x80, f"PUBACK says {body[2]:#x}"
                        self.acknowledged.add(first + int.from_bytes(body[:2], "big") - 1)
                except Closed:
                    return 0
        return None


class FullDiskTest(unittest.TestCase):
    def test_a_full_disk_is_told_and_got_over(self):
        seed = int(os.environ.get("CAMPANILE_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
        print(f"seed {seed}")
        with SmallDisk() as disk:
            data = os.path.join(disk.folder, "data")
            with self.start(data) as campanile:
                writer = Writer(campanile.mqtt_port, random.Random(seed).randbytes)
                self.assertEqual(NOT_STORED, writer.write(60_000))
                self.assertGreater(len(writer.acknowledged), 0)
                # Whoever tries again gets the same answer, and those who only listen or publish what needs no disk are served.
                for _ in range(20):
                    self.assertEqual(NOT_STORED, writer.write(50))
                self.assertLess(sum("could not be stored" in line for line in campanile.log), 5, "one line a minute, and not one a client")
                with campanile.subscriber("-t", "elsewhere") as subscriber:
                    campanile.publish("elsewhere", "not stored", qos=0)
                    self.assertEqual(["not stored"], subscriber.wait_for(1))
                status, _, body = campanile.request("GET", "/health")
                self.assertEqual(503, status)
                self.assertIn("No space left on device", body)
                checks = {check["name"]: check for check in json.loads(body)["checks"]}
                self.assertTrue(checks["journal"]["stops_writes"])
                wait_until(lambda: "storage.free_bytes_min" in campanile.request("GET", "/health")[2], "the lack of space to be measured")
                status, _, body = campanile.request("POST", "/write?db=campanile", "other value=1i 1")
                self.assertEqual(500, status)
                self.assertIn("No space left on device", json.loads(body)["error"])

                os.remove(disk.ballast)
                wait_until(lambda: writer.write(50) is None, "room to be noticed")
                self.assertEqual(200, campanile.request("GET", "/health")[0])
                # What could not be sealed, moved or shortened is made up for.
                wait_until(lambda: json.loads(campanile.request("GET", "/health")[2])["checks"] == [], "everything to be well again", limit_s=60)
            with self.start(data) as campanile:
                found = {value for _, value in campanile.values("SELECT value FROM filling", epoch="ns")}
                self.assertEqual(set(), writer.acknowledged - found, "acknowledged and lost")
                print(f"{len(writer.acknowledged)} acknowledged, {len(found)} found again")

    @staticmethod
    def start(data):
        return Campanile(*(part for setting in SETTINGS for part in ("--set", setting)), data=data)


if __name__ == "__main__":
    main()
