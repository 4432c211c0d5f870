# SPDX-License-Identifier: Apache-2.0
"""daemon-reload and daemon-reexec of a manager that has work to do, to itself and to another build.

What can be asked of real systemd is in cases/renewed-*; this is what needs another binary, a load, or a look at PID 1
itself. REEXEC_ROUNDS sets how often the loaded manager is executed anew (20; `make soak`: 1000).
"""

import os
import re
import time

import pytest

from engine import binary

ROUNDS = int(os.environ.get("REEXEC_ROUNDS", 20))

SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n"


# -- another build -----------------------------------------------------------------------------------------------


def another_build() -> bytes:
    """The same program with another version, and with a field of the saved state that goes by another name."""
    data = binary().read_bytes()
    changed = data.replace(b"\0" + b"n-restarts\0", b"\0" + b"n-restartz\0").replace(b"reeve 0.", b"reeve 9.")
    assert len(changed) == len(data) and changed.count(b"n-restartz") > 0
    return changed


def replace_program(m, content):
    """As a package's upgrade does it: the new file is renamed over the old one."""
    m.put({"usr/bin/reeve.new": content})
    m.sh("[ -L /usr/bin/reeve.new ] || chmod 0755 /usr/bin/reeve.new")
    assert m.sh("mv -T /usr/bin/reeve.new /usr/bin/reeve").ok


def test_reexec_to_another_build_and_back(machine):
    m = machine("oracle", units={"a.service": SLEEPER, "crash.service": "[Service]\nRestart=always\nRestartSec=100ms\n"
                                 "ExecStart=/bin/sh -c 'sleep 0.3; exit 1'\n[Unit]\nStartLimitIntervalSec=0\n"})
    assert m.ctl("start a crash").ok
    m.wait_until(lambda: int(m.show("crash.service", "NRestarts")) > 0, "a restart")
    pid, count = m.main_pid("a.service"), m.logs().count
    for content, round_ in ((another_build(), 1), (binary().read_bytes(), 2)):
        replace_program(m, content)
        assert m.ctl("daemon-reexec").ok
        m.wait_until(lambda: m.ctl("is-active a.service").ok, "the new one to answer")
        assert m.run("/usr/bin/reeve", "--version").out.startswith("reeve 9." if round_ == 1 else "reeve 0.")
        assert m.run("cmp", "/proc/1/exe", "/usr/bin/reeve").ok, "PID 1 is what lies there"
        assert m.main_pid("a.service") == pid
        m.wait_log(r"fields that are not known here, ignored\. The first: n-restart. of")
        m.wait_until(lambda: int(m.show("crash.service", "NRestarts")) > 0, "it to go on restarting")
    assert m.ctl("is-system-running").out.strip() in ("running", "degraded"), count


BROKEN = {
    "text": "nothing that runs\n",
    "empty": "",
    "half": None,
    "another program": "-> /bin/true",
    "a program that hangs up": "#!/bin/sh\nkill -9 $$\n",
    "absent": "-> /nowhere",
}


def test_a_program_that_cannot_be_executed_leaves_the_old_one(machine):
    m = machine("oracle", units={"a.service": SLEEPER})
    assert m.ctl("start a").ok
    pid = m.main_pid("a.service")
    assert m.sh("cp /usr/bin/reeve /usr/bin/reeve.good").ok
    for name, content in BROKEN.items():
        if content is None:
            content = binary().read_bytes()[:100000]
        replace_program(m, content)
        ran = m.ctl("daemon-reexec")
        assert not ran.ok and "/usr/bin/reeve" in ran.err, f"{name}: {ran}"
        assert m.ctl("is-active a").ok and m.main_pid("a.service") == pid, name
    m.sh("cp /usr/bin/reeve.good /usr/bin/reeve.new; mv /usr/bin/reeve.new /usr/bin/reeve; chmod 0644 /usr/bin/reeve")
    ran = m.ctl("daemon-reexec")
    assert not ran.ok and "Permission denied" in ran.err, ran
    assert m.sh("chmod 0755 /usr/bin/reeve").ok and m.ctl("daemon-reexec").ok
    m.wait_until(lambda: m.ctl("is-active a").ok, "the new one to answer")
    assert m.main_pid("a.service") == pid


# -- output ------------------------------------------------------------------------------------------------------


def test_no_line_is_lost(machine):
    """Lines of stdout, of syslog(3) and of sd_notify(3) while the manager is renewed again and again."""
    talker = ("[Service]\nType=notify\nNotifyAccess=all\nExecStart=/usr/bin/python3 /usr/bin/talker\n")
    m = machine("oracle", units={"talker.service": talker}, files={"usr/bin/talker": TALKER})
    assert m.ctl("start talker").ok
    for n in range(ROUNDS):
        assert m.ctl("daemon-reexec" if n % 2 else "daemon-reload").ok
    assert m.sh("touch /run/enough").ok
    m.wait_active("talker.service", "inactive")
    last = int(m.read("/run/said"))
    assert last > 100
    m.wait_log(rf"talker.service: line {last}\b")
    printed = [int(n) for n in re.findall(r"talker\.service: line (\d+)$", m.logs(), re.M)]
    assert printed == list(range(last + 1))
    logged = [int(n) for n in re.findall(r"talker: entry (\d+)$", m.logs(), re.M)]
    assert logged == list(range(last + 1))
    assert m.show("talker.service", "StatusText") in (f"said {last}", "")


TALKER = """#!/usr/bin/python3
import os, socket, syslog, time
syslog.openlog("talker", 0)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
n = -1
while n < 100 or not os.path.exists("/run/enough"):
    n += 1
    os.write(1, b"line %d\\n" % n)
    syslog.syslog(f"entry {n}")
    notify.send(b"READY=1\\nSTATUS=said %d" % n)
    time.sleep(0.002)
open("/run/said", "w").write(str(n))
"""


def test_each_start_has_a_log_stream_of_its_own(machine):
    m = machine("oracle", units={"again.service": "[Service]\nRestart=always\nRestartSec=100ms\n"
                                 "ExecStart=/bin/sh -c 'stat -Lc %%i /dev/fd/2 >> /root/streams'\n"})
    m.ctl("start again")
    m.wait_until(lambda: m.sh("[ $(wc -l < /root/streams) -ge 3 ]").ok, "three starts")
    m.ctl("stop again")
    streams = m.read("/root/streams").split()
    assert len(streams) == len(set(streams)), streams


# -- under load --------------------------------------------------------------------------------------------------

STEADY = 20  # services that nothing may happen to
CLIENTS = 50

LOAD = {
    **{f"steady-{n}.service": "[Service]\nExecStart=/bin/sleep infinity\n" for n in range(STEADY)},
    "crashing@.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=500ms\n"
                         "ExecStart=/bin/sh -c 'sleep 0.5; kill -9 $$$$'\n",
    "short@.service": "[Service]\nType=oneshot\nExecStart=/bin/sleep 0.05\n",
    "up-and-down@.service": "[Service]\nType=notify\nNotifyAccess=all\nExecStartPre=/bin/sleep 0.02\n"
                            "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep infinity'\nExecStop=/bin/sleep 0.02\n",
    "store.service": "[Service]\nType=notify\nFileDescriptorStoreMax=4\nExecStart=/usr/bin/python3 /usr/bin/store\n",
    "door.socket": "[Socket]\nListenStream=/run/door\nAccept=yes\n",
    "door@.service": "[Service]\nStandardInput=socket\nExecStart=/bin/cat\n",
}
STORE = """#!/usr/bin/python3
import os, signal, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
for name in "abc":
    socket.send_fds(s, [f"FDSTORE=1\\nFDNAME={name}".encode()], [os.memfd_create(name)])
s.send(b"READY=1")
signal.pause()
"""
# Clients of the private socket, all in one process so that it is PID 1 that is under load: each calls, waits for the answer,
# rests; one whose connection went away makes another. Meanwhile PID 1 is told to execute itself anew, again and again.
CROWD = """#!/usr/bin/python3
import os, random, selectors, socket, struct, sys, threading, time

NAME, PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
count = {"calls": 0, "answers": 0, "errors": 0, "connections": 0, "echoes": 0}


def text(s):
    return struct.pack("<I", len(s)) + s.encode() + b"\\0"


def pad(data, n):
    return data + bytes(-len(data) % n)


def call(serial, path, interface, member, *args):
    body = b""
    for arg in args:
        body = pad(body, 4) + text(arg)
    fields = b""
    for code, kind, value in ((1, b"o", path), (2, b"s", interface), (3, b"s", member)):
        fields = pad(fields, 8) + bytes([code]) + b"\\1" + kind + b"\\0" + text(value)
    if args:
        fields = pad(fields, 8) + b"\\10\\1g\\0" + bytes([len(args)]) + b"s" * len(args) + b"\\0"
    return pad(struct.pack("<cBBBIII", b"l", 1, 0, 1, len(body), serial, len(fields)) + fields, 8) + body


class Client:
    def __init__(self, n):
        self.n, self.turn, self.socket, self.at = n, n, None, 0

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.serial, self.data, self.waiting = 0, b"", False
        try:
            self.socket.connect("/run/systemd/private")
            self.socket.sendall(b"\\0AUTH EXTERNAL 30\\r\\nNEGOTIATE_UNIX_FD\\r\\nBEGIN\\r\\n")
        except OSError:
            self.close()
            return
        count["connections"] += 1
        self.greeting = 2
        selector.register(self.socket, selectors.EVENT_READ, self)

    def close(self):
        try:
            selector.unregister(self.socket)
        except (KeyError, ValueError):
            pass
        self.socket.close()
        self.socket, self.at = None, time.monotonic() + random.uniform(0, 0.2)

    def step(self):
        if not self.socket:
            self.connect()
            return
        if self.waiting or self.greeting:
            return
        self.serial += 1
        self.turn += 1
        work, steady = f"up-and-down@{self.n % 5}.service", f"steady-{self.n % 20}.service"
        calls = {0: ("StartUnit", f"short@{self.n}.service", "replace"), 3: ("RestartUnit", work, "replace"),
                 6: ("StopUnit", work, "replace")}
        if self.turn % 10 in calls:
            message = call(self.serial, PATH, NAME + ".Manager", *calls[self.turn % 10])
        elif self.turn % 2:
            message = call(self.serial, PATH, NAME + ".Manager", "GetUnit", steady)
        else:
            path = PATH + "/unit/" + steady.replace("-", "_2d").replace(".", "_2e")
            message = call(self.serial, path, "org.freedesktop.DBus.Properties", "GetAll", "")
        try:
            self.socket.sendall(message)
        except OSError:
            self.close()
            return
        self.waiting = True
        count["calls"] += 1

    def hear(self):
        try:
            more = self.socket.recv(65536)
        except OSError:
            more = b""
        if not more:
            self.close()
            return
        self.data += more
        while self.greeting and b"\\r\\n" in self.data:
            self.data = self.data.split(b"\\r\\n", 1)[1]
            self.greeting -= 1
        while not self.greeting and len(self.data) >= 16:
            kind, body, _, fields = struct.unpack("<xBxxIII", self.data[:16])
            size = 16 + fields + -fields % 8 + body
            if len(self.data) < size:
                return
            self.data = self.data[size:]
            if kind in (2, 3):
                count["answers" if kind == 2 else "errors"] += 1
                self.waiting, self.at = False, time.monotonic() + random.uniform(2, 8)


def knock():
    while os.path.exists("/run/crowd"):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect("/run/door")
            s.sendall(b"hello")
            s.shutdown(socket.SHUT_WR)
            heard = b""
            while more := s.recv(100):
                heard += more
            assert heard == b"hello", heard
        count["echoes"] += 1
        time.sleep(1)


def ask(member, *args):
    # A connection for one call. The answer's kind; None: the connection ended without one.
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(120)
        s.connect("/run/systemd/private")
        s.sendall(b"\\0AUTH EXTERNAL 30\\r\\nNEGOTIATE_UNIX_FD\\r\\nBEGIN\\r\\n" + call(1, PATH, NAME + ".Manager", member, *args))
        data, greeting = b"", 2
        while more := s.recv(65536):
            data += more
            while greeting and b"\\r\\n" in data:
                data = data.split(b"\\r\\n", 1)[1]
                greeting -= 1
            while not greeting and len(data) >= 16:
                kind, body, _, fields = struct.unpack("<xBxxIII", data[:16])
                size = 16 + fields + -fields % 8 + body
                if len(data) < size:
                    break
                data = data[size:]
                if kind in (2, 3):
                    return kind
        return None


def renew(rounds):
    for n in range(rounds):
        while os.path.exists("/run/crowd"):
            try:
                if ask("GetUnit", "steady-0.service") == 2:
                    break
            except OSError:
                time.sleep(0.01)
        try:
            assert ask("Reexecute") is None, "refused"
        except ConnectionResetError:
            pass
        count["rounds"] += 1
        if not os.path.exists("/run/crowd"):
            return
    if os.path.exists("/run/crowd"):
        os.unlink("/run/crowd")


count["rounds"] = 0
selector = selectors.DefaultSelector()
clients = [Client(n) for n in range(int(sys.argv[1]))]
door = threading.Thread(target=knock)
door.start()
threading.Thread(target=renew, args=[int(sys.argv[2])], daemon=True).start()
while os.path.exists("/run/crowd"):
    now = time.monotonic()
    for client in clients:
        if client.at <= now:
            client.step()
    for key, _ in selector.select(0.01):
        key.data.hear()
door.join()
print(count)
"""


def anonymous_kb(m) -> int:
    return sum(int(line.split()[1]) for line in m.read("/proc/1/smaps").splitlines() if line.startswith("Anonymous:"))


def descriptors(m) -> int:
    return int(m.sh("ls /proc/1/fd | wc -l").out)


def survivors(m) -> dict[str, tuple]:
    names = [f"steady-{n}.service" for n in range(STEADY)] + ["store.service"]
    shown = m.run("systemctl", "show", *names, "-p", "Id,MainPID,ActiveState,InvocationID,NRestarts,NFileDescriptorStore").out
    found = {}
    for block in shown.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines())
        found[values.pop("Id")] = tuple(sorted(values.items()))
    return found


def quiet(m) -> bool:
    """Nothing has anything to do any more."""
    return m.run("systemctl", "list-jobs", "--no-legend").out.strip() in ("", "No jobs running.")


def measure(m) -> tuple[int, int]:
    """Of a manager that has just been executed anew and is at rest."""
    assert m.ctl("daemon-reexec").ok
    m.wait_until(lambda: m.ctl("is-active steady-0").ok and quiet(m), "rest")
    return descriptors(m), anonymous_kb(m)


def test_reexec_under_load(machine):
    m = machine("oracle", units=LOAD, files={"usr/bin/store": STORE, "usr/bin/crowd": CROWD})
    assert m.ctl("start " + " ".join(f"steady-{n}" for n in range(STEADY)) + " store door.socket").ok
    before, (fds_before, kb_before) = survivors(m), measure(m)
    assert len(before) == STEADY + 1 and all(dict(v)["ActiveState"] == "active" for v in before.values())
    assert m.ctl("start crashing@1 crashing@2 crashing@3").ok
    m.sh("touch /run/crowd")
    began = time.monotonic()
    crowd = m.run("python3", "/usr/bin/crowd", str(CLIENTS), str(ROUNDS), timeout=60 + 60 * ROUNDS)
    assert crowd.ok, f"{crowd}\n{m.logs()[-3000:]}"
    took = time.monotonic() - began
    restarts = [int(m.show(f"crashing@{i}.service", "NRestarts")) for i in (1, 2, 3)]
    assert all(n > 0 for n in restarts)
    assert m.ctl("stop crashing@1 crashing@2 crashing@3 up-and-down@0 up-and-down@1 up-and-down@2 up-and-down@3 up-and-down@4").ok
    m.wait_until(lambda: quiet(m), "all jobs to be done")
    assert survivors(m) == before
    m.wait_until(lambda: not m.find(r"^\[zombie\]"), "no zombies")
    m.wait_until(lambda: not m.find(r"sleep 0\.|^/bin/cat"), "nothing to be left behind")
    fds_after, kb_after = measure(m)
    print(f"\n{took:.0f} s, {restarts} restarts of the crashing ones; descriptors {fds_before} -> {fds_after}, anonymous "
          f"memory {kb_before} -> {kb_after} kB; clients and rounds: {crowd.out.strip()}")
    assert m.logs().count("Reexecuted: ") >= ROUNDS + 2
    assert fds_after == fds_before
    assert kb_after <= kb_before + 100


# -- what waits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["daemon-reload", "daemon-reexec"])
def test_a_shutdown_under_way_goes_on(machine, verb):
    m = machine("oracle", units={
        "slow.service": "[Service]\nExecStart=/bin/sleep infinity\n"
                        "ExecStop=/bin/sh -c 'echo begun > /root/begun; until [ -e /root/go ]; do sleep 0.05; done; echo done > /root/done'\n"})
    assert m.ctl("start slow").ok
    m.ctl("--no-block exit 7")
    m.wait_until(lambda: m.sh("test -e /root/begun").ok, "the stop")
    assert m.ctl(verb).ok
    m.wait_until(lambda: m.ctl("is-system-running").out.strip() == "stopping", "the state")
    m.sh("touch /root/go")
    assert m.wait_exit() == 7
    assert m.engine.docker("cp", f"{m.id}:/root/done", "-", text=False).returncode == 0
