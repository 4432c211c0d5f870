# SPDX-License-Identifier: Apache-2.0
"""Makes a divergence small: takes away commands, units, settings and words for as long as the two managers still
disagree. Knows nothing of containers: it is given the question."""

import copy


def without_units(scenario: dict, gone: set) -> dict:
    small = copy.deepcopy(scenario)
    for name in gone:
        small["units"].pop(name, None)
    for lines in small["units"].values():
        lines[:] = [line for line in lines if line[2] not in gone]
    commands = []
    for command in small["commands"]:
        if command["do"] == "ctl":
            words = [word for word in command["words"] if word not in gone]
            if len(words) < len(command["words"]) and not any(word.startswith("@") for word in words):
                continue
            command["words"] = words
        elif command.get("unit") in gone or command.get("path") in gone:
            continue
        commands.append(command)
    small["commands"] = commands
    small["words"] = {point: words for point, words in small["words"].items() if point.split()[0] not in gone}
    small["ranks"] = {point: rank for point, rank in small["ranks"].items() if point.split()[0] not in gone}
    return small


def chunks(items: list):
    """Ever smaller pieces to try to do without."""
    size = max(1, len(items) // 2)
    while True:
        for at in range(0, len(items), size):
            yield items[at:at + size]
        if size == 1:
            return
        size //= 2


def shrink(scenario: dict, diverges, say=lambda text: None) -> dict:
    """The smallest scenario found for which DIVERGES(scenario) still holds. It held for SCENARIO."""
    best = scenario

    def attempt(small: dict) -> bool:
        nonlocal best
        if not small["units"] or not small["commands"] or not diverges(small):
            return False
        best = small
        say(f"{len(best['units'])} units, {len(best['commands'])} commands, "
            f"{sum(map(len, best['units'].values()))} settings")
        return True

    again = True
    while again:
        again = False
        for piece in chunks(list(range(len(best["commands"])))):
            if piece[-1] < len(best["commands"]):
                small = {**best, "commands": [c for i, c in enumerate(best["commands"]) if i not in piece]}
                again |= attempt(small)
        for piece in chunks(sorted(best["units"])):
            if set(piece) & set(best["units"]):
                again |= attempt(without_units(best, set(piece)))
        for name in sorted(best["units"]):
            for line in list(best["units"][name]):
                if line[1] in ("ExecStart", "ListenStream", "Type") or line not in best["units"][name]:
                    continue
                small = copy.deepcopy(best)
                small["units"][name].remove(line)
                again |= attempt(small)
        for point in sorted(best["words"]):
            if best["words"][point] not in (["exit 0"], ["ready"]):
                small = copy.deepcopy(best)
                small["words"][point] = ["ready"] if "ready" in best["words"][point] else ["exit 0"]
                again |= attempt(small)
        if best["ranks"]:
            attempt({**best, "ranks": {}})
    return best
