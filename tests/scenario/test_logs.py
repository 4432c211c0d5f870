# SPDX-License-Identifier: Apache-2.0
"""What services and the manager say reaches `docker logs`."""

import json
import re
from datetime import datetime

import pytest

NOISY = {
    # A logger that is still there when it is asked whose it is.
    "noisy.service": "[Service]\nExecStart=/bin/sh -c 'echo to stdout; echo to stderr >&2; (echo to syslog; sleep infinity) | logger'\n"
                     "[Install]\nWantedBy=multi-user.target\n",
    "bad.service": "[Service]\nExecStart=/bin/sh -c 'exit 3'\n",
    "multi-user.target.wants/noisy.service": "-> ../noisy.service",
    "multi-user.target.wants/bad.service": "-> ../bad.service",
}


def test_each_line_with_its_unit(machine):
    m = machine("oracle", units=NOISY)
    for text in ("to stdout", "to stderr", "to syslog"):
        m.wait_log(rf"noisy.*{text}")


def test_the_managers_own_lines(machine):
    m = machine("oracle", units=NOISY)
    m.wait_log(r"Started .*noisy")
    m.wait_log(r"bad\.service: Main process exited, code=exited, status=3")
    m.wait_log(r"bad\.service: Failed with result 'exit-code'")


def test_a_flood_is_not_lost_and_not_in_the_way(machine):
    m = machine("oracle", units={"flood.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'seq -f line-%%.0f 20000'\n"})
    assert m.ctl("start flood").ok
    m.wait_log(r"line-20000\b")
    got = re.findall(r"line-(\d+)\b", m.logs())
    assert len(got) == 20000
    assert got == sorted(got, key=int)


def test_long_lines_and_bytes_that_are_no_text(machine):
    script = "#!/bin/sh\nprintf 'a%.0s' $(seq 100000); echo end; printf 'raw \\377\\376\\001 bytes\\n'; printf 'no newline'\n"
    m = machine("oracle", files={"usr/local/bin/odd": script},
                units={"odd.service": "[Service]\nType=oneshot\nExecStart=/usr/local/bin/odd\n"})
    assert m.ctl("start odd").ok
    m.wait_log(r"raw .* bytes")
    m.wait_log(r"no newline")
    assert m.ctl("is-active multi-user.target").ok


def test_the_log_process_may_be_killed(machine):
    m = machine("oracle", units={
        "tick.service": "[Service]\nExecStart=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo tick-$i; sleep 0.02; done'\n",
        "multi-user.target.wants/tick.service": "-> ../tick.service"})
    m.wait_log(r"tick-5\b")
    helpers = [pid for pid, args in m.processes().items() if pid != 1 and re.search(r"reeve.*journal", args)]
    if not helpers:
        import pytest
        pytest.skip("no log process of its own to kill")
    m.sh(f"kill -KILL {helpers[0]}")
    last = int(re.findall(r"tick-(\d+)", m.logs())[-1])
    m.wait_log(rf"tick-{last + 50}\b")
    seen = [int(n) for n in re.findall(r"tick-(\d+)", m.logs())]
    assert seen == list(range(1, seen[-1] + 1)), "a line is missing or doubled"
    assert m.ctl("is-active tick").ok


def test_environment_of_docker_run_reaches_who_asks(machine):
    m = machine("oracle", flags=["-e", "FRUIT=apple"], units={
        "asks.service": "[Service]\nType=oneshot\nPassEnvironment=FRUIT\nExecStart=/bin/sh -c 'echo asked: $FRUIT.'\n",
        "silent.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo silent: $FRUIT.'\n"})
    assert m.ctl("start asks silent").ok
    m.wait_log(r"asked: apple\.")
    m.wait_log(r"silent: \.")


SHOWN = {
    "plain.service": "echo plain out; echo plain err >&2",
    "object.service": "echo '<4>careful'",
    "quiet.service": "echo '<6>too much'; echo '<4>just enough'",
    "apart.service": "echo apart out; echo apart err >&2",
    "off.service": "echo nobody sees this",
    "sockets.service": "(echo over the socket; sleep 1) | logger -t tagged -p user.err; (echo harmless; sleep 1) | logger -t tagged -p user.info",
}
SETTINGS = {"object.service": "ConsoleFormat=json", "quiet.service": "ConsoleLevelMax=notice", "apart.service": "ConsoleStderr=yes"}


def shown(machine, **more):
    """What docker shows of these services: its stdout and its stderr."""
    m = machine("oracle", units={name: f"[Service]\nType=oneshot\nExecStart=/bin/sh -c \"{script}\"\n[X-Reeve]\n{SETTINGS.get(name, '')}\n"
                                 for name, script in SHOWN.items()}, **more)
    assert m.ctl("start " + " ".join(SHOWN)).ok
    assert m.sh("journalctl --sync; journalctl -q -o cat --no-pager | grep -c 'nobody sees this'").out.strip() == "1"
    m.stop()
    ran = m.engine.docker("logs", m.id)
    return ran.stdout, ran.stderr


def test_each_unit_has_its_own_format_level_and_stderr(machine):
    out, err = shown(machine, flags=["-e", "REEVE_LOG_UNITS=~off.service"])
    assert "plain.service: plain out\n" in out and "plain.service: plain err\n" in out
    line, = (line for line in out.splitlines() if "careful" in line)
    entry = json.loads(line)
    assert list(entry) == ["time", "level", "severity", "unit", "identifier", "pid", "message"]
    assert (entry["level"], entry["severity"], entry["unit"], entry["message"]) == ("warning", "WARNING", "object.service", "careful")
    assert "just enough" in out and "too much" not in out
    assert "apart.service: apart out\n" in out and err == "apart.service: apart err\n"
    assert "nobody sees this" not in out
    assert "over the socket" in out


def test_the_environment_and_journald_conf_decide_for_all(machine):
    out, err = shown(machine, flags=["-e", "REEVE_LOG_STDERR=yes", "-e", "REEVE_LOG_LEVEL=info"], files={
        "etc/systemd/journald.conf.d/container.conf": "[Journal]\nMaxLevelConsole=emerg\n"
        "[X-Reeve]\nConsoleFormat=logfmt\nConsoleUnits=plain apart.service sock*\n"})
    assert "unit=plain.service identifier=sh " in out and 'msg="plain out"' in out
    assert 'msg="plain err"' in err and 'msg="apart err"' in err and 'msg="over the socket"' in err
    assert "harmless" in out and "harmless" not in err
    for text in ("careful", "nobody sees this", "reeve:", "Finished"):
        assert text not in out + err, text


LIMITS = {
    "says.service": "[Service]\nType=oneshot\nSyslogLevel=notice\nLogLevelMax=notice\nLogExtraFields=COLOUR=green\nLogFilterPatterns=~secret\n"
                    "ExecStart=/bin/sh -c 'echo \"<6>drop\"; echo \"<5>secret\"; echo \"<5>keep\"; echo; printf %%0250d 0'\n",
    "flood.service": "[Service]\nType=oneshot\nLogRateLimitIntervalSec=1h\nLogRateLimitBurst=5\nExecStart=seq -f 'flood %%g' 5000\n",
    "namespace.service": "[Service]\nType=oneshot\nLogNamespace=other\nExecStart=echo in the one log\n",
}


@pytest.mark.parametrize("flags", [["--user", "1000"], ["--read-only", "--user", "1000680000:0", "--tmpfs", "/tmp"]], ids=["user", "read-only"])
def test_any_user_may_limit_what_is_logged(machine, tmp_path, flags):
    tmp_path.chmod(0o755)
    (tmp_path / "x.conf").write_text("[Journal]\nLineMax=100\n")
    m = machine("minbase", units=LIMITS, applets=("systemctl", "journalctl"),
                flags=[*flags, "-v", f"{tmp_path}:/etc/systemd/journald.conf.d:ro"])
    assert m.ctl("start says flood namespace").ok
    m.wait_log("Finished namespace")
    ran = m.sh("journalctl --sync && journalctl --rotate")
    assert ran.ok, ran
    said = {unit: [json.loads(line) for line in m.sh(f"journalctl -q -a -o json --no-pager _SYSTEMD_UNIT={unit}").out.splitlines()]
            for unit in LIMITS}
    assert [e["MESSAGE"] for e in said["says.service"]] == ["keep", "0" * 100, "0" * 100, "0" * 50]
    assert all(e["COLOUR"] == "green" for e in said["says.service"])
    assert 5 <= len(said["flood.service"]) < 1000
    assert [e["MESSAGE"] for e in said["namespace.service"]] == ["in the one log"]
    shown = m.logs()
    assert "says.service: keep\n" in shown and "secret" not in shown and "drop" not in shown
    assert "namespace.service: in the one log\n" in shown
    assert "keep\n" in m.ctl("status says").out
    m.stop()


WRITER = """#!/bin/sh
trap 'exec >> /var/log/app/app.log' HUP
mkdir -p /var/log/app
exec >> /var/log/app/app.log
i=0
while [ $i -lt 3000 ]; do i=$((i+1)); echo line-$i; [ $((i % 100)) = 0 ] && sleep 0.02; done
echo done
sleep infinity
"""


def test_log_files_are_followed_through_rotation_kills_and_restarts(machine):
    m = machine("oracle", files={"usr/local/bin/writer": WRITER}, units={
        "app.service": "[Service]\nExecStart=/usr/local/bin/writer\nStandardOutput=null\nSyslogIdentifier=app\n"
                       "[X-Reeve]\nLogFiles=/var/log/app/*.log\n"})
    assert m.ctl("start app").ok
    for kind in ("move", "kill", "move", "kill"):
        m.sh("cd /var/log/app; mv app.log app.log.$(date +%N); systemctl kill -s HUP --kill-whom=main app" if kind == "move" else
             "pkill -KILL -x reeve-journal")
    m.wait_log(r"app\.service: done")
    m.ctl("stop app")
    ran = m.sh("journalctl --sync; journalctl -o cat --no-pager -q _SYSTEMD_UNIT=app.service _TRANSPORT=file")
    assert ran.out.split() == [f"line-{i}" for i in range(1, 3001)] + ["done"]
    # What comes between a stop and the next start is there then.
    m.sh("echo meanwhile >> /var/log/app/app.log")
    m.stop()
    m.start()
    m.put({"usr/local/bin/writer": "#!/bin/sh\necho again >> /var/log/app/app.log; exec sleep infinity\n"})
    assert m.ctl("start app").ok
    m.wait_log(r"app\.service: again")
    shown = [line for line in m.logs().splitlines() if line.startswith("app.service: ")]
    assert shown[-3:] == ["app.service: done", "app.service: meanwhile", "app.service: again"]


COLLECTOR = """
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 5514))
raw = socket.create_server(("127.0.0.1", 5515))
print("ready", flush=True)
c, _ = raw.accept()
open("/run/raw", "wb").write(c.recv(1000000))
while True:
    open("/run/udp", "ab").write(udp.recv(65536) + b"\\n")
"""


def test_other_machines_get_it_too(machine):
    m = machine("oracle", flags=["-e", "REEVE_LOG_SERVER=udp://localhost:5514"], units={
        "collect.service": "[Service]\nExecStart=/usr/bin/python3 /opt/collect.py\nStandardOutput=file:/run/ready\n",
        "say.service": "[Service]\nType=oneshot\nExecStart=/bin/echo over there\n"},
        files={"opt/collect.py": COLLECTOR, "etc/systemd/journald.conf.d/x.conf": "[Journal]\nForwardToSocket=127.0.0.1:5515\n"})
    assert m.ctl("start collect").ok
    assert m.sh("until grep -q ready /run/ready; do sleep 0.1; done; systemctl start say; "
                "until grep -q 'over there' /run/udp; do sleep 0.2; logger again; done", timeout=90).ok
    line = m.sh("grep -a -m1 'over there' /run/udp").out
    assert re.fullmatch(r"<30>1 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \w+ echo \d+ - - over there\n", line), line
    assert m.sh("grep -a -c __REALTIME_TIMESTAMP= /run/raw").out.strip() != "0"


RSYSLOGD = """
global(maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imudp")
module(load="imtcp")
input(type="imudp" port="5514")
input(type="imtcp" port="5515")
template(name="fields" type="string" string="%jsonmesg%\\n")
action(type="omfile" file="/run/received" template="fields")
"""
SAYS = """#!/bin/sh
echo "<3>bad \\"quoted\\" ]thing\\\\ %s	tab"
head -c 9000 /dev/zero | tr '\\0' x; echo
(echo "käse ✓"; sleep 1) | logger -i -t tagged -p auth.warning
printf 'MESSAGE=named\\nMESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1\\nPRIORITY=5\\nSYSLOG_IDENTIFIER=na tive\\n' | logger --journald
"""


@pytest.mark.parametrize("server", ["udp://127.0.0.1:5514", "tcp://localhost:5515"])
def test_rsyslogd_receives_what_is_in_the_journal(machine, server):
    m = machine("packages", command=["/sbin/init", "--unit=collect.service"], files={
        "opt/rsyslog.conf": RSYSLOGD, "opt/says": SAYS,
        "etc/systemd/journald.conf.d/x.conf": f"[X-Reeve]\nForwardToServer={server}\n"}, units={
        "collect.service": "[Service]\nType=notify\nExecStart=/usr/sbin/rsyslogd -n -iNONE -f /opt/rsyslog.conf\nStandardOutput=null\n",
        "say.service": "[Service]\nType=oneshot\nExecStart=/opt/says\n"})
    assert m.ctl("start say").ok
    assert m.sh("until grep -q 'Finished say' /run/received; do sleep 0.2; done; journalctl --sync", timeout=90).ok
    listed = [json.loads(line) for line in m.sh("journalctl -a -q -o json --no-pager").out.splitlines()]
    got = [json.loads(line) for line in m.read("/run/received").splitlines()]
    for text, app in (("bad ", "says"), ("xxx", "says"), ("käse", "tagged"), ("named", "na_tive"), ("Finished say", "reeve")):
        entry, = (e for e in listed if e["MESSAGE"].startswith(text))
        message, = (r for r in got if r["msg"].startswith(text))
        pri = 8 * int(entry.get("SYSLOG_FACILITY", 1)) + int(entry["PRIORITY"])
        assert (message["pri"], message["hostname"], message["app-name"]) == (str(pri), entry["_HOSTNAME"], app), message
        assert message["procid"] == entry["_PID"] and message["msgid"] == entry.get("MESSAGE_ID", "-"), (message, entry)
        assert message["structured-data"] == "-" and message["protocol-version"] == "1"
        # A datagram holds 8 KiB.
        assert message["msg"] == entry["MESSAGE"] or text == "xxx" and "udp" in server and len(message["msg"]) > 8000
        if stamp := entry.get("_SOURCE_REALTIME_TIMESTAMP"):
            sent = datetime.fromisoformat(message["timereported"])
            assert int(stamp) - int(sent.timestamp()) * 1000000 - sent.microsecond == 0


def test_status_shows_what_was_said_at_once(machine):
    """On one processor what is started runs before whoever started it goes on; its lines are of this start all the same."""
    names = [f"quick-{n}.service" for n in range(8)]
    m = machine("oracle", flags=["--cpuset-cpus", "0"],
                units={name: f"[Service]\nExecStart=/bin/sh -c 'echo I am %p; exec sleep infinity'\n" for name in names})
    assert m.ctl("start " + " ".join(names)).ok
    for name in names:
        m.wait_log(f"I am {name.removesuffix('.service')}")
    m.run("journalctl", "--sync")
    said = m.ctl("status " + " ".join(names)).out
    assert [name for name in names if f"I am {name.removesuffix('.service')}\n" not in said] == []
