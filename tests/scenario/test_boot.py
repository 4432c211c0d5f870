# SPDX-License-Identifier: Apache-2.0
"""What a boot does before and besides starting services: tmpfiles.d, generators, init scripts, what stands in /run,
images without systemd; and what it must leave alone."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from engine import TREE, binary, root_of


def test_tmpfiles(machine, manager):
    m = machine("oracle", manager, files={
        "etc/tmpfiles.d/case.conf":
            "d /run/case 0750 root daemonuser -\n"
            "d /run/case/sub 0755 root root -\n"
            "f /run/case/file 0640 root daemonuser - some words\n"
            "L /run/case/link - - - - /etc/passwd\n"
            "L+ /run/case/forced - - - - /etc/group\n"
            "p /run/case/pipe 0600 worker worker -\n"
            "D /run/case/emptied 0700 - - -\n"
            "z /run/case/file 0600 worker - -\n"
            "C /run/case/copy - - - - /etc/hostname\n"
            "w /run/case/file - - - - overwritten\n"
            "f+ /run/case/again 0644 - - - fresh\n"
            "e /nowhere/at/all 0755 - - -\n"
            "nonsense\n"
            "d relative/path 0755 - - -\n"
            "d %t/case-%b 0755 - - -\n",
        "etc/tmpfiles.d/override.conf": "d /run/case-overridden 0700 - - -\n",
        "usr/lib/tmpfiles.d/override.conf": "d /run/case-hidden 0700 - - -\n"})
    shown = m.sh("cd /run/case && stat -c '%n %F %a %U %G' sub file pipe emptied . && readlink link forced && cat file "
                 "&& echo && cat again && ls -d /run/case-overridden; ls -d /run/case-hidden; "
                 "ls -d /run/case-$(tr -d - < /proc/sys/kernel/random/boot_id) | grep -c case").out.splitlines()
    assert shown == [
        "sub directory 755 root root", "file regular file 600 worker daemonuser", "pipe fifo 600 worker worker",
        "emptied directory 700 root root", ". directory 750 root daemonuser", "/etc/passwd", "/etc/group",
        "overwritten", "fresh/run/case-overridden", "1"]


def test_a_volume_in_tmp_is_not_emptied(machine):
    """Boot cleaning stops at mounts, whatever tmpfiles.d says about the directories above and themselves."""
    with tempfile.TemporaryDirectory() as volume:
        Path(volume, "precious").write_text("keep me")
        Path(volume, "sub").mkdir()
        Path(volume, "sub/also").write_text("keep me too")
        m = machine("oracle", flags=["-v", f"{volume}:/tmp/volume", "-v", f"{volume}:/run/data", "-v", f"{volume}:/var/tmp"],
                    files={"etc/tmpfiles.d/case.conf": "D! /tmp 1777 root root 0\nD /run/data 0755 - - 0\nR! /tmp/*\nr! /run/data/*\nR /var/tmp/sub\n"})
        assert m.sh("ls /tmp/volume").out.split() == ["precious", "sub"]
        assert Path(volume, "precious").read_text() == "keep me"
        assert Path(volume, "sub/also").read_text() == "keep me too"
        m.stop()
        m.start()
        assert Path(volume, "sub/also").read_text() == "keep me too"


def test_tmpfiles_follows_no_symlink_in_a_directory_for_all(machine):
    m = machine("oracle", files={
        "etc/tmpfiles.d/case.conf": "d /var/tmp/trap 0777 worker worker -\nf /var/tmp/trap/file 0666 worker worker - x\n"
                                    "z /var/tmp/hard 0666 worker worker -\n",
        "var/tmp/trap": "-> /etc/cron.d-not"}, boot=False)
    m.wait_booted()
    assert not m.sh("test -e /etc/cron.d-not").ok
    assert m.sh("stat -c %a%U /etc/passwd").out == "644root\n"


def test_an_init_script_without_a_unit_is_a_service(machine, manager):
    script = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          oldtimer
# Required-Start:    $remote_fs $syslog
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: A daemon from before
### END INIT INFO
case "$1" in
start) sleep 61616 & echo started ;;
stop) pkill -f '^sleep 61616' ;;
esac
"""
    m = machine("oracle", manager, files={
        "etc/init.d/oldtimer": script, "etc/rc5.d/S01oldtimer": "-> ../init.d/oldtimer",
        "etc/rc3.d/S01oldtimer": "-> ../init.d/oldtimer", "etc/rc2.d/S01oldtimer": "-> ../init.d/oldtimer",
        "etc/rc0.d/K01oldtimer": "-> ../init.d/oldtimer"})
    m.wait_active("oldtimer")
    assert m.show("oldtimer", "Description") == "LSB: A daemon from before" or "A daemon from before" in m.show("oldtimer", "Description")
    assert m.find("^sleep 61616$")
    assert m.show("oldtimer", "SourcePath") == "/etc/init.d/oldtimer"
    assert m.ctl("stop oldtimer").ok
    assert not m.find("^sleep 61616$")


def test_generators_are_run(machine, manager):
    generator = """#!/bin/sh
echo "[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true" > "$1/generated.service"
mkdir -p "$1/multi-user.target.wants"
ln -s ../generated.service "$1/multi-user.target.wants/generated.service"
echo "$#: $1 $2 $3" > /run/generator-arguments
"""
    failing = "#!/bin/sh\nexit 1\n"
    m = machine("oracle", manager, files={"etc/systemd/system-generators/case": generator,
                                          "usr/lib/systemd/system-generators/failing": failing})
    assert m.active("generated") == "active"
    assert m.read("/run/generator-arguments").split(": ")[1].split() == [
        "/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late"]
    m.sh("rm /etc/systemd/system-generators/case")
    assert m.ctl("daemon-reload").ok
    assert m.show("generated", "FragmentPath") == "" or not m.sh("test -e /run/systemd/generator/generated.service").ok


def test_what_stands_in_run(machine):
    m = machine("oracle")
    assert m.sh("test -d /run/systemd/system").ok
    assert m.sh("test -s /run/systemd/container").ok
    assert len(m.read("/etc/machine-id").strip()) == 32
    assert not m.sh("test -e /run/nologin").ok
    assert m.sh("systemd-detect-virt -c").ok
    id = m.read("/etc/machine-id")
    m.stop()
    m.start()
    assert m.read("/etc/machine-id") == id


def test_an_image_without_systemd(machine):
    """The vendor units come with the binary; reeve's own applet is the client."""
    m = machine("minbase", units={
        "a.service": "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
        "multi-user.target.wants/a.service": "-> ../a.service"}, boot=False)
    m.wait_until(lambda: m.find("^/bin/sleep infinity$"), "the service")
    ctl = lambda words: m.sh(f"/usr/bin/reeve systemctl {words}")
    if ctl("is-active a").rc in (1, 2, 64, 127):
        pytest.skip("this reeve has no systemctl applet yet")
    assert ctl("is-active a").out == "active\n"
    assert ctl("restart a").ok
    assert ctl("stop a").ok
    assert ctl("is-active a").rc == 3
    assert m.stop() == 0


def test_empty_units_directory(machine):
    m = machine("minbase", boot=False)
    m.wait_until(lambda: m.logs(), "a word")
    assert m.running
    assert m.stop() == 0


def test_reeve_explain_and_verify(machine):
    m = machine("oracle", units={"a.service": "[Service]\nUser=worker\nNice=5\nExecStart=/bin/sleep infinity\nTypo=1\n"})
    explained = m.run("reeve", "explain", "a.service")
    assert explained.ok, explained
    assert "/bin/sleep" in explained.out and "worker" in explained.out


def test_it_boots_without_an_engine_and_with_nobody_reading_its_output():
    """In plain namespaces, stdout a pipe that is full: PID 1 and its services run on."""
    if not binary().exists():
        pytest.skip(f"{binary()} is not built")
    with tempfile.TemporaryDirectory() as units:
        Path(units, "multi-user.target.wants").mkdir()
        Path(units, "loud.service").write_text(
            "[Service]\nExecStart=/bin/sh -c 'yes a line of text | head -c 3000000; exec sleep 62626'\n")
        Path(units, "calm.service").write_text("[Service]\nExecStart=/bin/sleep 62627\n")
        for name in ("loud", "calm"):
            Path(units, "multi-user.target.wants", f"{name}.service").symlink_to(f"../{name}.service")
        box = subprocess.Popen([TREE / "demo/box", "--bind", f"{binary()}:/usr/bin/reeve", "--bind",
                                f"{units}:/etc/systemd/system", root_of("minbase"), "/usr/bin/reeve", "init"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            def inside(pattern):
                listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout
                return any(line.split(None, 1)[1] == pattern for line in listed.splitlines() if " " in line.strip())
            deadline = time.monotonic() + 30
            while not inside("/bin/sleep 62627"):
                assert box.poll() is None and time.monotonic() < deadline, "the calm service did not come up"
                time.sleep(0.1)
            init = int(Path(f"/proc/{box.pid}/task/{box.pid}/children").read_text().split()[0])
            os.kill(init, signal.SIGTERM)
            deadline = time.monotonic() + 30
            while inside("/bin/sleep 62627"):
                assert time.monotonic() < deadline, "PID 1 hangs on its own output"
                time.sleep(0.1)
        finally:
            box.kill()
            box.wait()
