# SPDX-License-Identifier: Apache-2.0
"""Random unit graphs: reeve and real systemd do the same with them. tests/random/ has the parts."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "random"))

from graph import generate  # noqa: E402
from judge import judge  # noqa: E402
from players import Missing, Pair, first_difference, out_of_order  # noqa: E402

GRAPHS = 30  # `make soak` plays SOAK_GRAPHS with tests/random/run


def test_random_graphs_go_as_under_systemd(engine):
    wrong, undetermined = [], 0
    try:
        with Pair(engine) as pair:
            for seed in range(1, GRAPHS + 1):
                scenario = generate(seed)
                verdict, ours, theirs = judge(pair, scenario)
                undetermined += verdict in ("undetermined", "stuck")
                if verdict == "order":
                    wrong.append(f"tests/random/run --seed {seed}: {out_of_order(scenario, ours)[0]}")
                elif verdict == "differ":
                    _, reeve, systemd = first_difference(ours, theirs)
                    wrong.append(f"tests/random/run --seed {seed}: systemd: {systemd.strip()} | reeve: {reeve.strip()}")
    except Missing as missing:
        pytest.skip(str(missing))
    assert not wrong, "\n".join(wrong)
    assert undetermined <= GRAPHS // 5, f"systemd has no one answer to {undetermined} of {GRAPHS}: generate something else"
