"""Reads and writes the golden files of tests/golden/query/influxql: what to load, what to ask, what the answer is.

    load db0                      line protocol, times in nanoseconds
    cpu,host=a usage=1 10000000000

    eval epoch=s                  options: epoch=UNIT|rfc3339, db=NAME, chunk=ROWS, csv, pretty, get, ours=WHY
    SELECT usage FROM cpu
    ----
    {"results":[...]}

Blocks are separated by empty lines (an answer may hold some: it ends where the next block begins). Lines that begin with # between blocks are
comments. "ours=WHY" marks an answer that is meant to differ from InfluxDB's.
"""

import dataclasses
import urllib.error
import urllib.parse
import urllib.request


@dataclasses.dataclass
class Block:
    kind: str  # "load", "eval" or "comment"
    options: list
    text: str = ""
    expected: str = ""

    def option(self, name, default=None):
        for each in self.options:
            if each == name:
                return True
            if each.startswith(name + "="):
                return each[len(name) + 1:]
        return default


def begins_block(line):
    return line.split(" ")[0] in ("load", "eval") or line.startswith("#")


def parse(text):
    blocks = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line:
            continue
        if line.startswith("#"):
            blocks.append(Block("comment", [], line))
            continue
        words = line.split()
        block = Block(words[0], words[1:])
        body = []
        while at < len(lines) and not (lines[at - 1] == "" and begins_block(lines[at])):
            body.append(lines[at])
            at += 1
        while body and not body[-1]:
            body.pop()
        joined = "\n".join(body)
        if block.kind == "load":
            block.text = joined
        else:
            block.text, _, block.expected = joined.partition("\n----")
            block.expected = block.expected.removeprefix("\n")
        blocks.append(block)
    return blocks


def format_blocks(blocks):
    out = []
    for block in blocks:
        if block.kind == "comment":
            out.append(block.text)
            continue
        if out and not out[-1].startswith("#"):
            out.append("")
        out.append(" ".join([block.kind] + block.options))
        out.append(block.text)
        if block.kind == "eval":
            out += ["----", block.expected]
        out.append("")
    text = "\n".join(out).replace("\n\n\n", "\n\n")
    return text.rstrip("\n") + "\n"


def request(url, parameters, method="POST", headers=None, body=None):
    """The answer's body, whatever its status."""
    query = urllib.parse.urlencode(parameters)
    asked = urllib.request.Request(url + "?" + query, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=15) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def load(base, block):
    database = block.options[0]
    parts = database.split(".")
    request(base + "/query", {"q": f'CREATE DATABASE "{parts[0]}"'})
    parameters = {"db": parts[0]}
    if len(parts) > 1:
        request(base + "/query", {"q": f'CREATE RETENTION POLICY "{parts[1]}" ON "{parts[0]}" DURATION INF REPLICATION 1'})
        parameters["rp"] = parts[1]
    answer = request(base + "/write", parameters, body=block.text.encode())
    if answer:
        raise SystemExit(f"loading into {base}: {answer}")


def ask(base, block):
    parameters = {"q": block.text, "db": block.option("db", "db0")}
    epoch = block.option("epoch", "s")
    if epoch != "rfc3339":
        parameters["epoch"] = epoch
    if block.option("pretty"):
        parameters["pretty"] = "true"
    if block.option("chunk"):
        parameters["chunked"] = "true"
        parameters["chunk_size"] = block.option("chunk")
    headers = {"Accept": "application/csv"} if block.option("csv") else {}
    return request(base + "/query", parameters, method="GET" if block.option("get") else "POST", headers=headers).removesuffix("\n")


def drop_databases(base, blocks):
    for block in blocks:
        if block.kind == "load":
            name = block.options[0].split(".")[0]
            request(base + "/query", {"q": f'DROP DATABASE "{name}"'})
