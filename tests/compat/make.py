#!/usr/bin/python3
"""Makes NAME.tar.xz and NAME.json here: the data directory of the program CAMPANILE_BINARY, killed, and what it answered. README.md says when.

    CAMPANILE_BINARY=build/release/campanile /usr/bin/python3 tests/compat/make.py chunks-2
"""

import json
import os
import random
import sys
import tarfile
import tempfile

import paho.mqtt.client as mqtt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from harness import Campanile, wait_until  # noqa: E402

SECOND = 1_000_000_000
SMALL = ("--set", "storage.journal_segment_bytes=1MiB")
QUERIES = [
    ["campanile", "SELECT * FROM mixed"],
    ["campanile", "SELECT count(f), sum(i), max(u), first(s), last(b) FROM mixed GROUP BY n"],
    ["campanile", "SELECT mean(f) FROM mixed WHERE time >= 0 AND time < 1h GROUP BY time(5m) fill(none)"],
    ["campanile", "SELECT * FROM late"],
    ["campanile", "SHOW SERIES"],
    ["campanile", "SHOW FIELD KEYS"],
    ["campanile", "SHOW RETENTION POLICIES ON other"],
    ["other", "SELECT * FROM elsewhere"],
    ["other", "SELECT * FROM brief.elsewhere"],
]


def lines(rng, begin, end):
    out = []
    for i in range(begin, end):
        time_ns = i * 10 * SECOND + (rng.randrange(SECOND) if i % 5 == 0 else 0)
        out.append(f'mixed,n={i % 4},place=a\\ b f={rng.uniform(-50, 50):.2f},i={rng.randrange(-9, 9)}i,b={"true" if rng.random() < 0.3 else "false"},'
                   f's="text {rng.randrange(9)}" {time_ns}')
        if i % 3 == 0:
            out.append(f"mixed,n={i % 4},place=a\\ b u={rng.getrandbits(64)}u {time_ns}")
    return "\n".join(out)


def subscribe(port):
    """A session that is kept, with a subscription, whose client is away."""
    client = mqtt.Client("keeper", clean_session=False)
    subscribed = []
    client.on_subscribe = lambda *unused: subscribed.append(True)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe("work/#", 2)
    wait_until(lambda: subscribed, "a subscription")
    client.disconnect()
    client.loop_stop()


def fill(campanile, rng):
    campanile.create_database("other")
    status, _, body = campanile.request("POST", "/query?q=CREATE%20RETENTION%20POLICY%20brief%20ON%20other%20DURATION%20876000h%20REPLICATION%201")
    assert status == 200 and "error" not in body, body
    campanile.write(lines(rng, 0, 400))
    campanile.write("elsewhere,a=1 v=1 1000000000\nelsewhere,a=2 v=2 2000000000", database="other")
    campanile.write("elsewhere v=3i 1700000000000000000", database="other", rp="brief")
    status, _, body = campanile.request("POST", "/query?db=campanile&q=DELETE%20FROM%20mixed%20WHERE%20n%3D%272%27%20AND%20time%3C1000s")
    assert status == 200 and ("error" not in body or "not supported" in body), body  # the oldest cannot
    for i in range(3):
        campanile.publish(f"kept/{i}", f"retained {i}", "-r")
    campanile.publish("u4/302/temperature", "no reading")
    subscribe(campanile.mqtt_port)
    for i in range(4):
        campanile.publish(f"work/{i}", f"waits {i}", qos=1 + i % 2)


def fill_more(campanile, rng):
    """After a checkpoint: into the journal alone."""
    campanile.write(lines(rng, 380, 450))
    campanile.write("late,n=0 v=1 5000000000\nlate,n=0 v=2 4000000000\nlate,n=0 v=3 5000000000")
    campanile.publish("kept/1", "retained again", "-r")
    campanile.publish("work/4", "waits 4", qos=2)


def answers(campanile):
    # Times of rejected messages are those of the run.
    rejected = [message["payload"] for message in campanile.get_json("/api/v1/rejected")["messages"]]
    return {"queries": [[database, text, campanile.query(text, database, epoch="ns")] for database, text in QUERIES],
            "retained": {"kept/0": "retained 0", "kept/1": "retained again", "kept/2": "retained 2"},
            "queued": [[f"work/{i}", f"waits {i}"] for i in range(5)], "rejected": rejected}


def main():
    name = sys.argv[1]
    rng = random.Random(4)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        with Campanile(*SMALL, "--set", "storage.checkpoint_interval_s=1", data=data) as campanile:
            fill(campanile, rng)
            wait_until(lambda: campanile.get_json("/api/v1/status")["head_points"] == 0, "a checkpoint")
        campanile = Campanile(*SMALL, data=data).start()
        fill_more(campanile, rng)
        expected = answers(campanile)
        campanile.kill()
        archive = os.path.join(HERE, name + ".tar.xz")
        with tarfile.open(archive, "w:xz", preset=9) as tar:
            tar.add(data, arcname="data", filter=lambda entry: None if entry.name.endswith(("LOCK", "/LOG")) or "/LOG.old" in entry.name else entry)
        with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(expected, file, separators=(",", ":"))
            file.write("\n")
        print(f"{archive}: {os.path.getsize(archive):,} bytes")


if __name__ == "__main__":
    main()
