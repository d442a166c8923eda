#!/usr/bin/env python3
"""Compares what two servers answer to InfluxQL: loads the same line protocol into both and asks both the same.

    tests/query_diff/run.py http://127.0.0.1:8086 http://127.0.0.1:18086          campanile first, then an InfluxDB 1.x
    tests/query_diff/run.py --random 500 --seed 7 URL URL                         queries made up, over data made up
    tests/query_diff/run.py --record http://127.0.0.1:18086 tests/golden/query/influxql/*.test    writes an InfluxDB's answers down as expected

Databases named in the golden files are dropped first: use scratch servers. Prints the differences; the exit code is 1 where there are any.
"""

import argparse
import json
import math
import pathlib
import sys

import golden
import random_queries

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "query" / "influxql"


def close(a, b):
    """Equal, floats to a few units in the last place: sums are taken in another order."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-300) if isinstance(a, float) or isinstance(b, float) else a == b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    return a == b


def ordered(answer):
    """Points of several series at one time come in an order that InfluxDB leaves open."""
    for result in answer.get("results", []):
        for series in result.get("series", []):
            if series["columns"][0] == "time":
                same_time = {}
                for row in series.get("values", []):
                    same_time.setdefault(row[0], []).append(row)
                series["values"] = [row for rows in same_time.values() for row in sorted(rows, key=str)]
    return answer


def same_answer(ours, theirs):
    if ours == theirs:
        return True
    try:
        ours_lines = [ordered(json.loads(line)) for line in ours.splitlines()]
        theirs_lines = [ordered(json.loads(line)) for line in theirs.splitlines()]
    except ValueError:
        return False
    return close(ours_lines, theirs_lines)


def compare(name, block, ours, theirs):
    if same_answer(ours, theirs):
        return 0
    print(f"== {name} [{' '.join(block.options)}]\n   {block.text}\n - {theirs}\n + {ours}")
    return 1


def run_golden(urls, paths):
    differences = asked = 0
    for path in paths:
        blocks = golden.parse(path.read_text())
        for url in urls:
            golden.drop_databases(url, blocks)
        for block in blocks:
            if block.kind == "load":
                for url in urls:
                    golden.load(url, block)
            elif block.kind == "eval" and not block.option("ours"):
                asked += 1
                differences += compare(path.name, block, *(golden.ask(url, block) for url in urls))
    print(f"golden: {asked} queries, {differences} differences")
    return differences


def run_random(urls, count, seed):
    data, queries = random_queries.make(seed, count)
    for url in urls:
        golden.drop_databases(url, [data])
        golden.load(url, data)
    differences = 0
    for query in queries:
        block = golden.Block("eval", ["db=" + data.options[0]], query)
        ours = golden.ask(urls[0], block)
        try:
            theirs = golden.ask(urls[1], block)
        except TimeoutError:
            print(f"== InfluxDB does not answer this one: {query}")
            continue
        differences += compare(f"random, seed {seed}", block, ours, theirs)
    print(f"random, seed {seed}: {count} queries, {differences} differences")
    return differences


def record(url, paths):
    for path in paths:
        blocks = golden.parse(path.read_text())
        golden.drop_databases(url, blocks)
        for block in blocks:
            if block.kind == "load":
                golden.load(url, block)
            elif block.kind == "eval" and not block.option("ours"):
                block.expected = golden.ask(url, block)
        path.write_text(golden.format_blocks(blocks))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", metavar="URL", help="write the answers of this InfluxDB into the golden files that follow")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="ask N random queries as well")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("arguments", nargs="*", help="two base URLs, or files for --record")
    options = parser.parse_args()
    if options.record:
        record(options.record, [pathlib.Path(each) for each in options.arguments] or sorted(GOLDEN.glob("*.test")))
        return 0
    if len(options.arguments) != 2:
        parser.error("two base URLs are needed: campanile's and InfluxDB's")
    urls = [each.rstrip("/") for each in options.arguments]
    differences = run_golden(urls, sorted(GOLDEN.glob("*.test")))
    if options.random:
        differences += run_random(urls, options.random, options.seed)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
