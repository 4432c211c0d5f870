# SPDX-License-Identifier: Apache-2.0
"""When a container ends by itself: with an essential service, with the last one, with the unit it runs (`reeve run
--unit`). docs/fate.md. Never before, and the rest is stopped in order first."""

import pytest

from test_ending import read_ended

OTHER = {
    "other.service": "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sh -c 'echo other >> /root/trace'\n",
    "multi-user.target.wants/other.service": "-> ../other.service",
    "main.service": "[Unit]\nAfter=other.service\n[Service]\nExecStart=/bin/sh -c 'until [ -e /root/go ]; do sleep 0.05; done; {}'\n"
                    "ExecStopPost=/bin/sh -c 'echo main >> /root/trace'\n{}",
    "multi-user.target.wants/main.service": "-> ../main.service",
}


def units(how: str, more: str = "") -> dict:
    return {**OTHER, "main.service": OTHER["main.service"].format(how, more)}


ESSENTIAL = "[X-Reeve]\nEssential=yes\n"


@pytest.mark.parametrize("said", ["setting", "option", "environment"])
@pytest.mark.parametrize("how, code", [("exit 3", 3), ("exit 0", 0), ("kill -SEGV $$$$", 139)])
def test_an_essential_service_ends_the_container(machine, said, how, code):
    if said != "setting" and code != 3:
        pytest.skip("the same code")
    m = machine("oracle", units=units(how, ESSENTIAL if said == "setting" else ""),
                command=["/sbin/init", *(["--exit-with=main"] if said == "option" else [])],
                flags=["-e", "REEVE_EXIT_WITH=main.service"] if said == "environment" else [])
    assert m.active("main.service") == "active"
    m.run("touch", "/root/go")
    assert m.wait_exit() == code, m.logs()[-3000:]
    assert read_ended(m, "/root/trace") == ["main", "other"]


def test_not_while_it_is_restarted(machine):
    m = machine("oracle", units=units("rm /root/go; exit 4", "Restart=on-failure\nRestartSec=200ms\n" + ESSENTIAL))
    for _ in range(2):
        before = m.main_pid("main")
        m.run("touch", "/root/go")
        m.wait_until(lambda: m.main_pid("main") not in (0, before), "the restart")
    assert m.ctl("restart main").ok and m.active("main") == "active"
    assert m.ctl("daemon-reload").ok and m.ctl("daemon-reexec").ok and m.active("main") == "active"
    m.ctl("--no-block stop main")
    assert m.wait_exit() == 0


def test_one_that_is_never_started_changes_nothing(machine):
    m = machine("oracle", units={"spare.service": "[Service]\nExecStart=/bin/true\n" + ESSENTIAL, **units("exit 0")})
    m.ctl("show spare")
    assert m.active("other") == "active"


def test_the_end_of_all_services(machine):
    quiet = {f"multi-user.target.wants/{name}": "-> /dev/null" for name in
             ("cron.service", "dbus.service", "rsyslog.service", "systemd-logind.service", "ssh.service", "getty.target")}
    m = machine("minbase", units={**units("exit 0"), **quiet}, command=["/sbin/init", "--exit-with=all"], applets=("systemctl",))
    m.run("touch", "/root/go")
    m.wait_active("main", "inactive")
    assert m.active("other") == "active"
    m.ctl("--no-block stop other")
    assert m.wait_exit() == 0


# -- one unit in the foreground ---------------------------------------------------------------------------------------------

WEB = {
    "web.service": """
[Unit]
Requires=needed.service
After=needed.service
[Service]
Type=notify
NotifyAccess=all
ExecStartPre=/bin/echo before
ExecStart=/bin/bash -c 'trap "exit 7" TERM; printf "no newline"; echo; echo wrong >&2; systemd-notify --ready; while :; do sleep 0.1; done'
ExecReload=/bin/sh -c 'echo loaded again'
ExecStopPost=/bin/echo after
""",
    "needed.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "unrelated.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "multi-user.target.wants/unrelated.service": "-> ../unrelated.service",
    "sockets.target.wants/unrelated.socket": "-> ../unrelated.socket",
    "unrelated.socket": "[Socket]\nListenStream=/run/unrelated\n",
}


def test_a_unit_in_the_foreground(machine):
    m = machine("oracle", units=WEB, command=["reeve", "run", "--unit=web"], boot=False)
    m.wait_until(lambda: "wrong" in m.logs(), "the service")
    m.wait_active("web.service")
    assert (m.active("needed"), m.active("unrelated"), m.active("unrelated.socket")) == ("active", "inactive", "inactive")
    ran = m.engine.docker("logs", m.id)
    assert (ran.stdout, ran.stderr) == ("before\nno newline\n", "wrong\n")
    m.kill("HUP")
    m.wait_until(lambda: "loaded again" in m.logs(), "the reload")
    assert m.stop() == 7
    assert m.logs().count("after") == 1


@pytest.mark.parametrize("unit, code", [
    ("[Service]\nExecStart=/bin/sh -c 'exit 9'\n", 9),
    ("[Service]\nType=oneshot\nExecStart=/bin/echo once\n", 0),
    ("[Service]\nExecStart=/absent/program\n", 203),
    ("[Unit]\nRequires=broken.service\nAfter=broken.service\n[Service]\nExecStart=/bin/sleep infinity\n", 1),
    ("[Unit]\nConditionPathExists=/absent\n[Service]\nExecStart=/bin/sleep infinity\n", 1),
    # There is still something to do when it is already clear that the unit will not run.
    ("[Unit]\nConditionPathExists=/absent\nWants=slow.service\n[Service]\nExecStart=/bin/sleep infinity\n", 1),
])
def test_its_exit_code_is_the_units(machine, unit, code):
    m = machine("oracle", units={"job.service": unit, "broken.service": "[Service]\nType=oneshot\nExecStart=/bin/false\n",
                                  "slow.service": "[Service]\nType=oneshot\nExecStart=/bin/sleep 1\n"},
                command=["reeve", "run", "--unit", "job.service"], boot=False)
    assert m.wait_exit() == code, m.logs()


def test_a_unit_that_is_not_there(machine):
    m = machine("oracle", command=["reeve", "run", "--unit", "absent"], boot=False)
    assert m.wait_exit() == 1 and "absent.service" in m.logs()
