"""mosquitto_pub and mosquitto_sub against the broker."""

import subprocess
import unittest

from harness import Campanile, main, run, wait_until


class MosquittoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile().start()

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()

    def test_every_qos_and_version_is_delivered(self):
        for version in ("311", "5"):
            for qos in (0, 1, 2):
                topic = f"plain/{version}/{qos}"
                with self.campanile.subscriber("-t", topic, "-q", str(qos), "-V", version) as subscriber:
                    self.campanile.publish(topic, f"hello {version} {qos}", "-V", version, qos=qos)
                    self.assertEqual([f"hello {version} {qos}"], subscriber.wait_for(1))

    def test_wildcards(self):
        with self.campanile.subscriber("-t", "wild/+/temperature", "-t", "wild/deep/#", "-F", "%t %p") as subscriber:
            self.campanile.publish("wild/a/temperature", "1")
            self.campanile.publish("wild/a/humidity", "2")
            self.campanile.publish("wild/deep/b/c", "3")
            self.assertEqual(["wild/a/temperature 1", "wild/deep/b/c 3"], subscriber.wait_for(2))

    def test_retained_messages_come_first_and_can_be_cleared(self):
        self.campanile.publish("retained/topic", "kept", "-r")
        with self.campanile.subscriber("-t", "retained/#", "-F", "%r %p") as subscriber:
            self.assertEqual(["1 kept"], subscriber.wait_for(1))
        run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.campanile.mqtt_port), "-t", "retained/topic", "-r", "-n", "-q", "1"])
        with self.campanile.subscriber("-t", "retained/#", "-F", "%r %p") as subscriber:
            self.campanile.publish("retained/topic", "live")
            self.assertEqual(["0 live"], subscriber.wait_for(1))

    def test_the_will_of_a_killed_client_is_published(self):
        with self.campanile.subscriber("-t", "wills/#") as subscriber:
            doomed = self.campanile.subscriber("-t", "none", "--will-topic", "wills/door", "--will-payload", "gone", "--will-qos", "1")
            with doomed:
                doomed.process.kill()
                self.assertEqual(["gone"], subscriber.wait_for(1))

    def test_a_persistent_session_gets_what_came_meanwhile(self):
        options = ["-t", "away/#", "-q", "1", "-i", "keeper", "-c"]
        with self.campanile.subscriber(*options):
            pass
        for number in range(5):
            self.campanile.publish("away/x", str(number))
        with self.campanile.subscriber(*options) as subscriber:
            self.assertEqual(["0", "1", "2", "3", "4"], subscriber.wait_for(5))

    def test_a_burst_of_lines_arrives_whole_and_in_order(self):
        lines = [f"line {number}" for number in range(5000)]
        with self.campanile.subscriber("-t", "burst", "-q", "2") as subscriber:
            command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.campanile.mqtt_port), "-t", "burst", "-q", "2", "-l"]
            done = subprocess.run(command, input="\n".join(lines) + "\n", text=True, timeout=120)
            self.assertEqual(0, done.returncode)
            self.assertEqual(lines, subscriber.wait_for(len(lines)))

    def test_a_reading_is_stored_as_the_campus_stores_it(self):
        self.campanile.publish("u4/302/temperature", '{"value":21.375,"value_units":"celsius","subID":"24","unitID":"auto_92f8"}')
        series = self.campanile.query("SELECT value, value_units FROM data WHERE room = '302' GROUP BY *")
        self.assertEqual(1, len(series))
        self.assertEqual({"building": "u4", "room": "302", "kind": "temperature", "location": "ut3", "subID": "24", "unitID": "auto_92f8"},
                         series[0]["tags"])
        self.assertEqual([21.375, "celsius"], series[0]["values"][0][1:])

    def test_what_cannot_be_decoded_is_kept(self):
        before = self.campanile.get_json("/api/v1/rejected")["total"]
        self.campanile.publish("u4/302/humidity", '{"value":')
        rejected = wait_until(lambda: [m for m in self.campanile.get_json("/api/v1/rejected")["messages"] if m["topic"] == "u4/302/humidity"],
                              "the rejected message")
        self.assertEqual('{"value":', rejected[0]["payload"])
        self.assertTrue(rejected[0]["reason"])
        self.assertEqual(before + 1, self.campanile.get_json("/api/v1/rejected")["total"])

    def test_a_course_station_over_plain_json(self):
        self.campanile.publish("csiot/station7", '{"hydrogen":12,"oxygen":3.5,"wd40":1,"gaffer":0}')
        rows = self.campanile.values("SELECT hydrogen, oxygen FROM csiot WHERE station = 'station7'")
        self.assertEqual([12, 3.5], rows[0][1:])


class AccountsTest(unittest.TestCase):
    CONFIG = "auth:\n  anonymous: none\n  users:\n    - name: campus\n      password: secret\n"

    def test_only_the_right_password_gets_in(self):
        with Campanile(config=self.CONFIG) as campanile:
            campanile.publish("a/b", "1", "-u", "campus", "-P", "secret")
            for options in ([], ["-u", "campus", "-P", "wrong"], ["-u", "nobody", "-P", "secret"]):
                for version in ("311", "5"):
                    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(campanile.mqtt_port), "-t", "a/b", "-m", "1", "-V", version, *options]
                    done = run(command, check=False)
                    self.assertNotEqual(0, done.returncode, options)
                    self.assertRegex(done.stderr.lower() + done.stdout.lower(), "not authori[sz]ed|bad user")
            self.assertEqual(401, campanile.request("GET", "/query?q=SHOW+DATABASES")[0])
            self.assertEqual(200, campanile.request("GET", "/query?q=SHOW+DATABASES&u=campus&p=secret")[0])
            self.assertEqual(200, campanile.request("GET", "/query?q=SHOW+DATABASES", headers={"Authorization": "Token campus:secret"})[0])
            self.assertEqual(204, campanile.request("GET", "/ping")[0])


if __name__ == "__main__":
    main()
