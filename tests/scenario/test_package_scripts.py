# SPDX-License-Identifier: Apache-2.0
"""What packages' scripts do when they are installed, upgraded and removed: while an image is built and nothing runs, and in
a running container. Debian's by deb-systemd-helper, deb-systemd-invoke, update-rc.d, invoke-rc.d, with systemd's systemctl
and with reeve's; RPM's by the scriptlet macros, in both forms that distributions have."""

import pytest

UNIT = """[Unit]
Description=version {version}
[Service]
ExecStart=/usr/bin/case-daemon
[Install]
WantedBy=multi-user.target
"""
DAEMON = "#!/bin/sh\nexec sleep infinity\n"
INIT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: case-daemon
# Required-Start: $remote_fs
# Required-Stop: $remote_fs
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
exit 0
"""
# As dh_installsystemd and dh_installinit have them.
POSTINST = """#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
deb-systemd-helper unmask case-daemon.service > /dev/null || true
if deb-systemd-helper --quiet was-enabled case-daemon.service; then
    deb-systemd-helper enable case-daemon.service > /dev/null || true
else
    deb-systemd-helper update-state case-daemon.service > /dev/null || true
fi
update-rc.d case-daemon defaults > /dev/null
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload > /dev/null || true
    deb-systemd-invoke $([ -n "$2" ] && echo restart || echo start) case-daemon.service > /dev/null
fi
"""
PRERM = """#!/bin/sh
[ "$1" = remove ] && [ -d /run/systemd/system ] && deb-systemd-invoke stop case-daemon.service > /dev/null
exit 0
"""
POSTRM = """#!/bin/sh
[ "$1" = remove ] && [ -d /run/systemd/system ] && systemctl --system daemon-reload > /dev/null
[ "$1" = remove ] && deb-systemd-helper mask case-daemon.service > /dev/null
[ "$1" = purge ] && deb-systemd-helper purge case-daemon.service > /dev/null
[ "$1" = purge ] && deb-systemd-helper unmask case-daemon.service > /dev/null
[ "$1" = purge ] && update-rc.d case-daemon remove > /dev/null
exit 0
"""
LINK = "/etc/systemd/system/multi-user.target.wants/case-daemon.service"


def build_debs(machine):
    for version in (1, 2):
        root = f"/tmp/deb{version}"
        machine.put({
            f"{root}/DEBIAN/control": f"Package: case-daemon\nVersion: {version}\nArchitecture: all\n"
                                      "Maintainer: nobody <nobody@localhost>\nDescription: a case\n",
            f"{root}/DEBIAN/postinst": POSTINST, f"{root}/DEBIAN/prerm": PRERM, f"{root}/DEBIAN/postrm": POSTRM,
            f"{root}/DEBIAN/conffiles": "/etc/init.d/case-daemon\n",
            f"{root}/lib/systemd/system/case-daemon.service": UNIT.format(version=version),
            f"{root}/usr/bin/case-daemon": DAEMON, f"{root}/etc/init.d/case-daemon": INIT})
        built = machine.sh(f"chmod 755 {root}; dpkg-deb -b {root} /tmp/case-daemon_{version}.deb")
        assert built.ok, built


def dpkg(machine, words):
    ran = machine.sh(f"cd /tmp; DEBIAN_FRONTEND=noninteractive dpkg {words} 2>&1")
    assert ran.ok, ran
    return ran.out


def enabled(machine):
    return machine.ctl("is-enabled case-daemon").out.strip()


def exists(machine, path):
    return machine.sh(f"[ -L {path} ] || [ -e {path} ]").ok


@pytest.mark.parametrize("image, applets", [("minbase", ("systemctl",)), ("oracle", ())],
                         ids=["reeve-systemctl", "systemd-systemctl"])
def test_debian_while_an_image_is_built(machine, image, applets):
    build = machine(image, command=["sleep", "infinity"], boot=False, applets=applets)
    build_debs(build)
    dpkg(build, "-i case-daemon_1.deb")
    assert enabled(build) == "enabled" and exists(build, LINK)
    assert build.sh("ls -d /etc/rc2.d/S??case-daemon").ok
    # What the administrator decided outlives an upgrade.
    assert build.ctl("disable case-daemon").ok and not exists(build, LINK)
    dpkg(build, "-i case-daemon_2.deb")
    assert enabled(build) == "disabled" and not exists(build, LINK)
    assert build.ctl("enable case-daemon").ok and exists(build, LINK)
    dpkg(build, "-r case-daemon")
    assert enabled(build) == "masked"
    dpkg(build, "-P case-daemon")
    assert not exists(build, LINK) and not exists(build, "/etc/systemd/system/case-daemon.service")
    assert build.sh("ls /etc/rc?.d/*case-daemon").out == ""
    # The distribution's policy, asked at the first installation.
    build.put({"etc/systemd/system-preset/10-case.preset": "disable case-daemon.service\n"})
    dpkg(build, "-i case-daemon_1.deb")
    assert enabled(build) == "disabled" and not exists(build, LINK)
    assert not build.find("sleep infinity$")[1:], "nothing may be started"


def test_debian_in_a_running_container(machine):
    check_running(machine("minbase", applets=("systemctl",)))


def test_debian_with_systemds_systemctl(machine, manager):
    check_running(machine("oracle", manager))


def check_running(running):
    build_debs(running)
    dpkg(running, "-i case-daemon_1.deb")
    assert (enabled(running), running.active("case-daemon")) == ("enabled", "active")
    before = running.main_pid("case-daemon")
    assert running.sh("invoke-rc.d case-daemon restart").ok
    again = running.main_pid("case-daemon")
    assert again not in (0, before)
    dpkg(running, "-i case-daemon_2.deb")
    assert running.main_pid("case-daemon") not in (0, again)
    assert running.show("case-daemon", "Description") == "version 2"
    # A policy says who may start what.
    running.put({"usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n"})
    before = running.main_pid("case-daemon")
    running.sh("invoke-rc.d case-daemon restart; deb-systemd-invoke restart case-daemon.service")
    assert running.main_pid("case-daemon") == before
    running.sh("rm /usr/sbin/policy-rc.d")
    # What was switched off is not started by an upgrade.
    assert running.ctl("disable --now case-daemon").ok
    dpkg(running, "-i case-daemon_1.deb")
    assert (enabled(running), running.active("case-daemon")) == ("disabled", "inactive")
    assert running.ctl("enable --now case-daemon").ok
    dpkg(running, "-r case-daemon")
    assert running.active("case-daemon") == "inactive" and not running.find("bin/sh /usr/bin/case-daemon")
    dpkg(running, "-P case-daemon")
    running.ctl("daemon-reload")
    assert running.show("case-daemon", "LoadState") == "not-found" and not exists(running, LINK)


# --- RPM ----------------------------------------------------------------------------------------------------
SPEC = """Name: case-daemon
Version: {version}
Release: 1
Summary: a case
License: none
BuildArch: noarch
%description
%install
mkdir -p %{{buildroot}}/usr/lib/systemd/system %{{buildroot}}/usr/bin
cp /tmp/case-daemon.service.{version} %{{buildroot}}/usr/lib/systemd/system/case-daemon.service
cp /tmp/case-daemon %{{buildroot}}/usr/bin
%files
/usr/lib/systemd/system/case-daemon.service
%attr(755,root,root) /usr/bin/case-daemon
%post
%systemd_post case-daemon.service
%preun
%systemd_preun case-daemon.service
%postun
%systemd_postun_with_restart case-daemon.service
%posttrans
%systemd_case_end
"""
# What daemon(7) has packages call: systemctl itself, or, in newer distributions, a helper that calls it, where units to be
# restarted are marked, and restarted at the end of the transaction.
MACROS = {
    "systemctl": """%systemd_post() if [ $1 -eq 1 ]; then systemctl --no-reload preset %{?*} || :; fi
%systemd_preun() if [ $1 -eq 0 ]; then systemctl --no-reload disable --now %{?*} || :; fi
%systemd_postun_with_restart() if [ $1 -ge 1 ]; then systemctl try-restart %{?*} || :; fi
%systemd_case_end() [ ! -d /run/systemd/system ] || systemctl daemon-reload
""",
    "helper": """%systemd_post() if [ $1 -eq 1 ]; then /usr/lib/systemd/systemd-update-helper install-system-units %{?*} || :; fi
%systemd_preun() if [ $1 -eq 0 ]; then /usr/lib/systemd/systemd-update-helper remove-system-units %{?*} || :; fi
%systemd_postun_with_restart() if [ $1 -ge 1 ]; then /usr/lib/systemd/systemd-update-helper mark-restart-system-units %{?*} || :; fi
%systemd_case_end() /usr/lib/systemd/systemd-update-helper system-reload-restart
""",
}
HELPER = """#!/bin/sh
what=$1
shift
[ -d /run/systemd/system ] && now=--now
case $what in
install-system-units) exec systemctl --no-reload preset "$@" ;;
remove-system-units) exec systemctl --no-reload disable $now --no-warn "$@" ;;
esac
[ -n "$now" ] || exit 0
case $what in
mark-restart-system-units) for unit; do systemctl set-property "$unit" Markers=+needs-restart; done ;;
system-reload-restart) systemctl daemon-reload; systemctl reload-or-restart --marked ;;
esac
"""


def build_rpms(machine, form):
    files = {"usr/lib/rpm/macros.d/macros.systemd": MACROS[form], "tmp/case-daemon": DAEMON,
             "usr/lib/systemd/systemd-update-helper": HELPER}
    for version in (1, 2):
        files[f"tmp/case-daemon.service.{version}"] = UNIT.format(version=version)
        files[f"tmp/{version}.spec"] = SPEC.format(version=version)
    machine.put(files)
    built = machine.sh("cd /tmp && rpmbuild -bb 1.spec 2.spec 2>&1 && cp /root/rpmbuild/RPMS/noarch/*.rpm /tmp")
    assert built.ok, built


def rpm(machine, words):
    ran = machine.sh(f"cd /tmp; rpm --nodeps {words} 2>&1")
    assert ran.ok and "failed" not in ran.out, ran


@pytest.mark.parametrize("form", MACROS)
def test_rpm_while_an_image_is_built(machine, form):
    build = machine("rpm", command=["sleep", "infinity"], boot=False, applets=("systemctl",))
    build_rpms(build, form)
    rpm(build, "-i case-daemon-1-1.noarch.rpm")
    assert enabled(build) == "enabled" and exists(build, LINK)
    assert build.ctl("disable case-daemon").ok
    rpm(build, "-U case-daemon-2-1.noarch.rpm")
    assert enabled(build) == "disabled"
    assert build.ctl("enable case-daemon").ok
    rpm(build, "-e case-daemon")
    assert not exists(build, LINK)
    # Fedora's policy is a preset that disables everything.
    build.put({"usr/lib/systemd/system-preset/99-default-disable.preset": "disable *\n"})
    rpm(build, "-i case-daemon-1-1.noarch.rpm")
    assert enabled(build) == "disabled"


@pytest.mark.parametrize("form", MACROS)
def test_rpm_in_a_running_container(machine, form):
    running = machine("rpm", applets=("systemctl",))
    build_rpms(running, form)
    rpm(running, "-i case-daemon-1-1.noarch.rpm")
    # A preset enables; to start is not a package's business.
    assert (enabled(running), running.active("case-daemon")) == ("enabled", "inactive")
    assert running.ctl("start case-daemon").ok
    before = running.main_pid("case-daemon")
    rpm(running, "-U case-daemon-2-1.noarch.rpm")
    assert running.main_pid("case-daemon") not in (0, before)
    assert running.show("case-daemon", "Description") == "version 2"
    rpm(running, "-e case-daemon")
    assert running.active("case-daemon") == "inactive" and not exists(running, LINK)
    assert not running.find("bin/sh /usr/bin/case-daemon")


# --- what programs' own install scripts call ----------------------------------------------------------------
def test_host_name_time_zone_and_who_is_in(machine):
    """systemd's own small daemons, started by name on the bus, answer; what a container forbids is refused with a reason."""
    m = machine("oracle")
    assert "Chassis: container" in m.sh("hostnamectl").out
    ran = m.sh("hostnamectl set-hostname other 2>&1")
    assert ran.ok or ran.out.startswith("Could not set "), ran
    assert m.sh("timedatectl set-timezone Europe/Prague && readlink /etc/localtime").out == "../usr/share/zoneinfo/Europe/Prague\n"
    assert "Europe/Prague" in m.sh("timedatectl").out
    assert m.sh("localectl set-locale LANG=C.UTF-8 && cat /etc/default/locale").out == "LANG=C.UTF-8\n"
    assert m.sh("loginctl 2>&1").out.startswith("Failed to list sessions: ")
    assert m.sh("last && who && w -h").ok
