"""The program as its operator meets it: starting, stopping, refusing, explaining."""

import signal
import tempfile
import unittest

from harness import BINARY, Campanile, main, run


def campanile(*arguments, check=False, **options):
    return run([BINARY, *arguments], check=check, **options)


class CommandsTest(unittest.TestCase):
    def test_help_is_everywhere_and_has_examples(self):
        self.assertIn("serve", campanile("--help").stdout)
        for command in ("serve", "demo", "pub", "sub", "check-config", "query", "jobs", "version"):
            done = campanile(command, "--help")
            self.assertEqual(0, done.returncode, command)
            self.assertIn(f"campanile {command}", done.stdout)
            if command != "version":
                self.assertIn("xample", done.stdout, command)

    def test_an_unknown_subcommand_names_the_closest(self):
        done = campanile("serv")
        self.assertEqual(2, done.returncode)
        self.assertIn("serve", done.stderr)

    def test_version(self):
        self.assertRegex(campanile("version").stdout, r"^campanile \d+\.\d+\.\d+")

    def test_the_defaults_are_a_valid_configuration(self):
        defaults = campanile("check-config", "--defaults")
        self.assertEqual(0, defaults.returncode)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(defaults.stdout)
            file.flush()
            done = campanile("check-config", file.name)
            if done.returncode != 0:
                done = campanile("check-config", "--config", file.name)
            self.assertEqual(0, done.returncode, done.stderr)

    def test_a_wrong_setting_is_named_with_its_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("http:\n  lisen: 127.0.0.1:8086\n")
            file.flush()
            done = campanile("serve", "--config", file.name)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(f"{file.name}:2", done.stderr)
            self.assertIn("listen", done.stderr)

    def test_opening_to_the_network_without_accounts_is_refused(self):
        with tempfile.TemporaryDirectory() as data:
            done = campanile("serve", "--data", data, "--http", "0.0.0.0:0", "--mqtt", "127.0.0.1:0")
            self.assertNotEqual(0, done.returncode)
            self.assertIn("users:", done.stderr)

    def test_a_second_user_of_the_data_directory_is_told_who_holds_it(self):
        with Campanile() as first:
            done = campanile("serve", "--data", first.data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
            self.assertNotEqual(0, done.returncode)
            self.assertIn(str(first.process.pid), done.stderr)

    def test_a_port_in_use_is_named(self):
        with Campanile() as first, tempfile.TemporaryDirectory() as data:
            done = campanile("serve", "--data", data, "--http", f"127.0.0.1:{first.http_port}", "--mqtt", "127.0.0.1:0")
            self.assertNotEqual(0, done.returncode)
            self.assertIn(f"127.0.0.1:{first.http_port}", done.stderr)

    def test_signals_stop_it_and_nothing_acknowledged_is_lost(self):
        with tempfile.TemporaryDirectory() as data:
            for number, which in enumerate((signal.SIGTERM, signal.SIGINT)):
                running = Campanile(data=data).start()
                running.write(f"stop v={number} {number + 1}")
                # Open connections must not hold the stop up.
                with running.subscriber("-t", "#"):
                    running.process.send_signal(which)
                    self.assertEqual(0, running.process.wait(timeout=20))
                running.process = None
            with Campanile(data=data) as running:
                self.assertEqual([0, 1], [row[1] for row in running.values("SELECT v FROM stop")])

    def test_environment_overrides(self):
        with Campanile(environment={"CAMPANILE_INGEST_DATABASE": "elsewhere"}) as running:
            running.publish("u4/1/temperature", '{"value":1.5}')
            self.assertEqual([[1.5]], [row[1:] for row in running.values("SELECT value FROM data", "elsewhere")])


class PubSubTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.running = Campanile().start()

    @classmethod
    def tearDownClass(cls):
        cls.running.stop()

    def port(self):
        return ["-p", str(self.running.mqtt_port)]

    def test_pub_reaches_mosquitto_sub(self):
        with self.running.subscriber("-t", "ours/#", "-q", "2") as subscriber:
            for qos in "012":
                campanile("pub", *self.port(), "-t", "ours/x", "-m", f"qos {qos}", "-q", qos, check=True)
            self.assertEqual(["qos 0", "qos 1", "qos 2"], subscriber.wait_for(3))

    def test_pub_reads_lines(self):
        with self.running.subscriber("-t", "lines") as subscriber:
            campanile("pub", *self.port(), "-t", "lines", "-l", "-q", "1", input="one\ntwo\nthree\n", check=True)
            self.assertEqual(["one", "two", "three"], subscriber.wait_for(3))

    def test_sub_prints_like_mosquitto_sub(self):
        self.running.publish("printed/a", "payload", "-r")
        for options in (["-v"], ["-F", "%t|%p|%q|%r|%l"], []):
            arguments = [*self.port(), "-t", "printed/#", "-C", "1", "-W", "15", *options]
            theirs = run(["mosquitto_sub", "-h", "127.0.0.1", *arguments])
            ours = campanile("sub", *arguments)
            self.assertEqual(theirs.stdout, ours.stdout)
            self.assertEqual(theirs.returncode, ours.returncode)

    def test_sub_times_out_with_mosquittos_code(self):
        self.assertEqual(27, campanile("sub", *self.port(), "-t", "silent", "-W", "1").returncode)

    def test_a_refused_connection_is_explained(self):
        done = campanile("pub", "-p", "1", "-t", "a", "-m", "b")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("refused", done.stderr.lower())


if __name__ == "__main__":
    main()
