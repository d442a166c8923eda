"""What the end-to-end tests share: the real binary, started on free ports with a data directory of its own.

    with Campanile() as campanile:
        campanile.publish("u4/302/temperature", '{"value":21.5}')
        rows = campanile.query("SELECT value FROM data")
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("CAMPANILE_BINARY", os.path.join(ROOT, "build", "release", "campanile"))
# ctest reads this exit code as "skipped" (SKIP_RETURN_CODE).
SKIPPED = 77


class Campanile:
    def __init__(self, *arguments, command="serve", data=None, config=None, environment=None):
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="campanile-e2e-")
        self.arguments = [BINARY, command, "--data", self.data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", *arguments]
        if config is not None:
            self.config_file = os.path.join(self.data, "campanile.yaml")
            with open(self.config_file, "w", encoding="utf-8") as file:
                file.write(config)
            self.arguments += ["--config", self.config_file]
        self.environment = {**os.environ, **(environment or {})}
        self.log = []
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment)
        reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        reader.start()
        line = self.process.stdout.readline()
        match = re.fullmatch(r"ready http=(\S+):(\d+) mqtt=(\S+):(\d+)\n", line)
        if not match:
            self.process.kill()
            self.process.wait()
            reader.join(2)
            raise AssertionError(f"no ready line but {line!r}; log:\n" + "".join(self.log))
        self.http_port, self.mqtt_port = int(match.group(2)), int(match.group(4))
        self.http = f"http://127.0.0.1:{self.http_port}"
        return self

    def _read_log(self, stream):
        for line in stream:
            self.log.append(line)

    def stop(self):
        """Ends the program as an operator does, and returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("SIGTERM did not end the program; log:\n" + "".join(self.log))
        self.process.stdout.close()
        self.process = None
        return code

    def kill(self):
        """What a power cut does to the process."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    # HTTP

    def request(self, method, path, body=None, headers=None, timeout=30):
        """Returns (status, headers, body as text) whatever the status is."""
        if isinstance(body, str):
            body = body.encode()
        request = urllib.request.Request(self.http + path, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def get_json(self, path):
        status, _, body = self.request("GET", path)
        assert status == 200, f"GET {path} answered {status}: {body}"
        return json.loads(body)

    def query(self, text, database="campanile", **parameters):
        """The series of the first statement, as /query gives them."""
        fields = urllib.parse.urlencode({"db": database, "q": text, **parameters})
        result = self.get_json("/query?" + fields)["results"][0]
        assert "error" not in result, result["error"]
        return result.get("series", [])

    def values(self, text, database="campanile", **parameters):
        series = self.query(text, database, **parameters)
        return series[0]["values"] if series else []

    def create_database(self, name):
        status, _, body = self.request("POST", "/query?" + urllib.parse.urlencode({"q": f'CREATE DATABASE "{name}"'}))
        assert status == 200, body

    def write(self, lines, database="campanile", **parameters):
        status, _, body = self.request("POST", "/write?" + urllib.parse.urlencode({"db": database, **parameters}), lines)
        assert status == 204, f"{status}: {body}"

    # MQTT, with clients nobody here wrote

    def publish(self, topic, payload, *options, qos=1):
        run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.mqtt_port), "-t", topic, "-m", payload, "-q", str(qos), *options])

    def subscriber(self, *options):
        return Subscriber(self.mqtt_port, *options)


class Subscriber:
    """mosquitto_sub running beside the test; started means subscribed."""

    def __init__(self, port, *options):
        self.process = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-d", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.startswith("Subscribed (mid"):
                self.ready.set()
            elif not re.match(r"Client \S+ (sending|received)", line) and not line.startswith("Subscribed"):
                self.lines.append(line)

    def __enter__(self):
        if not self.ready.wait(15):
            self.process.kill()
            raise AssertionError(f"mosquitto_sub did not subscribe: {self.lines}")
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()

    def wait_for(self, count):
        wait_until(lambda: len(self.lines) >= count, f"{count} messages", lambda: self.lines)
        return self.lines


def run(command, check=True, timeout=60, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def wait_until(condition, what, show=lambda: "", limit_s=30):
    """Polls instead of sleeping; the limit is generous because machines are slow at times."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s for {what}; last seen: {show()}")
        time.sleep(0.02)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def main():
    if not os.path.exists(BINARY):
        print(f"{BINARY} is not built", file=sys.stderr)
        sys.exit(1)
    unittest.main(verbosity=2, warnings='ignore')
