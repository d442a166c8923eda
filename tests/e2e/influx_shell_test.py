"""Debian's influx 1.x shell, and curl as InfluxDB's own documentation uses it."""

import json
import unittest

from harness import Campanile, main, run


class InfluxShellTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile().start()

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()

    def influx(self, statement, *options):
        command = ["influx", "-host", "127.0.0.1", "-port", str(self.campanile.http_port), "-execute", statement, *options]
        return run(command).stdout

    def curl(self, *arguments):
        return run(["curl", "-sS", *arguments]).stdout

    def test_create_insert_select(self):
        self.influx("CREATE DATABASE testbed")
        self.assertIn("testbed", self.influx("SHOW DATABASES"))
        line = "sensors,location=ecotype-1,sensor=ecotype-1_pdu-Z1.50,sensor_type=wattmeter,unit=W value=123"
        self.influx(f"INSERT {line}", "-database", "testbed")
        out = json.loads(self.influx("SELECT value, unit FROM sensors", "-database", "testbed", "-format", "json"))
        self.assertEqual([123, "W"], out["results"][0]["series"][0]["values"][0][1:])
        self.assertIn("sensor_type", self.influx("SHOW TAG KEYS", "-database", "testbed"))
        self.assertIn("float", self.influx("SHOW FIELD KEYS", "-database", "testbed"))
        self.assertIn("ecotype-1_pdu-Z1.50", self.influx('SHOW TAG VALUES WITH KEY = "sensor"', "-database", "testbed"))
        self.assertIn("sensors,location=ecotype-1", self.influx("SHOW SERIES", "-database", "testbed"))
        self.influx("DROP DATABASE testbed")
        self.assertNotIn("testbed", self.influx("SHOW DATABASES"))

    def test_import_with_precision_and_aggregates(self):
        self.influx("CREATE DATABASE precision")
        lines = "\n".join(f"cpu,host=a idle={number} {1700000000 + number}" for number in range(120))
        answer = self.curl("-i", "-XPOST", f"{self.campanile.http}/write?db=precision&precision=s", "--data-binary", lines)
        self.assertIn("204 No Content", answer)
        text = self.influx("SELECT mean(idle), count(idle) FROM cpu WHERE time >= 1700000000s AND time < 1700000120s GROUP BY time(1m)",
                           "-database", "precision", "-format", "csv", "-precision", "s")
        rows = [line.split(",")[1:] for line in text.strip().splitlines()[1:]]
        # 1700000000 is 20 s into its minute.
        self.assertEqual([["1699999980", "19.5", "40"], ["1700000040", "69.5", "60"], ["1700000100", "109.5", "20"]], rows)

    def test_curl_as_documented(self):
        answer = json.loads(self.curl("-XPOST", f"{self.campanile.http}/query", "--data-urlencode", "q=CREATE DATABASE mydb"))
        self.assertEqual({"results": [{"statement_id": 0}]}, answer)
        self.curl("-XPOST", f"{self.campanile.http}/write?db=mydb", "--data-binary",
                  "cpu_load_short,host=server01,region=us-west value=0.64 1434055562000000000")
        answer = json.loads(self.curl("-G", f"{self.campanile.http}/query", "--data-urlencode", "db=mydb", "--data-urlencode",
                                      "q=SELECT \"value\" FROM \"cpu_load_short\" WHERE \"region\"='us-west'"))
        self.assertEqual({"results": [{"statement_id": 0, "series": [{"name": "cpu_load_short", "columns": ["time", "value"],
                                                                     "values": [["2015-06-11T20:46:02Z", 0.64]]}]}]}, answer)
        missing = self.curl("-i", "-XPOST", f"{self.campanile.http}/write?db=nowhere", "--data-binary", "a b=1")
        self.assertIn("404 Not Found", missing)
        self.assertIn('database not found: \\"nowhere\\"', missing)

    def test_partial_write_keeps_the_good_lines(self):
        self.influx("CREATE DATABASE partial")
        body = "good,a=1 v=1 1000\nbad line here\ngood,a=1 v=2 2000\ngood,a=1 v=\"text\" 3000"
        answer = self.curl("-i", "-XPOST", f"{self.campanile.http}/write?db=partial", "--data-binary", body)
        self.assertIn("400 Bad Request", answer)
        self.assertIn("bad line here", answer)
        self.assertEqual([[1000, 1], [2000, 2]], self.campanile.values("SELECT v FROM good", "partial", epoch="ns"))


if __name__ == "__main__":
    main()
