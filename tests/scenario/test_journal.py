# SPDX-License-Identifier: Apache-2.0
"""The image's own journalctl reads what reeve writes."""

import json
import os
import pickle
import random
import shutil
import subprocess

import pytest

from engine import binary
from machine import Machine

TALKER = {"talker.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nSyslogIdentifier=parrot\n"
          "LogExtraFields=COLOUR=green\n"
          "ExecStart=/bin/sh -c 'echo plain; echo \"<3>bad news\"; echo oops >&2; "
          "logger -t tagged -p auth.warning to syslog; "
          "logger --journald < /opt/native; echo cat | systemd-cat -t cat -p notice; sleep 0.2; printf unfinished'\n",
          "brief@.service": "[Service]\nType=oneshot\nExecStart=/bin/echo %i\n"}
NATIVE = "MESSAGE=native\nPRIORITY=2\nSYSLOG_IDENTIFIER=nat\nMYFIELD=one\nMYFIELD=two\n_PID=99\nbad name=x\n"


def entries(m, options):
    ran = m.sh(f"journalctl --sync; journalctl -o json --no-pager {options}")
    assert ran.ok, ran
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.fixture(scope="module")
def talker(engine):
    m = Machine(engine, units=TALKER, files={"opt/native": NATIVE})
    try:
        assert m.ctl("start talker").ok
        yield m
    finally:
        m.remove()


def test_fields_of_what_a_service_prints(talker):
    by_text = {e["MESSAGE"]: e for e in entries(talker, "-u talker")}
    plain = by_text["plain"]
    invocation = talker.ctl("show -P InvocationID talker").out.strip()
    for name, value in {"_TRANSPORT": "stdout", "PRIORITY": "6", "SYSLOG_FACILITY": "3", "SYSLOG_IDENTIFIER": "parrot",
                        "_SYSTEMD_UNIT": "talker.service", "_SYSTEMD_SLICE": "system.slice", "COLOUR": "green",
                        "_SYSTEMD_INVOCATION_ID": invocation, "_UID": "0", "_COMM": "sh"}.items():
        assert plain.get(name) == value, name
    assert len(plain["_BOOT_ID"]) == 32 and len(plain["_MACHINE_ID"]) == 32 and plain["_HOSTNAME"]
    assert by_text["bad news"]["PRIORITY"] == "3"
    assert by_text["unfinished"]["_LINE_BREAK"] == "eof"
    assert by_text["oops"]["_PID"] == plain["_PID"]


def test_fields_of_what_came_over_the_sockets(talker):
    tagged, = entries(talker, "-t tagged")
    assert (tagged["MESSAGE"], tagged["PRIORITY"], tagged["SYSLOG_FACILITY"]) == ("to syslog", "4", "4")
    assert tagged["_TRANSPORT"] == "syslog" and tagged["_UID"] == "0" and tagged["SYSLOG_TIMESTAMP"]
    native, = entries(talker, "-t nat")
    assert native["MESSAGE"] == "native" and sorted(native["MYFIELD"]) == ["one", "two"]
    assert native["_PID"] != "99" and "bad name" not in native
    cat, = entries(talker, "-t cat")
    assert cat["PRIORITY"] == "5" and cat["_TRANSPORT"] == "stdout" and cat["_STREAM_ID"]


def test_who_ends_at_once_is_known_all_the_same(talker):
    assert talker.ctl("start " + " ".join(f"brief@{i}" for i in range(100))).ok
    lines = [e for e in entries(talker, "-u 'brief@*' _TRANSPORT=stdout")]
    assert len(lines) == 100 and len({e.get("_PID") for e in lines} - {None}) == 100


def test_the_managers_lines_belong_to_the_unit(talker):
    own = [e for e in entries(talker, "-u talker") if e.get("UNIT")]
    started, = [e for e in own if e["MESSAGE"].startswith("Finished") or e["MESSAGE"].startswith("Started")]
    assert started["MESSAGE_ID"] == "39f53479d3a045ac8e11786248231fbf"
    assert started["_PID"] == "1" and started["_SYSTEMD_CGROUP"] == "/init.scope" and started["SYSLOG_IDENTIFIER"] == "systemd"
    assert started["JOB_TYPE"] == "start" and started["JOB_RESULT"] == "done" and started["INVOCATION_ID"]


def test_status_shows_the_last_lines(talker):
    assert "parrot" in talker.ctl("status talker").out


def test_files_verify_and_rotate(talker):
    for _ in range(2):
        ran = talker.sh("journalctl --verify && journalctl --rotate && journalctl --header | grep -c 'File path'")
        assert ran.ok, ran
    assert int(ran.out.split()[-1]) >= 2
    assert len(entries(talker, "-u talker MESSAGE=plain")) == 1


def test_a_quiet_log_process_is_small_though_a_file_is_to_be_synced_later(talker):
    assert talker.sh("mkdir -p /var/log/journal; journalctl --flush; logger something").ok
    small = "[ $(awk '/^Pss:/{print $2}' /proc/$(pgrep -x reeve-journal)/smaps_rollup) -lt 1500 ]"
    assert talker.sh(f"until {small}; do sleep 0.2; done", timeout=60).ok


# A service that counts as fast as it can, in lines that say who it is; then it is over.
COUNTER = ("[Unit]\nCollectMode=inactive-or-failed\n[Service]\nType=simple\n"
           "ExecStart=/usr/bin/seq -f '%i-%%.0f' {lines}\n")


@pytest.mark.parametrize("services,lines,kills", [(20, 2000, 12), (100, 20000, 50)])
def test_nothing_is_lost_or_doubled_when_the_log_process_is_killed(machine, request, services, lines, kills):
    if services == 100 and not request.config.getoption("--soak"):
        pytest.skip("the same at full size: run with --soak")
    m = machine("oracle", units={"count@.service": COUNTER.format(lines=lines)}, flags=["--tmpfs", "/run"])
    names = " ".join(f"count@{i}" for i in range(services))
    kill = f"for i in $(seq {kills}); do pkill -KILL -x reeve-journal; sleep 0.1; done"
    ran = m.sh(f"systemctl start {names} & {kill}; wait; "
               "while systemctl -q is-active 'count@*'; do sleep 0.2; done; journalctl --sync; journalctl --verify -q")
    assert ran.ok, ran
    got = {}
    out = m.sh("journalctl -o cat --no-pager _COMM=seq + SYSLOG_IDENTIFIER=seq").out
    for line in out.splitlines():
        who, _, number = line.partition("-")
        got.setdefault(who, []).append(int(number))
    for i in range(services):
        assert got.get(str(i)) == list(range(1, lines + 1)), f"count@{i}"
    # On stdout each line is at least once.
    shown = set(m.logs().splitlines())
    for i in range(services):
        missing = [n for n in range(1, lines + 1) if f"count@{i}.service: {i}-{n}" not in shown]
        assert not missing, f"count@{i}: {missing[:5]}, {len(missing)} in all"


# Writes without end, as fast as it can, and keeps count of what it has written in a file.
ENDLESS = """#!/usr/bin/perl
my ($who, $n, $line) = ($ARGV[0], 0, "");
sysopen(my $count, "/var/tmp/count-$who", 0101) or die;
while (1) {
    my $line = "$who-" . ++$n . "\n";
    syswrite(STDOUT, $line) == length $line or exit;
    sysseek($count, 0, 0);
    syswrite($count, $n);
}
"""


@pytest.mark.parametrize("services,kills", [(10, 5), (100, 50)])
def test_nothing_is_lost_when_the_container_is_stopped_under_full_load(machine, request, tmp_path, services, kills):
    """Its log process is killed again and again, then `docker stop`: what a service has written is there, once, in order."""
    if services == 100 and not request.config.getoption("--soak"):
        pytest.skip("the same at full size: run with --soak")
    m = machine("oracle", files={"usr/local/bin/endless": ENDLESS, "var/log/journal/.keep": "",
                                 "etc/systemd/journald.conf.d/room.conf": "[Journal]\nSystemMaxUse=3G\nSystemKeepFree=100M\n"},
                units={"endless@.service": "[Service]\nExecStart=perl /usr/local/bin/endless %i\n"})
    ran = m.sh("systemctl start " + " ".join(f"endless@{i}" for i in range(services)) +
               f"; for i in $(seq {kills}); do pkill -KILL -x reeve-journal; sleep 0.1; done")
    assert ran.ok, ran
    m.stop(grace=120)
    m.engine.docker("cp", f"{m.id}:/var/log/journal", f"{tmp_path}/journal")
    m.engine.docker("cp", f"{m.id}:/var/tmp", f"{tmp_path}/counts")
    journal = [binary(), "journalctl", "-q", f"--directory={tmp_path}/journal"]
    subprocess.run([*journal, "--verify"], check=True, stderr=subprocess.DEVNULL)
    got = {}
    with subprocess.Popen([*journal, "-o", "cat", "SYSLOG_IDENTIFIER=perl"], stdout=subprocess.PIPE, text=True) as reading:
        for line in reading.stdout:
            who, _, number = line.partition("-")
            got.setdefault(who, []).append(int(number))
    assert got
    for who in map(str, range(services)):
        numbers, count = got.get(who, []), tmp_path / f"counts/count-{who}"
        written = int(count.read_text() or 0) if count.exists() else 0
        assert numbers == list(range(1, len(numbers) + 1)), f"endless@{who}"
        # It may have been killed between writing and counting.
        assert len(numbers) - written in (0, 1), f"endless@{who}"
    shutil.rmtree(tmp_path)


def test_the_journal_goes_on_after_a_stop_and_a_kill(machine):
    m = machine("oracle", files={"var/log/journal/.keep": ""}, units={
        "once.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo boot'\n",
        "multi-user.target.wants/once.service": "-> ../once.service"})
    m.stop()
    m.start()
    m.kill("KILL")
    m.wait_exit()
    m.start()
    ran = m.sh("journalctl --sync; journalctl --verify -q && journalctl -o cat --no-pager -u once MESSAGE=boot && ls /var/log/journal/*")
    assert ran.ok, ran
    assert ran.out.count("boot\n") == 3, ran
    assert "journal~" not in ran.out, "the machine had not ended, only the container"


def hostile(seed: int, count: int):
    """Records that a client may send: (name, value) in any number, every byte there is, the sizes that matter."""
    r = random.Random(seed)
    for i in range(count):
        fields = [("RECORD", str(i).encode())]
        for _ in range(r.randrange(1, 6)):
            kind = r.randrange(7)
            # Large ones among the first only, or many records would be gigabytes.
            size = r.choice((0, 1, 7, 8, 63, 511, 512, 513, *((4096, 70000) if i < 1000 else ()))) if kind else 0
            value = (b"" if kind == 0 else r.randbytes(size) if kind < 3 else b"\n" * size if kind == 3 else
                     b"a" * size if kind == 4 else "käse \u2028 \U0001f600".encode() if kind == 5 else b"\0\xff\xfe" * (size // 3))
            fields.append((r.choice(("MESSAGE", "A", "X_" + "Y" * 60, "DUPLICATE")), value))
        yield fields
    yield [("RECORD", b"big"), ("MESSAGE", bytes(range(256)) * 40960)]


SENDER = """
import os, socket, struct, sys, pickle
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("/run/systemd/journal/socket")
for fields in pickle.load(open("/opt/records", "rb")):
    data = b"".join(name.encode() + b"\\n" + struct.pack("<Q", len(value)) + value + b"\\n" for name, value in fields)
    if len(data) > 100000:
        f = os.memfd_create("x", os.MFD_ALLOW_SEALING)
        os.write(f, data)
        socket.send_fds(s, [b""], [f])
    else:
        s.send(data)
"""


def exported(data: bytes):
    """The records of `journalctl -o export`."""
    record, at = [], 0
    while at < len(data):
        end = data.index(b"\n", at)
        line = data[at:end]
        at = end + 1
        if not line:
            yield record
            record = []
        elif b"=" in line:
            name, _, value = line.partition(b"=")
            record.append((name.decode(), value))
        else:
            size = int.from_bytes(data[at:at + 8], "little")
            record.append((line.decode(), data[at + 8:at + 8 + size]))
            at += size + 9


def check_hostile(records, data: bytes, who: str):
    back = {dict(record)["RECORD"]: record for record in exported(data) if "RECORD" in dict(record)}
    for record in records:
        got = [f for f in back.get(record[0][1], []) if f[0] in ("RECORD", "MESSAGE", "A", "DUPLICATE") or f[0].startswith("X_")]
        assert sorted(got) == sorted(set(record)), (who, record[0])


def test_hostile_records_come_back_to_the_byte(machine):
    records = list(hostile(17, 1000))
    m = machine("oracle", flags=["--tmpfs", "/run:size=1g"], files={"opt/records": pickle.dumps(records), "opt/send.py": SENDER})
    ran = m.sh("python3 /opt/send.py && journalctl --sync && journalctl --verify -q && journalctl -o export > /tmp/out")
    assert ran.ok, ran
    check_hostile(records, m.engine.docker("exec", m.id, "cat", "/tmp/out", text=False).stdout, "oracle")


@pytest.mark.parametrize("compact,readers", [(0, ("bullseye", "oracle", "trixie", "sid")), (1, ("oracle", "trixie", "sid"))])
def test_a_hundred_thousand_hostile_records_come_back_with_every_version(machine, request, tmp_path, compact, readers):
    """systemd 247, 252, 257, the newest, and the applet. 247 does not know the compact layout."""
    if not request.config.getoption("--soak"):
        pytest.skip("the same at full size: run with --soak")
    records = list(hostile(23, int(os.environ.get("HOSTILE_RECORDS", "100000"))))
    m = machine("oracle", flags=["-e", f"SYSTEMD_JOURNAL_COMPACT={compact}"], patience=300,
                files={"opt/records": pickle.dumps(records), "opt/send.py": SENDER, "var/log/journal/.keep": "",
                       "etc/systemd/journald.conf.d/room.conf": "[Journal]\nSystemMaxUse=3G\nSystemKeepFree=100M\n"})
    ran = m.sh("python3 /opt/send.py && journalctl --sync && journalctl --header | grep -c COMPACT", timeout=600)
    assert bool(int(ran.out)) == bool(compact), ran
    m.stop(grace=60)
    m.engine.docker("cp", f"{m.id}:/var/log/journal", f"{tmp_path}/journal")
    for reader in readers:
        call = ["run", "--rm", "--network", "none", "-v", f"{tmp_path}/journal:/j:ro", m.engine.image(reader, "systemd"), "journalctl",
                "--directory=/j", "-q"]
        assert m.engine.docker(*call, "--verify", check=False).returncode == 0, reader
        check_hostile(records, m.engine.docker(*call, "-o", "export", text=False).stdout, reader)
    applet = [binary(), "journalctl", f"--directory={tmp_path}/journal", "-q"]
    subprocess.run([*applet, "--verify"], check=True)
    check_hostile(records, subprocess.run([*applet, "-o", "export"], check=True, stdout=subprocess.PIPE).stdout, "applet")
    shutil.rmtree(tmp_path)


def test_the_kernels_log_where_it_can_be_read(machine, engine):
    """It is the host's: in the journal, and not on stdout."""
    m = machine("oracle", flags=["--device", "/dev/kmsg", "--cap-add", "SYSLOG"])
    said = f"reeve-test-{m.id[:12]}"
    if not m.sh("dd if=/dev/kmsg bs=8192 count=1 iflag=nonblock of=/dev/null").ok or not m.sh(f"echo '<28>{said}[9]: one' > /dev/kmsg").ok:
        pytest.skip("/dev/kmsg cannot be read here")
    m.sh(f"pkill -KILL -x reeve-journal; echo '<28>{said}[9]: two' > /dev/kmsg")
    found = entries(m, f"_TRANSPORT=kernel SYSLOG_IDENTIFIER={said}")
    assert [(e["MESSAGE"], e["PRIORITY"], e["SYSLOG_FACILITY"], e["SYSLOG_PID"]) for e in found] == [("one", "4", "3", "9"), ("two", "4", "3", "9")]
    assert all(e["_SOURCE_MONOTONIC_TIMESTAMP"] and "_PID" not in e for e in found)
    assert said not in m.logs()


# What a unit says of its log holds for all its processes say, whichever way. Loggers are there until it is known whose they
# are, which logger --journald is not.
SAYS = """#!/bin/sh
native() {
    perl -MSocket -e 'socket S, PF_UNIX, SOCK_DGRAM, 0; send S, "MESSAGE=$ARGV[0]\\nPRIORITY=$ARGV[1]\\n", 0, '\
'sockaddr_un("/run/systemd/journal/socket"); sleep 1' -- "$@"
}
for text in "<6>drop" "<5>secret" "<5>keep"; do
    level=${text%>*}; level=${level#<}; text=${text#*>}
    echo "<$level>$text stdout"
    systemd-cat -p $level sh -c "echo '$text stream'; sleep 1" &
    (echo "$text syslog"; sleep 1) | logger -p user.$level &
    native "$text native" $level &
done
wait
"""


def test_what_a_unit_says_of_its_log_holds_for_every_way_into_it(machine, manager):
    m = machine("trixie", manager=manager, files={"usr/local/bin/says": SAYS}, units={
        "says.service": "[Service]\nType=oneshot\nLogLevelMax=notice\nLogExtraFields=COLOUR=green\nLogFilterPatterns=~secret\n"
                        "ExecStart=/usr/local/bin/says\n",
        "flood.service": "[Service]\nLogRateLimitIntervalSec=1h\nLogRateLimitBurst=5\nExecStart=systemd-cat -t flood "
                         "sh -c 'echo begin; until [ -e /go ]; do sleep 0.1; done; seq 5000; touch /done; exec sleep infinity'\n"})
    m.sh("chmod +x /usr/local/bin/says")
    assert m.ctl("start says flood").ok
    said = entries(m, "_SYSTEMD_UNIT=says.service")
    # Patterns reach journald through attributes of control groups, which the oracle's container does not have.
    said = [e for e in said if manager == "reeve" or not e["MESSAGE"].startswith("secret")]
    assert {e["MESSAGE"] for e in said} == {"keep stdout", "keep stream", "keep syslog", "keep native"}
    assert {e.get("COLOUR") for e in said} == {"green"}
    m.wait_until(lambda: entries(m, "_SYSTEMD_UNIT=flood.service"), "the first line")
    m.sh("touch /go; until [ -e /done ]; do sleep 0.1; done")
    # With much room on the disk, journald takes some times as many.
    assert 5 <= len(entries(m, "-t flood")) < 1000
