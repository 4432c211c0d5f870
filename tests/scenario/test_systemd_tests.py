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


@pytest.fixture(scope="module")
def bench(shared_machine, manager):
    m = shared_machine("oracle", manager, flags=["-e", "VAR1=word1 word2", "-e", "VAR2=word3", "-e", "VAR3=$word 5 6",
                                                      "-e", "VAR4=new\nline", "-e", "VAR5=passwordwithbackslashes"])
    m.sh(f"cp {UNITS}/*.service /etc/systemd/system/; printf 'ok\\n' > /tmp/test-exec_environmentfile.conf; systemctl daemon-reload")
    return m


def start(m, unit: str) -> int:
    ran = m.run("timeout", "20", "systemctl", "start", unit)
    m.sh(f"systemctl stop {unit}; systemctl reset-failed {unit}")
    return ran.rc


@pytest.mark.parametrize("unit", sorted(rows()) if TABLE.exists() else [])
def test_execute(bench, manager, unit, request):
    code, why = rows()[unit]
    if why.startswith("skip"):
        pytest.skip(why)
    got = start(bench, unit)
    if why and manager == "reeve":
        if (got == 0) != (code == 0):
            pytest.skip(f"differs from systemd: {why}")
        return
    assert (got == 0) == (code == 0), bench.ctl(f"status {unit}").out + bench.logs()[-2000:]


def test_record(bench, manager, request):
    if not request.config.getoption("--record") or manager != "systemd":
        pytest.skip("asks real systemd for the table: --manager=systemd --record")
    known = rows() if TABLE.exists() else {}
    lines = ["# SPDX-License-Identifier: Apache-2.0",
             "# unit\texit status of `systemctl start` under systemd 252 in its container\twhere reeve may differ, and why"]
    for unit in bench.sh(f"ls {UNITS}").out.split():
        if unit.endswith(".service") and "@." not in unit:
            lines.append(f"{unit}\t{start(bench, unit)}\t{known.get(unit, (0, ''))[1]}".rstrip())
    TABLE.write_text("\n".join(lines) + "\n")
