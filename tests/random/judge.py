# SPDX-License-Identifier: Apache-2.0
"""What a scenario under both managers comes to."""

from players import Pair, first_difference, lines_of, out_of_order

REPEATS = 7  # further questions to systemd before a difference is believed


def judge(pair: Pair, scenario: dict, repeats: int = REPEATS) -> tuple[str, dict, dict]:
    """("agree" | "differ" | "undetermined" | "order", reeve's account, systemd's).

    Undetermined: systemd itself gives several answers. Its hash tables' keys, and with them the order in which it walks
    dependencies, are new in each run. Order: reeve's account breaks After= or Before=, whatever systemd's is."""
    ours, theirs = pair.play(scenario)
    if out_of_order(scenario, ours):
        return "order", ours, theirs
    if not first_difference(ours, theirs):
        return "agree", ours, theirs
    wanted = lines_of(theirs)
    for _ in range(repeats):
        if lines_of(pair.systemd.play(scenario, reexec=True)) != wanted:
            return "undetermined", ours, theirs
    return "differ", ours, theirs
