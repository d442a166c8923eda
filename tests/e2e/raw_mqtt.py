"""MQTT packets by hand, valid or not, over a plain socket: what no client library would send.

    with RawClient(port, connect(5, "c1")) as client:
        client.send(publish("a/b", b"21.5", qos=1, packet_id=7, version=5))
        kind, flags, body = client.packet()
"""

import socket
import struct

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 5, 6, 7, 9, 11, 13, 14


def varint(value):
    out = b""
    while True:
        byte, value = value & 127, value >> 7
        out += bytes([byte | (128 if value else 0)])
        if not value:
            return out


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(data)) + data


def packet(first, body=b""):
    return bytes([first]) + varint(len(body)) + body


def properties(version, data=b""):
    return varint(len(data)) + data if version == 5 else b""


def connect(version=4, client_id="raw", keep_alive=60, flags=0x02, props=b"", rest=b""):
    """`rest` follows the client identifier: will, user name, password."""
    return packet(0x10, text("MQTT") + bytes([version, flags]) + struct.pack(">H", keep_alive) + properties(version, props) + text(client_id) + rest)


def publish(topic, payload=b"", qos=0, packet_id=1, version=4, flags=0, props=b""):
    return packet(0x30 | qos << 1 | flags, text(topic) + (struct.pack(">H", packet_id) if qos else b"") + properties(version, props) + payload)


def subscribe(filters, packet_id=1, version=4, options=0, props=b""):
    filters = [filters] if isinstance(filters, (str, bytes)) else filters
    return packet(0x82, struct.pack(">H", packet_id) + properties(version, props) + b"".join(text(one) + bytes([options]) for one in filters))


def acknowledge(kind, packet_id):
    return packet(kind << 4 | (2 if kind == PUBREL else 0), struct.pack(">H", packet_id))


class Closed(Exception):
    """The other side has ended the connection."""


class RawClient:
    def __init__(self, port, first=b"", limit_s=20):
        self.socket = socket.create_connection(("127.0.0.1", port), limit_s)
        self.socket.settimeout(limit_s)
        self.buffer = b""
        if first:
            self.send(first)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, data):
        """A peer that has closed already is not an error: what it said before is there to be read."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def packet(self):
        """The next packet as (type, flags, body); raises Closed."""
        while True:
            size, at = 0, 1
            while at < len(self.buffer) and at < 5:
                size |= (self.buffer[at] & 127) << 7 * (at - 1)
                at += 1
                if self.buffer[at - 1] < 128:
                    if len(self.buffer) >= at + size:
                        first, body = self.buffer[0], self.buffer[at:at + size]
                        self.buffer = self.buffer[at + size:]
                        return first >> 4, first & 15, body
                    break
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError as error:
                raise Closed from error
            if not data:
                raise Closed
            self.buffer += data

    def expect(self, kind):
        """The next packet's body, which must be of that type."""
        found, _, body = self.packet()
        assert found == kind, f"packet type {found}, wanted {kind}: {body!r}"
        return body

    def logged_in(self):
        """Reads the CONNACK, which must be a good one."""
        body = self.expect(CONNACK)
        assert body[1] == 0, f"CONNACK says {body[1]:#x}"
        return self

    def rest(self):
        """Every packet until the other side closes."""
        packets = []
        try:
            while True:
                packets.append(self.packet())
        except Closed:
            return packets
