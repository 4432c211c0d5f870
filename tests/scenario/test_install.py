# SPDX-License-Identifier: Apache-2.0
"""`reeve install`: reeve in the place of the image's systemctl and init, whatever packages do later."""


def test_the_distributions_systemctl_is_diverted(machine):
    m = machine("oracle", command=["sleep", "infinity"], boot=False)
    assert "(reeve" not in m.ctl("--version").out
    said = m.run("reeve", "install")
    assert said.ok and "/usr/bin/systemctl" in said.out and "put aside" in said.out, said
    assert "(reeve" in m.ctl("--version").out
    again = m.run("reeve", "install")
    assert again.ok and again.out.count("already") == 2, again
    # What an upgrade does: dpkg unpacks the file anew, and puts it where it was told to.
    ran = m.sh("dpkg-divert --truename /bin/systemctl; dpkg-divert --truename /usr/bin/systemctl; ls -l /usr/bin/systemctl.distrib")
    assert ran.out.splitlines()[:2] == ["/bin/systemctl.distrib", "/usr/bin/systemctl.distrib"], ran
    undone = m.run("reeve", "uninstall")
    assert undone.ok and "(reeve" not in m.ctl("--version").out, undone
    assert m.sh("dpkg-divert --list | grep -c systemctl").out == "0\n"
    assert m.sh("ls /usr/bin/systemctl.distrib").rc != 0
    assert m.run("reeve", "uninstall").ok


def test_without_dpkg_an_earlier_directory_serves(machine):
    m = machine("oracle", command=["sleep", "infinity"], boot=False)
    m.sh("rm /usr/bin/dpkg-divert")
    assert "/usr/local/bin/systemctl" in m.run("reeve", "install", "systemctl").out
    assert "(reeve" in m.sh("systemctl --version").out and "(reeve" not in m.run("/usr/bin/systemctl", "--version").out
    assert "already" in m.run("reeve", "install", "systemctl").out
    assert m.run("reeve", "uninstall", "systemctl").ok
    assert "(reeve" not in m.sh("systemctl --version").out


def test_an_image_without_any(machine):
    m = machine("minbase", command=["sleep", "infinity"], boot=False)
    assert m.run("reeve", "install", "systemctl", "tini").ok
    assert "(reeve" in m.ctl("--version").out and "0.19" in m.run("tini", "--version").out
    assert m.run("reeve", "install", "nonsense").rc == 1
    assert m.run("reeve", "uninstall", "--all").ok
    assert m.sh("ls /usr/bin/systemctl /usr/bin/tini").out == ""
