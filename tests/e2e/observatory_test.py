"""The observatory's way: a Python program that writes three measurements through influxdb_client, the package from PyPI.

The package is installed into a folder of its own once; where PyPI does not answer the test is skipped."""

import os
import subprocess
import sys
import unittest

from harness import ROOT, Campanile, main, skip

VENV = os.path.join(ROOT, "build", "influxdb-client-venv")
PROGRAM = """
import sys
from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS

client = InfluxDBClient(url=sys.argv[1], token="observatory:token", org="observatory")
writer = client.write_api(write_options=SYNCHRONOUS)
for second in range(10):
    time_s = 1700000000 + second
    writer.write(bucket="campanile", record=[
        Point("dome").tag("instrument", "t1m").field("azimuth", 120.5 + second).field("open", True).time(time_s, WritePrecision.S),
        Point("weather").tag("station", "wxt530").field("wind_speed", 4.1).field("humidity", 79).time(time_s, WritePrecision.S),
        Point("camera").tag("instrument", "t1m").field("temperature", -60.25).field("state", "exposing").time(time_s, WritePrecision.S),
    ])
print(client.health().status, client.ping())
"""


def venv_python():
    """The interpreter of a folder that has influxdb_client, or None where it cannot be had."""
    python = os.path.join(VENV, "bin", "python")
    marker = os.path.join(VENV, ".installed")
    if os.path.exists(marker):
        return python
    system_python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    steps = [[system_python, "-m", "venv", VENV], [python, "-m", "pip", "install", "--quiet", "--timeout", "15", "--retries", "1", "influxdb-client"]]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            print(done.stdout + done.stderr)
            return None
    open(marker, "w", encoding="ascii").close()
    return python


class ObservatoryTest(unittest.TestCase):
    def test_three_measurements(self):
        with Campanile() as campanile:
            done = subprocess.run([PYTHON, "-c", PROGRAM, campanile.http], capture_output=True, text=True, timeout=60)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("pass True", done.stdout)
            self.assertEqual([["camera"], ["dome"], ["weather"]], campanile.values("SHOW MEASUREMENTS"))
            self.assertEqual([[0, 10, 125.0]], campanile.values("SELECT count(azimuth), mean(azimuth) FROM dome", epoch="s"))
            self.assertEqual([[1700000009, "exposing"]], campanile.values("SELECT last(state) FROM camera", epoch="s"))
            self.assertEqual([[0, 790]], campanile.values("SELECT sum(humidity) FROM weather", epoch="s"))


if __name__ == "__main__":
    PYTHON = venv_python()
    if PYTHON is None:
        skip("PyPI does not answer, so influxdb_client cannot be had")
    main()
