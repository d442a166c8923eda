#!/usr/bin/env python3
"""What a point costs Campanile as series and points become more: to write, to keep, in memory, to ask for.

    bench/scale.py                                    # 100 to 1,000,000 series of 10 M points together; 1 M to 100 M points of 1,000 series
    bench/scale.py --plot docs/images/scale.svg       # and draws it
    bench/scale.py --points 1000000 --series 100      # a short run

Costs are of one point, so that a flat line is a cost that grows linearly with the whole. bench/README.md says what is counted, and how.
"""

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import brokers
from plot import Panel, draw
from store_side_by_side import SOURCE, START, STEP, WINDOW, Campanile, resident_bytes

# What the generator keeps in memory at once.
PIECE_LINES = 10_000_000


def cpu_seconds(pid):
    """Of all threads, to the nanosecond; /proc/PID/stat counts in hundredths."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


class Load:
    def __init__(self, folder):
        self.program = os.path.join(folder, "line_load")
        subprocess.run(["c++", "-O2", "-std=c++20", "-pthread", SOURCE, "-o", self.program], check=True)

    def write(self, server, series, points, first=0):
        """Seconds of processor time that the server took for them."""
        before = cpu_seconds(server.pid)
        command = [self.program, "127.0.0.1", str(server.port), server.write_path, "power", str(series), str(points), "0", Campanile.credentials, str(first)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(run.stderr)
        return cpu_seconds(server.pid) - before

    def write_in_pieces(self, server, series, points, first=0):
        piece = max(1, PIECE_LINES // series)
        return sum(self.write(server, series, min(piece, first + points - at), at) for at in range(first, first + points, piece))


def ask(server, statement, seconds=1.5, least=5):
    """The median of the answers in ms, and the processor seconds of one, after one that is not counted."""
    parameters = {"db": "bench", "epoch": "s", "q": statement}
    body = server.ask("/query", parameters)
    if b'"values"' not in body:
        raise RuntimeError(f"no values: {body[:300]!r}")
    taken, cpu, end = [], cpu_seconds(server.pid), time.monotonic() + seconds
    while time.monotonic() < end or len(taken) < least:
        begin = time.monotonic()
        server.ask("/query", parameters)
        taken.append((time.monotonic() - begin) * 1000)
    return statistics.median(taken), (cpu_seconds(server.pid) - cpu) / len(taken)


def of_series(load, series, points):
    """One row of the first table: `points` of `series` together."""
    each = max(2, points // series)
    with Campanile() as server:
        first = load.write(server, series, 1)
        further = load.write_in_pieces(server, series, each - 1, 1)
        memory = resident_bytes(server.pid)
        server.settle()
        number = series // 2
        last_ms, last_cpu = ask(server, f"SELECT last(value) FROM sensors WHERE sensor = 'rack-{number // 8}_meter-Z1.{number}'")
        return {"series": series, "points": series * each, "first line, us": first / series * 1e6, "further line, us": further / (series * (each - 1)) * 1e6,
                "memory, MB": memory / 1e6, "last value, ms": last_ms, "last value, CPU us": last_cpu * 1e6}


def of_points(load, points, series=1000):
    """One row of the second table."""
    each = points // series
    with Campanile() as server:
        written = load.write_in_pieces(server, series, each)
        memory = resident_bytes(server.pid)
        disk = server.settle()
        mean_ms, mean_cpu = ask(server, f"SELECT mean(value) FROM sensors WHERE time >= {START}s AND time < {START + each * STEP}s GROUP BY time({WINDOW}s)")
        return {"points": series * each, "line, us": written / (series * each) * 1e6, "bytes a value": disk / (series * each), "memory, MB": memory / 1e6,
                "mean, ms": mean_ms, "mean, CPU ns a point": mean_cpu / (series * each) * 1e9}


def print_row(row, is_first):
    if is_first:
        print("| " + " | ".join(row) + " |\n|" + "---|" * len(row), flush=True)
    print("| " + " | ".join(f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value >= 100 else f"{value:.3f}" for value in row.values()) + " |", flush=True)


def table(measure, load, counts, *more):
    rows = []
    for count in counts:
        rows.append(measure(load, count, *more))
        print_row(rows[-1], len(rows) == 1)
    print(flush=True)
    return rows


def panel(rows, title, x, y):
    return Panel(title, x, [(row[x], row[y]) for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--series", type=int, nargs="+", default=[100, 10_000, 1_000_000], help="of the first table (100 10000 1000000)")
    parser.add_argument("--series-points", type=int, default=10_000_000, help="of all series together, in the first table (10000000)")
    parser.add_argument("--points", type=int, nargs="+", default=[1_000_000, 10_000_000, 100_000_000], help="of the second table (1000000 10000000 100000000)")
    parser.add_argument("--plot", metavar="FILE", help="where to draw both, as SVG")
    arguments = parser.parse_args()
    brokers.require("c++")
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        load = Load(folder)
        by_series = table(of_series, load, arguments.series, arguments.series_points)
        by_points = table(of_points, load, arguments.points)
    if arguments.plot:
        draw(arguments.plot, [
            panel(by_series, "writing: CPU of a line, us", "series", "further line, us"), panel(by_series, "memory, MB", "series", "memory, MB"),
            panel(by_series, "last value of one series, ms", "series", "last value, ms"), panel(by_points, "writing: CPU of a line, us", "points", "line, us"),
            panel(by_points, "disk: bytes a value", "points", "bytes a value"), panel(by_points, "mean by 5 min: CPU ns a point", "points", "mean, CPU ns a point")])


if __name__ == "__main__":
    sys.exit(main())
