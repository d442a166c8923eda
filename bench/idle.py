#!/usr/bin/env python3
"""What an idle connection costs a broker: its resident memory before the first client, with one, and with all of them.

    bench/idle.py                                      # 15,000 clients of Campanile over TCP
    bench/idle.py --tls --clients 3000
    bench/idle.py --broker mosquitto --rounds 3

Clients say CONNECT of version 3.1.1 with a clean session, a keep-alive of 60 s and the account's name and password, and nothing more. Each round has a fresh broker.
"""

import argparse
import contextlib
import socket
import ssl
import statistics
import time

import brokers
from brokers import PASSWORD, USER
from soak import resident_bytes

KEEP_ALIVE_S = 60


def text(value):
    return len(value).to_bytes(2, "big") + value.encode()


def connect_packet(client_id):
    clean_session, password, user = 0x02, 0x40, 0x80
    body = text("MQTT") + bytes([4, clean_session | password | user]) + KEEP_ALIVE_S.to_bytes(2, "big") + text(client_id) + text(USER) + text(PASSWORD)
    return bytes([0x10, len(body)]) + body


def connect(port, client_id, tls):
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        client = tls.wrap_socket(client, server_hostname="127.0.0.1")
    client.sendall(connect_packet(client_id))
    answer = client.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise RuntimeError(f"CONNECT was answered {answer.hex() or 'with a close'}")
    return client


def quiet_bytes(pid, limit_s=20):
    """Resident memory once it has stayed the same for a second."""
    before = resident_bytes(pid)
    for _ in range(limit_s):
        time.sleep(1)
        now = resident_bytes(pid)
        if abs(now - before) <= 8192:
            return now
        before = now
    return before


def measure(broker, clients, tls):
    cold = quiet_bytes(broker.pid)
    with contextlib.ExitStack() as open_clients:
        open_clients.enter_context(connect(broker.port, "device-one", tls))
        one = quiet_bytes(broker.pid)
        for i in range(clients):
            open_clients.enter_context(connect(broker.port, f"dev-{i:06}", tls))
        full = quiet_bytes(broker.pid)
    return {"cold": cold, "first client": one - cold, "above cold": (full - cold) / (clients + 1), "above one": (full - one) / clients}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=("campanile", "mosquitto"), default="campanile")
    parser.add_argument("--clients", type=int, default=15_000, help="each is a file of this program and of the broker (ulimit -n)")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    brokers.require(*(["mosquitto"] if arguments.broker == "mosquitto" else []), *(["openssl"] if arguments.tls else []))

    rounds = []
    with contextlib.ExitStack() as stack:
        certificates = stack.enter_context(brokers.Certificates()) if arguments.tls else None
        tls = ssl.create_default_context(cafile=certificates.certificate) if certificates else None
        kind = brokers.Mosquitto if arguments.broker == "mosquitto" else brokers.Campanile
        for _ in range(arguments.rounds):
            with kind(certificates) as broker:
                rounds.append(measure(broker, arguments.clients, tls))
    median = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    print(f"{arguments.broker}, {arguments.clients:,} idle clients over {'TLS' if tls else 'TCP'}, median of {arguments.rounds}")
    print(f"resident before the first client  {median['cold'] / 1e6:8.1f} MB")
    print(f"more with the first client        {median['first client'] / 1e3:8.1f} KB")
    print(f"each, above a broker without any  {median['above cold']:8,.0f} bytes")
    print(f"each, above a broker with one     {median['above one']:8,.0f} bytes")


if __name__ == "__main__":
    main()
