# SPDX-License-Identifier: Apache-2.0
"""What `reeve verify --json` says of a unit: each complaint with its file and line, and an exit status for CI."""

import json
import os
import subprocess
from pathlib import Path

import pytest

REEVE = Path(os.environ.get("REEVE_BUILD", Path(__file__).resolve().parents[2] / "build")) / "reeve"

pytestmark = pytest.mark.skipif(not REEVE.exists(), reason="needs a build")

BAD = """[Unit]
Description=one of each
Foo=1
[Service]
ExecStart=/bin/true
Restart=sometimes
PrivateTmp=yes
Type=
"""


def verify(root, text, *options):
    """(exit status, what it printed) for a.service of TEXT in a root that has /bin/true."""
    units, programs = root / "etc/systemd/system", root / "bin"
    units.mkdir(parents=True)
    programs.mkdir()
    (programs / "true").write_text("#!/bin/sh\n")
    (programs / "true").chmod(0o755)
    (units / "a.service").write_text(text)
    ran = subprocess.run([REEVE, "verify", *options, f"--root={root}", "a.service"], capture_output=True, text=True)
    return ran.returncode, ran.stdout


def test_each_complaint_has_its_line_and_how_bad_it_is(tmp_path):
    status, said = verify(tmp_path, BAD, "--json")
    assert status == 1
    found = {(one.get("line"), one["severity"]): one for one in json.loads(said)}
    assert set(found) == {(3, "warning"), (6, "warning"), (7, "note"), (8, "warning")}, said
    assert all(one["unit"] == "a.service" and one["file"].endswith("/etc/systemd/system/a.service") for one in found.values())
    assert "Foo" in found[3, "warning"]["message"]
    assert "not one of no, on-success" in found[6, "warning"]["message"]
    assert "mount namespace" in found[7, "note"]["message"]
    assert "Type=" in found[8, "warning"]["message"]


def test_quiet_leaves_out_what_is_only_not_enforced(tmp_path):
    _, said = verify(tmp_path, BAD, "--json", "--quiet")
    assert {one["severity"] for one in json.loads(said)} == {"warning"}


def test_nothing_wrong_is_an_empty_list_and_success(tmp_path):
    assert verify(tmp_path, "[Service]\nExecStart=/bin/true\n", "--json") == (0, "[]\n")
