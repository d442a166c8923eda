"""Erasing and correcting on the real binary: what is stored changes once, also through kill -9, and the audit log tells who did it."""

import json
import unittest
import urllib.parse

from harness import Campanile, main

BASE_S = 1_767_225_600  # 2026-01-01T00:00:00Z
COUNT = 5_000


def lines(room):
    return "\n".join(f"data,room={room} value={n / 10},count={n}i {(BASE_S + n) * 10**9}" for n in range(COUNT))


class Corrections(unittest.TestCase):
    def post(self, campanile, order):
        """The status and the answer of a correction."""
        status, _, body = campanile.request("POST", "/api/v1/corrections", json.dumps(order))
        return status, json.loads(body)

    def order(self, **members):
        return {"database": "campanile", "measurement": "data", "where": "room = '302'", "field": "value", "start": "2026-01-01T00:10:00Z",
                "end": (BASE_S + 1199) * 1000, **members}

    def stored(self, campanile, field, room="302"):
        rows = campanile.values(f"SELECT {field} FROM data WHERE room = '{room}'", epoch="s")
        return {int(time) - BASE_S: value for time, value in rows}

    def audit(self, campanile, **parameters):
        return campanile.get_json("/api/v1/audit?" + urllib.parse.urlencode(parameters))

    def check(self, campanile):
        values = self.stored(campanile, "value")
        self.assertEqual(len(values), COUNT)
        for n, value in values.items():
            self.assertAlmostEqual(value, n / 10 * 2 + 0.5 if 600 <= n < 1200 else n / 10, places=9)
        self.assertEqual(self.stored(campanile, "value", "301"), {n: n / 10 for n in range(COUNT)})
        self.assertEqual(self.stored(campanile, "count"), {n: n for n in range(COUNT)})
        # Headers of chunks and the values in them say the same.
        (row,) = campanile.values("SELECT sum(value), max(value), count(value) FROM data WHERE room = '302'")
        self.assertAlmostEqual(row[1], sum(values.values()), places=5)
        self.assertEqual(row[2:], [max(values.values()), COUNT])

    def test_a_correction_is_made_once_and_told_of(self):
        with Campanile() as campanile:
            campanile.create_database("campanile")
            for room in ("301", "302"):
                campanile.write(lines(room))
            status, would = self.post(campanile, self.order(factor=2, offset=0.5, dry_run=True))
            self.assertEqual((status, would), (200, {"dry_run": True, "audit_id": None, "series": 1, "values": 600, "values_left": 0, "damaged_chunks": 0}))
            self.assertEqual(self.audit(campanile)["entries"], [])
            status, done = self.post(campanile, self.order(factor=2, offset=0.5, reason="calibrated"))
            self.assertEqual((status, done), (200, {"dry_run": False, "audit_id": 1, "series": 1, "values": 600, "values_left": 0, "damaged_chunks": 0}))
            self.check(campanile)
            for _ in range(2):
                campanile.kill()
                campanile.start()
                self.check(campanile)
            (entry,) = self.audit(campanile, kind="correction")["entries"]
            self.assertEqual(entry["state"], "finished")
            self.assertEqual((entry["id"], entry["who"], entry["why"], entry["database"]), (1, "loopback", "calibrated", "campanile"))
            self.assertEqual((entry["series"], entry["values"]), (1, 600))
            self.assertEqual((entry["start"], entry["end"]), ("2026-01-01T00:10:00Z", "2026-01-01T00:19:59Z"))
            self.assertEqual(json.loads(entry["what"])["factor"], 2)

    def test_erasing_and_dropping_are_told_of_too(self):
        with Campanile() as campanile:
            campanile.create_database("campanile")
            campanile.write(lines("302"))
            campanile.query("DELETE FROM data WHERE room = '302' AND time < '2026-01-01T00:01:00Z'", reason="a test of the alarm")
            campanile.query("DROP DATABASE campanile")
            campanile.kill()
            campanile.start()
            dropped, erased = self.audit(campanile)["entries"]
            self.assertEqual((erased["kind"], erased["state"], erased["why"]), ("delete", "finished", "a test of the alarm"))
            self.assertEqual(erased["what"], "DELETE FROM data WHERE room = '302' AND time < '2026-01-01T00:01:00Z'")
            self.assertEqual((erased["series"], erased["values"], erased["start"]), (1, 120, None))
            self.assertEqual((dropped["kind"], dropped["state"], dropped["series"]), ("drop_database", "finished", 1))
            _, _, exported = campanile.request("GET", "/api/v1/audit?format=jsonl")
            self.assertEqual([json.loads(line)["id"] for line in exported.splitlines()], [2, 1])
            self.assertEqual(self.audit(campanile, limit=1)["entries"][0]["id"], 2)
            self.assertEqual(self.audit(campanile, before=2)["entries"][0]["id"], 1)
            self.assertEqual(self.audit(campanile, since="2100-01-01T00:00:00Z")["entries"], [])

    def test_what_cannot_be_done_is_refused_with_the_reason(self):
        with Campanile() as campanile:
            campanile.create_database("campanile")
            campanile.write(f"data,room=302 value=1,count={2**62}i,state=true,text=\"on\" {(BASE_S + 700) * 10**9}")
            refused = [
                (400, {"factor": 2, "field": "count"}, "4611686018427387904 * 2 + 0 does not fit into field \"count\", which is of type integer; nothing was changed"),
                (400, {"factor": 2, "field": "state"}, "give a value"),
                (400, {"value": "off"}, "the value is of type string, the field of type float"),
                (400, {"value": 1, "factor": 2}, "value stands beside factor"),
                (400, {}, "neither factor nor offset nor value"),
                (400, {"factor": "2"}, "member factor: a number is wanted"),
                (400, {"factor": 2, "where": "room = "}, "member where"),
                (400, {"factor": 2, "where": "time > 0"}, "the range is that of start and end"),
                (400, {"factor": 2, "where": "room = '302'; DROP DATABASE campanile"}, "member where"),
                (400, {"factor": 2, "where": "value > 3"}, "fields not supported"),
                (400, {"factor": 2, "start": "yesterday"}, "member start is 'yesterday'"),
                (400, {"factor": 2, "start": "2027-01-01T00:00:00Z"}, "start is after end"),
                (400, {"factor": 2, "colour": "red"}, "member 'colour' is not known"),
                (404, {"factor": 2, "field": "nothing"}, "has a field \"nothing\""),
                (404, {"factor": 2, "measurement": "nothing"}, "has a field \"value\""),
                (404, {"factor": 2, "database": "nothing"}, "database not found"),
            ]
            for wanted, members, words in refused:
                with self.subTest(members):
                    status, answer = self.post(campanile, self.order(**members))
                    self.assertEqual(status, wanted, answer)
                    self.assertIn(words, answer["error"])
            status, answer = self.post(campanile, {"database": "campanile"})
            self.assertEqual(status, 400)
            self.assertIn("member field is missing", answer["error"])
            for field, value in (("text", "off"), ("state", False), ("count", 5.0), ("value", 7)):
                self.assertEqual(self.post(campanile, self.order(field=field, value=value))[0], 200)
            self.assertEqual(campanile.values("SELECT text, state, count, value FROM data")[0][1:], ["off", False, 5, 7])


if __name__ == "__main__":
    main()
