# SPDX-License-Identifier: Apache-2.0
"""Two containers, one under each manager, that play scenarios; and what can be said of the two accounts.

The director (agent.py) lives in each container as long as the container does. Knows nothing of how scenarios are made.
"""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))

from engine import TREE, Engine, Missing, binary, root_of  # noqa: E402,F401
from graph import render  # noqa: E402
from machine import Machine  # noqa: E402

LIMIT = 300  # seconds for one scenario


def as_played(scenario: dict) -> dict:
    """The form in which the director takes it."""
    return {**scenario, "units": list(scenario["units"]),
            "files": {name: render(lines) for name, lines in scenario["units"].items()}}


class Player:
    """A container under one manager. Made anew when a scenario leaves it unusable."""

    def __init__(self, engine: Engine, manager: str):
        self.engine, self.manager = engine, manager
        self.machine = self.agent = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.agent:
            self.agent.stdin.close()
            self.agent.kill()
            self.agent.wait()
            self.agent.stdout.close()
            self.agent = None
        if self.machine:
            self.machine.remove()
            self.machine = None

    def open(self):
        actor = binary().parent / "tests" / "random" / "random-actor"
        if not actor.exists():
            actor = Path(os.environ.get("BUILD", TREE / "build")) / "tests" / "random" / "random-actor"
        if not actor.exists():
            raise Missing(f"{actor} is not built: run 'make'")
        # Generators make nothing that a play needs, and take most of the time of a reload.
        generators = root_of("oracle") / "usr/lib/systemd/system-generators"
        self.machine = Machine(self.engine, "oracle", self.manager, patience=300, files={
            **{f"etc/systemd/system-generators/{path.name}": "-> /dev/null" for path in generators.iterdir()},
            "usr/local/lib/random/actor": actor.read_bytes(),
            **{f"usr/local/lib/random/{name}": (HERE / name).read_bytes() for name in ("agent.py", "bus.py")}})
        self.agent = subprocess.Popen(
            ["docker", "-H", f"unix://{self.engine.socket}", "exec", "-i", self.machine.id, "python3", "-u",
             "/usr/local/lib/random/agent.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def play(self, scenario: dict, reexec: bool = False) -> dict:
        """The director's account. REEXEC: with new hash keys in the manager, for what depends on them."""
        if not self.agent:
            self.open()
        timer = threading.Timer(LIMIT, self.agent.kill)
        timer.start()
        try:
            self.agent.stdin.write(json.dumps({**as_played(scenario), "reexec": reexec}) + "\n")
            self.agent.stdin.flush()
            line = self.agent.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line:
            account = json.loads(line)
        else:
            account = {"trace": [], "error": "the director ended", "clean": False,
                       "logs": self.machine.logs()[-3000:]}
        if not account["clean"]:
            if not account.get("error") and os.environ.get("RANDOM_DEBUG"):
                print(f"{self.manager}: does not come clean: {account.get('clean_error', '')}", file=sys.stderr)
            self.close()
        return account


class Pair:
    """Both managers."""

    def __init__(self, engine: Engine):
        self.reeve, self.systemd = Player(engine, "reeve"), Player(engine, "systemd")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reeve.close()
        self.systemd.close()

    def play(self, scenario: dict, reexec: bool = False) -> tuple[dict, dict]:
        """(reeve's account, systemd's)."""
        accounts = {}

        def one(player: Player):
            for _ in range(2):  # a container that broke down is no answer
                try:
                    accounts[player.manager] = player.play(scenario, reexec)
                except Exception as error:  # pylint: disable=broad-except
                    player.close()
                    accounts[player.manager] = {"trace": [], "error": str(error)}
                if not accounts[player.manager].get("error"):
                    return

        threads = [threading.Thread(target=one, args=(player,)) for player in (self.reeve, self.systemd)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return accounts["reeve"], accounts["systemd"]


# --- comparing -----------------------------------------------------------------------------------------------------

def without_reason(line: str) -> str:
    """What a client says of a failed job. The reason it asks for afterwards: by then the unit may have been started again,
    or be forgotten. The Result that it comes from is among the properties. Of several conflicts in one request systemd
    names the one that its hash table has first."""
    line = re.sub(r"(Transaction contains conflicting jobs) .*", r"\1.", line)
    return re.sub(r"^(Job for \S+ failed) because .*", r"\1.", line)


def lines_of(account: dict) -> list[str]:
    """An account as lines to compare: what was done, what each word led to, and all properties afterwards."""
    lines, states = [], {}
    for number, entry in enumerate(account["trace"]):
        command = entry["command"]
        what = " ".join(command["words"]) if command["do"] == "ctl" else \
            " ".join(str(v) for k, v in command.items() if k != "settle")
        lines.append(f"{number}$ {what}")
        for step in entry["steps"]:
            if step["told"]:
                lines.append(f"{number}  > {step['told']}")
            lines += [f"{number}    begun: {begun}" for begun in step["begun"]]
            if "stuck" in step:
                lines.append(f"{number}    does not come to rest")
            lines += [f"{number}    {name}: {state}" for name, state in sorted(step["states"].items())
                      if states.get(name) != state]
            lines += [f"{number}    {name}: gone" for name in sorted(states) if name not in step["states"]]
            states = step["states"]
        if "rc" in entry:
            lines.append(f"{number}  [{entry['rc']}]")
            lines += [f"{number}  | {without_reason(line)}" for line in entry["out"]
                      if not re.match('(To force a start use|followed by) "systemctl', line)]
        for name, properties in sorted(entry.get("details", {}).items()):
            lines.append(f"{number}  {name}: " + " ".join(f"{k}={v}" for k, v in sorted(properties.items())))
    if account.get("error"):
        lines.append(f"error: {account['error']}")
    return lines


def first_difference(reeve: dict, systemd: dict) -> tuple[int, str, str] | None:
    """(command's number, what reeve's account says there, systemd's). None: they say the same."""
    ours, theirs = lines_of(reeve), lines_of(systemd)
    for i in range(max(len(ours), len(theirs))):
        a, b = ours[i] if i < len(ours) else "(the end)", theirs[i] if i < len(theirs) else "(the end)"
        if a != b:
            number = "".join(c for c in (a if a[0].isdigit() else b).split(" ", 1)[0].split("$")[0] if c.isdigit())
            return int(number) if number else len(reeve["trace"]), a, b
    return None


def out_of_order(scenario: dict, account: dict) -> list[str]:
    """Where a manager's own account breaks After= and Before=: a job began to run although one that it must wait for
    was there before, and is still. A stop goes before a start whichever way the two are ordered."""
    after = {}
    for name, lines in scenario["units"].items():
        for _, key, value in lines:
            if key == "After" and value in scenario["units"]:
                after.setdefault(name, set()).add(value)
            if key == "Before" and value in scenario["units"]:
                after.setdefault(value, set()).add(name)
    broken, before, ids = [], {}, {}
    for entry in account["trace"]:
        if any("ignore-dependencies" in word for word in entry["command"].get("words", [])):
            return broken  # its jobs wait for nobody, and nothing tells them apart later
        for step in entry["steps"]:
            jobs = {name: state.split("[")[1].rstrip("]").split() for name, state in step["states"].items() if "[" in state}
            numbers = step.get("jobs", {})
            for one, others in after.items():
                for other in others:
                    if one not in jobs or other not in jobs:
                        continue
                    down = {name: jobs[name][0] in ("stop", "restart") for name in (one, other)}
                    first, second = (one, other) if down[one] else (other, one)
                    began = jobs[second][1] == "running" and before.get(second, ["", "waiting"])[1] != "running"
                    was_there = first in before and ids.get(first) == numbers.get(first) and before[first][0] == jobs[first][0] \
                        and second in before and ids.get(second) == numbers.get(second)
                    if began and was_there:
                        broken.append(f"{second} ({jobs[second][0]}) runs before {first} ({jobs[first][0]}) has ended")
            before, ids = jobs, numbers
    return broken
