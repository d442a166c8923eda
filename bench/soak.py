#!/usr/bin/env python3
"""A soak of Campanile: a load at a share of the highest rate, with clients that come and go all along, for some minutes.

    bench/soak.py --minutes 30                     # 60 % of the highest rate, 100 visitors a second
    bench/soak.py --minutes 5 --payload random     # not stored; each message is looked for by its number
    bench/soak.py --minutes 30 --samples soak.csv  # memory, open files and counters of every second

First the highest rate is measured on a broker of its own. At the end every acknowledged message must have been delivered, and with readings of a campus also
be in the store, where /query counts them; the slope of memory and open files is printed. Exit code 1 where something is missing, 0 otherwise: whether memory is
flat is for the reader to judge, bench/README.md says how.
"""

import argparse
import base64
import csv
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import brokers

COUNTERS = ("campanile_broker_messages_in_total", "campanile_broker_messages_out_total", "campanile_broker_dropped_total", "campanile_mqtt_connections",
            "campanile_store_bytes")
# What of the process's memory is what, each with its label.
MEMORY = ("campanile_heap_bytes", "campanile_store_memory_bytes", "campanile_tsdb_head_bytes", "campanile_journal_unsynced_bytes",
          "campanile_broker_queued_memory_bytes", "campanile_broker_in_flight_bytes")


def get(broker, path, limit_s=30):
    login = base64.b64encode(f"{brokers.USER}:{brokers.PASSWORD}".encode()).decode()
    request = urllib.request.Request(broker.http + path, headers={"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(request, timeout=limit_s) as answer:
        return answer.read().decode()


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
    return 0


def counters(broker):
    """The sum over the labels of each counter in COUNTERS, and each gauge of MEMORY."""
    sums = dict.fromkeys(COUNTERS, 0.0)
    try:
        text = get(broker, "/metrics", 5)
    except OSError:
        return sums
    for line in text.splitlines():
        name = line.split("{")[0].split(" ")[0]
        if name in sums:
            sums[name] += float(line.rsplit(" ", 1)[1])
        elif name in MEMORY:
            sums[line.rsplit(" ", 1)[0].replace('"', "")] = float(line.rsplit(" ", 1)[1])
    return sums


def sample(broker, start):
    return {"seconds": round(time.monotonic() - start, 1), "resident_bytes": resident_bytes(broker.pid), "open_files": len(os.listdir(f"/proc/{broker.pid}/fd")),
            **counters(broker)}


def slope_per_hour(samples, key):
    """Least squares over the last two thirds: at first caches fill and heads grow."""
    rows = samples[len(samples) // 3:]
    if len(rows) < 2:
        return 0.0
    times = [row["seconds"] for row in rows]
    values = [row[key] for row in rows]
    mean_time, mean_value = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - mean_time) ** 2 for at in times)
    return 3600 * sum((at - mean_time) * (value - mean_value) for at, value in zip(times, values)) / spread if spread else 0.0


def stored_points(broker):
    """How many points the store has. Every reading has a time of its own, so that none replaces another."""
    fields = urllib.parse.urlencode({"db": "campanile", "q": "SELECT count(value) FROM data"})
    result = json.loads(get(broker, "/query?" + fields, 120))["results"][0]
    if "error" in result:
        raise RuntimeError(result["error"])
    return result["series"][0]["values"][0][1] if "series" in result else 0


def load_options(arguments):
    return ["--publishers", str(arguments.publishers), "--subscribers", "1", "--qos", "1", "--window", str(arguments.window), "--payload", arguments.payload]


def highest_rate(arguments):
    with brokers.Campanile(None, arguments.data, arguments.set) as broker:
        report = brokers.bench(broker, *load_options(arguments), "--duration", str(arguments.measure), "--warm-up", "2", limit_s=arguments.measure + 150)
    if "error" in report:
        sys.exit(report["error"])
    # What both ends can follow for hours, not what publishers alone could push in.
    return min(report["acknowledged_per_s"], report["delivered_per_s"])


def soak(broker, arguments, rate):
    command = brokers.bench_command(broker, *load_options(arguments), "--rate", f"{rate:.0f}", "--churn", str(arguments.churn), "--duration",
                                    str(arguments.minutes * 60), "--warm-up", "0")
    if not arguments.progress:
        command.append("--quiet")
    start = time.monotonic()
    end = start + arguments.minutes * 60 + 180
    samples = []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        while process.poll() is None and broker.process.poll() is None and time.monotonic() < end:
            samples.append(sample(broker, start))
            time.sleep(max(0, start + len(samples) - time.monotonic()))
    finally:
        if process.poll() is None:
            process.kill()
        output = process.communicate()[0]
    if not output.startswith("{"):
        sys.exit("the load ended without a report" + ("; Campanile ended: " + "".join(broker.errors[-20:]) if broker.process.poll() is not None else ""))
    return json.loads(output), samples


def check(broker, arguments, report):
    """What is missing, as lines."""
    missing = []
    if report.get("lost"):
        missing.append(f"{report['lost']:,} messages were acknowledged and not delivered")
    if report["unacknowledged"]:
        missing.append(f"{report['unacknowledged']:,} messages had no answer at the end")
    if report["failures"]:
        missing.append(f"{report['failures']:,} connections failed: {report['reasons']}")
    if arguments.payload == "campus":
        stored = stored_points(broker)
        print(f"stored        {stored:>16,}  of {report['acknowledged']:,} acknowledged")
        if not report["acknowledged"] <= stored <= report["sent"]:
            missing.append(f"{stored:,} points are stored, {report['acknowledged']:,} were acknowledged and {report['sent']:,} sent")
    return missing


def print_report(report, samples):
    print(f"sent          {report['sent']:>16,}  {report['sent_per_s']:,.0f}/s")
    print(f"acknowledged  {report['acknowledged']:>16,}")
    print(f"delivered     {report['delivered']:>16,}  p99 {report['delivery_latency'].get('p99_us', report['acknowledgement_latency'].get('p99_us', 0)) / 1000:.1f} ms")
    print(f"too late      {report['missed']:>16,}  by the load generator's schedule")
    print(f"visitors      {report['visits']:>16,}")
    for key, unit, scale in (("resident_bytes", "MB", 1e6), ("open_files", "", 1)):
        values = [row[key] / scale for row in samples]
        print(f"{key:<14}{values[0]:>16,.1f}  at first, {values[len(values) // 3]:,.1f} after a third, {values[-1]:,.1f} at the end, {max(values):,.1f} at most {unit}; "
              f"slope {slope_per_hour(samples, key) / scale:+,.2f} {unit} an hour")
    # Where the memory is: a part that grows without a bound of its own would be a leak.
    full = [row for row in samples if any(key.startswith(MEMORY) for key in row)]
    for key in (key for key in full[-1] if key.startswith(MEMORY)) if full else ():
        values = [row[key] / 1e6 for row in full]
        print(f"  {key:<58}{values[len(values) // 3]:>8,.1f} after a third, {values[-1]:,.1f} at the end, {max(values):,.1f} at most MB; "
              f"slope {slope_per_hour(full, key) / 1e6:+,.1f} MB an hour")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.6, help="of the highest rate (0.6)")
    parser.add_argument("--rate", type=float, default=0, help="messages a second, in place of measuring the highest")
    parser.add_argument("--measure", type=int, default=10, help="seconds to measure the highest rate (10)")
    parser.add_argument("--churn", type=float, default=100, help="visitors a second (100)")
    parser.add_argument("--publishers", type=int, default=50)
    parser.add_argument("--window", type=int, default=50)
    parser.add_argument("--payload", choices=("campus", "random"), default="campus")
    parser.add_argument("--data", metavar="DIR", help="where Campanile's data lies")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of Campanile; may be repeated")
    parser.add_argument("--samples", metavar="FILE", help="write every second's sample here, as CSV")
    parser.add_argument("--progress", action="store_true", help="the load generator's own line a second")
    arguments = parser.parse_args()
    brokers.require()
    highest = arguments.rate or highest_rate(arguments)
    rate = arguments.rate or arguments.share * highest
    print(f"{'asked for' if arguments.rate else 'highest rate'} {highest:,.0f}/s; {arguments.minutes:g} minutes at {rate:,.0f}/s, {arguments.churn:g} visitors a second", flush=True)
    with brokers.Campanile(None, arguments.data, arguments.set) as broker:
        report, samples = soak(broker, arguments, rate)
        print_report(report, samples)
        missing = check(broker, arguments, report)
    if arguments.samples and samples:
        with open(arguments.samples, "w", newline="", encoding="ascii") as file:
            writer = csv.DictWriter(file, dict.fromkeys(key for row in samples for key in row))
            writer.writeheader()
            writer.writerows(samples)
    for line in missing:
        print("MISSING: " + line)
    print("something is missing" if missing else "everything acknowledged is there")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
