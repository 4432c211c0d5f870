# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, and what a person types."""

import errno
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

PATIENCE = 120


def undisturbed():
    """As a shell would start it: what the tests themselves were told to ignore, in the background of a script for example,
    is nothing that a program under test should ignore."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            undisturbed()
            os.execvp(argv[0], argv)
        self.seen = ""

    def wait_for(self, text: str):
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < deadline, f"waited in vain for {text!r}: {self.seen!r}"
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.fd, 4096).decode(errors="replace")
                except OSError as e:
                    assert e.errno == errno.EIO and text in self.seen, self.seen
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text: str):
        os.write(self.fd, text.encode())

    def resize(self, rows: int, columns: int):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def status(self) -> int:
        """Its exit status, once it has ended; what it still writes is read, or it would wait for that."""
        try:
            while data := os.read(self.fd, 4096):
                self.seen += data.decode(errors="replace")
        except OSError as e:
            assert e.errno == errno.EIO
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def shell_session(t: Terminal):
    """Job control, the keys, the window's size; ends it with status 5."""
    t.type("PS1='> '; echo be''gin\n")
    t.wait_for("begin")
    assert "no job control" not in t.seen
    t.type("sh -c 'echo in''side; while read x; do echo got-$x; done'\n")
    t.wait_for("inside")
    t.type("\x1a")
    t.wait_for("Stopped")
    t.type("fg\n")
    t.wait_for("done'")
    t.type("word\n")
    t.wait_for("got-word")
    t.type("\x03")
    t.wait_for("> ")
    t.type("echo status $?\n")
    t.wait_for("status 130")
    t.resize(33, 101)
    t.type("until [ \"$(stty size)\" = '33 101' ]; do sleep 0.1; done; echo as wi''de\n")
    t.wait_for("as wide")
    t.type("exit 5\n")
    assert t.status() == 5
