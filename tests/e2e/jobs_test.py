#!/usr/bin/env python3
"""Recomputing a continuous query over a time that has passed: through the API and `campanile jobs`, over power cuts in the middle."""

import json
import unittest

from harness import BINARY, Campanile, main, run, wait_until

DAYS = 4
START = 1_700_006_400


class Jobs(unittest.TestCase):
    def job(self, campanile):
        return campanile.get_json("/api/v1/jobs")["jobs"][0]

    def test_a_job_finishes_whatever_happens_meanwhile(self):
        with Campanile() as campanile:
            for day in range(DAYS):
                campanile.write("\n".join(f"m,h=a x={at % 60} {START + day * 86400 + at}" for at in range(0, 86400, 2)), precision="s")
            campanile.request("POST", "/query", "q=CREATE CONTINUOUS QUERY tens ON campanile BEGIN SELECT mean(x), count(x) INTO tens FROM m GROUP BY time(10s), * END",
                              {"Content-Type": "application/x-www-form-urlencoded"})
            server = ["--http", f"127.0.0.1:{campanile.http_port}"]
            begun = run([BINARY, "jobs", "add", *server, "--query", "tens", "--start", "2023-11-15T00:00:00Z", "--end", "2023-11-19T00:00:00Z"])
            self.assertIn("job 1 is created", begun.stdout)
            for _ in range(3):
                before = self.job(campanile)["progress"]
                wait_until(lambda: self.job(campanile)["progress"] > before or self.job(campanile)["state"] == "finished", "it gets on", lambda: self.job(campanile))
                campanile.kill()
                campanile.start()
                self.assertGreaterEqual(self.job(campanile)["progress"], before)
            server = ["--http", f"127.0.0.1:{campanile.http_port}"]
            watched = run([BINARY, "jobs", "watch", "1", *server], timeout=120)
            self.assertIn("100 %", watched.stderr)
            self.assertEqual(campanile.values("SELECT count(mean), sum(count) FROM tens")[0][1:], [DAYS * 8640, DAYS * 43200])
            listed = run([BINARY, "jobs", *server]).stdout
            self.assertIn("finished", listed)
            self.assertIn("100 %", listed)

    def test_what_makes_no_sense_is_said(self):
        with Campanile() as campanile:
            for body, status, words in (("{}", 400, "member database"), ('{"database": "campanile", "query": "c", "start": 0, "end": 1}', 404, 'has no continuous query, tier or tree "c"'),
                                        ('{"database": "campanile", "query": "c", "start": "x", "end": 1}', 400, "member start"), ("[]", 400, "no JSON object")):
                got, _, answer = campanile.request("POST", "/api/v1/jobs", body)
                self.assertEqual(got, status, answer)
                self.assertIn(words, json.loads(answer)["error"])
            self.assertEqual(campanile.request("POST", "/api/v1/jobs/7", '{"action": "cancel"}')[0], 404)
            self.assertEqual(campanile.request("POST", "/api/v1/jobs/x", '{"action": "cancel"}')[0], 404)
            self.assertEqual(campanile.request("POST", "/api/v1/jobs/7", '{"action": "stop"}')[0], 400)
            failed = run([BINARY, "jobs", "pause", "--http", f"127.0.0.1:{campanile.http_port}"], check=False)
            self.assertEqual(failed.returncode, 2)
            self.assertIn("wants the number of a job", failed.stderr)


if __name__ == "__main__":
    main()
