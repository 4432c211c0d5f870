# SPDX-License-Identifier: Apache-2.0
"""Which process belongs to which unit, and that after `stop` none of a unit's is left, wherever it hid. These hold
under real systemd too, which has cgroups for it."""

import os
import signal

import pytest

HIDE = {
    "double-fork": "(sleep 70001 &) & exec sleep 70000",
    "setsid": "setsid sleep 70001 & exec sleep 70000",
    "double-fork-setsid": "(setsid sh -c 'sleep 70001 &' &) ; exec sleep 70000",
    "empty-environment": "env -i setsid sleep 70001 & exec sleep 70000",
    "closed-descriptors": "(exec setsid sleep 70001 <&- >&- 2>&- 3>&-) & exec sleep 70000",
    "su-c": "su worker -c 'setsid sleep 70001' & exec sleep 70000",
    "su-login": "su - worker -c 'env -i setsid sleep 70001' & exec sleep 70000",
    "runuser": "runuser -u worker -- setsid sleep 70001 & exec sleep 70000",
    "runuser-login": "runuser -l worker -c 'setsid sleep 70001' & exec sleep 70000",
    "setpriv": "setpriv --reuid=worker --regid=worker --clear-groups setsid sleep 70001 & exec sleep 70000",
    "su-then-orphan": "su worker -c '(setsid env -i sleep 70001 &)' ; exec sleep 70000",
}
HIDE_PATHS = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; "


@pytest.fixture(scope="module")
def house(shared_machine, manager):
    return shared_machine("oracle", manager)


def service(script: str, more: str = "") -> str:
    return f'[Service]\nExecStart=/bin/sh /usr/local/lib/hide.sh\nTimeoutStopSec=5s\n{more}'


def up(m, pattern=r"^(/usr/bin/)?sleep 7000[01]$", count=2):
    m.wait_until(lambda: len(m.find(pattern)) == count, f"{count} processes like {pattern}; there are {m.processes()}")


@pytest.mark.parametrize("how", HIDE)
def test_after_stop_no_stray_is_left(house, how):
    house.put({"usr/local/lib/hide.sh": HIDE_PATHS + HIDE[how] + "\n"})
    house.units({"stray.service": service(how)})
    assert house.ctl("start stray").ok
    up(house)
    shown = house.ctl("status stray").out
    for pid in house.find(r"^sleep 7000[01]$"):
        assert f"{pid} " in shown, shown
    ran = house.ctl("stop stray")
    assert ran.ok, ran
    assert house.find(r"sleep 7000[01]") == []


@pytest.mark.parametrize("how", ["double-fork-setsid", "su-then-orphan"])
def test_strays_go_when_the_main_process_ends(house, how):
    """The unit is down when its main process is, and so are the others."""
    house.put({"usr/local/lib/hide.sh": HIDE_PATHS + HIDE[how] + "\n"})
    house.units({"stray.service": service(how)})
    assert house.ctl("start stray").ok
    up(house)
    house.sh(f"kill -KILL {house.main_pid('stray')}")
    house.wait_active("stray", "failed")
    assert house.show("stray", "Result") == "signal"
    house.wait_until(lambda: not house.find(r"sleep 70001"), "the stray to be gone")
    house.ctl("reset-failed stray")


def test_others_are_not_touched(house):
    """Processes of another unit and of `docker exec` survive the stop of a unit that looks just like them."""
    house.put({"usr/local/lib/hide.sh": HIDE_PATHS + HIDE["double-fork-setsid"] + "\n"})
    house.units({"stray.service": service(""), "other.service": "[Service]\nExecStart=/bin/sh -c 'setsid sleep 70002 & exec sleep 70003'\n"})
    assert house.ctl("start stray other").ok
    house.engine.docker("exec", "-d", house.id, "sh", "-c", "setsid sleep 70004 & exec sleep 70005")
    up(house, r"^sleep 7000[0-5]$", 6)
    assert house.ctl("stop stray").ok
    assert len(house.find(r"^sleep 7000[0-5]$")) == 4
    assert house.ctl("stop other").ok
    assert len(house.find(r"^sleep 7000[45]$")) == 2
    house.sh("pkill -f '^sleep 7000'")


def test_no_zombies_from_a_hundred_orphans(house):
    house.put({"usr/local/lib/hide.sh": "for i in $(seq 100); do (sh -c 'exit 3' &) ; done; exec sleep 70000\n"})
    house.units({"stray.service": service("")})
    assert house.ctl("start stray").ok
    house.wait_until(lambda: house.find(r"^sleep 70000$"), "the service")
    house.wait_until(lambda: not [p for p in house.processes().values() if p.startswith("[zombie]")], "zombies to be reaped")
    assert house.ctl("stop stray").ok


def test_status_names_the_unit_of_a_stray(house):
    """systemctl status PID answers for a process that changed user and session."""
    house.put({"usr/local/lib/hide.sh": HIDE_PATHS + HIDE["su-c"] + "\n"})
    house.units({"stray.service": service("")})
    assert house.ctl("start stray").ok
    up(house)
    for pid in house.find(r"^sleep 7000[01]$"):
        assert "stray.service" in house.ctl(f"status {pid}").out
    assert house.ctl("stop stray").ok


BOMB = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    try:
        os.fork()
    except OSError:
        pass
"""


def test_a_fork_bomb_is_stopped(machine, manager):
    """It refills itself up to the container's pids limit; the stop ends it, and the manager and others live on."""
    m = machine("oracle", manager, flags=["--pids-limit", "150"], files={"usr/local/lib/bomb.py": BOMB}, units={
        "bomb.service": "[Service]\nExecStart=/usr/bin/python3 /usr/local/lib/bomb.py\nTimeoutStopSec=1s\n"
                        "TasksMax=infinity\n",
        "calm.service": "[Service]\nExecStart=/bin/sleep 70006\n",
        "multi-user.target.wants/calm.service": "-> ../calm.service",
        # Once the bomb has every PID nobody can run systemctl. The fuse burns by the death of a process, for which
        # no new one is needed.
        "fuse.service": "[Unit]\nOnFailure=defuse.target\n[Service]\nExecStart=/bin/sleep 70007\n",
        "defuse.target": "[Unit]\nConflicts=bomb.service\n",
    }, patience=180)
    assert m.ctl("start fuse").ok
    fuse = [line.split()[1] for line in m.engine.docker("top", m.id).stdout.splitlines() if line.endswith("sleep 70007")]
    assert m.ctl("start bomb").ok

    def pids():
        return len(m.engine.docker("top", m.id).stdout.splitlines())
    m.wait_until(lambda: pids() > 100, "the bomb to go off")
    os.kill(int(fuse[0]), signal.SIGKILL)
    m.wait_until(lambda: pids() < 30, "the bomb to be gone")
    m.wait_until(lambda: m.active("bomb.service") in ("inactive", "failed"), "the unit to be down")
    assert m.active("calm.service") == "active"


@pytest.mark.parametrize("reexec", [False, True])
def test_the_end_of_a_main_process_with_another_parent_is_seen(machine, reexec):
    """systemd waits for TimeoutStopSec= in vain; here its end is told by a pidfd."""
    m = machine("oracle", units={"alien.service": """
[Service]
Type=forking
PIDFile=/run/alien.pid
TimeoutStopSec=45s
ExecStart=/bin/sh -c 'sleep 70000 & cp /run/stranger /run/alien.pid'
"""})
    m.engine.docker("exec", "-d", m.id, "sh", "-c", "sh -c 'trap \"sleep 1; exit\" TERM; echo $$ > /run/stranger; while :; do sleep 0.1; done'; sleep 70001")
    m.wait_until(lambda: m.run("test", "-s", "/run/stranger").ok, "the stranger")
    assert m.ctl("start alien").ok and m.main_pid("alien") == int(m.run("cat", "/run/stranger").out)
    if reexec:
        assert m.ctl("daemon-reexec").ok
    assert m.ctl("stop alien").ok
    assert m.ctl("show alien -p Result -p SubState").out == "Result=success\nSubState=dead\n"
