# SPDX-License-Identifier: Apache-2.0
"""tmpfiles.d lines: the same lines on two equal trees, once with systemd-tmpfiles, once with reeve's. What is left, with
modes, owners and contents, must be the same. Users come from the tree's own /etc/passwd."""

import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("REEVE_BUILD", Path(__file__).resolve().parents[2] / "build"))
OURS = BUILD / "tests/conformance/tmpfiles"
THEIRS = shutil.which("systemd-tmpfiles")

pytestmark = pytest.mark.skipif(not THEIRS or not OURS.exists() or os.geteuid() != 0,
                                reason="needs systemd-tmpfiles, a build, and root")

CREATE, REMOVE, CLEAN = ["--create"], ["--remove"], ["--clean"]
BOOT = ["--create", "--remove", "--boot"]


class Link(str):
    """A symlink to this."""


class Old(str):
    """A file of this content that nobody touched for 100 days."""


CASES = {
    # name: (files before, lines, options)
    "directory": ({}, "d /run/a 0750 root root -\nd /run/b/c 1777\nd /run/d", CREATE),
    "directory-owner": ({}, "d /run/a 0755 user group\nd /run/b - 1234 4321\nd /run/c 2770 :user :group", CREATE),
    "directory-there": ({"run/a/x": "1"}, "d /run/a 0700 user group", CREATE),
    "directory-file-in-the-way": ({"run/a": "1"}, "d /run/a 0700", CREATE),
    "directory-link-in-the-way": ({"srv/a/x": "1", "run/a": Link("/srv/a")}, "d /run/a 0700 user", CREATE),
    "directory-replace": ({"run/a": "1"}, "d= /run/a 0700", CREATE),
    "directory-below-link": ({"run/x": "", "var/run": Link("/run")}, "d /var/run/a 0711 user", CREATE),
    "directory-relative-link": ({"run/x": "", "var/run": Link("../run")}, "d /var/run/a/b 0711 user", CREATE),
    "adjust": ({"run/a/x": "1"}, "e /run/a 0700 user\ne /run/b 0700\ne /run/a/x 0600", CREATE),
    "adjust-pattern": ({"run/a1/x": "1", "run/a2/x": "1"}, "e /run/a* 0711 user group", CREATE),
    "empty-directory": ({"run/a/x": "1", "run/a/b/c": "1"}, "D /run/a 0700 user", BOOT),
    "file": ({}, 'f /run/a 0600 user group - hello\nf /run/b - - - - a\\nb\\x41\nf /run/c', CREATE),
    "file-there": ({"run/a": "old"}, "f /run/a 0600 user - - new", CREATE),
    "file-truncate": ({"run/a": "old"}, "f+ /run/a 0600 - - - new\nf+ /run/b - - - - x", CREATE),
    "file-F": ({"run/a": "old"}, "F /run/a 0600 - - - new", CREATE),
    "file-directory-in-the-way": ({"run/a/x": "1"}, "f /run/a 0600 - - - new", CREATE),
    "file-spaces": ({}, 'f "/run/a b" 0600 - - -  two  words  ', CREATE),
    "file-base64": ({}, "f~ /run/a 0600 - - - aGVsbG8K", CREATE),
    "file-specifiers": ({"etc/machine-id": "0123456789abcdef0123456789abcdef\n"},
                        "f /run/a - - - - %%x %m %b %H %l %v %a %u %U", CREATE),
    "file-link-in-the-way": ({"srv/a": "1", "run/a": Link("/srv/a")}, "f /run/a 0600 user - - x", CREATE),
    "write": ({"run/a": "old"}, "w /run/a - - - - new\\n\nw /run/b - - - - new", CREATE),
    "write-append": ({"run/a": "old"}, "w+ /run/a - - - - new\\n\nw+ /run/a - - - - more", CREATE),
    "write-pattern": ({"run/a1": "1", "run/a2": "2"}, "w /run/a* - - - - x", CREATE),
    "fifo": ({"run/b": "1"}, "p /run/a 0600 user\np /run/b 0600\np+ /run/c 0644", CREATE),
    "fifo-force": ({"run/b": "1"}, "p+ /run/b 0600", CREATE),
    "symlink": ({}, "L /run/a - - - - /srv/x\nL /run/b - - - - ../y", CREATE),
    "symlink-owner": ({}, "L /run/a - user group - /srv/x", CREATE),
    "symlink-there": ({"run/a": Link("/other"), "run/b": "1", "run/c/d": "1"},
                      "L /run/a - - - - /srv/x\nL /run/b - - - - /srv/x\nL /run/c - - - - /srv/x", CREATE),
    "symlink-force": ({"run/a": Link("/other"), "run/b": "1", "run/c/d": "1"},
                      "L+ /run/a - - - - /srv/x\nL+ /run/b - - - - /srv/x\nL+ /run/c - - - - /srv/x", CREATE),
    "symlink-factory": ({"usr/share/factory/etc/a": "1"}, "L /etc/a", CREATE),
    "copy": ({"usr/share/factory/etc/a/x": "1", "usr/share/factory/etc/a/y/z": "2",
              "usr/share/factory/etc/a/l": Link("x")}, "C /etc/a", CREATE),
    "copy-from": ({"srv/a/x": "1"}, "C /run/a 0700 user group - /srv/a", CREATE),
    "copy-file": ({"srv/x": "1", "run/y": "2"}, "C /run/a - - - - /srv/x\nC /run/y - - - - /srv/x", CREATE),
    "copy-there": ({"srv/a/x": "1", "run/a/y": "2"}, "C /run/a - - - - /srv/a", CREATE),
    "copy-empty": ({"srv/a/x": "1", "run/a/": ""}, "C /run/a - - - - /srv/a", CREATE),
    "copy-missing": ({}, "C /run/a - - - - /srv/a", CREATE),
    "adjust-one": ({"run/a/x": "1"}, "z /run/a 0700 user group\nz /run/nothing 0700", CREATE),
    "adjust-all": ({"run/a/x": "1", "run/a/b/c": "2", "run/a/l": Link("/srv/x"), "srv/x": "3"},
                   "Z /run/a 0750 user group", CREATE),
    "adjust-masked": ({"run/a/x": "1", "run/a/b/c": "2"}, "Z /run/a ~2755 user group", CREATE),
    "adjust-m": ({"run/a": "1"}, "m /run/a 0640 user group", CREATE),
    "only-new": ({"run/a/x": "1"}, "d /run/a :0700 :user :group\nd /run/b :0700 :user :group", CREATE),
    "remove": ({"run/a": "1", "run/b/": "", "run/c/d": "1", "run/x1": "", "run/x2": ""},
               "r /run/a\nr /run/b\nr /run/x*\nr /run/nothing", REMOVE),
    "remove-tree": ({"run/a/b/c": "1", "run/x1/y": "1", "run/x2": "2", "run/l": Link("/srv"), "srv/x": "1"},
                    "R /run/a\nR /run/x*\nR /run/l", REMOVE),
    "remove-boot-only": ({"run/a": "1", "run/b": "1"}, "r! /run/a\nr /run/b", REMOVE),
    "boot-only": ({}, "d! /run/a\nd /run/b", CREATE),
    "boot": ({"run/a": "1"}, "r! /run/a\nd! /run/b\nd /run/c", BOOT),
    "remove-then-create": ({"run/a/x": "1"}, "R /run/a\nd /run/a 0700", [*REMOVE, *CREATE]),
    "order": ({}, "d /run/a/b/c 0700\nd /run/a 0711\nd /run/a/b 0750 user", CREATE),
    "duplicate": ({}, "d /run/a 0700\nd /run/a 0711\nd /run/a 0700", CREATE),
    "make-and-adjust": ({}, "z /run/a 0640 user\nf /run/a 0600 - - - x", CREATE),
    "bad-lines": ({}, "d\ny /run/a\nd run/b\nd /run/c 9\nd /run/d - nobodyatall\nd /run/e - - - never\nd /run/../f\n"
                  'd "/run/g\n# comment\n\nd /run/ok 0711\nd!! /run/h\nf /run/%Z', CREATE),
    "may-fail": ({"run/a": "1"}, "d- /run/a\nd /run/b", CREATE),
    "prefix": ({}, "d /run/a\nd /srv/b\nd /run/c/d", [*CREATE, "--prefix=/run"]),
    "exclude": ({}, "d /run/a\nd /srv/b\nd /runaway", [*CREATE, "--exclude-prefix=/run"]),
    "clean": ({"tmp/old": Old("1"), "tmp/new": "1", "tmp/d/old": Old("1"), "tmp/d/new": "1", "tmp/e/old": Old("1")},
              "d /tmp - - - m:10d", CLEAN),
    "clean-directory-times": ({"tmp/a/old": Old("1"), "tmp/new": "1"}, "d /tmp - - - M:10d", CLEAN),
    "clean-zero": ({"tmp/a": "1", "tmp/b/c": "1"}, "d /tmp - - - 0", CLEAN),
    "clean-keep-first": ({"tmp/a/old": Old("1"), "tmp/old": Old("1"), "tmp/a/b/old": Old("1")},
                         "d /tmp - - - ~mM:10d", CLEAN),
    "clean-default": ({"tmp/old": Old("1"), "tmp/new": "1"}, "d /tmp - - - 10d", CLEAN),
    "clean-flags": ({"tmp/old": Old("1"), "tmp/d/old": Old("1")}, "d /tmp - - - amAM:10d", CLEAN),
    "clean-ignore": ({"tmp/x1": Old("1"), "tmp/y1/z": Old("1"), "tmp/k/z": Old("1"), "tmp/k/x": Old("1")},
                     "d /tmp - - - m:10d\nx /tmp/x*\nx /tmp/y1\nX /tmp/k\nd /tmp/k - - - -", CLEAN),
    "clean-x-directory": ({"tmp/x1/a": Old("1"), "tmp/X1/a": Old("1")}, "d /tmp - - - mM:10d\nx /tmp/x1\nX /tmp/X1", CLEAN),
    "clean-nested": ({"tmp/a/old": Old("1"), "tmp/old": Old("1")}, "d /tmp - - - m:10d\nd /tmp/a - - - m:1000d", CLEAN),
    "clean-symlink": ({"tmp/l": Link("/srv"), "srv/old": Old("1")}, "d /tmp - - - 0", CLEAN),
    "clean-no-age": ({"tmp/old": Old("1")}, "d /tmp", CLEAN),
}


def build_tree(root, files):
    for place in ("etc/tmpfiles.d", "run", "tmp", "srv", "var"):
        (root / place).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nuser:x:1500:1500::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\ngroup:x:1600:\n")
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            place.mkdir()
        elif isinstance(content, Link):
            place.symlink_to(str(content))
        else:
            place.write_text(content)
            if isinstance(content, Old):
                then = time.time() - 100 * 86400
                os.utime(place, (then, then))


def tree(root):
    found = {}
    for path in sorted(root.rglob("*")):
        st = path.lstat()
        what = stat.filemode(st.st_mode) + f" {st.st_uid}:{st.st_gid}"
        if path.is_symlink():
            what += f" -> {os.readlink(path)}"
        elif path.is_file():
            what += f" {path.read_bytes()!r}"
        found[str(path.relative_to(root))] = what
    return found


@pytest.mark.parametrize("name", CASES)
def test_same_as_systemd(name, tmp_path):
    files, lines, options = CASES[name]
    results = []
    for program in (THEIRS, OURS):
        root = tmp_path / Path(program).name
        build_tree(root, files)
        (root / "etc/tmpfiles.d/case.conf").write_text(lines + "\n")
        done = subprocess.run([program, f"--root={root}", *options], capture_output=True, text=True)
        results.append((tree(root), done.returncode, done.stderr))
    (theirs, their_status, their_words), (ours, our_status, our_words) = results
    where = f"{lines}\n--- systemd: {their_status}\n{their_words}--- reeve: {our_status}\n{our_words}"
    assert ours == theirs, where
    assert our_status == their_status, where


HIDING = {"etc/tmpfiles.d/a.conf": "d /run/etc\n", "run/tmpfiles.d/a.conf": "d /run/run\n",
          "usr/lib/tmpfiles.d/a.conf": "d /run/usr\n", "usr/lib/tmpfiles.d/b.conf": "d /run/b\n",
          "etc/tmpfiles.d/b.conf": Link("/dev/null"), "usr/lib/tmpfiles.d/c.conf": "d /run/c\n"}


@pytest.mark.parametrize("arguments", [[], ["c.conf"], ["a.conf"], ["nothing.conf"]], ids=str)
def test_files_hide_those_of_their_name(arguments, tmp_path):
    results = []
    for program in (THEIRS, OURS):
        root = tmp_path / Path(program).name
        build_tree(root, HIDING)
        done = subprocess.run([program, f"--root={root}", "--create", *arguments], capture_output=True, text=True)
        results.append((tree(root), done.returncode))
    assert results[0] == results[1]


def run_ours(root, lines, *options):
    return subprocess.run([OURS, f"--root={root}", *options, "-"], input=lines, capture_output=True, text=True)


def test_an_unprivileged_owner_does_not_lead_us_away(tmp_path):
    """A directory of uid 1500 with a symlink to root's place: nothing may happen there."""
    build_tree(tmp_path, {"srv/secret": "1", "var/own/x": "1", "var/own/link": Link("/srv"),
                          "tmp/bent": Link("/srv")})
    os.chown(tmp_path / "var/own", 1500, 1500)
    os.lchown(tmp_path / "var/own/link", 1500, 1500)
    os.chmod(tmp_path / "tmp", 0o1777)
    before = tree(tmp_path / "srv")
    done = run_ours(tmp_path, "d /var/own/link/a 0777\nf /var/own/link/secret 0666 user\nz /var/own/link/secret 0666\n"
                    "d /tmp/bent/b 0777\nf+ /tmp/bent/secret 0666 - - - gone\n", "--create")
    assert tree(tmp_path / "srv") == before
    assert done.returncode == 73
    done = run_ours(tmp_path, "R /var/own/link/secret\nr /tmp/bent/secret\nD /tmp/bent\n", "--remove")
    assert tree(tmp_path / "srv") == before


def test_places_of_the_system(tmp_path):
    build_tree(tmp_path, {})
    assert run_ours(tmp_path, "d %t/b\nd %S/c\nd %C/d\nd %L/e\n", "--create").returncode == 0
    for place in ("run/b", "var/lib/c", "var/cache/d", "var/log/e"):
        assert (tmp_path / place).is_dir()


def test_copies_are_merged_if_forced(tmp_path):
    build_tree(tmp_path, {"srv/a/x": "1", "srv/a/y": "1", "run/a/y": "2"})
    assert run_ours(tmp_path, "C+ /run/a - - - - /srv/a\n", "--create").returncode == 0
    assert (tmp_path / "run/a/x").read_text() == "1" and (tmp_path / "run/a/y").read_text() == "2"


def test_mounts_are_not_crossed(tmp_path):
    build_tree(tmp_path, {"run/a/x": "1", "run/a/m/": ""})
    inner = tmp_path / "run/a/m"
    if subprocess.run(["mount", "-t", "tmpfs", "none", inner], capture_output=True).returncode:
        pytest.skip("may not mount here")
    try:
        (inner / "kept").write_text("1")
        assert run_ours(tmp_path, "R /run/a\n", "--remove").returncode == 0
        assert run_ours(tmp_path, "d /run/a - - - 0\n", "--clean").returncode == 0
        assert run_ours(tmp_path, "Z /run/a 0700 user\n", "--create").returncode == 0
        assert (inner / "kept").read_text() == "1" and (inner / "kept").stat().st_uid == 0
        assert not (tmp_path / "run/a/x").exists()
    finally:
        subprocess.run(["umount", inner])


def test_bad_bytes_are_a_warning_with_file_and_line(tmp_path):
    build_tree(tmp_path, {})
    (tmp_path / "etc/tmpfiles.d/x.conf").write_bytes(b"d /run/a\0b\nd /run/\xff\xfe\nnonsense\nd /run/ok\n" + b"d /" + b"x" * 2000000)
    done = subprocess.run([OURS, f"--root={tmp_path}", "--create"], capture_output=True, text=True, errors="replace")
    assert (tmp_path / "run/ok").is_dir()
    assert "x.conf:1:" in done.stderr and "x.conf:3:" in done.stderr
    assert done.returncode == 65
