#!/usr/bin/env python3
"""The same points in Debian's influxdb and in Campanile, and the questions that the Time Series Benchmark Suite asks of servers and of trucks, in InfluxQL.

    bench/query_side_by_side.py                              # 100 servers and 100 trucks, a day, a point each 10 s
    bench/query_side_by_side.py --things 20 --every 60       # smaller
    bench/query_side_by_side.py --only devops --json

Both servers run at the same time, each a fresh process with a folder of its own on loopback, and are asked in turn, so that what else the machine does falls
on both. The shapes of the questions are those that the suite's papers and documents describe, written down anew. bench/README.md says what is counted.
"""

import argparse
import json
import os
import random
import statistics
import sys
import time

import brokers
from store_side_by_side import Campanile, InfluxDb

START = 1_700_006_400  # midnight
CPU = ["usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait", "usage_irq", "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"]
FLEETS, MODELS = ["South", "West", "East", "North"], ["F-150", "G-2000", "H-2"]
BATCH = 5000


def devops_lines(arguments):
    rng = random.Random(1)
    state = [[rng.uniform(0, 100) for _ in CPU] for _ in range(arguments.things)]
    tags = [f"cpu,hostname=host_{i},region=r{i % 5},datacenter=d{i % 12},rack={i % 50},os=Debian,arch=x64,team=t{i % 4}" for i in range(arguments.things)]
    for at in range(START, START + arguments.hours * 3600, arguments.every):
        for thing in range(arguments.things):
            values = state[thing]
            for i, value in enumerate(values):
                values[i] = min(100.0, max(0.0, value + rng.gauss(0, 1)))
            yield f"{tags[thing]} {','.join(f'{name}={value:.2f}' for name, value in zip(CPU, values))} {at}"


def iot_lines(arguments):
    rng = random.Random(2)
    speeds = [0.0] * arguments.things
    for at in range(START, START + arguments.hours * 3600, arguments.every):
        for thing in range(arguments.things):
            tags = f"name=truck_{thing},fleet={FLEETS[thing % 4]},driver=driver_{thing % 10},model={MODELS[thing % 3]}"
            driving = (at // 3600 + thing) % 8 != 0
            speeds[thing] = min(100.0, max(0.0, speeds[thing] + rng.gauss(0.2, 4))) if driving else 0.0
            yield (f"readings,{tags} latitude={rng.uniform(-90, 90):.5f},longitude={rng.uniform(-180, 180):.5f},velocity={speeds[thing]:.0f},"
                   f"fuel_consumption={rng.uniform(5, 50):.1f},nominal_fuel_consumption=15 {at}")
            yield (f"diagnostics,{tags} fuel_state={(at // 600 % 10) / 10 + 0.05:.2f},current_load={rng.randint(0, 1600)},load_capacity={1500 + thing % 3 * 250},"
                   f"status={0 if driving else rng.randint(0, 5)}i {at}")


def between(from_hour, to_hour):
    return f"time >= {START + int(from_hour * 3600)}s AND time < {START + int(to_hour * 3600)}s"


def hosts(count):
    return "(" + " OR ".join(f"hostname = 'host_{i}'" for i in range(count)) + ")"


def greatest(fields):
    return ", ".join(f"max({name})" for name in CPU[:fields])


def devops_questions(day):
    yield "single-groupby-1-1-1", f"SELECT {greatest(1)} FROM cpu WHERE {hosts(1)} AND {between(3, 4)} GROUP BY time(1m)"
    yield "single-groupby-1-1-12", f"SELECT {greatest(1)} FROM cpu WHERE {hosts(1)} AND {between(3, 15)} GROUP BY time(1m)"
    yield "single-groupby-1-8-1", f"SELECT {greatest(1)} FROM cpu WHERE {hosts(8)} AND {between(3, 4)} GROUP BY time(1m)"
    yield "single-groupby-5-1-1", f"SELECT {greatest(5)} FROM cpu WHERE {hosts(1)} AND {between(3, 4)} GROUP BY time(1m)"
    yield "single-groupby-5-1-12", f"SELECT {greatest(5)} FROM cpu WHERE {hosts(1)} AND {between(3, 15)} GROUP BY time(1m)"
    yield "single-groupby-5-8-1", f"SELECT {greatest(5)} FROM cpu WHERE {hosts(8)} AND {between(3, 4)} GROUP BY time(1m)"
    yield "cpu-max-all-1", f"SELECT {greatest(10)} FROM cpu WHERE {hosts(1)} AND {between(2, 10)} GROUP BY time(1h)"
    yield "cpu-max-all-8", f"SELECT {greatest(10)} FROM cpu WHERE {hosts(8)} AND {between(2, 10)} GROUP BY time(1h)"
    for name, fields in (("1", 1), ("5", 5), ("all", 10)):
        means = ", ".join(f"mean({field})" for field in CPU[:fields])
        yield f"double-groupby-{name}", f"SELECT {means} FROM cpu WHERE {between(3, 15)} GROUP BY time(1h), hostname"
    yield "high-cpu-1", f"SELECT * FROM cpu WHERE usage_user > 90.0 AND {between(3, 15)} AND {hosts(1)}"
    yield "high-cpu-all", f"SELECT * FROM cpu WHERE usage_user > 90.0 AND {between(3, 15)}"
    yield "lastpoint", 'SELECT * FROM cpu GROUP BY "hostname" ORDER BY time DESC LIMIT 1'
    yield "groupby-orderby-limit", f"SELECT max(usage_user) FROM cpu WHERE time >= {START}s AND time < {START + day // 2}s GROUP BY time(1m) LIMIT 5"


def iot_questions(day):
    whole = f"time >= {START}s AND time < {START + day}s"
    yield "last-loc", "SELECT latitude, longitude FROM readings WHERE fleet = 'South' GROUP BY \"name\", driver ORDER BY time DESC LIMIT 1"
    yield "single-last-loc", "SELECT latitude, longitude FROM readings WHERE \"name\" = 'truck_0' GROUP BY \"name\", driver ORDER BY time DESC LIMIT 1"
    yield "low-fuel", "SELECT fuel_state FROM \"diagnostics\" WHERE fuel_state <= 0.1 AND fleet = 'South' GROUP BY \"name\" ORDER BY time DESC LIMIT 1"
    yield "high-load", ('SELECT "name", driver, current_load, load_capacity FROM (SELECT current_load, load_capacity FROM \"diagnostics\" WHERE fleet = \'South\' '
                        'GROUP BY "name", driver ORDER BY time DESC LIMIT 1) WHERE current_load >= 0.9 * load_capacity GROUP BY "name" ORDER BY time DESC')
    yield "stationary-trucks", (f'SELECT "name", driver FROM (SELECT mean(velocity) AS mean_velocity FROM readings WHERE {between(8, 8.1666)} '
                                'GROUP BY time(10m), "name", driver, fleet LIMIT 1) WHERE fleet = \'South\' AND mean_velocity < 1 GROUP BY "name"')
    yield "long-driving-sessions", (f'SELECT "name", driver FROM (SELECT count(mean_velocity) AS ten_min FROM (SELECT mean(velocity) AS mean_velocity FROM readings '
                                    f"WHERE fleet = 'South' AND {between(4, 8)} GROUP BY time(10m), \"name\", driver) WHERE mean_velocity > 1 "
                                    'GROUP BY "name", driver) WHERE ten_min > 22')
    yield "avg-vs-projected-fuel-consumption", ("SELECT mean(fuel_consumption) AS mean_fuel_consumption, mean(nominal_fuel_consumption) AS nominal FROM readings "
                                                "WHERE velocity > 1 GROUP BY fleet")
    yield "avg-daily-driving-duration", (f'SELECT count(mv) / 6 AS "hours driven" FROM (SELECT mean(velocity) AS mv FROM readings WHERE {whole} '
                                         f'GROUP BY time(10m), fleet, "name", driver) WHERE {whole} GROUP BY time(1d), fleet, "name", driver')
    yield "avg-load", ('SELECT mean(ml) AS mean_load_percentage FROM (SELECT current_load / load_capacity AS ml FROM \"diagnostics\" GROUP BY "name", fleet, model) '
                       "GROUP BY fleet, model")
    yield "daily-activity", (f"SELECT count(ms) / 144 FROM (SELECT mean(status) AS ms FROM \"diagnostics\" WHERE {whole} GROUP BY time(10m), model, fleet) "
                             f"WHERE {whole} AND ms < 1 GROUP BY time(1d), model, fleet")
    yield "breakdown-frequency", (f'SELECT count(state_changed) FROM (SELECT difference(broken_down) AS state_changed FROM (SELECT floor(2 * (sum(nzs) / count(nzs))) / '
                                  f'floor(2 * (sum(nzs) / count(nzs))) AS broken_down FROM (SELECT model, status / status AS nzs FROM \"diagnostics\" WHERE {whole}) '
                                  f"WHERE {whole} GROUP BY time(10m), model) GROUP BY model) WHERE state_changed = 1 GROUP BY model")


# Beyond the suite: what dashboards ask and what is new on this side.
def other_questions(day):
    whole = f"time >= {START}s AND time < {START + day}s"
    yield "derivative of means", f"SELECT derivative(mean(usage_user), 1m) FROM cpu WHERE {whole} GROUP BY time(5m), hostname"
    yield "top of all", f"SELECT top(usage_user, hostname, 10) FROM cpu WHERE {whole}"
    yield "moving average", f"SELECT moving_average(usage_user, 10) FROM cpu WHERE {hosts(1)} AND {whole}"
    yield "90th percentile", f"SELECT percentile(usage_user, 90) FROM cpu WHERE {whole} GROUP BY time(1h), region"


WORKS = {"devops": (devops_lines, devops_questions), "iot": (iot_lines, iot_questions), "other": (None, other_questions)}


def load(server, lines):
    batch, sent = [], 0
    def send():
        server.connection.request("POST", f"{server.write_path}&precision=s", "\n".join(batch), server.headers)
        answer = server.connection.getresponse()
        body = answer.read()
        if answer.status != 204:
            raise RuntimeError(f"{server.name}: {answer.status} {body[:300]!r}")
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH:
            send()
            sent += len(batch)
            batch.clear()
    if batch:
        send()
    return sent + len(batch)


def rows_of(body):
    result = json.loads(body)["results"][0]
    if "error" in result:
        raise RuntimeError(result["error"])
    return sum(len(series.get("values", [])) for series in result.get("series", []))


def ask(servers, question, repeats):
    """`servers`: name, server and further parameters of each. The median of each in ms, asked in turn after once that does not count, and how many rows each answered."""
    taken, rows = {name: [] for name, _, _ in servers}, {}
    for number in range(repeats + 1):
        for name, server, more in servers if number % 2 else servers[::-1]:
            begin = time.perf_counter()
            body = server.ask("/query", {"db": "bench", "epoch": "s", "q": question, **more})
            if number > 0:
                taken[name].append((time.perf_counter() - begin) * 1000)
            rows[name] = rows_of(body)
    return {name: statistics.median(each) for name, each in taken.items()}, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--things", type=int, default=100, help="servers, and trucks (100)")
    parser.add_argument("--hours", type=int, default=24, help="of data, at least 24 for every question to have some (24)")
    parser.add_argument("--every", type=int, default=10, help="seconds from one point to the next (10)")
    parser.add_argument("--repeats", type=int, default=9, help="of each question, after one that is not counted; the median counts (9)")
    parser.add_argument("--only", action="append", choices=list(WORKS), help="may be repeated; other wants the data of devops")
    parser.add_argument("--json", action="store_true", help="one line of JSON a question")
    arguments = parser.parse_args()
    brokers.require("influxd")
    works = arguments.only or list(WORKS)
    with InfluxDb() as influx, Campanile() as campanile:
        servers = [influx, campanile]
        for work in works:
            lines, questions = WORKS[work]
            for server in servers if lines else []:
                print(f"{work}: loading {server.name} …", file=sys.stderr)
                sent = load(server, lines(arguments))
                server.settle()
            if lines and not arguments.json:
                print(f"{work}: {os.cpu_count()} cores, {sent:,} lines\n{'':<36}{'influxdb, ms':>14}{'campanile, ms':>15}{'times':>9}{'rows':>9}")
            for name, question in questions(arguments.hours * 3600):
                taken, rows = ask([(server.name, server, {}) for server in servers], question, arguments.repeats)
                ratio = taken["influxdb"] / taken["campanile"]
                if arguments.json:
                    print(json.dumps({"work": work, "question": name, **taken, "ratio": ratio, "rows": rows}), flush=True)
                    continue
                other = "" if rows["influxdb"] == rows["campanile"] else f"  influxdb: {rows['influxdb']:,} rows"
                print(f"{name:<36}{taken['influxdb']:>14.2f}{taken['campanile']:>15.2f}{ratio:>9.1f}{rows['campanile']:>9,}{other}", flush=True)
            print()


if __name__ == "__main__":
    main()
