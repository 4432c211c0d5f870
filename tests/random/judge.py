# SPDX-License-Identifier: Apache-2.0
"""What a scenario under both managers comes to."""

from players import Pair, first_difference, lines_of, out_of_order

REPEATS = 7  # further questions to systemd before a difference is believed


def stuck_at(account: dict) -> int | None:
    """The command after which nothing comes to rest."""
    return next((n for n, entry in enumerate(account["trace"]) if any("stuck" in step for step in entry["steps"])), None)


def judge(pair: Pair, scenario: dict, repeats: int = REPEATS) -> tuple[str, dict, dict]:
    """("agree" | "differ" | "undetermined" | "stuck" | "order", reeve's account, systemd's).

    Undetermined: systemd itself gives several answers. Its hash tables' keys, and with them the order in which it walks
    dependencies, are new in each run. Stuck: systemd does not come to rest, and until then the two agree: 252 forgets
    the process of a unit whose second start is one too many, and runs a oneshot's next command although it was told to
    stop, which nobody then stops. Order: reeve's account breaks After= or Before=, whatever systemd's is."""
    ours, theirs = pair.play(scenario)
    if out_of_order(scenario, ours):
        return "order", ours, theirs
    found = first_difference(ours, theirs)
    if not found:
        return "agree", ours, theirs
    if (at := stuck_at(theirs)) is not None and found[0] >= at:
        return "stuck", ours, theirs
    wanted = lines_of(theirs)
    for _ in range(repeats):
        if lines_of(pair.systemd.play(scenario, reexec=True)) != wanted:
            return "undetermined", ours, theirs
    return "differ", ours, theirs
