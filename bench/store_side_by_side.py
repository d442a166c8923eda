#!/usr/bin/env python3
"""The same points into Debian's victoria-metrics and influxdb and into Campanile: what they cost to write, what they take on disk, how long questions take.

    bench/store_side_by_side.py                      # all three data sets of 1,000 series x 3,000 points, one round
    bench/store_side_by_side.py --only power         # one data set
    bench/store_side_by_side.py --without influxdb   # it takes the longest
    bench/store_side_by_side.py --rounds 3 --json    # the median of three; one line of JSON a figure

Each server is a fresh process with a folder of its own on loopback; who goes first changes from round to round. bench/README.md says what is counted, and how.
"""

import argparse
import base64
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import brokers

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "line_load.cc")
START, STEP, WINDOW = 1_700_000_000, 10, 300

# Of each data set: the measurement, the field that is asked for, and the tag that tells series apart.
DATA_SETS = {"power": ("sensors", "value", "sensor"), "fleet": ("readings", "velocity", "name"), "rooms": ("room", "temperature", "room")}


def folder_bytes(*folders):
    """Bytes of the files themselves, not of the blocks that they occupy."""
    return sum(os.path.getsize(os.path.join(path, name)) for folder in folders for path, _, names in os.walk(folder) for name in names)


def quiet_bytes(measure, still_s=4, limit_s=90):
    """The size once it has not changed for a while."""
    size, since, end = measure(), time.monotonic(), time.monotonic() + limit_s
    while time.monotonic() < end and time.monotonic() - since < still_s:
        time.sleep(0.25)
        now = measure()
        if now != size:
            size, since = now, time.monotonic()
    return size


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


class Server:
    headers = {}

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix=f"bench-{self.name}-")
        self.port = brokers.free_port()
        self.start()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        return self

    def run(self, arguments):
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        brokers.wait_for_port(self.port, self.process)

    def __exit__(self, *unused):
        brokers.stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path, parameters=None, method="GET"):
        target = path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        self.connection.request(method, target, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status // 100 != 2:
            raise RuntimeError(f"{self.name}: {method} {target}: {answer.status} {body[:300]!r}")
        return body

    credentials = ""

    def journal_bytes(self):
        return 0


class VictoriaMetrics(Server):
    name = "victoria-metrics"
    write_path = "/write"

    def start(self):
        # Its retention is a month unless told otherwise; everything else is as it comes.
        self.run(["victoria-metrics", f"-storageDataPath={self.folder}", f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y"])

    def settle(self):
        self.ask("/internal/force_flush")
        self.ask("/internal/force_merge")
        return quiet_bytes(lambda: folder_bytes(self.folder))

    def question(self, data_set, points, each):
        measurement, field, _ = DATA_SETS[data_set]
        inner = f"avg_over_time({measurement}_{field}[{WINDOW}s])"
        # A window of Prometheus ends at its time: the first one that holds points ends one window after the first point.
        return "/api/v1/query_range", {"query": inner if each else f"avg({inner})", "start": START + WINDOW, "end": START + points * STEP, "step": f"{WINDOW}s",
                                       "nocache": 1}

    def size_of_answer(self, body):
        return sum(len(series["values"]) for series in json.loads(body)["data"]["result"])


class Influx(Server):
    def question(self, data_set, points, each):
        measurement, field, tag = DATA_SETS[data_set]
        by = f', "{tag}"' if each else ""
        return "/query", {"db": "bench", "epoch": "s", "q": f"SELECT mean({field}) FROM {measurement} WHERE time >= {START}s AND time < {START + points * STEP}s "
                                                            f"GROUP BY time({WINDOW}s){by}"}

    def size_of_answer(self, body):
        return sum(len(series["values"]) for series in json.loads(body)["results"][0]["series"])


class InfluxDb(Influx):
    name = "influxdb"
    write_path = "/write?db=bench"

    def start(self):
        configuration = os.path.join(self.folder, "influxdb.conf")
        with open(configuration, "w", encoding="ascii") as file:
            # Compaction begins a second after the last write instead of hours after it.
            file.write(f'reporting-disabled = true\nbind-address = "127.0.0.1:0"\n[meta]\ndir = "{self.folder}/meta"\n[data]\ndir = "{self.folder}/data"\n'
                       f'wal-dir = "{self.folder}/wal"\nquery-log-enabled = false\ncache-snapshot-write-cold-duration = "1s"\n'
                       f'compact-full-write-cold-duration = "1s"\nmax-series-per-database = 0\nmax-values-per-tag = 0\n'
                       f'[http]\nbind-address = "127.0.0.1:{self.port}"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n')
        self.run(["influxd", "-config", configuration])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/query?" + urllib.parse.urlencode({"q": "CREATE DATABASE bench"}))
        connection.getresponse().read()

    def settle(self):
        return quiet_bytes(lambda: folder_bytes(os.path.join(self.folder, "data"), os.path.join(self.folder, "wal")))


class Campanile(Influx):
    name = "campanile"
    write_path = "/write?db=bench"
    credentials = base64.b64encode(f"{brokers.USER}:{brokers.PASSWORD}".encode()).decode()
    headers = {"Authorization": "Basic " + credentials}

    configuration = ""

    def start(self):
        self.server = brokers.Campanile(configuration=self.configuration)
        self.server.__enter__()
        self.process, self.pid = self.server.process, self.server.pid
        self.port = int(self.server.http.rsplit(":", 1)[1])
        self.data = os.path.join(self.server.folder, "data")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/query?" + urllib.parse.urlencode({"q": "CREATE DATABASE bench"}), headers=self.headers)
        connection.getresponse().read()

    def __exit__(self, *unused):
        self.server.__exit__()
        super().__exit__()

    def settle(self):
        self.ask("/api/v1/seal", method="POST")
        return quiet_bytes(lambda: folder_bytes(os.path.join(self.data, "store")))

    def journal_bytes(self):
        return folder_bytes(os.path.join(self.data, "journal"))


def time_of(server, data_set, points, each, repeats):
    """The median in ms, and how many windows the answer held."""
    path, parameters = server.question(data_set, points, each)
    taken, body = [], b""
    for _ in range(repeats + 1):
        begin = time.monotonic()
        body = server.ask(path, parameters)
        taken.append((time.monotonic() - begin) * 1000)
    return statistics.median(taken[1:]), server.size_of_answer(body)


def measure(make, load, data_set, arguments):
    with make() as server:
        print(f"{data_set}: {server.name} …", file=sys.stderr)
        command = [load, "127.0.0.1", str(server.port), server.write_path, data_set, str(arguments.series), str(arguments.points), str(server.pid)]
        run = subprocess.run([*command, server.credentials], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"{server.name}: {run.stderr}")
        report = json.loads(run.stdout)
        loaded_bytes = resident_bytes(server.pid)
        disk = server.settle()
        together, windows = time_of(server, data_set, arguments.points, False, arguments.repeats)
        each, windows_each = time_of(server, data_set, arguments.points, True, arguments.repeats)
        return {"lines/s": report["lines_per_s"], "CPU us a line": report["cpu_us_per_line"], "bytes a value on disk": disk / report["values"], "disk MB": disk / 1e6, "journal MB": server.journal_bytes() / 1e6,
                "mean by 5 min, all series, ms": together, "the same, each series, ms": each, "memory after loading, MB": loaded_bytes / 1e6,
                "memory at the end, MB": resident_bytes(server.pid) / 1e6, "windows": windows, "windows of each": windows_each}


LESS_IS_BETTER = {"lines/s": False}


def show(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:,.3f}" if value < 10 else f"{value:,.1f}"


def print_set(data_set, reports, arguments):
    names = list(reports)
    for figure in next(iter(reports.values()))[0]:
        values = {name: statistics.median(report[figure] for report in reports[name]) for name in names}
        ratios = {name: (values[name] / values["campanile"] if LESS_IS_BETTER.get(figure, True) else values["campanile"] / values[name])
                  for name in names if name != "campanile" and values["campanile"] and values[name]}
        if arguments.json:
            print(json.dumps({"data set": data_set, "figure": figure, **values, "ratios": ratios}), flush=True)
            continue
        columns = "".join(f"{show(values.get(name)):>18}" for name in names)
        print(f"{data_set:<8}{figure:<34}{columns}" + "".join(f"{f'{ratio:.2f} x':>12}" for ratio in ratios.values()), flush=True)
    if not arguments.json:
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--series", type=int, default=1000, help="of each data set (1000)")
    parser.add_argument("--points", type=int, default=3000, help="of each series, a multiple of 30 (3000)")
    parser.add_argument("--rounds", type=int, default=1, help="how often; the median counts (1)")
    parser.add_argument("--repeats", type=int, default=15, help="of each question, after one that is not counted; the median counts (15)")
    parser.add_argument("--only", action="append", choices=list(DATA_SETS), help="data sets; may be repeated")
    parser.add_argument("--without", action="append", default=[], choices=["victoria-metrics", "influxdb"], help="a peer to leave out")
    parser.add_argument("--json", action="store_true", help="one line of JSON a figure")
    arguments = parser.parse_args()
    makers = [make for make in (VictoriaMetrics, InfluxDb, Campanile) if make.name not in arguments.without]
    brokers.require("c++", *(["victoria-metrics"] if VictoriaMetrics in makers else []), *(["influxd"] if InfluxDb in makers else []))
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        load = os.path.join(folder, "line_load")
        subprocess.run(["c++", "-O2", "-std=c++20", "-pthread", SOURCE, "-o", load], check=True)
        if not arguments.json:
            print(f"{os.cpu_count()} cores, {arguments.series:,} series x {arguments.points:,} points, {arguments.rounds} round(s)\n")
            print(f"{'':<8}{'figure':<34}" + "".join(f"{make.name:>18}" for make in makers) + "   how many times better campanile is")
        for data_set in arguments.only or DATA_SETS:
            reports = {make.name: [] for make in makers}
            for number in range(arguments.rounds):
                for make in (makers if number % 2 == 0 else makers[::-1]):
                    reports[make.name].append(measure(make, load, data_set, arguments))
            print_set(data_set, reports, arguments)


if __name__ == "__main__":
    main()
