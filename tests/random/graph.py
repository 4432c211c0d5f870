# SPDX-License-Identifier: Apache-2.0
"""Random unit graphs and what is done to them: everything follows from the seed.

What real systemd leaves to chance is not generated. It walks dependencies in the order of its hash tables, whose key
is new in each run: so there is no ordering cycle (which member is given up?), no two units that conflict where one
request would start both, and whoever requires a unit that can fail at once, without a process, is ordered after it,
as is whoever has a Requisite=, whose check is over at once. A target is after what it is part of: systemd adds that
if it happened to load the other first. And OnSuccess= does not go with Restart=, where reeve does otherwise on purpose.
Nothing depends on the clock either: start limits count over a day or not at all, RestartSec= is none or an hour, and
there are no timeouts; what counts as started before it has reported itself is not stopped by itself. A start limit and
a reload do not go together: 252 forgets by it how often a unit was started, 257 and reeve do not. Knows nothing of
containers.
"""

import random

ACTOR = "/usr/local/lib/random/actor"
STAGE = "/run/random"
SETTLE = 400  # more words than any command needs

PULLING = ("Requires", "Wants", "BindsTo", "Upholds")
REQUIRING = ("Requires", "BindsTo", "Requisite")


class Unit:
    def __init__(self, name: str):
        self.name = name
        self.lines = []  # (section, setting, value), one a line of the file
        self.deps = []  # (kind, other)

    @property
    def suffix(self) -> str:
        return self.name.rsplit(".", 1)[1]

    def set(self, section: str, key: str, value: str):
        self.lines.append((section, key, value))

    def has(self, *keys: str) -> bool:
        return any(key in keys for _, key, _ in self.lines)

    def value(self, key: str, default: str = "") -> str:
        return next((value for _, k, value in self.lines if k == key), default)

    def fails_at_once(self) -> bool:
        return self.has("AssertPathExists") or any(kind in ("Requisite", "BindsTo") for kind, _ in self.deps)

    def starts_at_once(self) -> bool:
        """Is its process believed to be there before it has said so? Then a stop may be faster."""
        return self.suffix == "service" and self.value("Type", "simple") in ("simple", "exec")


def render(lines: list) -> str:
    """A unit file of (section, setting, value) lines."""
    text = ""
    for section in ("Unit", "Service", "Socket"):
        own = [f"{key}={value}\n" for s, key, value in lines if s == section]
        if own:
            text += f"[{section}]\n" + "".join(own)
    return text or "[Unit]\n"


class Generator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.units = []  # in an order that After= and Before= respect
        self.words, self.ranks, self.long_restarts, self.flags = {}, {}, [], []

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def pick(self, **weights) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]

    # -- units

    def make_units(self):
        r = self.random
        n = min(60, max(5, int(5 * 12 ** r.random() ** 1.7)))
        numbers = list(range(n))
        r.shuffle(numbers)  # names say nothing of the order
        targets = sockets = 0
        i = 0
        while i < n:
            kind = self.pick(service=78, target=13, socket=9)
            number = f"@{numbers[i]:02d}"
            if kind == "socket" and i + 1 < n:
                self.units.append(Unit(f"{number}.socket"))
                self.units.append(Unit(f"{number}.service"))
                sockets += 1
                i += 2
                continue
            self.units.append(Unit(f"{number}.target" if kind == "target" else f"{number}.service"))
            targets += kind == "target"
            i += 1
        if not targets:
            self.units[-1] = Unit(self.units[-1].name.replace(".service", ".target"))
        for unit in self.units:
            if self.chance(0.3):
                unit.set("Unit", "DefaultDependencies", "no")
            getattr(self, "make_" + unit.suffix)(unit)

    def make_target(self, unit: Unit):
        if self.chance(0.5):
            unit.set("Unit", "AllowIsolate", "yes")

    def make_socket(self, unit: Unit):
        unit.set("Socket", "ListenStream", f"{STAGE}/{unit.name}")
        unit.set("Unit", "StartLimitIntervalSec", "0")
        if self.chance(0.3):
            unit.set("Socket", "FlushPending", "yes")

    def make_service(self, unit: Unit):
        r, name = self.random, unit.name
        kind = self.pick(oneshot=30, simple=25, exec=10, notify=20, forking=15)
        phases = ["term"]
        if kind != "simple" or self.chance(0.5):
            unit.set("Service", "Type", kind)

        def command(setting: str, phase: str, p: float, words: list):
            if self.chance(p):
                unit.set("Service", setting, f"{ACTOR} {name} {phase}")
                phases.append(phase)
                self.say(name, phase, words)

        command("ExecCondition", "condition", 0.06, [["exit 0"], ["exit 1"], ["exit 255"]])
        command("ExecStartPre", "pre", 0.16, [["exit 0"], ["exit 0"], ["exit 1"], ["exit 1", "exit 0"]])
        failing = self.chance(0.3)
        bad = r.choice([["exit 1"], ["exit 1", "exit 0"], ["kill 9"], ["exit 3"], ["exit 0", "exit 1"]])
        if kind == "oneshot":
            for i in range(r.choice([1, 1, 1, 2])):
                ignore = "-" if self.chance(0.05) else ""
                unit.set("Service", "ExecStart", f"{ignore}{ACTOR} {name} start{i}")
                phases.append(f"start{i}")
                self.words[f"{name} start{i}"] = bad if failing else ["exit 0"]
            if self.chance(0.55):
                unit.set("Service", "RemainAfterExit", "yes")
        elif kind == "forking":
            pid_file = f"{STAGE}/{name}.pid" if self.chance(0.5) else ""
            unit.set("Service", "ExecStart", f"{ACTOR} {name} fork {pid_file}".rstrip())
            if pid_file:
                unit.set("Service", "PIDFile", pid_file)
            phases.append("start")
            self.words[f"{name} start"] = ["exit 1"] if failing and self.chance(0.5) else ["exit 0"]
        elif kind == "notify":
            unit.set("Service", "ExecStart", f"{ACTOR} {name} start")
            phases.append("start")
            self.words[f"{name} start"] = [w if "exit 0" != w else "ready" for w in bad] if failing else ["ready"]
            if failing and self.chance(0.2):
                self.words[f"{name} start"] = ["exit 0"]
        else:
            unit.set("Service", "ExecStart", f"{ACTOR} {name} main")
        command("ExecStartPost", "post", 0.12, [["exit 0"], ["exit 0"], ["exit 1"]])
        command("ExecReload", "reload", 0.4, [["exit 0"], ["exit 0"], ["exit 1"]])
        command("ExecStop", "stop", 0.15, [["exit 0"], ["exit 0"], ["exit 1"]])
        command("ExecStopPost", "stop-post", 0.12, [["exit 0"], ["exit 0"], ["exit 1"]])
        self.say(name, "term", [["kill 15"], ["kill 15"], ["exit 0"], ["exit 1"], ["exit 143"]])
        for phase in phases:
            if self.chance(0.8):
                self.ranks[f"{name} {phase}"] = r.randrange(10)
        if self.chance(0.25):
            unit.set("Service", "Restart", r.choice(["on-failure", "on-failure", "on-abnormal"] +
                                                    (["always", "on-success"] if kind != "oneshot" else [])))
            long = self.chance(0.4)
            unit.set("Service", "RestartSec", "1h" if long else "0")
            if long:
                self.long_restarts.append(name)
            if self.chance(0.15):
                unit.set("Service", "RestartPreventExitStatus", r.choice(["1", "SIGKILL", "3 143"]))
            if self.chance(0.1):
                unit.set("Service", "RestartForceExitStatus", r.choice(["1", "SIGKILL", "0"]))
        if self.chance(0.08):
            unit.set("Service", "SuccessExitStatus", r.choice(["1", "SIGKILL", "143"]))
        if self.chance(0.1):
            unit.set("Service", "KillMode", "mixed")
        if self.chance(0.4):
            unit.set("Unit", "StartLimitIntervalSec", "1d")
            unit.set("Unit", "StartLimitBurst", str(r.randrange(2, 5)))
        else:
            unit.set("Unit", "StartLimitIntervalSec", "0")

    def say(self, name: str, phase: str, choices: list):
        self.words[f"{name} {phase}"] = self.random.choice(choices)

    # -- dependencies

    def depend(self, unit: Unit, kind: str, other: Unit):
        if (kind, other) not in unit.deps:
            unit.deps.append((kind, other))
            unit.set("Unit", kind, other.name)

    def make_dependencies(self):
        r = self.random
        density = r.uniform(0.5, 2.2)
        for at, unit in enumerate(self.units):
            before, after = self.units[:at], self.units[at + 1:]
            if unit.suffix == "target":
                for other in r.sample(before, min(len(before), r.randrange(0, 6))):
                    self.depend(unit, self.pick(Wants=6, Requires=3), other)
            for _ in range(min(4, int(r.expovariate(1 / density)))):
                kind = self.pick(Requires=24, Wants=20, BindsTo=10, Requisite=6, PartOf=12, PropagatesStopTo=3,
                                 StopPropagatedFrom=2, PropagatesReloadTo=5, ReloadPropagatedFrom=4, JoinsNamespaceOf=2,
                                 OnFailure=5, OnSuccess=3, After=10, Before=6)
                upwards = kind in ("OnFailure", "OnSuccess", "JoinsNamespaceOf") and self.chance(0.5) or \
                    kind not in ("After", "Before", *REQUIRING) and unit.suffix != "target" and self.chance(0.12)
                if kind == "Before":
                    upwards = True
                others = after if upwards else before
                if not others:
                    continue
                other = r.choice(others[-12:] if not upwards else others[:12])
                if kind == "OnSuccess" and unit.has("Restart"):
                    continue
                self.depend(unit, kind, other)
                if kind in ("After", "Before"):
                    continue
                if kind in REQUIRING and other.fails_at_once() or self.chance(0.6):
                    self.depend(unit, "Before" if upwards else "After", other)
        self.make_conditions()
        self.make_upholds()
        self.make_conflicts()
        for unit in self.units:
            for kind, other in list(unit.deps):
                if kind == "Requisite" or kind in REQUIRING and other.fails_at_once() or kind == "PartOf" and unit.suffix == "target":
                    self.depend(unit, "After", other)

    def make_conditions(self):
        r = self.random
        for unit in self.units:
            if self.chance(0.1):
                flag = f"@flag{r.randrange(3)}"
                self.flags.append(flag)
                unit.set("Unit", "ConditionPathExists" if self.chance(0.75) else "AssertPathExists",
                         f"{r.choice(['', '!'])}{STAGE}/{flag}")
            for p, key in ((0.08, "StopWhenUnneeded"), (0.03, "RefuseManualStart"), (0.03, "RefuseManualStop"),
                           (0.08, "IgnoreOnIsolate")):
                if self.chance(p) and not (key == "StopWhenUnneeded" and unit.starts_at_once()):
                    unit.set("Unit", key, "yes")
            if self.chance(0.06):
                unit.set("Unit", "CollectMode", "inactive-or-failed")
            for key in ("OnFailure", "OnSuccess"):
                if any(kind == key for kind, _ in unit.deps) and self.chance(0.3):
                    unit.set("Unit", f"{key}JobMode", r.choice(["fail", "replace", "ignore-dependencies"]))

    def make_upholds(self):
        """Not of what may go down by itself at once: that would go round as fast as the manager can."""
        r = self.random
        for _ in range(self.random.choice([0, 0, 0, 1, 2])):
            at = r.randrange(1, len(self.units))
            unit, other = self.units[at], self.units[r.randrange(at)]
            if other.has("ConditionPathExists", "AssertPathExists", "StopWhenUnneeded", "ExecCondition") or other.fails_at_once() \
                    or other.suffix != "service" or any(kind in REQUIRING for kind, _ in other.deps):
                continue
            self.depend(unit, "Upholds", other)
            if self.chance(0.6):
                self.depend(unit, "After", other)

    def closure(self, unit: Unit) -> set:
        found, todo = set(), [unit]
        while todo:
            at = todo.pop()
            if at.name not in found:
                found.add(at.name)
                todo += [other for kind, other in at.deps if kind in PULLING]
        return found

    def make_conflicts(self):
        r = self.random
        for _ in range(r.choice([0, 0, 1, 1, 2, 3])):
            one, other = r.sample(self.units, 2)
            if any({one.name, other.name} <= self.closure(unit) for unit in self.units):
                continue
            if any(kind == "Upholds" and o in (one, other) for unit in self.units for kind, o in unit.deps):
                continue
            first, second = sorted((one, other), key=self.units.index)
            self.depend(second, "Conflicts", first) if self.chance(0.5) else self.depend(first, "Conflicts", second)
            if self.chance(0.6):
                self.depend(second, "After", first)

    # -- commands

    def some(self, *suffixes: str, most: int = 1) -> list[str]:
        names = [u.name for u in self.units if not suffixes or u.suffix in suffixes]
        return self.random.sample(names, min(len(names), self.random.randrange(1, most + 1)))

    def command(self) -> dict:
        r = self.random
        kind = self.pick(start=22, stop=14, restart=10, tryrestart=4, reload=5, reloadorrestart=4, isolate=3, end=14, flag=3,
                         connect=5, cancel=4, daemonreload=4, daemonreexec=1.5, kill=5, resetfailed=5, settle=6, ask=2)
        if kind in ("start", "stop", "restart", "tryrestart", "reload", "reloadorrestart", "isolate"):
            verb = {"tryrestart": "try-restart", "reloadorrestart": r.choice(["reload-or-restart", "try-reload-or-restart"])}.get(kind, kind)
            words = [verb]
            settle = SETTLE
            if self.chance(0.35):
                words.append("--no-block")
                settle = r.choice([0, 0, 1, 2, 3])
            if self.chance(0.22) and kind != "isolate":
                modes = ["fail", "replace", "ignore-dependencies", "ignore-requirements", "replace-irreversibly"]
                modes += ["triggering"] * (kind == "stop") + ["flush"]
                words.append("--job-mode=" + r.choice(modes))
            names = self.some("target") if kind == "isolate" else self.some(most=r.choice([1, 1, 1, 2, 3]))
            return {"do": "ctl", "words": words + names, "settle": settle}
        if kind == "end":
            return {"do": "end", "unit": self.some("service")[0], "word": r.choice(["exit 0", "exit 1", "kill 9", "kill 15", "exit 3"]),
                    "settle": r.choice([SETTLE, SETTLE, 0, 1])}
        if kind == "flag" and self.flags:
            return {"do": "flag", "name": r.choice(self.flags), "on": self.chance(0.6)}
        if kind == "connect":
            sockets = [u.name for u in self.units if u.suffix == "socket"]
            if sockets:
                return {"do": "connect", "path": r.choice(sockets), "settle": r.choice([SETTLE, 0])}
        if kind == "cancel":
            return {"do": "cancel", "unit": self.some()[0] if self.chance(0.7) else None, "settle": r.choice([SETTLE, 0])}
        if kind == "daemonreload":
            return {"do": "ctl", "words": ["daemon-reload"], "settle": 0}
        if kind == "daemonreexec":
            return {"do": "ctl", "words": ["daemon-reexec"], "settle": 0}
        if kind == "kill":
            how = r.choice([["-s", "TERM"], ["-s", "KILL", "--kill-whom=main"], ["-s", "USR1", "--kill-whom=main"],
                            ["-s", "TERM", "--kill-whom=control"]])
            return {"do": "ctl", "words": ["kill", *how, self.some("service")[0]], "settle": r.choice([SETTLE, 0])}
        if kind == "resetfailed":
            return {"do": "ctl", "words": ["reset-failed", *(self.some(most=2))], "settle": 0}
        if kind == "ask":
            return {"do": "ctl", "words": [r.choice(["is-active", "is-failed"]), *self.some(most=4)], "settle": 0}
        return {"do": "settle", "settle": SETTLE}

    def make_commands(self) -> list[dict]:
        r = self.random
        commands = []
        if self.flags and self.chance(0.5):
            commands.append({"do": "flag", "name": r.choice(self.flags), "on": True})
        commands.append({"do": "ctl", "words": ["start", *self.some("target", most=2)], "settle": SETTLE})
        commands += [self.command() for _ in range(r.randrange(5, 18))]
        commands.append({"do": "settle", "settle": SETTLE})
        return commands

    def scenario(self) -> dict:
        self.make_units()
        self.make_dependencies()
        commands = self.make_commands()
        if any(command.get("words") in (["daemon-reload"], ["daemon-reexec"]) for command in commands):
            for unit in self.units:
                unit.lines = [("Unit", "StartLimitIntervalSec", "0") if key == "StartLimitIntervalSec" else (section, key, value)
                              for section, key, value in unit.lines if key != "StartLimitBurst"]
        return {"units": {u.name: u.lines for u in self.units}, "words": self.words, "ranks": self.ranks,
                "long_restarts": self.long_restarts, "rounds": 4, "commands": commands}


def generate(seed: int) -> dict:
    """The scenario of a seed: units, what their commands answer and in which order, what is done to them."""
    return Generator(seed).scenario()
