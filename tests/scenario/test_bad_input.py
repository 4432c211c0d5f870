# SPDX-License-Identifier: Apache-2.0
"""Nothing that comes from outside may hurt PID 1: unit files, notify messages, bus clients, an exhausted container.
After each of these the manager answers and its services run."""

import os
import signal

import pytest

CALM = {
    "calm.service": "[Service]\nExecStart=/bin/sleep 80000\n",
    "multi-user.target.wants/calm.service": "-> ../calm.service",
}


@pytest.fixture(scope="module")
def house(shared_machine):
    return shared_machine("oracle", units=CALM)


@pytest.fixture(autouse=True)
def still_well(request):
    """After every test that used the shared house."""
    yield
    if "house" in request.fixturenames:
        well(request.getfixturevalue("house"))


def well(m):
    assert m.running, m.logs()[-3000:]
    assert m.ctl("is-active calm").out == "active\n"
    assert m.find("sleep 80000$")


ODD_UNITS = {
    "garbage": bytes(range(256)) * 40,
    "a-megabyte-line": b"[Unit]\nDescription=" + b"x" * (1 << 20) + b"\n[Service]\nExecStart=/bin/true\n",
    "nul-bytes": b"[Service]\nExecStart=/bin/true\nEnvironment=A=\0B\n\0\0\0\n",
    "invalid-utf-8": b"[Unit]\nDescription=\xff\xfe caf\xe9\n[Service]\nExecStart=/bin/true\n",
    "deep-continuation": b"[Service]\nExecStart=/bin/true " + b"\\\n" * 5000 + b"\n",
    "many-lines": b"[Service]\nExecStart=/bin/true\n" + b"Environment=A=1\n" * 20000,
    "empty": b"",
}


@pytest.mark.parametrize("kind", ODD_UNITS)
def test_a_unit_file_of(house, kind):
    house.units({f"odd-{kind}.service": ODD_UNITS[kind]})
    house.ctl(f"start odd-{kind}")
    assert house.ctl(f"show odd-{kind}").ok
    assert house.ctl("list-units --all").ok
    house.ctl(f"status odd-{kind}")
    house.sh(f"rm /etc/systemd/system/odd-{kind}.service")


def test_one_warning_for_a_malformed_line_with_file_and_line(house):
    house.units({"typo.service": "[Service]\nExecStart=/bin/sleep infinity\nRestart=sometimes\nNoSuchThing=1\n"})
    assert house.ctl("start typo").ok
    house.wait_log(r"typo\.service:3.*Restart")
    house.wait_log(r"typo\.service:4.*NoSuchThing")
    assert house.ctl("stop typo").ok
    assert len([line for line in house.logs().splitlines() if "typo.service:3" in line]) == 1


def test_a_directory_in_place_of_a_unit_file(house):
    house.sh("mkdir /etc/systemd/system/directory.service")
    assert house.ctl("daemon-reload").ok
    assert not house.ctl("start directory").ok
    house.sh("rmdir /etc/systemd/system/directory.service")


def test_a_symlink_loop(house):
    house.sh("cd /etc/systemd/system && ln -s loop-b.service loop-a.service && ln -s loop-a.service loop-b.service")
    assert house.ctl("daemon-reload").ok
    assert not house.ctl("start loop-a").ok
    house.sh("rm /etc/systemd/system/loop-?.service")


def test_a_fragment_that_vanishes(house):
    house.units({"gone.service": "[Service]\nExecStart=/bin/sleep 80001\n"})
    assert house.ctl("start gone").ok
    house.sh("rm /etc/systemd/system/gone.service")
    assert house.ctl("daemon-reload").ok
    assert house.ctl("is-active gone").ok
    assert house.ctl("stop gone").ok
    assert house.find("sleep 80001") == []


def test_an_environment_file_that_is_a_fifo(house):
    house.sh("mkfifo /run/never")
    house.units({"fifo.service": "[Service]\nType=oneshot\nEnvironmentFile=/run/never\nExecStart=/bin/true\nTimeoutStartSec=2s\n"})
    house.ctl("start --no-block fifo")
    well(house)
    house.wait_until(lambda: house.active("fifo") != "activating", "the start to be over")
    house.sh("rm /run/never")


def test_a_unit_file_that_is_a_fifo(house):
    house.sh("mkfifo /etc/systemd/system/pipe.service")
    assert house.ctl("daemon-reload").ok
    assert not house.ctl("start pipe").ok
    house.sh("rm /etc/systemd/system/pipe.service")


NOTIFY = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
data = {"stranger": b"READY=1\\nMAINPID=1\\nSTATUS=boo", "64k": b"STATUS=" + b"x" * 65500, "empty": b"", "nul": b"\\0" * 100,
        "main-pid": b"MAINPID=1", "negative": b"MAINPID=-1\\nERRNO=99999999999\\nWATCHDOG_USEC=x\\nMAINPID=", "binary": bytes(range(256))}[sys.argv[1]]
for _ in range(50):
    try:
        s.sendto(data, "/run/systemd/notify")
    except OSError as e:
        print(e)
"""


@pytest.mark.parametrize("what", ["stranger", "64k", "empty", "nul", "main-pid", "negative", "binary"])
@pytest.mark.parametrize("user", ["root", "worker"])
def test_a_notify_message(house, what, user):
    house.run("python3", "-", what, stdin=NOTIFY, user=user)
    assert house.main_pid("calm") not in (0, 1)


BUS = r"""
import os, socket, struct, sys, time
PATH = "/run/systemd/private"
def connect(auth=True):
    s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(PATH)
    if auth:
        s.sendall(b"\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"); s.recv(1000)
    return s
def message(member, path="/org/freedesktop/systemd1", iface="org.freedesktop.systemd1.Manager", sig="", body=b"", serial=1):
    def text(t): t = t.encode(); return struct.pack("<I", len(t)) + t + b"\0"
    f = b""
    for code, kind, value in ((1, b"o", path), (2, b"s", iface), (3, b"s", member)):
        f += b"\0" * (-len(f) % 8) + bytes([code, 1]) + kind + b"\0" + text(value)
    if sig: f += b"\0" * (-len(f) % 8) + bytes([8, 1]) + b"g\0" + bytes([len(sig)]) + sig.encode() + b"\0"
    h = struct.pack("<cBBBIII", b"l", 1, 0, 1, len(body), serial, len(f)) + f
    return h + b"\0" * (-len(h) % 8) + body
def quiet(f):
    try: return f()
    except OSError: pass
what = sys.argv[1]
if what == "hang-in-auth":
    keep = [quiet(lambda: connect(False)) for _ in range(300)]
    time.sleep(1)
elif what == "rubbish-in-auth":
    for _ in range(100):
        s = connect(False); quiet(lambda: s.sendall(os.urandom(5000))); s.close()
elif what == "rubbish-after-auth":
    for _ in range(100):
        s = connect(); quiet(lambda: s.sendall(os.urandom(5000))); s.close()
elif what == "leave-halfway":
    for n in range(1, 150):
        s = connect(); s.sendall(message("ListUnits")[:n]); s.close()
elif what == "leave-before-the-answer":
    for _ in range(100):
        s = connect(); s.sendall(message("ListUnits")); s.close()
elif what == "never-read":
    s = connect(); s.settimeout(0.5)
    for n in range(20000):
        if quiet(lambda: s.sendall(message("ListUnits", serial=n + 1)) or True) is None: break
elif what == "flood":
    s = connect(); s.setblocking(True)
    import threading
    threading.Thread(target=lambda: [quiet(lambda: s.recv(1 << 20)) for _ in range(100000)], daemon=True).start()
    for n in range(5000):
        if quiet(lambda: s.sendall(message("GetDefaultTarget", serial=n + 1)) or True) is None: break
elif what == "a-huge-length":
    s = connect(); s.sendall(b"l\1\0\1" + struct.pack("<III", 0x7fffffff, 1, 0x7fffffff)); time.sleep(0.2)
elif what == "odd-arguments":
    s = connect()
    for n, (member, sig, body) in enumerate([("StartUnit", "", b""), ("StartUnit", "s", struct.pack("<I", 0) + b"\0"),
            ("StartUnit", "u", b"\1\0\0\0"), ("GetUnit", "s", struct.pack("<I", 5000) + b"a" * 5000 + b"\0"),
            ("NoSuchMethod", "", b""), ("KillUnit", "ssi", b"\1\0\0\0a\0\0\0\1\0\0\0b\0\0\0\377\377\377\377"),
            ("GetUnitByPID", "u", b"\377\377\377\377"), ("StartTransientUnit", "s", b"\1\0\0\0a\0")]):
        s.sendall(message(member, sig=sig, body=body, serial=n + 1)); print(s.recv(65536)[:200])
"""


@pytest.mark.parametrize("what", [
    "hang-in-auth", "rubbish-in-auth", "rubbish-after-auth", "leave-halfway", "leave-before-the-answer", "never-read",
    "flood", "a-huge-length", "odd-arguments"])
def test_a_bus_client_that_does(house, what):
    house.run("python3", "-", what, stdin=BUS, timeout=60)
    assert house.ctl("list-units").ok


def test_a_bus_client_that_is_not_root(house):
    ran = house.run("systemctl", "start", "calm", user="worker")
    assert ran.rc != 0
    house.run("python3", "-", "rubbish-in-auth", stdin=BUS, user="worker")


def test_memory_of_the_manager_stays_small(house):
    """After all of the above."""
    rss = int(house.sh("awk '/^RssAnon/ { print $2 }' /proc/1/status").out)
    assert rss < 4000, f"{rss} kB of anonymous memory"


# Takes every process there is for a while, and is started once it has them.
HOG = """
import os, signal, socket, time
children = []
while True:
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        time.sleep(1000)
    children.append(pid)
ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ready.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(4)
for pid in children:
    os.kill(pid, signal.SIGKILL)
"""


def test_no_processes_to_be_had(machine):
    """At the pids limit a start fails with a message, and works again later."""
    m = machine("oracle", units=CALM, flags=["--pids-limit", "60"])
    m.put({"usr/local/lib/hog.py": HOG})
    m.units({
        "hog.service": "[Service]\nType=notify\nExecStart=/usr/bin/python3 /usr/local/lib/hog.py\n",
        "retry.service": "[Unit]\nStartLimitIntervalSec=0\n"
                         "[Service]\nExecStart=/bin/sleep 80002\nRestart=always\nRestartSec=500ms\n",
    })
    assert m.ctl("start retry").ok
    assert m.ctl("start hog").ok
    retry = [line.split()[1] for line in m.engine.docker("top", m.id).stdout.splitlines() if line.endswith("sleep 80002")]
    os.kill(int(retry[0]), signal.SIGKILL)
    m.wait_until(lambda: m.active("hog") == "inactive", "processes to be had again")
    m.wait_until(lambda: m.active("retry") == "active" and m.find("sleep 80002"), "the service to be back")
    well(m)


# Fills the memory; with an argument once its parent is gone and PID 1 is who waits for it.
GLUTTON = """
import os, sys, time
if len(sys.argv) > 1:
    if os.fork():
        os._exit(0)
    while os.getppid() != 1:
        time.sleep(0.05)
filled = b"x" * (1 << 30)
"""


def test_no_memory_to_be_had(machine):
    """Whom the kernel kills for want of memory, and what OOMPolicy= makes of it. systemd.service(5)."""
    glutton = "/usr/bin/python3 /usr/local/lib/glutton.py"
    m = machine("oracle", units={
        **CALM,
        "main.service": f"[Unit]\nOnFailure=told.service\n[Service]\nExecStart={glutton}\n",
        "told.service": "[Service]\nExecStart=/bin/sh -c 'echo told of $MONITOR_SERVICE_RESULT'\n",
        **{f"{policy}.service": f"[Service]\nOOMPolicy={policy}\nExecStart=/bin/sh -c '{glutton} orphan; exec sleep infinity'\n"
                                "ExecStop=/bin/sh -c 'echo %p stops'\n" for policy in ("continue", "stop", "kill")},
        "killed.service": "[Service]\nExecStart=sleep infinity\n",
    }, files={"usr/local/lib/glutton.py": GLUTTON}, flags=["--memory", "64m", "--memory-swap", "64m"])
    told = r"%s\.service: A process of this unit has been killed by the OOM killer\."

    def one(name, result):
        m.ctl(f"start {name}")
        m.wait_log(told % name)
        m.wait_until(lambda: m.show(f"{name}.service", "Result") == result, f"the result {result}")

    one("main", "oom-kill")
    m.wait_log(r"told of oom-kill")
    one("continue", "success")
    assert m.active("continue") == "active" and m.ctl("stop continue").ok
    one("stop", "oom-kill")
    m.wait_until(lambda: m.active("stop") == "failed", "the unit to be stopped")
    assert "stop stops" in m.logs()
    one("kill", "oom-kill")
    m.wait_until(lambda: m.active("kill") == "failed", "the unit to be killed")
    # Another's SIGKILL is not the kernel's.
    assert m.ctl("start killed").ok and m.ctl("kill --signal=KILL killed").ok
    m.wait_until(lambda: m.show("killed.service", "Result") == "signal", "the death")
    assert not [line for line in m.said() if line.startswith("killed.service: A process")]
    well(m)


def test_no_descriptors_left(machine):
    m = machine("oracle", units=CALM, flags=["--ulimit", "nofile=64:64"])
    many = {f"many-{n}.service": "[Service]\nExecStart=/bin/sleep 80003\n" for n in range(60)}
    m.units(many)
    m.sh("systemctl start --no-block " + " ".join(many))
    m.wait_until(lambda: not m.ctl("list-jobs --no-legend").out.strip(), "the jobs to be over")
    well(m)
    m.sh("systemctl stop " + " ".join(many))
    m.ctl("reset-failed")
    assert m.ctl("start many-1").ok


def test_a_read_only_root(machine):
    m = machine("oracle", units={**CALM}, flags=["--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"])
    well(m)
    assert m.stop() == 0


def test_a_full_disk(machine):
    m = machine("oracle", units=CALM, flags=["--tmpfs", "/run:size=512k", "--tmpfs", "/var/log:size=64k"])
    m.sh("cat /dev/zero > /run/full; cat /dev/zero > /var/log/full")
    m.units({"talk.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'seq 1000'\n"})
    m.ctl("start talk")
    m.sh("rm /run/full /var/log/full")
    assert m.ctl("restart talk").ok
    well(m)


def test_stdout_closed(machine):
    m = machine("oracle", units=CALM, command=["/bin/sh", "-c", "exec /sbin/init <&- >&- 2>&-"])
    well(m)
    assert m.stop() == 0


def test_two_containers_in_one_pid_namespace(machine):
    """The second is not PID 1: it says so, or serves below; the first loses nothing."""
    first = machine("oracle", units=CALM)
    second = machine("oracle", units=CALM, flags=["--pid", f"container:{first.id}"], boot=False)
    second.wait_until(lambda: second.logs() or not second.running, "a word")
    well(first)
    second.kill("TERM")
    second.wait_exit()
    well(first)


def test_without_any_writable_directory_it_says_so(machine):
    m = machine("oracle", units=CALM, flags=["--read-only"], boot=False)
    m.wait_until(lambda: m.logs() or not m.running, "a word")
    if m.running:
        assert m.stop() == 0
    else:
        assert m.state["ExitCode"] not in (0, 139), m.logs()
        assert m.logs().strip()


def test_arbitrary_uid(machine):
    m = machine("oracle", units=CALM, flags=["--user", "1234567:0", "--tmpfs", "/run:mode=1777"], boot=False)
    m.wait_until(lambda: m.find("sleep 80000$") or not m.running, "the service")
    assert m.running, m.logs()
    assert m.stop() == 0
