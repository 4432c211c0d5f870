# SPDX-License-Identifier: Apache-2.0
"""The scene that must work: real Debian servers, their units untouched, in a container with no privilege at all,
driven by the distribution's own systemctl."""

import re

import pytest

SERVICES = ["apache2", "mariadb", "redis-server", "postgresql", "postgresql@15-main", "rabbitmq-server", "ssh", "cron",
            "epmd.socket", "dbus.socket"]
MAIN = ["apache2", "mariadb", "redis-server", "postgresql@15-main", "rabbitmq-server", "ssh", "cron"]


@pytest.fixture(scope="module")
def light(shared_machine):
    """Booted once; tests that end the container start it again."""
    return shared_machine("firstlight", patience=240)


def test_it_is_running_and_nothing_failed(light):
    assert light.ctl("--failed --no-legend --plain").out == ""
    assert light.ctl("is-system-running").out == "running\n"
    assert light.ctl("is-system-running").rc == 0


@pytest.mark.parametrize("unit", SERVICES)
def test_active(light, unit):
    assert light.ctl(f"is-active {unit}").out == "active\n", light.ctl(f"status {unit}")


def test_dbus_comes_by_its_socket(light):
    ran = light.sh("dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames")
    assert ran.ok, ran
    assert light.active("dbus.service") == "active"


def test_apache_php_reads_a_row_from_mariadb(light):
    made = light.run("mariadb", "-e", """
        CREATE DATABASE IF NOT EXISTS firstlight;
        CREATE TABLE IF NOT EXISTS firstlight.hello (id INT PRIMARY KEY, greeting TEXT);
        REPLACE INTO firstlight.hello VALUES (1, 'hello from a row');
        CREATE USER IF NOT EXISTS 'www-data'@'localhost' IDENTIFIED VIA unix_socket;
        GRANT SELECT ON firstlight.* TO 'www-data'@'localhost';""")
    assert made.ok, made
    page = light.run("curl", "-s", "http://localhost/row.php")
    assert page.out == "hello from a row\n", page


def test_redis(light):
    assert light.sh("redis-cli SET planet earth && redis-cli GET planet").out.split() == ["OK", "earth"]


def test_postgresql(light):
    ran = light.run("psql", "-Atc", "SELECT 6 * 7", user="postgres")
    assert ran.out == "42\n", ran


def test_rabbitmq(light):
    ran = light.sh("rabbitmqctl -q add_vhost case 2>&1; rabbitmqctl -q list_vhosts")
    assert "case" in ran.out, ran


def test_ssh_login_with_a_key(light):
    ran = light.run("ssh", "localhost", "echo logged in as $(id -un)")
    assert ran.out == "logged in as root\n", ran
    assert not light.sh("test -e /run/nologin").ok


def test_cron_job_runs(light):
    light.sh("rm -f /var/tmp/cron-was-here")
    light.wait_until(lambda: light.sh("test -e /var/tmp/cron-was-here").ok, "the cron job of this minute", 130)


def test_no_zombies(light):
    zombies = [line for line in light.processes().values() if line.startswith("[zombie]")]
    # A process on its way out may be seen once; none stays.
    light.wait_until(lambda: not [p for p in light.processes().values() if p.startswith("[zombie]")],
                     f"zombies to go: {zombies}")


def test_status_shows_processes(light):
    status = light.ctl("status apache2")
    pid = light.main_pid("apache2")
    assert status.ok, status
    assert f"Main PID: {pid} (apache2)" in status.out
    assert re.search(rf"[├|]-?─?\s*{pid} /usr/sbin/apache2 -k start", status.out), status.out


def test_every_line_of_the_log_names_its_unit(light):
    log = light.logs()
    for unit in ("apache2", "mariadb", "redis-server", "rabbitmq-server", "ssh", "cron"):
        assert re.search(rf"\b{unit}\b.*", log), f"nothing about {unit} in docker logs"
    assert re.search(r"Started .*(MariaDB|mariadb)", log)
    assert re.search(r"(mariadbd?|mariadb\.service).*ready for connections", log)


@pytest.mark.parametrize("verb", ["stop", "start", "restart", "try-restart", "reload", "reload-or-restart"])
def test_verbs_on_apache(light, verb):
    if verb != "start" and light.active("apache2") != "active":
        light.ctl("start apache2")
    before = light.main_pid("apache2")
    ran = light.ctl(f"{verb} apache2")
    assert (ran.rc, ran.out) == (0, ""), ran
    assert light.active("apache2") == ("inactive" if verb == "stop" else "active")
    if verb in ("restart", "try-restart"):
        assert light.main_pid("apache2") != before
    if verb in ("reload", "reload-or-restart"):
        assert light.main_pid("apache2") == before
    if verb != "stop":
        light.wait_until(lambda: light.run("curl", "-s", "http://localhost/").ok, "Apache to answer")


@pytest.mark.parametrize("words, rc, pattern", [
    ("list-units --no-pager", 0, r"apache2\.service\s+loaded active running"),
    ("list-unit-files --no-pager", 0, r"mariadb\.service\s+enabled"),
    ("list-jobs", 0, r"No jobs running"),
    ("list-dependencies multi-user.target", 0, r"apache2\.service"),
    ("list-sockets --no-pager", 0, r"epmd\.socket"),
    ("cat cron", 0, r"ExecStart=/usr/sbin/cron"),
    ("show -p Type mariadb", 0, r"^Type=notify$"),
    ("is-enabled mariadb", 0, r"^enabled$"),
    ("is-failed mariadb", 1, r"^active$"),
    ("get-default", 0, r"^graphical\.target$"),
    ("list-units --type=target --no-pager", 0, r"multi-user\.target\s+loaded active active"),
    ("--version", 0, r"systemd 252"),
])
def test_questions(light, words, rc, pattern):
    ran = light.ctl(words)
    assert ran.rc == rc, ran
    assert re.search(pattern, ran.out, re.M), ran


@pytest.mark.parametrize("unit, restart", [(unit, None) for unit in MAIN])
def test_sigkill_of_a_main_process_does_what_the_unit_says(light, unit, restart):
    """Restart= of each unit as the package wrote it: brought back with another process, or failed with the signal."""
    policy = light.show(unit, "Restart")
    before = light.show(unit, "MainPID", "NRestarts")
    light.sh(f"kill -KILL {before['MainPID']}")
    if policy in ("always", "on-failure", "on-abnormal", "on-abort"):
        light.wait_until(lambda: light.active(unit) == "active" and light.main_pid(unit) not in (0, int(before["MainPID"])),
                         f"{unit} to be restarted")
        assert int(light.show(unit, "NRestarts")) == int(before["NRestarts"]) + 1
    else:
        light.wait_active(unit, "failed")
        shown = light.show(unit, "Result", "ExecMainCode", "ExecMainStatus")
        # PostgreSQL's ExecStart= is forgiven with `-`; then the result is that of its ExecStop=.
        forgiven = "=-" in light.sh(f"systemctl cat {unit} | grep ^ExecStart=").out
        assert shown == {"Result": "exit-code" if forgiven else "signal", "ExecMainCode": "2", "ExecMainStatus": "9"}
        assert light.ctl(f"start {unit}").ok
        assert light.active(unit) == "active"


def test_daemon_reload_and_reexec_go_unnoticed(light):
    def look():
        return {unit: light.show(unit, "MainPID", "InvocationID", "ActiveEnterTimestampMonotonic") for unit in MAIN}
    before = look()
    assert light.ctl("daemon-reload").ok
    assert look() == before
    assert light.ctl("daemon-reexec").ok
    light.wait_booted()
    assert look() == before
    assert light.ctl("restart redis-server").ok


def test_what_docker_exec_started_is_left_alone(light):
    light.engine.docker("exec", "-d", light.id, "sleep", "54321")
    light.wait_until(lambda: light.find(r"^sleep 54321$"), "the sleeper")
    assert light.ctl("restart cron").ok
    assert light.ctl("stop apache2").ok and light.ctl("start apache2").ok
    assert light.find(r"^sleep 54321$")
    light.sh("pkill -f '^sleep 54321$'")


def test_docker_stop_is_clean_and_start_brings_everything_back(light):
    """Ten seconds of grace, exit 0, and the databases say that they were shut down in order. Three times."""
    for _ in range(3):
        assert light.stop() == 0, light.logs()[-3000:]
        log = light.logs()
        assert re.search(r"mariadbd: Shutdown complete", log)
        light.start()
        assert light.ctl("is-system-running").out == "running\n", light.ctl("--failed --no-legend")
        written = light.sh("cat /var/log/postgresql/postgresql-15-main.log").out
        recovered = [line for line in written.splitlines() if "database system was" in line]
        assert "shut down at" in recovered[-1]


def test_docker_kill_and_start_again(light):
    """PID files and sockets of the life before are lying around."""
    for _ in range(2):
        light.kill("KILL")
        assert light.wait_exit() == 137
        light.start()
        light.wait_until(lambda: light.ctl("is-system-running").out == "running\n", "the boot after the kill")
        for unit in MAIN:
            assert light.active(unit) == "active", light.ctl(f"status {unit}")
        assert light.run("curl", "-s", "-o", "/dev/null", "http://localhost/").ok
        light.wait_until(lambda: light.run("psql", "-Atc", "SELECT 1", user="postgres").ok, "PostgreSQL to answer")


def test_soak_cycles(light, request):
    if not request.config.getoption("--soak"):
        pytest.skip("hundreds of stops and starts: run with --soak")
    import os
    for _ in range(int(os.environ.get("SOAK_CYCLES", "200"))):
        assert light.stop() == 0
        light.start()
        assert light.ctl("is-system-running").out == "running\n"
