# SPDX-License-Identifier: Apache-2.0
"""`reeve doctor`: what a newcomer is told of a container."""

import json

# A service counts as started before it has opened its file.
OPENED = "ExecStartPost=/bin/sh -c 'until [ -e %s ]; do sleep 0.1; done'\n"

LOGGERS = {
    "only.service": "[Service]\nExecStart=/bin/sh -c 'exec sleep infinity 3>>/var/log/only.log'\n" + OPENED % "/var/log/only.log" + "",
    "user.service": "[Service]\nUser=nobody\nLogsDirectory=user\nExecStart=/bin/sh -c 'exec sleep infinity 3>>/var/log/user/user.txt'\n" + OPENED % "/var/log/user/user.txt" + "",
    "also.service": "[Service]\nExecStart=/bin/sh -c 'echo hello; exec sleep infinity 3>>/var/log/also.log'\n" + OPENED % "/var/log/also.log" + "",
    "followed.service": "[Service]\nExecStart=/bin/sh -c 'exec sleep infinity 3>>/var/log/followed.log'\n" + OPENED % "/var/log/followed.log" + "[X-Reeve]\nLogFiles=/var/log/followed.log\n",
    "database.service": "[Service]\nExecStart=/bin/sh -c 'exec sleep infinity 3>/srv/000003.log 4</etc/passwd'\n",
}


def doctor(m, *checks, user=None):
    """What it finds, {(severity, subject): finding}, and its exit status; as text it says the same."""
    ran, plain = m.run("reeve", "doctor", "--json", *checks, user=user), m.run("reeve", "doctor", *checks, user=user)
    found = json.loads(ran.out)
    assert plain.rc == ran.rc == any(f["severity"] == "problem" for f in found)
    lines = [f"{f['severity']}: {f['what']}: {f['why']}; {f['do']}" for f in found]
    assert plain.out.splitlines() == (lines or ["Nothing to be said."])
    return {(f["severity"], f["subject"] or f["check"]): f for f in found}, ran.rc


def test_services_that_log_only_to_files_are_named(machine):
    m = machine("oracle", units=LOGGERS)
    assert m.ctl("start " + " ".join(LOGGERS)).ok
    m.wait_log("hello")
    m.run("journalctl", "--sync")
    found, rc = doctor(m, "log-files")
    assert set(found) == {("problem", "only.service"), ("problem", "user.service"), ("note", "also.service")} and rc == 1
    assert "only to /var/log/only.log" in found["problem", "only.service"]["what"]
    assert "LogFiles=/var/log/user/user.txt" in found["problem", "user.service"]["do"]
    assert m.ctl("stop only user").ok
    assert doctor(m, "log-files")[1] == 0


def test_what_failed_and_what_is_in_the_way(machine):
    m = machine("oracle", units={"bad.service": "[Service]\nExecStart=/bin/sh -c 'exit 3'\n",
                                 "private.service": "[Service]\nPrivateTmp=yes\nMemoryMax=1G\nExecStart=sleep infinity\n"})
    m.ctl("start bad private")
    m.sh("touch /run/nologin")
    m.wait_until(lambda: m.active("bad") == "failed", "the failure")
    found, rc = doctor(m)
    problems = {subject for severity, subject in found if severity == "problem"}
    assert problems == {"bad.service", "/run/nologin"} and rc == 1
    assert "exit status 3" in found["problem", "bad.service"]["why"]
    said = m.run("reeve", "doctor", "enforcement").out
    assert "PrivateTmp 1" in said and "MemoryMax 1" in said
    m.sh("rm /run/nologin")
    assert m.ctl("reset-failed").ok
    assert doctor(m)[1] == 0
    assert m.run("reeve", "doctor", "no-such-check").rc == 2


def test_a_shell_in_front_a_stdout_without_reader_and_a_read_only_root(machine):
    # stdout ends as soon as the shell is the only process of the container beside the manager.
    m = machine("oracle", flags=["--read-only", "--tmpfs", "/run", "--cap-drop", "KILL"], boot=False,
                command=["sh", "-c", "/sbin/init | :; sleep infinity"])
    m.wait_until(lambda: m.ctl("is-system-running").out.strip() in ("running", "degraded"), "the boot")
    found, rc = doctor(m, "first-process", "stdout", "places", "capabilities")
    assert "the first process is sh" in found["note", "first-process"]["what"]
    assert "nobody has the other end" in found["problem", "stdout"]["what"]
    assert {("problem", "/tmp"), ("note", "/etc"), ("note", "/var/lib"), ("note", "capabilities")} <= set(found) and rc == 1
    assert ("problem", "/run") not in found


LEFT_OUT = "was left out: log-files stdout places capabilities enforcement"


def test_another_user_is_told_what_only_the_managers_can_see(machine):
    m = machine("oracle", units={"bad.service": "[Service]\nExecStart=/bin/sh -c 'exit 3'\n"},
                flags=["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"])
    m.ctl("start bad")
    m.wait_until(lambda: m.active("bad") == "failed", "the failure")
    found, rc = doctor(m, user="nobody")
    assert set(found) == {("problem", "bad.service"), ("note", "enforcement")} and rc == 1
    assert LEFT_OUT in found["note", "enforcement"]["why"]
    found, rc = doctor(m, "nologin", user="nobody")
    assert found == {} and rc == 0
    # Nor where /proc hides the processes of others; and one whom the bus does not know.
    assert m.sh("mount -o remount,hidepid=2 /proc").ok
    found, rc = doctor(m, user="4711")
    assert "only root" in found["problem", "first-process"]["why"] and LEFT_OUT in found["note", "enforcement"]["why"]
    for streams in (">&-", "<&- >&-", ">/dev/full"):
        ran = m.sh(f"reeve doctor --json {streams}")
        assert ran.rc == 2 and "cannot be written" in ran.err, ran


def test_without_a_manager(machine):
    m = machine("oracle", boot=False, command=["sleep", "infinity"])
    found, rc = doctor(m, "first-process", "failed", "log-files", "enforcement")
    assert list(found) == [("problem", "first-process")] and rc == 1
