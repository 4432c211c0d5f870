# SPDX-License-Identifier: Apache-2.0
"""The flags people arrive with, because systemd or something else once needed them: all boot, none is needed. And any
user, any root file system."""

import shutil

import pytest

from engine import LABEL, binary, pack
from machine import Machine

WEB = {
    "web.service": "[Service]\nType=notify\nNotifyAccess=all\nRuntimeDirectory=web\n"
                   "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep infinity'\n",
    "multi-user.target.wants/web.service": "-> ../web.service",
}
PLAIN = {
    "web.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "multi-user.target.wants/web.service": "-> ../web.service",
}

FLAGS = {
    "cgroup-ro": "-v /sys/fs/cgroup:/sys/fs/cgroup:ro",
    "cgroup-rw": "-v /sys/fs/cgroup:/sys/fs/cgroup:rw",
    "tmpfs": "--tmpfs /run --tmpfs /run/lock --tmpfs /tmp",
    "sys-admin": "--cap-add SYS_ADMIN",
    "unconfined": "--security-opt seccomp=unconfined",
    "volumes": "-v /sys/fs/cgroup -v /tmp -v /run",
    "hostname": "--hostname box.example",
    "container-docker": "-e container=docker",
    "terminal": "-it",
    "sys-time": "--cap-add SYS_TIME",
    "init-in-front": "--init",
    "few-capabilities": "--cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add KILL",
    "all-of-them": "-it -e container=docker --cap-add SYS_ADMIN --security-opt seccomp=unconfined --tmpfs /run --tmpfs /tmp "
                   "-v /sys/fs/cgroup:/sys/fs/cgroup:ro --hostname box",
}


# `make check` tries these; --soak all.
SHARP = {"cgroup-rw", "terminal", "init-in-front", "few-capabilities", "all-of-them", "random-user", "read-only", "nothing-at-all"}


@pytest.fixture
def asked_for(request):
    def look(name: str):
        if name not in SHARP and not request.config.getoption("--soak"):
            pytest.skip("one of many alike: run with --soak")
    return look


@pytest.mark.parametrize("flags", FLAGS)
def test_it_boots_with(machine, asked_for, flags):
    asked_for(flags)
    m = machine("oracle", units=WEB, flags=FLAGS[flags].split())
    assert m.active("web") == "active"
    assert m.ctl("restart web").ok
    assert m.stop() == 0


COMMANDS = {
    "sysinit": ["/usr/lib/systemd/systemd", "--log-level=info", "--unit=sysinit.target"],
    "log-target": ["/sbin/init", "--log-target=console", "--system", "--show-status=false"],
    "switched-root": ["/sbin/init", "splash", "quiet", "--switched-root", "--deserialize=99"],
    "systemctl": ["/usr/bin/systemctl"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_it_boots_by(machine, command):
    m = machine("minbase", units=PLAIN, command=COMMANDS[command], applets=("systemctl",),
                files={"usr/lib/systemd/systemd": "-> /usr/bin/reeve"})
    assert m.active("web") == ("inactive" if command == "sysinit" else "active")
    assert m.ctl("start web").ok and m.active("web") == "active"
    assert m.stop() == 0


ROOTS = {
    "user": ["--user", "1000"],
    "random-user": ["--user", "1000680000:0"],
    "read-only": ["--read-only"],
    "read-only-tmpfs": ["--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"],
    "read-only-random-user": ["--read-only", "--user", "1000680000:0", "--tmpfs", "/tmp"],
    "no-capabilities": ["--cap-drop", "ALL"],
    "nothing-at-all": ["--read-only", "--user", "1000680000:0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
}


@pytest.mark.parametrize("root", ROOTS)
def test_any_user_and_any_root(machine, asked_for, root):
    """Clients find the manager, wherever its files are; a healthcheck may ask."""
    asked_for(root)
    m = machine("minbase", units=PLAIN, flags=ROOTS[root], applets=("systemctl",))
    assert m.ctl("is-system-running").out in ("running\n", "degraded\n")
    m.wait_active("web")
    assert m.ctl("restart web").ok and m.active("web") == "active"
    assert m.stop() == 0


def test_a_user_that_cannot_be_had(machine):
    """As the container's user, and recorded; Strict= makes it a failure."""
    unit = "[Service]\nUser=daemon\nExecStart=/bin/sleep infinity\n"
    m = machine("minbase", units={"web.service": unit, "strict.service": unit + "[X-Reeve]\nStrict=yes\n"},
                flags=["--user", "1000"], applets=("systemctl",))
    assert m.ctl("start web").ok
    assert "User" in m.wait_log("web.service.*Not enforced.*|Not enforced.*").string
    assert not m.ctl("start strict").ok


def test_healthcheck(machine):
    flags = ["--health-cmd", "systemctl is-system-running", "--health-interval", "1s", "--health-retries", "1"]
    m = machine("minbase", units=PLAIN, flags=flags, applets=("systemctl",))
    m.wait_until(lambda: m.state["Health"]["Status"] == "healthy", "health")
    m.units({"bad.service": "[Service]\nType=oneshot\nExecStart=/bin/false\n"})
    m.ctl("start bad")
    m.wait_until(lambda: m.state["Health"]["Status"] == "unhealthy", "the failure to be seen")


@pytest.mark.parametrize("with_busybox", [False, True])
def test_roots_with_next_to_nothing(engine, with_busybox):
    """The static binary alone, or busybox beside it: it boots, and is asked by its own systemctl."""
    files = {"sbin/init": binary().read_bytes(), "etc/systemd/system/multi-user.target.wants/web.service": "-> ../web.service",
             "etc/systemd/system/web.service": "[Service]\nExecStart=/sbin/init run --pause\n", "bin/systemctl": "-> /sbin/init"}
    if with_busybox:
        busybox = shutil.which("busybox") or pytest.skip("busybox is not installed")
        files |= {"bin/busybox": open(busybox, "rb").read(), "bin/sh": "-> busybox", "bin/sleep": "-> busybox",
                  "etc/systemd/system/web.service": "[Service]\nExecStart=/bin/sh -c 'exec sleep 100000'\n"}
    image = engine.docker("import", "-", input=pack(files), text=False).stdout.decode().strip()
    m = Machine.of_image(engine, image, ["/sbin/init"])
    try:
        m.wait_booted()
        assert m.active("web") == "active"
        assert m.ctl("restart web").ok
        assert m.stop() == 0
    finally:
        m.remove()
        engine.docker("rmi", "-f", image, check=False)


# -- SysV ways in ---------------------------------------------------------------------------------------------------------

SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: legacy
# Required-Start: $remote_fs
# Required-Stop: $remote_fs
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: as in 1998
### END INIT INFO
. /lib/lsb/init-functions
case $1 in
start) start-stop-daemon --start --background --make-pidfile --pidfile /run/legacy.pid --exec /bin/sleep -- 7777 ;;
stop) start-stop-daemon --stop --oknodo --remove-pidfile --pidfile /run/legacy.pid ;;
status) status_of_proc -p /run/legacy.pid /bin/sleep legacy ;;
restart) $0 stop; $0 start ;;
esac
"""


def test_service_and_init_scripts(machine):
    m = machine("oracle", files={"etc/init.d/legacy": SCRIPT, "etc/rc3.d/S01legacy": "-> ../init.d/legacy"})
    assert m.sh("service legacy start && service legacy status && /etc/init.d/legacy restart").ok
    assert m.active("legacy") == "active"
    pid = m.find("^/bin/sleep 7777")
    assert len(pid) == 1
    assert m.sh("service legacy stop").ok and m.find("^/bin/sleep 7777") == []


def test_services_of_a_command_line(machine):
    m = machine("oracle", files={"etc/init.d/legacy": SCRIPT}, boot=False,
                command=["reeve", "run", "--", "sh", "-c", "service legacy start && exec tail -f /dev/null"])
    m.wait_until(lambda: m.find("^/bin/sleep 7777"), "the service")
    assert m.sh("service legacy status").ok
    assert m.stop() == 143
