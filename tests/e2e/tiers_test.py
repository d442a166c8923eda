#!/usr/bin/env python3
"""Tiers and trees of the configuration: filled with what was there, kept true over late points and power cuts, and read by queries."""

import json
import time
import unittest

from harness import BINARY, Campanile, main, run, wait_until

CONFIG = """
tiers:
  - name: rooms
    measurements: [rooms]
    levels: [{every_s: 10s}, {every_s: 1m, keep_s: 90d}, {every_s: 1h}, {every_s: 1d}]
  - name: testbed
    measurements: [sensors]
    fields: [value]
    target: "measurement_downsample_{level}"
    column: "{aggregate}"
  - name: testbed_all
    measurements: [sensors]
    fields: [value]
    by: [sensor_type]
    target: "measurement_downsample_all_{level}"
    column: "{aggregate}"
trees:
  - name: energy
    nodes:
      - {id: datacenter, root: true, children: [hardware_cluster, cooling]}
      - {id: hardware_cluster, children: [r1, r2]}
      - {id: r1, target: pdu-1}
      - {id: r2, target: pdu-2}
      - {id: cooling, target: cooler}
    ratios: [{id: pue, of: datacenter, to: hardware_cluster}]
"""
DAYS = 3
QUESTIONS = [
    "SELECT mean(t), count(t) FROM rooms WHERE time >= {0}s AND time < {1}s GROUP BY time(1h), room",
    "SELECT max(t), min(t), sum(n) FROM rooms WHERE time >= {0}s AND time < {1}s GROUP BY time(1d)",
    "SELECT median(t), stddev(t), first(t), last(n) FROM rooms WHERE time >= {0}s AND time < {1}s GROUP BY time(1h), *",
    "SELECT spread(t) FROM rooms WHERE time >= {0}s AND time < {1}s",
    "SELECT derivative(mean(t), 1h) FROM rooms WHERE time >= {0}s AND time < {1}s AND room = '3' GROUP BY time(30m)",
]


class Tiers(unittest.TestCase):
    def write_past(self, campanile, begin, end):
        for room in range(4):
            campanile.write("\n".join(f"rooms,room={room} t={(at * 7 + room) % 101},n={at % 13}i {at}" for at in range(begin, end, 5)), precision="s")
        lines = []
        for sensor, watt in (("pdu-1", 100), ("pdu-2", 200), ("cooler", 60)):
            lines += [f"sensors,sensor={sensor},sensor_type=wattmeter,location=x,unit=W value={watt} {at}" for at in range(end - 7200, end, 10)]
        campanile.write("\n".join(lines), precision="s")

    def derived(self, campanile):
        return {each["measurement"]: each for each in campanile.get_json("/api/v1/derived")["derived"]}

    def is_current(self, campanile, names=()):
        derived = self.derived(campanile)
        return set(names) <= set(derived) and all(not (each["stale_windows"] or each["stale_series"] or each["missing_windows"]) and each["complete_to_ms"] for each in derived.values())

    def wait_current(self, campanile, *names):
        wait_until(lambda: self.is_current(campanile, names), "everything is worked out", lambda: (self.derived(campanile), campanile.get_json("/api/v1/jobs")), limit_s=120)

    def same_answers(self, campanile, begin, end):
        for question in QUESTIONS:
            text = question.format(begin, end)
            with_tiers, without = campanile.query(text), campanile.query(text, tiers="off")
            self.assert_close(with_tiers, without, text)

    def assert_close(self, one, other, what):
        if isinstance(one, dict):
            self.assertEqual(one.keys(), other.keys(), what)
            for key in one:
                self.assert_close(one[key], other[key], what)
        elif isinstance(one, list):
            self.assertEqual(len(one), len(other), what)
            for a, b in zip(one, other):
                self.assert_close(a, b, what)
        elif isinstance(one, float) and isinstance(other, float):
            self.assertAlmostEqual(one, other, delta=1e-9 * max(1, abs(one)), msg=what)
        else:
            self.assertEqual(one, other, what)

    def test_they_are_filled_kept_true_and_read(self):
        with Campanile(config=CONFIG) as campanile:
            end = int(time.time()) // 60 * 60
            begin = end - DAYS * 86400
            self.write_past(campanile, begin, end)
            self.wait_current(campanile, "rooms_downsample_1d", "measurement_downsample_1d", "measurement_downsample_all_1d", "cq_pue_1d")
            jobs = campanile.get_json("/api/v1/jobs")["jobs"]
            self.assertIn(("rooms", "finished"), [(job["query"], job["state"]) for job in jobs])
            self.same_answers(campanile, begin, end)
            self.assertEqual(campanile.values("SELECT sum(count_t) FROM rooms_downsample_1m")[0][1], campanile.values("SELECT count(t) FROM rooms WHERE time < now()", tiers="off")[0][1])
            plan = json.dumps(campanile.query("EXPLAIN " + QUESTIONS[0].format(begin, end)))
            self.assertIn("TIERS OF rooms: 1h of rooms_downsample_1h, then 1m of rooms_downsample_1m, then 10s of rooms_downsample_10s", plan)

            # The testbed's names and fields.
            hour = campanile.values("SELECT mean, min, max, sum, count, stddev, median FROM measurement_downsample_1h WHERE sensor = 'pdu-1' ORDER BY time DESC LIMIT 1")[0]
            self.assertEqual(hour[1:4], [100, 100, 100])
            self.assertEqual(campanile.values("SELECT max FROM measurement_downsample_all_1h WHERE sensor_type = 'wattmeter' ORDER BY time DESC LIMIT 1")[0][1], 200)
            self.assertAlmostEqual(campanile.values("SELECT value FROM cq_datacenter_30s ORDER BY time DESC LIMIT 5")[4][1], 360)
            self.assertAlmostEqual(campanile.values("SELECT value FROM cq_pue_1m ORDER BY time DESC LIMIT 5")[4][1], 1.2)

            # Late, corrected and erased, and the power goes.
            late = begin + 40_003
            campanile.write(f"rooms,room=3 t=9999 {late}", precision="s")
            campanile.kill()
            campanile.start()
            self.same_answers(campanile, begin, end)
            self.wait_current(campanile, "rooms_downsample_1d")
            self.assertEqual(campanile.values(f"SELECT max_t FROM rooms_downsample_1h WHERE room = '3' AND time > {late - 3600}s AND time <= {late}s")[0][1], 9999)
            self.same_answers(campanile, begin, end)
            campanile.query(f"DELETE FROM rooms WHERE room = '2' AND time >= {begin + 100_000}s AND time < {begin + 150_000}s")
            self.same_answers(campanile, begin, end)
            campanile.kill()
            campanile.start()
            self.wait_current(campanile, "rooms_downsample_1d")
            self.same_answers(campanile, begin, end)
            kept = campanile.values(f"SELECT count(count_t) FROM rooms_downsample_1m WHERE room = '2' AND time >= {begin + 100_020}s AND time < {begin + 149_940}s")
            self.assertEqual(kept, [], "rows of what was erased are gone")

    def test_a_job_recomputes_a_tier_and_a_tree(self):
        with Campanile(config=CONFIG) as campanile:
            end = int(time.time()) // 60 * 60
            self.write_past(campanile, end - 86400, end)
            self.wait_current(campanile, "rooms_downsample_1d", "cq_pue_1d")
            # Somebody spoils the rows.
            campanile.write(f"rooms_downsample_1h,room=1 max_t=12345 {(end // 3600 - 5) * 3600}\ncq_datacenter_1m value=1 {end - 600}", precision="s")
            server = ["--http", f"127.0.0.1:{campanile.http_port}"]
            start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end - 86400))
            stop = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
            for name in ("rooms_downsample_1h", "energy"):
                done = run([BINARY, "jobs", "add", *server, "--query", name, "--start", start, "--end", stop, "--priority", "5", "--watch"], timeout=120)
                self.assertIn("100 %", done.stderr)
            self.assertLess(campanile.values("SELECT max(max_t) FROM rooms_downsample_1h")[0][1], 200)
            self.assertAlmostEqual(campanile.values("SELECT min(value) FROM cq_datacenter_1m")[0][1], 360)
            status, _, answer = campanile.request("POST", "/api/v1/jobs", json.dumps({"database": "campanile", "query": "nothing", "start": 0, "end": 1}))
            self.assertEqual(status, 404)
            self.assertIn("no continuous query, tier or tree", answer.decode() if isinstance(answer, bytes) else answer)


if __name__ == "__main__":
    main()
