#!/usr/bin/env python3
"""Continuous queries: run by the real binary at the ends of their windows, kept over a power cut, gone with their database."""

import json
import time
import unittest
import urllib.parse
import urllib.request

from harness import Campanile, main, wait_until


def statement(campanile, text, database="campanile"):
    form = urllib.parse.urlencode({"q": text, "db": database, "epoch": "s"}).encode()
    with urllib.request.urlopen(f"{campanile.http}/query", form, timeout=30) as answer:
        result = json.load(answer)["results"][0]
    if "error" in result:
        raise AssertionError(f"{text}: {result['error']}")
    return result.get("series", [])


def write(campanile, lines):
    urllib.request.urlopen(f"{campanile.http}/write?db=campanile&precision=s", "\n".join(lines).encode(), timeout=30).close()


def rows(campanile, text):
    return [row for series in statement(campanile, text) for row in series.get("values", [])]


class Continuous(unittest.TestCase):
    def test_windows_are_written_as_they_end_and_after_a_power_cut(self):
        with Campanile() as campanile:
            statement(campanile, "CREATE CONTINUOUS QUERY \"by two\" ON campanile BEGIN SELECT mean(x), count(x) INTO two FROM m GROUP BY time(2s), h END")
            begun = int(time.time()) // 2 * 2
            write(campanile, [f"m,h=a x=1 {begun}", f"m,h=a x=3 {begun + 1}", f"m,h=b x=8 {begun}"])
            wanted = [[begun, 2, "a", 2], [begun, 1, "b", 8]]
            wait_until(lambda: rows(campanile, "SELECT * FROM two") == wanted, "the window that ended is written")
            campanile.kill()
            campanile.start()
            self.assertEqual(len(rows(campanile, "SHOW CONTINUOUS QUERIES")), 1)
            self.assertEqual(rows(campanile, "SELECT * FROM two"), wanted)
            again = int(time.time()) // 2 * 2 + 2
            write(campanile, [f"m,h=a x=7 {again}"])
            wait_until(lambda: [again, 1, "a", 7] in rows(campanile, "SELECT * FROM two"), "it goes on after a power cut")
            statement(campanile, "DROP CONTINUOUS QUERY \"by two\" ON campanile")
            self.assertEqual(rows(campanile, "SHOW CONTINUOUS QUERIES"), [])

    def test_one_that_fails_does_not_hold_up_the_others(self):
        with Campanile() as campanile:
            write(campanile, ["m s=\"text\" 1"])
            statement(campanile, "CREATE CONTINUOUS QUERY bad ON campanile BEGIN SELECT mean(s) INTO nowhere FROM m GROUP BY time(1s) END")
            statement(campanile, "CREATE CONTINUOUS QUERY good ON campanile BEGIN SELECT sum(x) INTO one FROM n GROUP BY time(1s) END")
            now = int(time.time())
            write(campanile, [f"n x=5 {now + each}" for each in range(-1, 4)])
            wait_until(lambda: len(rows(campanile, "SELECT * FROM one")) >= 2, "the good one runs")
            wait_until(lambda: any("continuous query bad of campanile: unsupported mean" in line for line in campanile.log), "the bad one is told of")
            metrics = urllib.request.urlopen(f"{campanile.http}/metrics", timeout=30).read().decode()
            self.assertRegex(metrics, r"campanile_continuous_query_failures_total [1-9]")


if __name__ == "__main__":
    main()
