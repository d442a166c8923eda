"""The brokers that the side-by-side runs start: Debian's mosquitto and Campanile, on free loopback ports, with accounts, and with TLS where asked.

    with Certificates() as certificates, Mosquitto(certificates) as broker:
        report = bench(broker, "--publishers", "50", "--subscribers", "1")

Every broker is a fresh process with a folder of its own, which goes with it.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.environ.get("CAMPANILE_BINARY", os.path.join(ROOT, "build", "release", "campanile"))
USER, PASSWORD = "bench", "bench-secret"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process, limit_s=20):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the broker ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nobody listens on port {port} after {limit_s} s")


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Certificates:
    """A self-signed certificate for 127.0.0.1."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-tls-")
        os.chmod(self.folder, 0o755)
        self.key, self.certificate = os.path.join(self.folder, "key.pem"), os.path.join(self.folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", self.key, "-out", self.certificate],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(self.key, 0o644)  # mosquitto reads it as a user of its own
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.folder, ignore_errors=True)


class Mosquitto:
    """As Debian ships it, with a password file and no limit on connections."""

    name = "mosquitto"

    def __init__(self, certificates=None):
        self.certificates = certificates

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-mosquitto-")
        os.chmod(self.folder, 0o755)
        passwords, configuration = os.path.join(self.folder, "passwords"), os.path.join(self.folder, "mosquitto.conf")
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(passwords, 0o644)
        self.port = free_port()
        with open(configuration, "w", encoding="ascii") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nmax_connections -1\nlog_type error\n")
            if self.certificates:
                file.write(f"certfile {self.certificates.certificate}\nkeyfile {self.certificates.key}\n")
        self.process = subprocess.Popen(["mosquitto", "-c", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        try:
            wait_for_port(self.port, self.process)
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class Campanile:
    """`campanile serve` with one account. `folder`: where its data lies (a fresh one below it). `configuration`: YAML, beside that of the listener."""

    name = "campanile"

    def __init__(self, certificates=None, folder=None, settings=(), configuration=""):
        self.certificates, self.parent, self.settings, self.configuration = certificates, folder, settings, configuration

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-campanile-", dir=self.parent)
        self.port = free_port()
        arguments = [BINARY, "serve", "--data", os.path.join(self.folder, "data"), "--http", "127.0.0.1:0", "--set", f"auth.user={USER}",
                     "--set", f"auth.password={PASSWORD}", "--set", "log.level=warning"]
        if self.configuration or self.certificates:
            configuration = os.path.join(self.folder, "campanile.yaml")
            with open(configuration, "w", encoding="ascii") as file:
                file.write(self.configuration)
            arguments += ["--config", configuration]
        if self.certificates:
            with open(configuration, "a", encoding="ascii") as file:
                file.write(f"mqtt:\n  listeners:\n    - name: tls\n      protocol: tls\n      listen: 127.0.0.1:{self.port}\n"
                           f"      certificate: {self.certificates.certificate}\n      key: {self.certificates.key}\n")
            arguments += ["--mqtt", "127.0.0.1:0"]
        else:
            arguments += ["--mqtt", f"127.0.0.1:{self.port}"]
        for setting in self.settings:
            arguments += ["--set", setting]
        self.errors = []
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read_errors, daemon=True).start()
        self.pid = self.process.pid
        ready = self.process.stdout.readline()
        found = re.search(r"http=127\.0\.0\.1:(\d+)", ready)
        if not found:
            self.__exit__()
            raise RuntimeError("campanile did not start: " + "".join(self.errors))
        self.http = f"http://127.0.0.1:{found.group(1)}"
        wait_for_port(self.port, self.process)
        return self

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)
            del self.errors[:-200]

    def __exit__(self, *unused):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def bench_command(broker, *options):
    command = [BINARY, "bench", "mqtt", "-h", "127.0.0.1", "-p", str(broker.port), "-u", USER, "-P", PASSWORD, "--broker-pid", str(broker.pid), "--json", *options]
    if broker.certificates:
        command += ["--cafile", broker.certificates.certificate]
    return command


def bench(broker, *options, limit_s=180):
    """The report of one run; lost messages and failures are in it, and only a run without a report is an error."""
    try:
        done = subprocess.run(bench_command(broker, "--quiet", *options), capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"no end after {limit_s} s"}
    if not done.stdout.startswith("{"):
        return {"error": done.stderr.strip() or f"exit code {done.returncode}"}
    return json.loads(done.stdout)


def require(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if not os.path.exists(BINARY):
        missing.append(BINARY)
    if missing:
        sys.exit(f"not there: {', '.join(missing)}; ./run builds, tools/packages.sh lists the packages")
