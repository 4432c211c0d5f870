#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The director of a random graph, inside the container beside the manager.

Every command of every service is an actor (actor.c) that waits for a word. So time stands still until the director
lets the next one end, and it does so only when the manager is at rest: all it has begun has reported itself, nothing
it was told of is unanswered. What happens is then a sequence that depends on the graph and the commands alone.

Reads one scenario a line (JSON) on stdin, prints what came of it, a line each. Knows neither which manager it is nor
what is right: it writes down what it sees.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from bus import PATIENCE, POLL, Bus, Refused

STAGE = Path("/run/random")
UNITS = Path("/etc/systemd/system")
GRACE = 5.0  # seconds for a client that nothing can release any more

MANAGER = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
UNIT, SERVICE, SOCKET = (f"org.freedesktop.systemd1.{kind}" for kind in ("Unit", "Service", "Socket"))
PROPERTIES = "org.freedesktop.DBus.Properties"

WATCHED = {
    UNIT: ["LoadState", "ConditionResult", "AssertResult", "InactiveExitTimestampMonotonic",
           "ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic"],
    SERVICE: ["Result", "NRestarts", "ExecMainCode", "ExecMainStatus", "MainPID", "ControlPID", "ReloadResult"],
    SOCKET: ["Result"],
}
WHETHER = {"MainPID", "ControlPID"}  # their values differ, being set does not


# --- actors --------------------------------------------------------------------------------------------------------

class Actor:
    def __init__(self, connection: socket.socket):
        self.connection, self.unit, self.phase, self.pid, self.start = connection, None, None, 0, 0
        self.told, self.term = False, False

    @property
    def point(self) -> str:
        """What it would do next, if it were let."""
        return f"{self.unit} {'term' if self.term else self.phase}"

    @property
    def waits(self) -> bool:
        return not self.told and (self.term or self.phase != "main")


def status_of(pid: int) -> dict:
    try:
        return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


# What must be there for a sub state to be at rest: an actor in one of these phases, and what it waits for.
PHASES = {"condition": "condition", "start-pre": "pre", "start": "start", "start-post": "post", "reload": "reload",
          "stop": "stop", "stop-post": "stop-post", "running": "main"}
CALM = {"dead", "failed", "exited", "active", "listening", "plugged", "mounted"}
DYING = {"stop-sigterm", "final-sigterm"}


class Stage:
    """One scenario being played."""

    def __init__(self, bus: Bus, listener: socket.socket, scenario: dict, number: int):
        self.bus, self.listener, self.scenario = bus, listener, scenario
        self.prefix = f"r{number}x"
        self.actors, self.dead = [], []
        self.client, self.begun, self.released, self.uses = None, [], {}, {}
        self.trace = []

    # -- names: "@" in the scenario is the prefix that is this play's own
    def mine(self, text: str) -> str:
        return text.replace("@", self.prefix)

    def plain(self, text: str) -> str:
        return text.replace(self.prefix, "@")

    # -- files
    def write(self, files: dict):
        for name, text in files.items():
            path = UNITS / self.mine(name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.mine(text))

    def clear_files(self):
        for path in UNITS.glob(f"{self.prefix}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in STAGE.glob(f"{self.prefix}*"):
            path.unlink()

    # -- actors
    def hear(self, wait: float = 0.0):
        """Takes in what actors report."""
        poller = select.poll()
        poller.register(self.listener, select.POLLIN)
        by_fd = {self.listener.fileno(): None}
        for actor in self.actors:
            poller.register(actor.connection, select.POLLIN)
            by_fd[actor.connection.fileno()] = actor
        for fd, _ in poller.poll(wait * 1000):
            actor = by_fd[fd]
            if actor is None:
                connection, _ = self.listener.accept()
                self.actors.append(Actor(connection))
                continue
            try:
                word = actor.connection.recv(512).decode()
            except ConnectionError:
                word = ""
            if word.startswith("begin "):
                _, actor.unit, actor.phase, pid = word.split()
                actor.unit, actor.pid = self.plain(actor.unit), int(pid)
                self.begun.append(f"{actor.unit} {actor.phase}")
            elif word == "term":
                actor.term = True
                self.begun.append(f"{actor.unit} term")
            else:
                actor.connection.close()
                self.actors.remove(actor)
                if not actor.told and actor.unit:
                    self.begun.append(f"{actor.unit} {actor.phase} killed")
                self.dead.append(actor)

    def release(self, actor: Actor, word: str | None = None):
        point = actor.point
        if word is None:
            words = self.scenario["words"].get(point, ["exit 0"])
            n = self.uses.get(point, 0)
            self.uses[point] = n + 1
            word = words[min(n, len(words) - 1)]
        self.released[point] = self.released.get(point, 0) + 1
        self.begun = []
        if word == "ready":
            actor.phase = "main"
        else:
            actor.told = True
        try:
            actor.connection.send(word.encode())
        except OSError:
            pass
        return f"{point}: {word}"

    def next_point(self) -> Actor | None:
        """The one to be let go now: least rank, then by name. What has come round too often waits for good."""
        most, ranks = self.scenario["rounds"], self.scenario["ranks"]
        waiting = [a for a in self.actors if a.waits and (a.term or self.released.get(a.point, 0) < most)]
        return min(waiting, key=lambda a: (ranks.get(a.point, 5), a.point), default=None)

    # -- looking
    def look(self) -> dict:
        asked = self.bus.send(*MANAGER, "ListUnitsByPatterns", ("as", []), ("as", [f"{self.prefix}*"])), \
            self.bus.send(*MANAGER, "ListJobs")
        units = {self.plain(row[0]): (row[2], row[3], row[4], row[6]) for row in self.bus.reply(asked[0])[0]}
        listed = self.bus.reply(asked[1])[0]
        jobs = {self.plain(row[1]): [row[2], row[3], row[0]] for row in listed if row[1].startswith(self.prefix)}
        return {"units": units, "jobs": jobs, "others": len(listed) - len(jobs)}

    @staticmethod
    def idle(actor: Actor) -> bool:
        """Waits for a word, and no signal is on its way to it."""
        try:
            status = Path(f"/proc/{actor.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return "\nState:\tS" in status and "\nShdPnd:\t0000000000000000" in status

    def all_reported(self) -> bool:
        """Is every actor known? A state may be reached before the main process has said that it is there."""
        known = {str(actor.pid) for actor in self.actors}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, rest = path.read_text().split(" (", 1)
            except (FileNotFoundError, ProcessLookupError):
                continue
            name, rest = rest.rsplit(") ", 1)
            if name in ("actor", "(actor)") and rest[0] not in "ZX" and pid not in known:
                return False
        return True

    def consistent(self, seen: dict) -> bool:
        """Has everything that was begun reported itself, and everything that ended been noticed? And has the image's own
        none under way: basic.target may want what an isolate has stopped."""
        if seen["others"]:
            return False
        by_unit = {}
        for actor in self.actors:
            if actor.unit is None or actor.told:
                return False
            by_unit.setdefault(actor.unit, []).append(actor)
        for actor in self.dead[:]:
            status = status_of(actor.pid)
            if status.get("Name") == "actor":
                return False
            self.dead.remove(actor)
        for name, (_, active, sub, _) in seen["units"].items():
            if not name.endswith(".service"):
                if sub not in CALM and not (name.endswith(".socket") and sub == "running"):
                    return False
                continue
            here = by_unit.pop(name, [])
            if sub in CALM:
                if here:
                    return False
            elif sub in PHASES:
                if not any(a.phase.startswith(PHASES[sub]) for a in here):
                    return False
            elif sub in DYING:
                if not any(a.term for a in here):
                    return False
            elif sub == "auto-restart":
                if here or name not in self.scenario["long_restarts"]:
                    return False
            else:
                return False
        return not by_unit

    @staticmethod
    def manager_sleeps(deadline: float):
        """Waits until it does: it answers questions before it sees to its jobs, so questions alone could keep it from them."""
        while Path("/proc/1/stat").read_text().rsplit(")", 1)[1].split()[0] != "S" and time.monotonic() < deadline:
            time.sleep(POLL / 10)

    def client_mark(self):
        """Changes as long as the client does something: None while it runs."""
        if not self.client:
            return "none"
        if self.client.poll() is not None:
            return "ended"
        status = status_of(self.client.pid)
        return status.get("voluntary_ctxt_switches") if status.get("State", "").startswith("S") else None

    def rest(self) -> dict | None:
        """Waits until nothing moves; what there is then. None: it does not come to rest."""
        deadline = time.monotonic() + PATIENCE
        before, streak = None, 0
        while time.monotonic() < deadline:
            self.hear(0)
            mark = self.client_mark()
            self.manager_sleeps(deadline)
            seen = self.look()
            self.hear(0)
            if mark is None or not self.consistent(seen):
                before, streak = None, 0
                self.hear(POLL)
                continue
            now = (mark, seen, [(a.point, a.pid) for a in self.actors])
            streak = streak + 1 if now == before else 0
            before = now
            # A client that has not ended may still be on its way to ask for something.
            if streak >= (2 if mark in ("none", "ended") else 6) and all(map(self.idle, self.actors)) and self.all_reported():
                return seen
        return None

    def states(self, seen: dict) -> dict:
        """Units and jobs in the form in which they are compared."""
        found = {}
        for name, (load, active, sub, _) in seen["units"].items():
            if load == "loaded" or (active, sub) != ("inactive", "dead"):
                found[name] = f"{active} {sub}"
        for name, (kind, state, _) in seen["jobs"].items():
            found[name] = f"{found.get(name, 'gone')} [{kind} {state}]"
        return found

    def touched(self, command: dict) -> set:
        """The units of which this command and what it led to may have changed anything."""
        names = {word for word in command.get("words", []) if word.startswith("@")} | {command.get("unit")}
        for before, after in zip([self.before, *(step["states"] for step in self.steps)],
                                 [step["states"] for step in self.steps]):
            names |= {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        for step in self.steps:
            names |= {event.split()[0] for event in [*step["begun"], step["told"]] if event.startswith("@")}
        self.before = self.steps[-1]["states"]
        if command in (self.scenario["commands"][0], self.scenario["commands"][-1]) or command.get("words") in (
                ["daemon-reload"], ["daemon-reexec"]):
            return set(self.scenario["units"])
        return names

    def details(self, seen: dict, names: set) -> dict:
        """The properties of these units. Asked in one go, as a client that waits for each answer takes long."""
        asked = []
        for name in sorted(names & seen["units"].keys()):
            path = "/org/freedesktop/systemd1/unit/" + "".join(
                c if c.isalnum() else f"_{ord(c):02x}" for c in self.mine(name))
            kinds = [UNIT] + ([SERVICE] if name.endswith(".service") else [SOCKET] if name.endswith(".socket") else [])
            for kind in kinds:
                for key in WATCHED[kind]:
                    asked.append((name, key, self.bus.send(path, PROPERTIES, "Get", ("s", kind), ("s", key))))
        found = {}
        for name, key, serial in asked:
            try:
                value = self.bus.reply(serial)[0]
            except Refused as refused:
                value = str(refused)
            if key in WHETHER or key.endswith("Monotonic"):
                value = bool(value)
            found.setdefault(name, {})[key.removesuffix("TimestampMonotonic")] = value
        return found

    # -- commands
    def run_client(self, words: list[str]):
        self.out = open(STAGE / "out", "w+b")
        self.client = subprocess.Popen(["systemctl", *map(self.mine, words)], stdin=subprocess.DEVNULL, stdout=self.out,
                                       stderr=subprocess.STDOUT, cwd="/", env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0",
                                                                               "COLUMNS": "200", "SYSTEMD_PAGER": "cat"})

    def end_client(self) -> dict:
        rc = self.client.poll()
        if rc is None:
            deadline = time.monotonic() + GRACE
            while rc is None and time.monotonic() < deadline:
                time.sleep(POLL)
                rc = self.client.poll()
            if rc is None:
                self.client.kill()
                self.client.wait()
                rc = "waits"
        self.client = None
        self.out.seek(0)
        lines = sorted(self.plain(line) for line in self.out.read().decode(errors="replace").splitlines() if line.strip())
        self.out.close()
        return {"rc": rc, "out": lines}

    def step(self, told: str) -> bool:
        """Waits for rest and writes down what has happened. False: there is none."""
        seen = self.rest()
        entry = {"told": told, "begun": sorted(self.begun)}
        self.begun = []
        if seen is None:
            seen = self.look()
            entry["stuck"] = {"actors": sorted(f"{a.point}{' told' if a.told else ''}" for a in self.actors),
                              "client": self.client_mark()}
        entry["states"] = self.states(seen)
        entry["jobs"] = {name: number for name, (_, _, number) in seen["jobs"].items()}
        self.seen = seen
        self.steps.append(entry)
        return "stuck" not in entry

    def settle(self, most: int) -> bool:
        for _ in range(most):
            actor = self.next_point()
            if not actor:
                break
            if not self.step(self.release(actor)):
                return False
        return True

    def play(self, command: dict) -> bool:
        self.steps = []
        entry = {"command": command, "steps": self.steps}
        self.trace.append(entry)
        kind = command["do"]
        going, told = True, ""
        if kind in ("ctl", "cancel"):
            words = command["words"] if kind == "ctl" else ["cancel"]
            if kind == "cancel" and command.get("unit"):
                job = self.look()["jobs"].get(command["unit"])
                words = ["cancel", str(job[2])] if job else []
            if words:
                self.run_client(words)
        elif kind == "end":  # a main process ends by itself
            actor = next((a for a in self.actors if a.unit == command["unit"] and a.phase == "main" and not a.told), None)
            told = self.release(actor, command["word"]) if actor else "no main process"
        elif kind == "flag":
            flag = STAGE / self.mine(command["name"])
            flag.touch() if command["on"] else flag.unlink(missing_ok=True)
        elif kind == "connect":
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(STAGE / self.mine(command["path"])))
                told = "connected"
            except OSError as error:
                told = f"connect: {error.strerror}"
        elif kind == "files":
            self.write(command["files"])
        if kind == "ctl" and words == ["daemon-reexec"]:
            self.client.wait()
            self.bus.socket.close()
            self.bus = Bus()
        going = self.step(told)
        if going:
            going = self.settle(command.get("settle", 0))
        if self.client:
            entry.update(self.end_client())
            if entry["rc"] == "waits" and going:
                going = self.step("client gone")
        entry["details"] = self.details(self.seen, self.touched(command))
        return going

    def run(self) -> list:
        self.write(self.scenario["files"])
        self.bus.call(*MANAGER, "Reload")
        self.before = {}
        for command in self.scenario["commands"]:
            if not self.play(command):
                break
        return self.trace

    def clean(self) -> bool:
        """Leaves nothing behind. False: that did not work."""
        deadline = time.monotonic() + PATIENCE
        self.clear_files()
        self.bus.call(*MANAGER, "Reload")
        asked = 0.0
        restored = not any("isolate" in command.get("words", []) for command in self.scenario["commands"])
        while time.monotonic() < deadline:
            self.hear(POLL)
            for actor in self.actors:
                if actor.unit and not actor.told:
                    actor.told = True
                    try:
                        actor.connection.send(b"exit 0")
                    except OSError:
                        pass
            seen = self.look()
            busy = [name for name, (_, active, _, _) in seen["units"].items() if active not in ("inactive", "failed")]
            if not busy and not seen["jobs"] and not self.actors:
                if not restored:  # what an isolate has stopped: the next play begins as the first did
                    self.bus.call(*MANAGER, "StartUnit", ("s", "default.target"), ("s", "replace"))
                    restored = True
                elif not seen["others"]:
                    self.bus.call(*MANAGER, "ResetFailed")
                    return True
            if time.monotonic() > asked + 0.3:
                asked = time.monotonic()
                for serial in [self.bus.send(*MANAGER, "StopUnit", ("s", self.mine(name)), ("s", "ignore-dependencies"))
                               for name in busy] + [self.bus.send(*MANAGER, "CancelJob", ("u", number))
                                                    for _, _, number in seen["jobs"].values()]:
                    try:
                        self.bus.reply(serial)
                    except Refused:
                        pass
        return False


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    STAGE.mkdir(exist_ok=True)
    path = STAGE / "director"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen(256)
    number = 0
    for line in sys.stdin:
        scenario = json.loads(line)
        number += 1
        bus = Bus()
        if scenario.get("reexec"):
            subprocess.run(["systemctl", "daemon-reexec"], stdin=subprocess.DEVNULL)
            bus = Bus()
        stage = Stage(bus, listener, scenario, number)
        answer = {}
        try:
            answer["trace"] = stage.run()
        except Exception as error:  # pylint: disable=broad-except
            answer["trace"], answer["error"] = stage.trace, f"{type(error).__name__}: {error}"
        try:
            stage.bus.socket.close()
            stage.bus = Bus()
            answer["clean"] = stage.clean()
        except Exception as error:  # pylint: disable=broad-except
            answer["clean"], answer["clean_error"] = False, f"{type(error).__name__}: {error}"
        stage.bus.socket.close()
        times = os.times()
        answer["seconds"] = {"cpu": times.user + times.system, "clients": times.children_user + times.children_system}
        print(json.dumps(answer), flush=True)


main()
