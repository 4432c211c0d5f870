# SPDX-License-Identifier: Apache-2.0
"""Turns a scenario, best a shrunk one, and systemd's account of it into a directory for tests/scenario/cases: the same
units with a shell script for the actors, and a session that gives them their words one by one.

The session has commands only: record the answers from the oracle, then throw out what is of no interest."""

from pathlib import Path

from graph import ACTOR, STAGE, render

GATE = "/usr/local/lib/gate"
WORDS = "/run/gate"

SCRIPT = f"""#!/bin/sh
# gate UNIT PHASE: waits until {WORDS}/UNIT.PHASE says `exit N`, `kill SIGNAL` or `ready`; after SIGTERM, until UNIT.term
# does. `gate UNIT fork [PIDFILE]` leaves a child in phase main behind. All end when {WORDS}/over appears.
mkdir -p {WORDS}
unit=$1 phase=$2
if [ "$phase" = fork ]; then
    setsid "$0" "$unit" main &
    [ -z "$3" ] || echo $! > "$3"
    phase=start
fi
trap 'phase=term' TERM
while [ ! -e {WORDS}/over ]; do
    word=$(cat {WORDS}/$unit.$phase 2> /dev/null) && rm {WORDS}/$unit.$phase
    case $word in
    exit*) exit ${{word#exit }} ;;
    kill*) trap - TERM; kill -${{word#kill }} $$ ;;
    ready) systemd-notify --ready; phase=main ;;
    esac
    sleep 0.02
done
"""


def plain(text: str) -> str:
    return text.replace("@", "u")


def unit_text(name: str, lines: list) -> str:
    lines = [(section, key, value.replace(ACTOR, GATE).replace(f"{STAGE}/", "/run/")) for section, key, value in lines]
    if ("Service", "Type", "notify") in lines:
        lines.append(("Service", "NotifyAccess", "all"))  # systemd-notify speaks for the script
    return plain(render(lines))


def commands_of(number: int, command: dict) -> list[str]:
    kind = command["do"]
    if kind == "ctl":
        waits = " &" if command.get("settle") and "--no-block" not in command["words"] else ""
        out = f" > /tmp/client-{number} 2>&1" if waits else ""
        return [f"systemctl {' '.join(command['words'])}{out}{waits}"]
    if kind == "cancel":
        job = f" $(systemctl list-jobs --no-legend {command['unit']} | awk '{{ print $1 }}')" if command.get("unit") else ""
        return [f"systemctl cancel{job}"]
    if kind == "flag":
        return [f"{'touch' if command['on'] else 'rm -f'} /run/{command['name']}"]
    if kind == "connect":
        return [f"socat -u OPEN:/dev/null UNIX-CONNECT:/run/{command['path']}"]
    return []


def session(scenario: dict, account: dict) -> str:
    lines, states, clients = [f"rm -rf {WORDS} /tmp/client-*"], {}, []
    for number, entry in enumerate(account["trace"]):
        todo = commands_of(number, entry["command"])
        if todo and todo[0].endswith("&"):
            clients.append(number)
        lines += todo
        for step in entry["steps"]:
            if ": " in step["told"]:
                point, word = step["told"].split(": ")
                lines.append(f"echo {word} > {WORDS}/{point.replace(' ', '.')}")
            for name, state in sorted(step["states"].items()):
                if name in scenario["units"] and state != states.get(name):
                    sub = state.split()[1] if state.split()[0] != "gone" else "dead"
                    lines.append(f"eventually sh -c 'systemctl show -P SubState {name} | grep -qx {sub}'")
            states = step["states"]
    lines += [f"state {name}" for name in sorted(scenario["units"])]
    lines += ["systemctl list-jobs --no-legend | awk '{ print $2, $3, $4 }' | sort"]
    lines += [f"touch {WORDS}/over"] + [f"eventually test -e /tmp/client-{number}" for number in clients]
    lines += [f"cat /tmp/client-{number}" for number in clients]
    return "# Found with random graphs.\n" + "".join(f"$ {plain(line)}\n" for line in lines)


def write_case(directory: Path, scenario: dict, account: dict):
    """Makes the case's directory. `--manager=systemd --record` then writes systemd's answers into the session."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, lines in scenario["units"].items():
        (directory / plain(name)).write_text(unit_text(name, lines))
    gate = directory / "root" / GATE.lstrip("/")
    gate.parent.mkdir(parents=True, exist_ok=True)
    gate.write_text(SCRIPT)
    (directory / "session").write_text(session(scenario, account))
