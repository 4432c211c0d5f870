# SPDX-License-Identifier: Apache-2.0
"""How a container ends: the signals to PID 1, `systemctl exit` and its kin, SuccessAction= and FailureAction=."""

import pytest

SLEEPER = {
    "first.service": """
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'echo first >> /root/stopped'
[Install]
WantedBy=multi-user.target
""",
    "second.service": """
[Unit]
After=first.service
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'sleep 0.2; echo second >> /root/stopped'
""",
    "multi-user.target.wants/first.service": "-> ../first.service",
    "multi-user.target.wants/second.service": "-> ../second.service",
}

# signal.h's names have no SIGRTMIN+n on docker's command line, the numbers it takes: SIGRTMIN is 34.
STOPS = [("TERM", 0), ("INT", 0), ("PWR", 0), ("37", 0), ("38", 0), ("39", 133), ("40", 133)]


@pytest.mark.parametrize("signal, code", STOPS)
def test_a_signal_stops_everything_in_order(machine, signal, code):
    m = machine("oracle", units=SLEEPER)
    m.kill(signal)
    assert m.wait_exit() == code
    m.engine.docker("cp", f"{m.id}:/root/stopped", "-", check=True)
    assert stopped(m) == ["second", "first"]


def stopped(m) -> list[str]:
    """Reads a file of an ended container."""
    import io
    import tarfile
    tar = m.engine.docker("cp", f"{m.id}:/root/stopped", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as packed:
        return packed.extractfile("stopped").read().decode().split()


def test_hup_reloads(machine):
    m = machine("oracle", units=SLEEPER)
    pid = m.main_pid("first.service")
    m.put({"etc/systemd/system/first.service.d/more.conf": "[Unit]\nDescription=read again\n"})
    assert m.show("first.service", "Description") != "read again"
    m.kill("HUP")
    m.wait_until(lambda: m.show("first.service", "Description") == "read again", "the reload")
    assert m.main_pid("first.service") == pid


def test_usr1_opens_the_bus_socket_again(machine):
    m = machine("oracle", units=SLEEPER)
    m.sh("rm /run/systemd/private")
    m.kill("USR1")
    m.wait_until(lambda: m.sh("test -S /run/systemd/private").ok, "the socket")
    assert m.ctl("is-active first").ok


def test_usr2_dumps_the_state_to_the_log(machine):
    m = machine("oracle", units=SLEEPER)
    before = m.logs().count("first.service")
    m.kill("USR2")
    m.wait_until(lambda: m.logs().count("first.service") > before, "the dump")
    assert m.ctl("is-active first").ok


def test_rtmin_signals_change_what_is_logged(machine):
    m = machine("oracle", units=SLEEPER)
    for number, level in ((56, "debug"), (57, "info")):
        m.kill(str(number))
        m.wait_until(lambda: m.run("systemctl", "log-level").out.strip() == level, f"log level {level}")
    for number in (54, 55):
        m.kill(str(number))
    assert m.ctl("is-active first").ok


def test_a_second_signal_does_not_wait(machine):
    stubborn = {
        "stubborn.service": "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n"
                            "TimeoutStopSec=10min\n",
        "multi-user.target.wants/stubborn.service": "-> ../stubborn.service",
    }
    m = machine("oracle", units=stubborn)
    m.wait_until(lambda: m.find("while :"), "the service")
    m.kill("TERM")
    m.wait_log(r"[Ss]topping.*stubborn")
    assert m.running
    m.kill("TERM")
    assert m.wait_exit() == 0


@pytest.mark.parametrize("words, code", [("exit 3", 3), ("exit", 0), ("poweroff", 0), ("halt", 0), ("reboot", 133)])
def test_systemctl_ends_the_container(machine, words, code):
    m = machine("oracle", units=SLEEPER)
    m.ctl(words)
    assert m.wait_exit() == code
    assert stopped(m) == ["second", "first"]


@pytest.mark.parametrize("setting, command, code", [
    ("SuccessAction=exit", "/bin/true", 0),
    ("SuccessAction=exit\nSuccessActionExitStatus=7", "/bin/true", 7),
    ("FailureAction=exit", "/bin/sh -c 'exit 42'", 42),
    ("FailureAction=exit\nFailureActionExitStatus=9", "/bin/sh -c 'exit 42'", 9),
    ("SuccessAction=poweroff", "/bin/true", 0),
    ("FailureAction=exit-force", "/bin/sh -c 'exit 5'", 5),
])
def test_a_unit_ends_the_container(machine, setting, command, code):
    m = machine("oracle", units={
        "last.service": f"[Unit]\n{setting}\n[Service]\nExecStart={command}\n",
        "multi-user.target.wants/last.service": "-> ../last.service",
    }, boot=False)
    assert m.wait_exit() == code, m.logs()[-3000:]


def test_restart_policy_sees_a_reboot(machine):
    """133 is not 0, so that `--restart on-failure` starts the container again, and a poweroff does not."""
    m = machine("oracle", units=SLEEPER, flags=["--restart", "on-failure:3"])
    first = m.state["StartedAt"]
    m.ctl("reboot")
    m.wait_until(lambda: m.state["StartedAt"] != first and m.running, "the restart")
    m.wait_booted()
    m.ctl("poweroff")
    m.wait_until(lambda: m.state["Status"] == "exited", "the end")


def test_a_default_target_that_is_absent_says_so_and_ends(machine):
    m = machine("oracle", units={"default.target": "-> /nowhere/at-all.target"}, boot=False, command=["/sbin/init", "--unit=absent.target"])
    code = m.wait_exit()
    assert code not in (0, 137, 139), m.logs()
    assert "absent.target" in m.logs()


def test_stop_and_start_cycles(machine):
    m = machine("oracle", units=SLEEPER)
    for _ in range(5):
        assert m.stop() == 0
        m.start()
        assert m.active("second.service") == "active"
    m.kill("KILL")
    assert m.wait_exit() == 137
    m.start()
    assert m.active("second.service") == "active"
