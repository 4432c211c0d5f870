# SPDX-License-Identifier: Apache-2.0
"""First light's servers in an image that has no systemd at all: vendor units come from the binary, and reeve's own
systemctl drives it."""

import re

import pytest

SERVICES = ["apache2", "mariadb", "redis-server", "postgresql", "postgresql@15-main", "rabbitmq-server", "ssh", "cron",
            "epmd.socket", "dbus.socket"]
MAIN = ["apache2", "mariadb", "redis-server", "postgresql@15-main", "rabbitmq-server", "ssh", "cron"]


@pytest.fixture(scope="module")
def bare(shared_machine):
    return shared_machine("nosystemd", patience=600, applets=("systemctl",))


def test_there_is_no_systemd(bare):
    assert not bare.sh("dpkg -s systemd").ok
    assert bare.sh("ls /lib/systemd/systemd /usr/lib/systemd/system/multi-user.target").out == ""
    assert bare.ctl("--version").out.startswith("systemd 252 (reeve ")


def test_it_is_running_and_nothing_failed(bare):
    assert bare.ctl("--failed --no-legend --plain").out == ""
    running = bare.ctl("is-system-running")
    assert (running.rc, running.out) == (0, "running\n"), running


def test_every_server_is_active(bare):
    asked = bare.ctl("is-active " + " ".join(SERVICES))
    assert asked.out == "active\n" * len(SERVICES), bare.ctl("list-units --all")


def test_they_serve(bare):
    assert bare.run("curl", "-s", "-o", "/dev/null", "http://localhost/").ok
    assert bare.run("mariadb", "-Nse", "SELECT 6 * 7").out == "42\n"
    assert bare.sh("redis-cli SET planet earth && redis-cli GET planet").out.split() == ["OK", "earth"]
    assert bare.run("psql", "-Atc", "SELECT 6 * 7", user="postgres").out == "42\n"
    assert bare.run("rabbitmqctl", "-q", "list_vhosts").ok
    assert bare.run("ssh", "localhost", "echo logged in as $(id -un)").out == "logged in as root\n"


@pytest.mark.parametrize("words, rc, pattern", [
    ("list-units", 0, r"apache2\.service\s+loaded active running"),
    ("list-unit-files", 0, r"mariadb\.service\s+enabled\s+enabled"),
    ("list-unit-files", 0, r"multi-user\.target\s+static"),
    ("list-jobs", 0, r"No jobs running"),
    ("list-dependencies multi-user.target", 0, r"─apache2\.service"),
    ("list-sockets", 0, r"epmd\.socket"),
    ("status apache2", 0, r"Main PID: \d+ \(apache2\)"),
    ("status apache2", 0, r"─\s*\d+ /usr/sbin/apache2 -k start"),
    ("status absent", 4, r"^$"),
    ("cat cron", 0, r"ExecStart=/usr/sbin/cron"),
    ("cat multi-user.target", 0, r"compiled into reeve"),
    ("show -p Type mariadb", 0, r"^Type=notify$"),
    ("is-enabled mariadb", 0, r"^enabled$"),
    ("is-failed mariadb", 1, r"^active$"),
    ("is-active absent", 3, r"^inactive$"),
    ("get-default", 0, r"^(graphical|multi-user)\.target$"),
    ("show-environment", 0, r"^PATH="),
    ("start absent", 5, r"^$"),
    ("--user status", 1, r"^$"),
    ("nonsense", 1, r"^$"),
    ("reload epmd.socket", 3, r"^$"),
    ("kill -s CONT cron", 0, r"^$"),
])
def test_questions(bare, words, rc, pattern):
    ran = bare.ctl(words)
    assert ran.rc == rc, ran
    assert re.search(pattern, ran.out, re.M), ran


def test_verbs_on_a_server(bare):
    for verb, state in (("stop", "inactive"), ("start", "active"), ("restart", "active"), ("try-restart", "active"),
                        ("reload", "active"), ("reload-or-restart", "active")):
        ran = bare.ctl(f"{verb} apache2")
        assert (ran.rc, ran.out) == (0, ""), (verb, ran)
        assert bare.active("apache2") == state, verb


def test_enabling_and_masking(bare):
    bare.units({"own.service": "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"})
    assert bare.ctl("is-enabled own").out == "disabled\n"
    assert "multi-user.target.wants/own.service" in bare.ctl("enable --now own").err
    assert (bare.ctl("is-enabled own").out, bare.active("own")) == ("enabled\n", "active")
    assert bare.ctl("disable --now own").ok
    assert (bare.ctl("is-enabled own").out, bare.active("own")) == ("disabled\n", "inactive")
    assert bare.ctl("mask --runtime cron").ok and bare.ctl("is-enabled cron").out == "masked-runtime\n"
    assert bare.ctl("unmask --runtime cron").ok and bare.ctl("is-enabled cron").out == "enabled\n"


def test_reload_and_reexec_go_unnoticed(bare):
    before = {unit: bare.show(unit, "MainPID", "InvocationID") for unit in MAIN if unit != "apache2"}
    assert bare.ctl("daemon-reload").ok and bare.ctl("daemon-reexec").ok
    assert {unit: bare.show(unit, "MainPID", "InvocationID") for unit in before} == before


def test_a_package_can_be_configured_anew(bare):
    """Maintainer scripts come by deb-systemd-helper and deb-systemd-invoke, which call systemctl."""
    ran = bare.sh("DEBIAN_FRONTEND=noninteractive dpkg-reconfigure -fnoninteractive cron && deb-systemd-invoke restart cron")
    assert ran.ok, ran
    assert bare.active("cron") == "active"


def test_docker_stop_is_clean_and_start_brings_everything_back(bare):
    assert bare.stop() == 0, bare.logs()[-3000:]
    assert re.search(r"mariadbd: Shutdown complete", bare.logs())
    bare.start()
    assert bare.ctl("is-system-running").out == "running\n", bare.ctl("--failed --no-legend")


def test_poweroff_and_exit_end_the_container(bare):
    bare.ctl("poweroff")
    assert bare.wait_exit() == 0
    bare.start()
    bare.ctl("exit 3")  # may be killed with the container before it can say that it worked
    assert bare.wait_exit() == 3


def test_without_a_manager_it_says_so_and_works_on_files(machine):
    idle = machine("nosystemd", command=["sleep", "infinity"], boot=False, applets=("systemctl",))
    ran = idle.ctl("reset-failed cron")
    assert ran.rc == 1 and "No service manager answers" in ran.err and "/sbin/init" in ran.err, ran
    assert idle.ctl("disable cron").ok and idle.ctl("is-enabled cron").out == "disabled\n"
    assert idle.ctl("preset cron").ok and idle.ctl("is-enabled cron").out == "enabled\n"
    assert idle.ctl("get-default").ok


def test_systemctl_as_the_command_of_a_container_is_the_manager(machine):
    pid1 = machine("minbase", command=["/usr/bin/systemctl"], applets=("systemctl",))
    assert pid1.active("multi-user.target") == "active"
    pid1.ctl("exit 7")
    assert pid1.wait_exit() == 7
