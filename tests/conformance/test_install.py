# SPDX-License-Identifier: Apache-2.0
"""The verbs on unit files, in systemctl's own words: random trees and commands (install_trees.py), played by systemd's
systemctl and by reeve's. What they print, how they exit and the trees they leave must be the same."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import install_trees
import pytest

SYSTEMCTL = shutil.which("systemctl")
OURS = install_trees.BUILD / "reeve"
SEEDS = int(os.environ.get("INSTALL_SEEDS", 250))
SHARES = 5

pytestmark = pytest.mark.skipif(not OURS.exists(), reason="needs a build")
tally = Counter()


@pytest.mark.skipif(not SYSTEMCTL, reason="needs systemd's systemctl")
@pytest.mark.parametrize("share", range(SHARES))
def test_same_as_systemctl(share):
    told = [install_trees.compare(seed, SYSTEMCTL, OURS, tally) for seed in range(1 + share, 1 + SEEDS, SHARES)]
    told = [text for text in told if text]
    if share == SHARES - 1:
        print("\n" + install_trees.summary(tally))
    assert not told, "\n".join(told[:5])


def ours(root, *words, **env):
    done = subprocess.run(["systemctl", f"--root={root}", *words], executable=OURS, capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], **env})
    return done.returncode, done.stdout, done.stderr.replace(str(root), "")


UNIT = "[Service]\nExecStart=/bin/true\n[Install]\n{}\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / install_trees.LIB).mkdir(parents=True)
    return tmp_path


def test_upheld_by(root):
    """Not in systemd 252: 257 makes links in .upholds."""
    (root / install_trees.LIB / "a.service").write_text(UNIT.format("UpheldBy=b.service"))
    assert ours(root, "enable", "a") == (0, "", "Created symlink /etc/systemd/system/b.service.upholds/a.service → "
                                         "/usr/lib/systemd/system/a.service.\n"
                                         "Unit /usr/lib/systemd/system/a.service is added as a dependency to a non-existent "
                                         "unit b.service.\n")
    assert ours(root, "is-enabled", "a")[1] == "enabled\n"
    assert ours(root, "disable", "a") == (0, "", 'Removed "/etc/systemd/system/b.service.upholds/a.service".\n')


def test_presets_may_ignore(root):
    """Not in systemd 252 either."""
    (root / install_trees.LIB / "a.service").write_text(UNIT.format("WantedBy=b.target"))
    preset = root / "usr/lib/systemd/system-preset/50.preset"
    preset.parent.mkdir()
    preset.write_text("ignore a.service\ndisable *\n")
    assert ours(root, "preset", "a") == (0, "", "")
    assert "disabled ignored" in ours(root, "list-unit-files", "a.service")[1]


def test_reenable_counts_drop_ins(root):
    """systemctl 252 forgets them, because it enables anew by path."""
    (root / install_trees.LIB / "a@.service").write_text(UNIT.format("WantedBy=b.target"))
    dropin = root / install_trees.ETC / "a@.service.d/x.conf"
    dropin.parent.mkdir(parents=True)
    dropin.write_text("[Install]\nRequiredBy=c.target\n")
    assert ours(root, "reenable", "a@i")[0] == 0
    assert (root / install_trees.ETC / "b.target.wants/a@i.service").is_symlink()
    assert (root / install_trees.ETC / "c.target.requires/a@i.service").is_symlink()


def test_global_is_for_all_users(root):
    """What deb-systemd-helper --user calls."""
    place = root / "usr/lib/systemd/user/a.service"
    place.parent.mkdir(parents=True)
    place.write_text(UNIT.format("WantedBy=default.target"))
    assert ours(root, "--global", "preset", "a")[0] == 0
    link = root / "etc/systemd/user/default.target.wants/a.service"
    assert os.readlink(link) == "/usr/lib/systemd/user/a.service"
    assert ours(root, "--global", "is-enabled", "a")[1] == "enabled\n"
    preset = root / "usr/lib/systemd/user-preset/50.preset"
    preset.parent.mkdir()
    preset.write_text("disable *\n")
    assert ours(root, "--global", "preset", "a")[0] == 0 and not link.exists()


def test_users_have_none_of_the_systems_units(root):
    place = root / "usr/lib/systemd/user/a.service"
    place.parent.mkdir(parents=True)
    place.write_text(UNIT.format("WantedBy=default.target"))
    listed = ours(root, "--global", "list-unit-files", "--no-legend")[1].split()
    assert listed == ["a.service", "disabled", "enabled"]
    rc, _, err = ours(root, "--global", "add-wants", "default.target", "a")
    assert rc == 1 and "default.target does not exist" in err and not (root / "etc/systemd/user").exists()


@pytest.mark.skipif(not SYSTEMCTL, reason="needs systemd's systemctl")
@pytest.mark.parametrize("words", ["list-units", "show a", "is-active a", "daemon-reload", "--preset-mode=often preset a"])
def test_what_a_tree_of_files_cannot_do(root, words):
    """Least of all is it done to the manager that runs here."""
    asked = [subprocess.run(["systemctl", f"--root={root}", *words.split()], executable=program, text=True, capture_output=True,
                            stdin=subprocess.DEVNULL) for program in (SYSTEMCTL, OURS)]
    assert len({(done.returncode, done.stdout, done.stderr) for done in asked}) == 1, asked


def test_user_works_on_the_users_files(root):
    place = root / "home/x/systemd/user/a.service"
    place.parent.mkdir(parents=True)
    place.write_text(UNIT.format("WantedBy=default.target"))
    assert ours(root, "--user", "enable", "a", XDG_CONFIG_HOME="/home/x")[0] == 0
    assert (place.parent / "default.target.wants/a.service").is_symlink()
    # No manager of a user is here to be asked.
    rc, _, err = ours(root, "--user", "start", "a")
    assert rc == 1 and "no user managers" in err


def init_script(root):
    script = root / "etc/init.d/a"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    tool = root / "usr/sbin/update-rc.d"
    tool.parent.mkdir(parents=True)
    return tool


def test_what_has_an_init_script_needs_a_tool(root):
    if any(Path(p).exists() for p in ("/usr/lib/systemd/systemd-sysv-install", "/lib/systemd/systemd-sysv-install")):
        pytest.skip("this machine has systemd's own tool, which is tried first")
    init_script(root)
    rc, _, err = ours(root, "enable", "a")
    assert rc == 1 and "a.service is not a native service" in err and "update-rc.d" in err


@pytest.mark.skipif(not SYSTEMCTL or os.geteuid() != 0, reason="needs systemd's systemctl and root")
def test_debians_own_units(tmp_path):
    """Those of first light's image. Debian 12's systemctl looks into /lib first, reeve's into /usr/lib: the same there."""
    image = Path(subprocess.run([Path(__file__).parents[1] / "images/build", "firstlight"], check=True, capture_output=True,
                                text=True).stdout.strip())
    trees = [tmp_path / "theirs", tmp_path / "ours"]
    for tree in trees:
        for part in ("usr/lib/systemd/system", "usr/lib/systemd/system-preset", "etc/systemd", "etc/dbus-1"):
            if (image / part).exists():
                shutil.copytree(image / part, tree / part, symlinks=True)
        (tree / "lib").symlink_to("usr/lib")

    def play(systemctl, tree, command):
        rc, out, err = install_trees.play(systemctl, tree, command.split())
        return rc, *(text.replace("/usr/lib/", "/lib/") for text in (out, install_trees.alike(err)))

    for command in ("preset-all", "disable ssh cron apache2 dbus", "enable ssh cron", "mask ssh", "revert ssh",
                    "is-enabled ssh cron getty@tty1 dbus", "preset-all --preset-mode=disable-only", "set-default rescue",
                    "get-default"):
        assert play(OURS, trees[1], command) == play(SYSTEMCTL, trees[0], command), command
        links = [{name: where.replace("/usr/lib/", "/lib/") for name, where in install_trees.look(tree).items()} for tree in trees]
        assert links[0] == links[1], command
    listed = [{tuple(line.split()) for line in play(s, tree, "list-unit-files")[1].splitlines()[:-1]}
              for s, tree in zip((SYSTEMCTL, OURS), trees)]
    assert listed[0] <= listed[1] and len(listed[0]) > 200


@pytest.mark.skipif(not SYSTEMCTL, reason="needs systemd's systemctl")
@pytest.mark.parametrize("options", ["--quiet", "--quiet --legend=yes", "--legend=yes --quiet", "--legend=no", "--legend=x"])
def test_a_quiet_list_has_no_legend(root, options):
    (root / install_trees.LIB / "qa.service").write_text(UNIT.format("WantedBy=qt.target"))
    words = [*options.split(), "list-unit-files", "q*"]
    theirs = subprocess.run([SYSTEMCTL, f"--root={root}", *words], capture_output=True, text=True)
    assert ours(root, *words) == (theirs.returncode, theirs.stdout, theirs.stderr)
