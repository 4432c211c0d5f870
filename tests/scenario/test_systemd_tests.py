# SPDX-License-Identifier: Apache-2.0
"""systemd's own units that check themselves (Debian's systemd-tests, test-execute): starting one succeeds or fails.

tests/conformance/execute.tsv says for each unit how `systemctl start` ends under real systemd 252 in its container
(`--record` asks it), and where reeve, which has less privilege than that one, may end otherwise, and why."""

from pathlib import Path

import pytest

TABLE = Path(__file__).resolve().parents[1] / "conformance/execute.tsv"
UNITS = "/usr/lib/systemd/tests/testdata/test-execute"


def rows() -> dict:
    found = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            unit, code, why = (line.split("\t") + ["", ""])[:3]
            found[unit] = (int(code), why)
    return found


LOOP = f"""
cp {UNITS}/*.service /etc/systemd/system/
echo ok > /tmp/test-exec_environmentfile.conf
systemctl daemon-reload
for path in {UNITS}/*.service; do
    unit=${{path##*/}}
    case $unit in *@.*) continue ;; esac
    timeout 20 systemctl start $unit > /dev/null 2>&1
    echo "$unit $?"
    systemctl stop $unit > /dev/null 2>&1
    systemctl reset-failed > /dev/null 2>&1
done
"""


@pytest.fixture(scope="module")
def ended(shared_machine, manager):
    """Unit → exit status of its start."""
    m = shared_machine("oracle", manager, flags=[
        "-e", "VAR1=word1 word2", "-e", "VAR2=word3", "-e", "VAR3=$word 5 6", "-e", "VAR4=new\nline",
        "-e", "VAR5=passwordwithbackslashes"])
    return {unit: int(code) for unit, code in (line.split() for line in m.sh(LOOP, timeout=900).out.splitlines())}


@pytest.mark.parametrize("unit", sorted(rows()) if TABLE.exists() else [])
def test_execute(ended, manager, unit):
    code, why = rows()[unit]
    assert unit in ended, "the manager did not get that far"
    if (ended[unit] == 0) != (code == 0) and why and manager == "reeve":
        pytest.skip(f"differs from systemd: {why}")
    assert ended[unit] == code


def test_record(request, manager):
    if not request.config.getoption("--record") or manager != "systemd":
        pytest.skip("asks real systemd for the table: --manager=systemd --record")
    known = rows() if TABLE.exists() else {}
    lines = ["# SPDX-License-Identifier: Apache-2.0",
             "# unit\texit status of `systemctl start` under systemd 252 in its container\twhere reeve may differ, and why"]
    for unit, code in request.getfixturevalue("ended").items():
        lines.append(f"{unit}\t{code}\t{known.get(unit, (0, ''))[1]}".rstrip())
    TABLE.write_text("\n".join(lines) + "\n")
