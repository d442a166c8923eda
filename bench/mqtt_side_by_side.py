#!/usr/bin/env python3
"""The same MQTT loads against Debian's mosquitto and against Campanile, one after the other in one run, as a table with ratios.

    bench/mqtt_side_by_side.py                     # every load, one round, about three minutes
    bench/mqtt_side_by_side.py --rounds 3          # the median of three
    bench/mqtt_side_by_side.py --only fan-out      # loads whose name begins so
    bench/mqtt_side_by_side.py --tls --json        # over TLS; one line of JSON a load

Both brokers ask for a password. Each load starts both afresh, and who goes first changes from round to round, so that neither has the quieter machine.
bench/README.md says how to read the table.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys

import brokers

RATE, LATENCY, MEMORY = "messages/s", "ms", "KB each"


class Load:
    """One row (or several) of the table: what is asked of `campanile bench mqtt`, and what is read from its report."""

    def __init__(self, name, options, figures, wanted=""):
        self.name, self.options, self.figures, self.wanted = name, options, figures, wanted


def latency(percentile):
    return lambda report: report["delivery_latency"].get(f"{percentile}_us", 0) / 1000


def memory_each(report):
    broker = report["broker"]
    return (broker["resident_connected_bytes"] - broker["resident_before_bytes"]) / report["connected"] / 1024


# (label, unit, how to read it)
SENT = ("sent", RATE, lambda report: report["sent_per_s"])
ACKNOWLEDGED = ("acknowledged", RATE, lambda report: report["acknowledged_per_s"])
DELIVERED = ("delivered", RATE, lambda report: report["delivered_per_s"])
P50, P99 = ("p50", LATENCY, latency("p50")), ("p99", LATENCY, latency("p99"))
IDLE = ("memory", MEMORY, memory_each)

LOADS = [
    Load("50 -> 1, QoS 1 pipelined, 140 B", ["--publishers", "50", "--subscribers", "1", "--qos", "1", "--window", "50"], [DELIVERED, ACKNOWLEDGED],
         ">= 30 x delivered"),
    Load("50 publishers, QoS 1 pipelined", ["--publishers", "50", "--subscribers", "0", "--qos", "1", "--window", "50"], [ACKNOWLEDGED]),
    Load("50 publishers, QoS 0 flood", ["--publishers", "50", "--subscribers", "0", "--qos", "0"], [SENT]),
    Load("1,000 publishers, QoS 1, one in flight", ["--publishers", "1000", "--subscribers", "0", "--qos", "1", "--window", "1"], [ACKNOWLEDGED], ">= 1.6 x"),
    Load("1,000 publishers, campus readings", ["--publishers", "1000", "--subscribers", "0", "--qos", "1", "--window", "1", "--payload", "campus"], [ACKNOWLEDGED],
         ">= 1.3 x, stored durably"),
    Load("fan-out 1 -> 100 at 2,000/s", ["--publishers", "1", "--subscribers", "100", "--qos", "0", "--rate", "2000", "--topics", "1"], [P50, P99, DELIVERED],
         "p99 < 5 ms"),
    Load("15,000 idle connections", ["--publishers", "0", "--subscribers", "0", "--idle", "15000", "--keep-alive", "600", "--warm-up", "0", "--duration", "2",
                                     "--source-addresses", "127.0.0.1-127.0.0.4"], [IDLE], "<= 1 KB each"),
]


def run_load(load, arguments, certificates):
    """{broker name: [report of each round]}"""
    reports = {"mosquitto": [], "campanile": []}
    makers = [lambda: brokers.Mosquitto(certificates), lambda: brokers.Campanile(certificates, arguments.data)]
    options = ["--duration", str(arguments.seconds), "--warm-up", "1", "--threads", str(arguments.threads), *load.options]
    for number in range(arguments.rounds):
        for make in (makers if number % 2 == 0 else makers[::-1]):
            with make() as broker:
                print(f"{load.name}: {broker.name} …", file=sys.stderr)
                reports[broker.name].append(brokers.bench(broker, *options, limit_s=arguments.seconds + 150))
    return reports


def figure_of(reports, read):
    """The median of the rounds that gave a report, or None."""
    values = [read(report) for report in reports if "error" not in report]
    return statistics.median(values) if values else None


def show(value, unit):
    if value is None:
        return "failed"
    return f"{value:,.0f}" if unit == RATE else f"{value:,.2f}"


def ratio_of(mosquitto, campanile, unit):
    """How many times better Campanile is: more of a rate, less of a time or of memory."""
    if not mosquitto or not campanile or campanile < 0:
        return None
    return campanile / mosquitto if unit == RATE else mosquitto / campanile


def remarks(reports):
    """What a rate alone does not tell."""
    found = []
    for name, rounds in reports.items():
        for report in rounds:
            if "error" in report:
                found.append(f"{name}: {report['error']}")
            else:
                found += [f"{name}: {report[key]:,} {word}" for key, word in (("lost", "acknowledged and not delivered"), ("failures", "failures"),
                                                                            ("undelivered", "of QoS 0 not delivered"), ("missed", "could not be sent in time"))
                          if report.get(key)]
    return found


def print_load(load, reports, arguments):
    rows = []
    for label, unit, read in load.figures:
        mosquitto, campanile = figure_of(reports["mosquitto"], read), figure_of(reports["campanile"], read)
        rows.append({"load": load.name, "figure": label, "unit": unit, "mosquitto": mosquitto, "campanile": campanile, "ratio": ratio_of(mosquitto, campanile, unit)})
    if arguments.json:
        for row in rows:
            print(json.dumps({**row, "tls": arguments.tls, "remarks": remarks(reports)}), flush=True)
        return
    for number, row in enumerate(rows):
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f} x"
        print(f"{load.name if number == 0 else '':<40}{row['figure'] + ', ' + row['unit']:<26}{show(row['mosquitto'], row['unit']):>12}"
              f"{show(row['campanile'], row['unit']):>12}{ratio:>10}  {load.wanted if number == 0 else ''}".rstrip())
    for remark in remarks(reports):
        print(f"    {remark}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=8, help="how long each load is measured (8)")
    parser.add_argument("--rounds", type=int, default=1, help="how often; the median counts (1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the load generator (1)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="loads whose name begins so; may be repeated")
    parser.add_argument("--data", metavar="DIR", help="where Campanile's data lies (the system's folder for temporary files)")
    parser.add_argument("--tls", action="store_true", help="both over TLS")
    parser.add_argument("--json", action="store_true", help="one line of JSON a figure")
    arguments = parser.parse_args()
    brokers.require("mosquitto", "mosquitto_passwd", "openssl")
    loads = [load for load in LOADS if not arguments.only or any(load.name.startswith(name) for name in arguments.only)]
    if not loads:
        sys.exit("no load is called so; they are: " + "; ".join(load.name for load in LOADS))
    with contextlib.ExitStack() as stack:
        certificates = stack.enter_context(brokers.Certificates()) if arguments.tls else None
        if not arguments.json:
            print(f"{os.cpu_count()} cores, {arguments.rounds} round(s) of {arguments.seconds} s, {'TLS' if arguments.tls else 'no TLS'}, passwords\n")
            print(f"{'load':<40}{'figure':<26}{'mosquitto':>12}{'campanile':>12}{'ratio':>10}  wanted")
        for load in loads:
            print_load(load, run_load(load, arguments, certificates), arguments)


if __name__ == "__main__":
    main()
