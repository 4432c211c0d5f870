# SPDX-License-Identifier: Apache-2.0
"""Where no manager runs: `systemctl start X && …; systemctl stop X` in a build step, a CI shell, under bash as PID 1.
docs/nomanager.md. The manager comes with the first start and goes with the last stop, and leaves nothing."""

import pytest

from engine import LABEL
from machine import Machine

SLEEPER = {
    "one.service": "[Service]\nType=exec\nExecStart=/bin/sleep infinity\nRuntimeDirectory=one\n",
    "two.service": "[Unit]\nRequires=three.service\n[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep infinity &'\n",
    "three.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "brief.service": "[Service]\nType=oneshot\nExecStart=/bin/echo brief was here\n",
    "fails.service": "[Service]\nType=oneshot\nExecStart=/bin/false\n",
    "enabled.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "multi-user.target.wants/enabled.service": "-> ../enabled.service",
    "sockets.target.wants/idle.socket": "-> ../idle.socket",
    "idle.socket": "[Socket]\nListenStream=/run/idle\n",
    "idle.service": "[Service]\nExecStart=/bin/sleep infinity\n",
}
# What a build step must not leave in a layer.
LEFT = "ls -d /run/systemd /run/log/journal /run/machine-id /run/one /run/idle /dev/log 2>/dev/null; cat /etc/machine-id 2>/dev/null"


@pytest.fixture(scope="module")
def shell(shared_machine):
    """A container of somebody else's: its first process knows nothing of services, and reaps nobody."""
    return shared_machine("minbase", units=SLEEPER, command=["sleep", "infinity"], boot=False, applets=("systemctl",))


def managers(m) -> list:
    return m.find(r"^reeve init")


def nothing_left(m):
    assert m.sh(LEFT).out == ""
    m.wait_until(lambda: not managers(m) or all("zombie" in line for line in m.processes().values() if "reeve" in line), "the end")


def test_it_comes_and_goes(shell):
    m = shell
    assert m.ctl("is-active one").out == "inactive\n" and m.ctl("is-active one").rc == 3
    assert m.ctl("stop one").ok
    nothing_left(m)
    ran = m.ctl("start one")
    assert ran.ok and ran.out + ran.err == "", ran
    assert m.active("one") == "active"
    assert [m.active(f"{unit}.service") for unit in ("enabled", "idle")] == ["inactive"] * 2
    assert m.active("idle.socket") == "inactive"
    assert m.ctl("start two").ok and m.active("three") == "active"
    assert len(managers(m)) == 1
    assert m.ctl("stop one").ok and m.active("two") == "active"
    assert m.ctl("stop two").ok
    nothing_left(m)
    assert m.find("sleep infinity") == [1]


def test_what_ends_by_itself(shell):
    assert shell.ctl("start brief").ok
    nothing_left(shell)
    ran = shell.ctl("start fails")
    assert ran.rc == 1 and "control process exited with error code" in ran.err, ran
    nothing_left(shell)
    assert shell.ctl("start absent").rc == 5
    shell.wait_until(lambda: shell.sh(LEFT).out == "", "the end")


def test_one_line_after_another(shell):
    """As in a RUN line; the output can be read to its end, because nobody keeps it open."""
    for _ in range(5):
        ran = shell.sh("x=$(systemctl start one) && test -d /run/one && systemctl restart one && systemctl is-active one && "
                       "systemctl stop one && test ! -e /run/systemd && echo fine")
        assert ran.out == "active\nfine\n", ran


def test_what_generators_make_is_there_from_the_first_start(machine):
    generator = ("#!/bin/sh\nsleep 1\nmkdir $1/early.service.wants\nln -s /etc/systemd/system/one.service $1/early.service.wants/\n"
                 "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n' > $1/early.service\n")
    m = machine("minbase", units=SLEEPER, command=["sleep", "infinity"], boot=False, applets=("systemctl",),
                files={"etc/systemd/system-generators/slow": generator})
    assert m.ctl("start early").ok
    assert (m.active("early"), m.active("one")) == ("active", "active")


def test_two_at_once(shell):
    ran = shell.sh("systemctl start one & systemctl start three & systemctl start two & wait; systemctl is-active one two three")
    assert ran.out == "active\n" * 3, ran
    assert len(managers(shell)) == 1
    assert shell.ctl("stop one two three").ok
    nothing_left(shell)


def test_a_manager_that_was_killed(shell):
    assert shell.ctl("start one").ok
    shell.sh("kill -9 $(cut -d' ' -f1 /run/systemd/reeve)")
    shell.wait_until(lambda: shell.ctl("is-active one").rc == 3, "its end to be seen")
    assert shell.ctl("start one").ok and shell.active("one") == "active"
    assert shell.ctl("stop one").ok
    nothing_left(shell)
    shell.sh("pkill -f 'sleep infinity' -P 1 || true")


def test_what_an_earlier_container_left(engine, machine):
    m = machine("minbase", units=SLEEPER, command=["sleep", "infinity"], boot=False, applets=("systemctl",))
    assert m.ctl("start one").ok
    m.sh("echo 1 > /run/stale.pid; mkdir -p /run/kept")
    # Committed as it runs: marks, sockets and all.
    image = engine.docker("commit", m.id).stdout.strip()
    m.remove()
    try:
        again = Machine.of_image(engine, image, ["sleep", "infinity"])
        try:
            assert again.sh("test -e /run/systemd/reeve && test -e /run/stale.pid && echo there").out == "there\n"
            assert again.ctl("is-active one").out == "inactive\n"
            again.sh("echo mine > /run/own")
            assert again.ctl("start one").ok
            assert again.sh("ls /run/stale.pid; ls -d /run/kept; cat /run/own").out == "/run/kept\nmine\n"
            assert again.ctl("stop one").ok
            nothing_left(again)
        finally:
            again.remove()
    finally:
        engine.docker("rmi", image, check=False)


@pytest.mark.parametrize("first", [["bash", "-c", "{}; exit $?"], ["reeve", "run", "--", "bash", "-c", "{}"], ["tini", "--", "bash", "-c", "{}"]])
def test_under_other_first_processes(machine, first):
    script = "systemctl start one && systemctl is-active one && systemctl stop one && ! test -e /run/systemd && exit 5"
    m = machine("minbase", units=SLEEPER, boot=False, applets=("systemctl", "tini"),
                command=[word.replace("{}", script) for word in first])
    assert m.wait_exit() == 5, m.logs()
    assert "active" in m.logs()


def test_as_another_user(machine):
    """No root, no writable /run: the manager keeps its files in /tmp, and is found there."""
    m = machine("minbase", units=SLEEPER, command=["sleep", "infinity"], boot=False, applets=("systemctl",), flags=["--user", "1234:0"])
    ran = m.sh("systemctl start three && systemctl is-active three && systemctl stop three && ls -A /tmp")
    assert ran.out == "active\n", ran
