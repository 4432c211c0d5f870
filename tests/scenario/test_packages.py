# SPDX-License-Identifier: Apache-2.0
"""Debian's server packages as people use them, their units untouched, in a container with no privilege: what comes up,
what answers, what a stop leaves, what an upgrade in place does."""

import re

import pytest

# What is asked of each, and what it says.
PROBES = {
    "nginx": ("exec 3<>/dev/tcp/127.0.0.1/80; printf 'HEAD / HTTP/1.0\\r\\n\\r\\n' >&3; head -n1 <&3", r"HTTP/1\.1 200"),
    "redis-server": ("redis-cli PING", "PONG"),
    "ssh": ("exec 3<>/dev/tcp/127.0.0.1/22; head -n1 <&3", "SSH-2.0"),
    "postfix@-": ("exec 3<>/dev/tcp/127.0.0.1/25; head -n1 <&3", "220 "),
    "rsyslog": ("logger -p auth.info from-a-logger; until grep from-a-logger /var/log/auth.log; do sleep 0.1; done",
                "from-a-logger"),
    "cron": ("pgrep -x cron", r"\d+"),
}


@pytest.fixture(scope="module")
def servers(shared_machine):
    """Booted once; a test that ends the container starts it again."""
    return shared_machine("packages", patience=240)


def probe(machine, name):
    command, answer = PROBES[name]
    asked = machine.run("timeout", "20", "bash", "-c", command)
    assert re.search(answer, asked.out), f"{name}: {asked}\n{machine.ctl(f'status {name}')}"


def test_everything_is_up_and_answers(servers):
    assert servers.ctl("--failed --no-legend --plain").out == ""
    for name in PROBES:
        assert servers.active(name) == "active", servers.ctl(f"status {name}")
        probe(servers, name)


def test_stop_leaves_nothing_and_start_brings_it_back(servers):
    names = list(PROBES)
    assert servers.ctl("stop syslog.socket " + " ".join(names)).ok
    for name in names:
        assert servers.show(name, "ActiveState", "MainPID") == {"ActiveState": "inactive", "MainPID": "0"}
    left = [args for args in servers.processes().values()
            if re.search(r"nginx|redis|sshd|postfix|rsyslogd|cron -f", args)]
    assert not left
    assert servers.ctl("start syslog.socket " + " ".join(names)).ok
    for name in names:
        servers.wait_active(name)
        probe(servers, name)


def test_the_main_process_is_killed_and_the_unit_says_what_then(servers):
    for name in PROBES:
        restart, before = servers.show(name, "Restart"), servers.main_pid(name)
        if before == 0:  # several processes: nobody is the main one
            continue
        servers.sh(f"kill -KILL {before}")
        if restart == "no":
            servers.wait_active(name, "failed")
            assert servers.show(name, "Result") == "signal"
            assert servers.ctl(f"start {name}").ok
        else:
            servers.wait_until(lambda: servers.active(name) == "active" and servers.main_pid(name) not in (0, before),
                               f"{name} to come back")
        probe(servers, name)


def test_nginx_exchanges_its_program_without_an_interruption(servers):
    """What Debian's nginx does in every upgrade: the old master starts the new one and ends."""
    before = servers.main_pid("nginx")
    assert servers.run("invoke-rc.d", "nginx", "upgrade").ok
    servers.wait_until(lambda: servers.main_pid("nginx") not in (0, before), "the new master")
    servers.wait_until(lambda: not servers.sh(f"kill -0 {before}").ok, "the end of the old master")
    assert servers.active("nginx") == "active"
    assert servers.main_pid("nginx") == int(servers.read("/run/nginx.pid"))
    probe(servers, "nginx")


def test_the_scripts_of_an_upgrade(servers):
    """What postinst and prerm of packages call; no policy-rc.d is in their way."""
    before = {name: servers.main_pid(name) for name in ("redis-server", "cron", "rsyslog")}
    assert servers.run("deb-systemd-invoke", "restart", "redis-server.service").ok
    assert servers.run("invoke-rc.d", "cron", "restart").ok
    assert servers.run("invoke-rc.d", "nginx", "reload").ok
    assert servers.ctl("daemon-reload").ok and servers.ctl("try-restart rsyslog").ok
    assert servers.ctl("is-system-running").out == "running\n"
    for name, pid in before.items():
        assert servers.main_pid(name) not in (0, pid)
    for name in PROBES:
        probe(servers, name)


def test_docker_stop_and_start(servers):
    assert servers.stop(60) == 0
    servers.start()
    assert servers.ctl("--failed --no-legend --plain").out == ""
    for name in PROBES:
        probe(servers, name)
