"""campanile demo: the emulated campus is there at the first second, with a quarter of an hour behind it."""

import time
import unittest

from harness import Campanile, main, wait_until


class DemoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile(command="demo").start()

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()

    def sensors(self):
        return self.campanile.get_json("/api/v1/sensors")["sensors"]

    def test_every_part_of_the_campus_is_there(self):
        sensors = wait_until(lambda: (lambda found: found if len(found) > 60 else None)(self.sensors()), "the campus", lambda: len(self.sensors()))
        places = {sensor["place"] for sensor in sensors}
        for building in ("u4", "irit2", "bu"):
            self.assertTrue(any(place.startswith(building + "/") for place in places), building)
        self.assertIn("outside", {place.split("/")[0] for place in places})
        self.assertIn("csiot", {place.split("/")[0] for place in places})
        quantities = {sensor["quantity"] for sensor in sensors}
        for quantity in ("temperature", "humidity", "luminosity", "noise", "wattmeter"):
            self.assertIn(quantity, quantities)

    def test_a_quarter_of_an_hour_of_history(self):
        def minutes():
            rows = self.campanile.values("SELECT count(value) FROM data WHERE kind = 'temperature' AND time > now() - 15m GROUP BY time(1m) fill(none)")
            return len(rows)
        wait_until(lambda: minutes() >= 14, "15 minutes of history", minutes)

    def test_values_go_on(self):
        def newest():
            return self.campanile.values("SELECT last(value) FROM sensors", epoch="ns")
        first = wait_until(newest, "a first outlet reading")
        wait_until(lambda: newest()[0][0] > first[0][0], "a later one", newest)

    def test_the_testbed_schema(self):
        series = wait_until(lambda: self.campanile.query("SELECT last(value) FROM sensors GROUP BY *"), "outlets")
        self.assertEqual({"location", "sensor", "sensor_type", "unit"}, set(series[0]["tags"]))

    def test_history_of_one_sensor(self):
        sensors = wait_until(lambda: [s for s in self.sensors() if s["quantity"] == "temperature" and s["place"].startswith("u4/")], "sensors")
        history = wait_until(lambda: (lambda h: h if len(h["times_ms"]) > 20 else None)(
            self.campanile.get_json(f"/api/v1/sensors/{sensors[0]['id']}/history")), "a history")
        self.assertLess(history["times_ms"][0], time.time() * 1000 - 10 * 60 * 1000)
        for low, mean, high in zip(history["min"], history["mean"], history["max"]):
            self.assertLessEqual(low, mean + 1e-9)
            self.assertLessEqual(mean, high + 1e-9)


if __name__ == "__main__":
    main()
