# SPDX-License-Identifier: Apache-2.0
"""`reeve directives` beside the lists that systemd 252 and 257 give of themselves, and the page made from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests/scenario"))

from engine import Missing, binary, root_of  # noqa: E402

# Read without a word by systemd, and so not in its lists; or younger than 257.
NOT_LISTED = {"BusPolicy", "NetClass", "Capabilities", "AssertVersion", "ConditionVersion", "AssertFirmware", "ConcurrencySoftMax",
              "ConcurrencyHardMax", "IgnoreOnSnapshot", "SysVStartPriority"}


def rows():
    return json.loads(subprocess.run([binary(), "directives", "--json"], capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def listed():
    """{(section, name)} of both versions."""
    found = set()
    for image, program in (("oracle", "/lib/systemd/systemd"), ("trixie", "/usr/lib/systemd/systemd")):
        try:
            root = root_of(image)
        except Missing as missing:
            pytest.skip(str(missing))
        dump = subprocess.run(["chroot", root, program, "--dump-configuration-items"], capture_output=True, text=True, check=True)
        section = None
        for line in dump.stdout.splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif "=" in line:
                found.add((section, line.split("=")[0]))
    assert len(found) > 1000
    return found


def test_every_directive_of_252_and_257_is_known(listed):
    mine = {(row["section"], row["name"]) for row in rows()}
    assert not listed - mine, f"missing: {sorted(listed - mine)}"
    assert {name for section, name in mine - listed if section != "X-Reeve"} <= NOT_LISTED, f"more than systemd has: {sorted(mine - listed)}"
    print(f"directives: {len(listed & mine)}/{len(listed)}")


def test_what_is_not_honoured_in_full_says_why():
    for row in rows():
        assert row["support"] in ("yes", "degrades", "accepted"), row
        assert row["support"] == "yes" or row.get("note") or row["name"] in NOT_LISTED, row


def test_the_page_is_current():
    page = subprocess.run([binary(), "directives", "--markdown"], capture_output=True, text=True, check=True).stdout
    assert (TREE / "docs/directives.md").read_text() == page, "run `make docs`"
