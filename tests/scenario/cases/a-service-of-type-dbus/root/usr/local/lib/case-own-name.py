"""Owns org.example.Case on the system bus until the connection is closed: the D-Bus protocol by hand."""
import os, socket, struct, time

def string(text):
    return struct.pack("<I", len(text)) + text.encode() + b"\0"

def pad(data, to=8):
    return data + b"\0" * (-len(data) % to)

def field(code, kind, value):
    return struct.pack("<BB", code, 1) + kind + b"\0" + value

def call(serial, member, signature="", body=b""):
    fields = b""
    for one in (field(1, b"o", string("/org/freedesktop/DBus")), field(2, b"s", string("org.freedesktop.DBus")),
                field(3, b"s", string(member)), field(6, b"s", string("org.freedesktop.DBus"))):
        fields = pad(fields) + one
    if signature:
        fields = pad(fields) + field(8, b"g", bytes([len(signature)]) + signature.encode() + b"\0")
    return pad(struct.pack("<cBBBIII", b"l", 1, 0, 1, len(body), serial, len(fields)) + fields) + body

bus = socket.socket(socket.AF_UNIX)
bus.connect("/run/dbus/system_bus_socket")
bus.send(b"\0AUTH EXTERNAL %s\r\nBEGIN\r\n" % str(os.getuid()).encode().hex().encode())
bus.recv(1000)
bus.send(call(1, "Hello"))
time.sleep(0.3)
bus.send(call(2, "RequestName", "su", pad(string("org.example.Case"), 4) + struct.pack("<I", 0)))
while bus.recv(1000):
    pass
