# SPDX-License-Identifier: Apache-2.0
"""A client of the manager's private D-Bus socket: as much of the wire format as the director needs, and the standard
library only. Several questions may be under way at once. Knows nothing of units."""

import socket
import struct
import time

PRIVATE = "/run/systemd/private"
PATIENCE = 60.0  # seconds until a manager that does not answer, or does not come to rest, counts as stuck
POLL = 0.002


class Gone(Exception):
    """The connection ended: a re-execution does that."""


class Refused(Exception):
    """An error reply; the text is its name."""


def align(buffer: bytearray, n: int):
    buffer.extend(b"\0" * (-len(buffer) % n))


def put(buffer: bytearray, kind: str, value):
    if kind in "so":
        align(buffer, 4)
        data = value.encode()
        buffer += struct.pack("<I", len(data)) + data + b"\0"
    elif kind == "g":
        buffer += bytes([len(value)]) + value.encode() + b"\0"
    elif kind == "u":
        align(buffer, 4)
        buffer += struct.pack("<I", value)
    elif kind == "as":
        align(buffer, 4)
        items = bytearray()
        for item in value:
            put(items, "s", item)
        buffer += struct.pack("<I", len(items)) + items
    else:
        raise ValueError(kind)


SIZES = {"y": ("B", 1), "b": ("I", 4), "n": ("h", 2), "q": ("H", 2), "i": ("i", 4), "u": ("I", 4), "x": ("q", 8),
         "t": ("Q", 8), "d": ("d", 8)}


def one_type(signature: str, at: int) -> int:
    """The end of the complete type that begins at AT."""
    if signature[at] == "a":
        return one_type(signature, at + 1)
    if signature[at] in "({":
        depth = 0
        while True:
            depth += (signature[at] in "({") - (signature[at] in ")}")
            at += 1
            if not depth:
                return at
    return at + 1


def take(data: bytes, at: int, kind: str):
    """A value of the complete type KIND, and where it ends."""
    code = kind[0]
    if code in SIZES:
        letter, size = SIZES[code]
        at += -at % size
        return struct.unpack_from("<" + letter, data, at)[0], at + size
    if code in "so":
        at += -at % 4
        (n,) = struct.unpack_from("<I", data, at)
        return data[at + 4:at + 4 + n].decode(), at + 5 + n
    if code == "g":
        return data[at + 1:at + 1 + data[at]].decode(), at + 2 + data[at]
    if code == "v":
        inner, at = take(data, at, "g")
        return take(data, at, inner)
    if code == "a":
        at += -at % 4
        (n,) = struct.unpack_from("<I", data, at)
        at += 4
        at += -at % (8 if kind[1] in "({xtd" else 4 if kind[1] in "asoiub" else 1)
        end, items = at + n, []
        while at < end:
            item, at = take(data, at, kind[1:])
            items.append(item)
        return items, at
    if code in "({":
        at += -at % 8
        items, position = [], 1
        while kind[position] not in ")}":
            end = one_type(kind, position)
            item, at = take(data, at, kind[position:end])
            items.append(item)
            position = end
        return items, at
    raise ValueError(kind)


class Bus:
    def __init__(self):
        self.serial, self.data = 0, b""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE)
            try:
                self.socket.connect(PRIVATE)
                self.socket.sendall(b"\0AUTH EXTERNAL " + b"0".hex().encode() + b"\r\nBEGIN\r\n")
                while b"\r\n" not in self.data:
                    self.receive()
                self.data = self.data.split(b"\r\n", 1)[1]
                return
            except (OSError, Gone):
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL)

    def receive(self):
        try:
            more = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Gone from error
        if not more:
            raise Gone
        self.data += more

    def send(self, path: str, interface: str, member: str, *arguments) -> int:
        self.serial += 1
        signature = "".join(kind for kind, _ in arguments)
        fields, body = bytearray(), bytearray()
        for code, kind, value in ((1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", "org.freedesktop.systemd1"),
                                  *([(8, "g", signature)] if signature else [])):
            align(fields, 8)
            fields += bytes([code, 1]) + kind.encode() + b"\0"
            put(fields, kind, value)
        for kind, value in arguments:
            put(body, kind, value)
        message = bytearray(struct.pack("<BBBBIII", ord("l"), 1, 0, 1, len(body), self.serial, len(fields))) + fields
        align(message, 8)
        try:
            self.socket.sendall(message + body)
        except ConnectionError as error:
            raise Gone from error
        return self.serial

    def reply(self, serial: int):
        """The values of the reply to SERIAL. Signals and other peoples' replies are passed over."""
        while True:
            while len(self.data) < 16 or len(self.data) < self.total():
                self.receive()
            total, data = self.total(), self.data
            self.data = data[total:]
            kind, body_length, fields_length = data[1], *struct.unpack_from("<I", data, 4), *struct.unpack_from("<I", data, 12)
            if kind not in (2, 3):
                continue
            fields = dict(take(data, 12, "a(yv)")[0])
            if fields[5] != serial:
                continue
            if kind == 3:
                raise Refused(fields[4])
            at, values, signature, position = 0, [], fields.get(8, ""), 0
            body = data[total - body_length:total]
            while position < len(signature):
                end = one_type(signature, position)
                value, at = take(body, at, signature[position:end])
                values.append(value)
                position = end
            return values

    def total(self) -> int:
        body, fields = struct.unpack_from("<I", self.data, 4)[0], struct.unpack_from("<I", self.data, 12)[0]
        return 16 + fields + -fields % 8 + body

    def call(self, path: str, interface: str, member: str, *arguments):
        return self.reply(self.send(path, interface, member, *arguments))
