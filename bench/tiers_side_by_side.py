#!/usr/bin/env python3
"""Dashboards over a month of many sensors and a year of one: Debian's influxdb, Campanile with tiers, and without.

    bench/tiers_side_by_side.py                      # 200 rooms, a point a minute for a month; one room, each 30 s for a year
    bench/tiers_side_by_side.py --rooms 20 --days 7  # smaller

Both servers run at the same time, each a fresh process with a folder of its own on loopback, and are asked in turn. bench/README.md says what is counted.
"""

import argparse
import json
import os
import random
import sys
import time

import brokers
from query_side_by_side import START, ask, load
from store_side_by_side import Campanile, InfluxDb

DAY = 86400
YEAR = 365 * DAY
TIERS = "tiers:\n  - {name: all, database: bench, measurements: [rooms, year], levels: [{every_s: 1m}, {every_s: 1h}, {every_s: 1d}]}\n"


class CampanileWithTiers(Campanile):
    configuration = TIERS

    def settle(self):
        """Waits until the job has filled the tiers, and everything is in chunks."""
        begin = time.monotonic()
        while True:
            derived = json.loads(self.ask("/api/v1/derived"))["derived"]
            if derived and not any(each["missing_windows"] or each["stale_windows"] or each["stale_series"] or each["complete_to_ms"] is None for each in derived):
                print(f"tiers: {sum(each['rows'] for each in derived):,} rows after {time.monotonic() - begin:.0f} s", file=sys.stderr)
                return super().settle()
            if time.monotonic() - begin > 1800:
                raise RuntimeError(f"the tiers are not filled: {derived}")
            time.sleep(1)


def rooms_lines(arguments):
    rng = random.Random(1)
    for at in range(START, START + arguments.days * DAY, arguments.every):
        for room in range(arguments.rooms):
            yield f"rooms,room=r{room},floor=f{room % 10} temperature={20 + room % 7 + rng.uniform(-2, 2):.2f},co2={rng.randint(400, 1200)}i {at}"


def year_lines(_):
    rng = random.Random(2)
    for at in range(START, START + YEAR, 30):
        yield f"year,room=r0 temperature={20 + rng.uniform(-2, 2):.2f} {at}"


def questions(arguments):
    month = f"time >= {START}s AND time < {START + arguments.days * DAY}s"
    year = f"time >= {START}s AND time < {START + YEAR}s"
    yield "month: mean by hour, each room", f"SELECT mean(temperature) FROM rooms WHERE {month} GROUP BY time(1h), room"
    yield "month: mean by hour, all", f"SELECT mean(temperature) FROM rooms WHERE {month} GROUP BY time(1h)"
    yield "month: least, most, mean by 6 h, each floor", f"SELECT min(temperature), max(temperature), mean(temperature) FROM rooms WHERE {month} GROUP BY time(6h), floor"
    yield "month: mean by day, each room", f"SELECT mean(temperature), mean(co2) FROM rooms WHERE {month} GROUP BY time(1d), room"
    yield "month: median by hour, each room", f"SELECT median(temperature) FROM rooms WHERE {month} GROUP BY time(1h), *"
    yield "month: stddev by day, each room", f"SELECT stddev(co2) FROM rooms WHERE {month} GROUP BY time(1d), *"
    yield "month: one room by hour", f"SELECT mean(temperature), max(co2) FROM rooms WHERE {month} AND room = 'r7' GROUP BY time(1h)"
    yield "year: one room by hour", f"SELECT mean(temperature) FROM year WHERE {year} GROUP BY time(1h)"
    yield "year: one room by day", f"SELECT mean(temperature), min(temperature), max(temperature) FROM year WHERE {year} GROUP BY time(1d)"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rooms", type=int, default=200, help="series of the month (200)")
    parser.add_argument("--days", type=int, default=31, help="of the month (31)")
    parser.add_argument("--every", type=int, default=60, help="seconds from one point to the next (60)")
    parser.add_argument("--repeats", type=int, default=7, help="of each question, after one that is not counted; the median counts (7)")
    arguments = parser.parse_args()
    brokers.require("influxd")
    with InfluxDb() as influx, CampanileWithTiers() as campanile:
        for server in (influx, campanile):
            print(f"loading {server.name} …", file=sys.stderr)
            sent = load(server, rooms_lines(arguments)) + load(server, year_lines(arguments))
            server.settle()
        servers = [("influxdb", influx, {}), ("tiers", campanile, {}), ("points", campanile, {"tiers": "off"})]
        print(f"{os.cpu_count()} cores, {sent:,} lines\n{'':<46}{'influxdb, ms':>14}{'tiers, ms':>12}{'times':>9}{'tiers=off, ms':>16}{'rows':>9}")
        for name, question in questions(arguments):
            taken, rows = ask(servers, question, arguments.repeats)
            other = "" if len(set(rows.values())) == 1 else f"  rows differ: {rows}"
            print(f"{name:<46}{taken['influxdb']:>14.2f}{taken['tiers']:>12.2f}{taken['influxdb'] / taken['tiers']:>9.1f}{taken['points']:>16.2f}{rows['tiers']:>9,}{other}", flush=True)


if __name__ == "__main__":
    main()
