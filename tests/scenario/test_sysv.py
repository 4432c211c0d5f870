# SPDX-License-Identifier: Apache-2.0
"""Servers of Debian that bring an init script and no unit: the units made of the scripts, and whether they start and stop.
In an image without systemd; switched on and configured where the package leaves that to the administrator."""

import os
import subprocess
from pathlib import Path

import pytest

from engine import TREE

# The process that has to be there, as pgrep -f finds it.
DAEMONS = {
    "exim4": "/usr/sbin/exim4 -bd",
    "git-daemon": "git.daemon.*--base-path",
    "icecast2": "icecast2 -b",
    "monit": "monit -c",
    "nslcd": "nslcd",
    "pure-ftpd": "pure-ftpd",
    "slapd": "slapd -h",
    "stunnel4": "stunnel4? /etc/stunnel",
    "tftpd-hpa": "in.tftpd --listen",
    "uwsgi": "uwsgi --ini",
    "xinetd": "xinetd -pidfile",
}
SETTINGS = {
    "etc/default/git-daemon": "GIT_DAEMON_ENABLE=true\nGIT_DAEMON_USER=gitdaemon\nGIT_DAEMON_BASE_PATH=/var/lib\n"
                              "GIT_DAEMON_DIRECTORY=/var/lib/git\n",
    # (No IPv6 here: exim4 would wait for ten minutes until it had it.)
    "etc/exim4/update-exim4.conf.conf": "dc_eximconfig_configtype='local'\ndc_other_hostnames='localhost'\n"
                                        "dc_local_interfaces='127.0.0.1'\ndc_minimaldns='false'\nCFILEMODE='644'\n"
                                        "dc_use_split_config='false'\ndc_mailname_in_oh='true'\n"
                                        "dc_localdelivery='mail_spool'\n",
    "etc/stunnel/echo.conf": "pid = /var/run/stunnel4/echo.pid\n[echo]\nclient = yes\naccept = 127.0.0.1:7007\n"
                             "connect = 127.0.0.1:7008\n",
    "etc/uwsgi/apps-enabled/none.ini": "[uwsgi]\nplugin = python3\nneed-app = false\n",
}


# Scripts find their daemon by /proc/PID/exe, which of another user's process is hidden without SYS_PTRACE; pure-ftpd will
# not run without the others.
FLAGS = [word for name in ("SYS_PTRACE", "SYS_NICE", "DAC_READ_SEARCH") for word in ("--cap-add", name)]


@pytest.fixture(scope="module")
def scripts(shared_machine):
    return shared_machine("sysv", files=SETTINGS, flags=FLAGS, applets=("systemctl",), patience=120)


@pytest.mark.parametrize("name", DAEMONS)
def test_starts_and_stops(scripts, name):
    unit = scripts.show(f"{name}.service", "LoadState", "SourcePath", "FragmentPath")
    assert unit == {"LoadState": "loaded", "SourcePath": f"/etc/init.d/{name}",
                    "FragmentPath": f"/run/systemd/generator.late/{name}.service"}
    # (Some scripts give their daemon two seconds.)
    scripts.wait_until(lambda: scripts.ctl(f"restart {name}").ok, f"{name} to start")
    assert scripts.ctl(f"is-active {name}").out == "active\n"
    scripts.wait_until(lambda: scripts.run("pgrep", "-f", DAEMONS[name]).ok, f"a process of {name}")
    assert scripts.ctl(f"stop {name}").ok
    assert scripts.ctl(f"is-active {name}").out == "inactive\n"
    scripts.wait_until(lambda: not scripts.run("pgrep", "-f", DAEMONS[name]).ok, f"the end of {name}")


def test_a_script_that_fails_is_told(scripts):
    """dhcpd wants an Ethernet interface, and there is none."""
    started = scripts.ctl("restart isc-dhcp-server")
    assert started.rc == 1 and "control process exited with error code" in started.err, started
    assert scripts.show("isc-dhcp-server", "ActiveState", "Result") == {"ActiveState": "failed", "Result": "exit-code"}


def test_enable_and_disable_go_to_the_runlevels(scripts):
    """By way of update-rc.d, which is what such an image has."""
    links = "ls -d /etc/rc2.d/???xinetd"
    said = scripts.ctl("disable xinetd")
    assert said.ok and "xinetd.service is not a native service, redirecting" in said.err, said
    assert scripts.sh(links).out == "/etc/rc2.d/K01xinetd\n"
    assert scripts.ctl("enable xinetd").ok
    assert scripts.sh(links).out == "/etc/rc2.d/S01xinetd\n"
    assert scripts.ctl("is-enabled xinetd").out == "enabled\n"


# Said differently, or by us alone.
OWN = {"Documentation", "Environment"}


def read_units(directory):
    """{path: settings of the unit, or where the link points}"""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            settings = [line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#")]
            found[name] = {(key, value) for key, equals, value in settings if equals and key not in OWN}
    return found


@pytest.fixture(scope="session")
def generator():
    theirs = Path("/usr/lib/systemd/system-generators/systemd-sysv-generator")
    ours = Path(os.environ.get("REEVE_BUILD", TREE / "build")) / "tests/conformance/sysv"
    if not theirs.exists() or not ours.exists():
        pytest.skip("needs systemd and a build")
    return theirs, ours


@pytest.mark.parametrize("image", ["sysv", "sysv-java"])
def test_units_are_those_of_systemds_generator(image, generator, tmp_path, request):
    """Of every script of the 13 packages, property by property."""
    if image == "sysv-java" and not request.config.getoption("--soak"):
        pytest.skip("that image is for --soak")
    root = subprocess.run([TREE / "tests/images/build", image], check=True, capture_output=True, text=True).stdout.strip()
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{root}/usr/lib/systemd/system", "SYSTEMD_SYSVINIT_PATH": f"{root}/etc/init.d",
           "SYSTEMD_SYSVRCND_PATH": f"{root}/etc"}
    made = []
    for program in generator:
        out = tmp_path / program.name
        out.mkdir()
        subprocess.run([program, out, out, out] if program == generator[0] else [program, out], env=env, check=True)
        made.append(read_units(out))
    assert made[0] == made[1]
    assert len(made[0]) > 5


def test_zookeeper(machine, request):
    if not request.config.getoption("--soak"):
        pytest.skip("that image is for --soak")
    java = machine("sysv-java", applets=("systemctl",), patience=300)
    java.wait_active("zookeeper")
    java.wait_until(lambda: java.run("pgrep", "-f", "QuorumPeerMain").ok, "a process of zookeeper")
    assert java.ctl("stop zookeeper").ok
    java.wait_until(lambda: not java.run("pgrep", "-f", "QuorumPeerMain").ok, "the end of zookeeper")
