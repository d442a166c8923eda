"""A certificate authority of the tests' own, made with the openssl command in a folder that goes with the test.

    authority = Authority(folder)
    authority.issue("server", "server", "DNS:localhost,IP:127.0.0.1")    # server.pem and server.key
    authority.revoke("gate7")                                            # rewrites crl.pem
"""

import os
import subprocess

CONFIG = """
[ca]
default_ca = authority
[authority]
dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_days = 2
default_crl_days = 2
policy = policy
unique_subject = no
copy_extensions = copy
[policy]
commonName = supplied
"""


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.config = self.path("ca.cnf")
        for name, text in (("ca.cnf", CONFIG.format(folder=folder)), ("index.txt", ""), ("serial", "1000\n")):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test CA",
                      "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))
        self.write_crl()

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, common_name, alternative_names=None):
        extension = ["-addext", f"subjectAltName={alternative_names}"] if alternative_names else []
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={common_name}", *extension,
                      "-keyout", self.path(name + ".key.new"), "-out", self.path(name + ".csr"))
        self._openssl("ca", "-batch", "-config", self.config, "-in", self.path(name + ".csr"), "-out", self.path(name + ".pem.new"), "-notext")
        for ending in (".key", ".pem"):
            os.replace(self.path(name + ending + ".new"), self.path(name + ending))

    def revoke(self, name):
        self._openssl("ca", "-config", self.config, "-revoke", self.path(name + ".pem"))
        self.write_crl()

    def write_crl(self):
        self._openssl("ca", "-config", self.config, "-gencrl", "-out", self.path("crl.pem.new"))
        os.replace(self.path("crl.pem.new"), self.path("crl.pem"))

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"openssl {' '.join(arguments)}:\n{done.stderr}"
