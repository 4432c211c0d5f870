# SPDX-License-Identifier: Apache-2.0
"""A Type=notify-reload service that writes which signal asked it to reload."""
import os
import signal
import socket
import sys
import time


def tell(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def reload(number, _):
    with open(sys.argv[1], "w") as f:
        f.write(f"got {number}\n")
    tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
    tell("READY=1")


for each in (signal.SIGHUP, signal.SIGUSR2):
    signal.signal(each, reload)
tell("READY=1")
while True:
    signal.pause()
