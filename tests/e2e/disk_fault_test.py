"""The disk answers with errors that are no lack of space: writes are refused and told, and all goes on by itself once it works again.

No file of the server may take another byte while its limit on file sizes is 0, which its own user may set (prlimit). A disk that went read-only
cannot be had with files open for writing: the system refuses to remount it; to the server the two are the same, an error of every write."""

import json
import os
import resource
import tempfile
import unittest

from harness import Campanile, main, skip, wait_until
from raw_mqtt import DISCONNECT, PUBACK, Closed, RawClient, connect, publish

SETTINGS = ("storage.checkpoint_interval_s=1", "storage.chunk_points_max=64", "storage.free_bytes_min=0")


class Disk:
    def __init__(self, pid):
        self.pid, self.limits = pid, resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def refuse(self):
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, self.limits[1]))

    def heal(self):
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, self.limits)


class DiskFaultTest(unittest.TestCase):
    def setUp(self):
        if not hasattr(resource, "prlimit"):
            skip("this Python cannot set another process's limits")

    def write(self, campanile, first, count):
        lines = "\n".join(f"faults,series={number % 7} value={number}i {number + 1}" for number in range(first, first + count))
        return campanile.request("POST", "/write?db=campanile", lines)

    def health(self, campanile):
        status, _, body = campanile.request("GET", "/health")
        return status, json.loads(body)

    def test_errors_of_the_disk_are_told_and_got_over(self):
        with tempfile.TemporaryDirectory(prefix="campanile-fault-") as folder:
            data = os.path.join(folder, "data")
            acknowledged = 0
            with self.start(data) as campanile:
                disk = Disk(campanile.process.pid)
                for _ in range(3):
                    for _ in range(5):
                        self.assertEqual(204, self.write(campanile, acknowledged, 100)[0])
                        acknowledged += 100
                    self.assertEqual((200, "pass", []), (lambda status, body: (status, body["status"], body["checks"]))(*self.health(campanile)))
                    disk.refuse()
                    status, _, body = self.write(campanile, 10_000_000, 1)
                    self.assertEqual(500, status)
                    self.assertIn("File too large", json.loads(body)["error"])
                    self.assertFalse(self.published(campanile))
                    status, body = self.health(campanile)
                    self.assertEqual((503, "fail"), (status, body["status"]))
                    journal = next(check for check in body["checks"] if check["name"] == "journal")
                    self.assertTrue(journal["stops_writes"])
                    for said in ("message", "since", "refused", "remedy"):
                        self.assertTrue(journal[said], said)
                    self.assertEqual("degraded", campanile.get_json("/api/v1/status")["state"])
                    # The checkpoints and the store meet it too; what is stored is still there to read.
                    wait_until(lambda: any(check["name"] != "journal" for check in self.health(campanile)[1]["checks"]), "the store to notice")
                    self.assertGreaterEqual(len(campanile.values("SELECT value FROM faults", epoch="ns")), acknowledged)
                    disk.heal()
                    wait_until(lambda: self.health(campanile)[1]["checks"] == [], "everything to be well again", limit_s=60)
                    self.assertEqual(200, self.health(campanile)[0])
                    self.assertTrue(self.published(campanile))
            with self.start(data) as campanile:
                found = {value for _, value in campanile.values("SELECT value FROM faults", epoch="ns")}
                self.assertEqual(set(), set(range(acknowledged)) - found, "acknowledged and lost")

    @staticmethod
    def published(campanile):
        """Whether a reading with QoS 1 is acknowledged without a reason against it."""
        with RawClient(campanile.mqtt_port, connect(5, "one")) as client:
            client.logged_in()
            client.send(publish("influx/one", b"one value=1", qos=1, packet_id=1, version=5))
            try:
                kind, _, body = client.packet()
            except Closed:
                return False
            return kind == PUBACK and kind != DISCONNECT and (len(body) < 3 or body[2] < 0x80)

    @staticmethod
    def start(data):
        return Campanile(*(part for setting in SETTINGS for part in ("--set", setting)), data=data)


if __name__ == "__main__":
    main()
