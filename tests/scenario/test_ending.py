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
    ("StartLimitAction=exit\nStartLimitBurst=1\nStartLimitIntervalSec=1h", "/bin/true\nRestart=always\nRestartSec=0", 0),
    ("JobTimeoutAction=exit\nJobTimeoutSec=200ms", "/bin/sleep 1000\nType=oneshot\nTimeoutStartSec=infinity", 0),
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


# -- the order of the end, as real systemd has it ----------------------------------------------------------------

NOTE = "/bin/sh -c 'echo {} >> /root/trace'"
OWN = "[Unit]\nDefaultDependencies=no\n{}\n[Service]\nType=oneshot\nExecStart=" + NOTE + "\n"
ENDS = {
    "first.service": f"[Service]\nExecStart=/bin/sleep infinity\nExecStop={NOTE.format('first')}\n",
    "second.service": "[Unit]\nAfter=first.service\n[Service]\nExecStart=/bin/sleep infinity\n"
                      f"ExecStop=/bin/sleep 0.3\nExecStopPost={NOTE.format('second')}\n",
    # Not asked to go before everything else has: only the last round of signals reaches it.
    "last.service": "[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\nNotifyAccess=all\n"
                    "ExecStart=/bin/bash -c 'trap \"echo last >> /root/trace; exit\" TERM; systemd-notify --ready;"
                    " while :; do sleep 0.1; done'\n",
    "at-shutdown.service": OWN.format("Before=shutdown.target", "at-shutdown"),
    "at-umount.service": OWN.format("After=shutdown.target\nBefore=umount.target", "at-umount"),
    "at-final.service": OWN.format("After=umount.target\nBefore=final.target", "at-final"),
    "at-the-end.service": OWN.format("After=final.target\nBefore=systemd-poweroff.service", "at-the-end"),
    "multi-user.target.wants/first.service": "-> ../first.service",
    "multi-user.target.wants/second.service": "-> ../second.service",
    "multi-user.target.wants/last.service": "-> ../last.service",
    "shutdown.target.wants/at-shutdown.service": "-> ../at-shutdown.service",
    "umount.target.wants/at-umount.service": "-> ../at-umount.service",
    "final.target.wants/at-final.service": "-> ../at-final.service",
    "poweroff.target.wants/at-the-end.service": "-> ../at-the-end.service",
}


def read_ended(m, path: str) -> list[str]:
    """The lines of a file of a container that has ended."""
    import io
    import tarfile
    tar = m.engine.docker("cp", f"{m.id}:{path}", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as packed:
        return packed.extractfile(path.rsplit("/")[-1]).read().decode().splitlines()


def test_stages_of_the_end(machine, manager):
    m = machine("oracle", manager=manager, units=ENDS)
    m.wait_active("last.service")
    m.ctl("--no-block start poweroff.target --job-mode=replace-irreversibly")
    m.wait_exit()
    trace = read_ended(m, "/root/trace")
    # What is not ordered against the services' stop may come in between.
    trace.remove("at-shutdown")
    assert trace == ["second", "first", "at-umount", "at-final", "at-the-end", "last"]


GATED = {
    "slow.service": "[Service]\nExecStart=/bin/sleep infinity\nTimeoutStopSec=5min\n"
                    "ExecStop=/bin/sh -c 'until [ -e /root/go ]; do sleep 0.05; done'\n",
    "other.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "apart.service": "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo apart >> /root/trace'\n",
}


def test_requests_during_the_end(machine, manager):
    m = machine("oracle", manager=manager, units=GATED)
    assert m.ctl("start slow").ok
    m.ctl("--no-block start poweroff.target --job-mode=replace-irreversibly")
    m.wait_until(lambda: m.active("slow.service") == "deactivating", "the end to begin")
    assert m.ctl("is-system-running").out == "stopping\n"
    ran = m.ctl("start other")
    assert ran.rc == 4 and "is destructive" in ran.err, ran
    ran = m.ctl("--no-block stop slow")
    assert ran.ok, ran
    ran = m.ctl("restart slow")
    assert ran.rc == 4 and "is destructive" in ran.err, ran
    ran = m.ctl("isolate rescue.target")
    assert ran.rc == 4 and "is destructive" in ran.err, ran
    # What has nothing to do with the end may still run.
    assert m.ctl("start apart").ok
    # Another way to end is no contradiction, and its exit code is the one that counts.
    ran = m.ctl("--no-block exit 5")
    assert ran.ok, ran
    m.run("touch", "/root/go")
    code = m.wait_exit()
    assert read_ended(m, "/root/trace") == ["apart"]
    if manager == "reeve":
        assert code == 5


def test_units_that_refuse(machine):
    """No SIGKILL for them, and yet the end comes, with the last round. (systemd's last round takes 90 seconds.)"""
    m = machine("oracle", units={
        "refuses.service": "[Service]\nType=notify\nNotifyAccess=all\nSendSIGKILL=no\nTimeoutStopSec=1\n"
                           "ExecStart=/bin/sh -c 'trap \"\" TERM; systemd-notify --ready; while :; do sleep 0.1; done'\n"})
    assert m.ctl("start refuses").ok
    m.ctl("--no-block start poweroff.target --job-mode=replace-irreversibly")
    m.wait_exit()


def test_the_stop_may_be_limited(machine):
    m = machine("oracle", units={
        "stubborn.service": "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStopSec=10min\n"
                            "ExecStart=/bin/sh -c 'trap \"\" TERM; systemd-notify --ready; while :; do sleep 0.1; done'\n",
    }, flags=["-e", "REEVE_STOP_TIMEOUT=2s"])
    assert m.ctl("start stubborn").ok
    assert m.stop(grace=60) == 0
    assert "REEVE_STOP_TIMEOUT" in m.logs()
