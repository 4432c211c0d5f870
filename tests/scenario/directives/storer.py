# SPDX-License-Identifier: Apache-2.0
"""A service that gives the manager a descriptor to keep."""
import array
import os
import socket
import time

s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
fds = array.array("i", [os.memfd_create("kept")])
s.connect(os.environ["NOTIFY_SOCKET"])
s.sendmsg([b"FDSTORE=1\nFDNAME=kept"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
s.send(b"READY=1")
time.sleep(300)
