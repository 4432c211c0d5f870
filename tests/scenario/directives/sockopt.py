# SPDX-License-Identifier: Apache-2.0
"""Run as the service behind a socket: prints what became of descriptor 3. `sockopt WHAT` of the .tests files."""
import ctypes
import fcntl
import os
import socket
import struct
import sys

what = sys.argv[1]
OPTIONS = {  # name: level, option
    "v6only": (socket.IPPROTO_IPV6, 26), "keepalive": (1, 9), "keepidle": (6, 4), "keepintvl": (6, 5), "keepcnt": (6, 6),
    "nodelay": (6, 1), "priority": (1, 12), "deferaccept": (6, 9), "rcvbuf": (1, 8), "sndbuf": (1, 7), "tos": (0, 1),
    "ttl": (0, 2), "reuseport": (1, 15), "broadcast": (1, 6), "passcred": (1, 16), "passsec": (1, 34), "pktinfo": (0, 8),
    "timestamp": (1, 29), "family": (1, 39), "protocol": (1, 38), "mark": (1, 36), "transparent": (0, 19),
}
if what == "names":
    print(os.environ.get("LISTEN_FDNAMES"))
elif what == "fd":
    print(os.readlink("/proc/self/fd/3"))
elif what == "writable":
    print("writable" if fcntl.fcntl(3, fcntl.F_GETFL) & 3 else "read-only")
elif what == "pipesize":
    print("pipesize =", fcntl.fcntl(3, 1032))
elif what == "mq":
    attributes = (ctypes.c_long * 8)()
    ctypes.CDLL(None).mq_getattr(3, attributes)
    print("msgs", attributes[1], "size", attributes[2])
else:
    s = socket.socket(fileno=3)
    if what == "congestion":
        print(s.getsockopt(6, 13, 16))
    else:
        level, option = OPTIONS[what]
        if level == 0 and s.family == socket.AF_INET6:
            level, option = 41, {1: 67, 2: 16}[option]
        print(what, "=", struct.unpack("i", s.getsockopt(level, option, 4))[0])
