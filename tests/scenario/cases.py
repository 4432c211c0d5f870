# SPDX-License-Identifier: Apache-2.0
"""Directories as tests: cases/NAME/ holds unit files and a `session`, the screen of a person trying them.

A session reads like a terminal. Lines with `$ ` are commands, what follows is all they print; a last line `[N]` is an
exit status other than 0; empty lines do not count. A line `~ REGEX` matches one line. `#` opens a comment (a
printed one is `\\#`); `#! fresh FLAGS` asks for a container of the case's own, with these flags for `docker run`,
`#! image NAME` for another root file system than `oracle`, and `#! not-under systemd|reeve: WHY` skips, as does `#! not-with-applet: WHY`.

Files named like units go to /etc/systemd/system, and so do directories (NAME.d, NAME.wants); what is under `root/`
goes to /. Small ones may lie together in one file `units`, each under a line `==> NAME`, links as `==> NAME -> TARGET`.
In a session these words are known besides what the image has:

    eventually COMMAND    asks until it succeeds
    state UNIT            ActiveState, SubState and Result in one line
    shown UNIT NAME ...   the values of these properties in one line, - for an empty one
    queue                 the queued jobs: unit, type and state of each
    idle                  succeeds when there are none
    left PATTERN          how many processes have PATTERN in their command line
    ctl VERB ...          systemctl, with /lib/systemd spelt /usr/lib/systemd
    said [REGEX]          what the manager has logged since the session began, or since the last `said`: the lines that
                          match, without it those that name a unit of the case

and /usr/local/bin/actor plays a service: see the file `actor`.

Cases share one container for each manager. After each, its units are stopped and removed.
"""

import difflib
import re
import shlex
from pathlib import Path

import pytest

from engine import Engine, pack
from machine import PATIENCE, Machine

ACTOR = Path(__file__).parent / "actor"

DRIVER = r"""#!/bin/bash
# Runs the commands of a session one after the other and prints what a terminal would show.
exec < /dev/null 2>&1
cd /run/case
export PAGER=cat SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 LC_ALL=C COLUMNS=200
eventually() {
    local until=$((SECONDS + %(patience)d))
    while ! "$@" > /tmp/eventually 2>&1; do
        [ $SECONDS -lt $until ] || { echo "waited %(patience)d s in vain for: $*"; cat /tmp/eventually; return 1; }
        sleep 0.05
    done
}
is() { [ "$1" = "$2" ]; }
state() {
    systemctl show "$@" -p Id -p ActiveState -p SubState -p Result | awk -F= '
        function tell() { print v["ActiveState"] " " v["SubState"] (v["Result"] == "" ? "" : " " v["Result"]); delete v }
        NF { v[$1] = $2 }
        !NF { tell() }
        END { tell() }'
}
state-is() { [ "$(state "$1")" = "$2" ]; }
queue() { systemctl list-jobs --no-legend | awk '{ print $2, $3, $4 }' | sort; }
idle() { [ -z "$(systemctl list-jobs --no-legend)" ]; }
# Where a distribution without merged /usr would keep vendor units is a matter of taste.
ctl() { systemctl "$@" 2>&1 | sed -u 's, /lib/systemd/, /usr/lib/systemd/,g'; return ${PIPESTATUS[0]}; }
shown() {
    local unit=$1 name line=
    shift
    for name; do
        name=$(systemctl show "$unit" -p "$name" --value)
        line+="${line:+ }${name:--}"
    done
    echo "$line"
}
shown-is() { local want=$1; shift; [ "$(shown "$@")" = "$want" ]; }
left() { ps -eo args= | grep -v -e grep -e awk -e ps | grep -c -e "$1"; true; }
left-is() { [ "$(left "$2")" = "$1" ]; }
# The log is read from outside, when all is over; the mark is a line that the manager writes by itself.
mark() { systemctl start "case-mark@$marks-$((marked++)).target"; }
said() { mark; printf '\x1d%%s\n' "$1"; }
""" % {"patience": PATIENCE // 2}

MARK = "[Unit]\nDefaultDependencies=no\n"

CLEAN = r"""
cd /
set -f
set -- $(sed 's/@\./@*./' /run/case/.units)
set +f
{ systemctl --quiet --no-block stop "$@"; systemctl stop "$@"; } > /dev/null 2>&1 < /dev/null
while read -r f; do rm -rf "/$f"; done < /run/case/.files
rm -rf /run/case; rm -rf /run/systemd/transient/* /etc/systemd/system.control /run/systemd/system.control
find /etc/systemd/system /run/systemd/system -xtype l ! -lname /dev/null -delete
find /etc/systemd/system /run/systemd/system -mindepth 1 -type d -name '*.d' -empty -delete
systemctl reset-failed
"""


class CasePool:
    """The shared containers, one for each manager and image."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.machines = {}

    def get(self, manager: str, image: str) -> Machine:
        if (manager, image) not in self.machines:
            self.machines[manager, image] = Machine(self.engine, image, manager)
        return self.machines[manager, image]

    def drop(self, manager: str, image: str):
        if (manager, image) in self.machines:
            self.machines.pop((manager, image)).remove()

    def close(self):
        for manager, image in list(self.machines):
            self.drop(manager, image)


class Step:
    """One command of a session, the comments above it, and what it should print."""

    def __init__(self, above: list[str], command: str):
        self.above, self.command, self.expect = above, command, []


def parse(text: str) -> tuple[list[Step], list[str]]:
    steps, above = [], []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(above, line[2:]))
            above = []
        elif line.startswith("> ") and steps and not steps[-1].expect:
            steps[-1].command += "\n" + line[2:]
        elif line == "" or line.startswith("#"):
            above.append(line)
        elif steps:
            steps[-1].expect.append(line.removeprefix("\\") if line.startswith("\\#") else line)
        else:
            raise ValueError(f"output before the first command: {line!r}")
    return steps, above


class Mismatch(Exception):
    pass


def several_units(text: str) -> dict:
    """The file `units` taken apart."""
    files = {}
    for part in re.split(r"^==> ", text, flags=re.M)[1:]:
        heading, _, content = part.partition("\n")
        name, _, target = heading.strip().partition(" -> ")
        files[name] = f"-> {target}" if target else content.encode()
    return files


class Case(pytest.Item):
    def __init__(self, *, directory: Path, manager: str, **more):
        super().__init__(**more)
        self.directory, self.manager = directory, manager
        self.text = (directory / "session").read_text()
        self.steps, self.tail = parse(self.text)

    def directives(self, word: str) -> list[str]:
        return [line.split(None, 2)[2] if len(line.split(None, 2)) > 2 else ""
                for line in self.text.splitlines() if line.startswith(f"#! {word}")]

    def files(self) -> dict:
        files = {}
        for path in sorted(self.directory.rglob("*")):
            inside = path.relative_to(self.directory)
            if path.is_dir() and not path.is_symlink() or str(inside) == "session":
                continue
            if str(inside) == "units":
                for name, content in several_units(path.read_text()).items():
                    files[f"etc/systemd/system/{name}"] = content
                continue
            target = Path(*inside.parts[1:]) if inside.parts[0] == "root" else Path("etc/systemd/system") / inside
            files[str(target)] = f"-> {path.readlink()}" if path.is_symlink() else path.read_bytes()
        return files

    def runtest(self):
        for skip in self.directives("not-under"):
            who, why = skip.split(":", 1)
            if who.strip() == self.manager:
                pytest.skip(why.strip())
        if Machine.applets:
            for why in self.directives("not-with-applet:"):
                pytest.skip(why)
        from conftest import _engine, case_pool
        pool = case_pool(self.config)
        fresh = self.directives("fresh")
        image = (self.directives("image") or ["oracle"])[0]
        if fresh:
            machine = Machine(_engine(self.config), image, self.manager, flags=shlex.split(fresh[0]))
        else:
            machine = pool.get(self.manager, image)
        try:
            printed = self.play(machine)
        except BaseException:
            pool.drop(self.manager, image)
            raise
        finally:
            if fresh:
                machine.remove()
        if self.config.getoption("--record") and self.manager == "systemd":
            self.record(printed)
        else:
            self.compare(printed)

    def play(self, machine: Machine) -> list[list[str]]:
        """Runs the session; for each command the lines it printed."""
        files = self.files()
        mark = "\x1e"
        script = [DRIVER, "systemctl daemon-reload"]
        listens = any(re.search(r"\bsaid\b", step.command) for step in self.steps)
        if listens:
            files["etc/systemd/system/case-mark@.target"] = MARK.encode()
            script.append(f"marks={self.directory.name} marked=0; mark")
        for step in self.steps:
            script.append(f"eval {shlex.quote(step.command)}; rc=$?; [ $rc = 0 ] || echo \"[$rc]\"; printf '{mark}\\n'")
        names = [Path(path).name for path in files if path.startswith("etc/systemd/system/") and path.count("/") == 3]
        payload = {**files, "run/case": None, "run/case/.units": "\n".join(names) + "\n", "run/case/.files": "\n".join(files) + "\n"}
        script.append(f"({CLEAN}) > /dev/null 2>&1")
        payload["usr/local/bin/actor"] = ACTOR.read_bytes()
        payload["run/case/driver"] = "\n".join(script) + "\n"
        # One exec for all of it: the files arrive on its stdin.
        ran = self.unpack_and_run(machine, pack(payload))
        parts = ran.split(mark + "\n")
        if len(parts) != len(self.steps) + 1:
            raise Mismatch(f"the session ended early, after command {len(parts)} of {len(self.steps)}:\n"
                           f"{ran}\n--- docker logs\n{machine.logs()[-3000:]}")
        self.machine = machine
        if listens:
            parts = self.fill_in(parts, [name for name in names if not name.startswith("case-mark")])
        return [[line.rstrip() for line in part.splitlines() if line.strip()] for part in parts[:-1]]

    def fill_in(self, parts: list[str], units: list[str]) -> list[str]:
        """Puts the manager's own lines where `said` was."""
        number = len(re.findall("\x1d", "".join(parts)))
        reached = f"Reached target case-mark@{self.directory.name}-%d.target"
        lines = self.machine.wait_until(lambda: next(
            (lines for lines in [self.machine.said()] if any(reached % number in line for line in lines)), None),
            "the manager's last line in the log")
        marks = []
        for i in range(number + 1):
            marks.append(max(at for at, line in enumerate(lines) if reached % i in line))
        # An instance is named as its template is, with something in between.
        own = "|".join(re.escape(unit).replace("@", "@[^.]*") for unit in units)
        between = iter(zip(marks, marks[1:]))

        def take(match: re.Match) -> str:
            first, last = next(between)
            pattern = re.compile(match[1] or own)
            return "\n".join(line for line in lines[first + 1:last] if pattern.search(line))

        return [re.sub("\x1d(.*)", take, part) for part in parts]

    def unpack_and_run(self, machine: Machine, payload: bytes) -> str:
        ran = machine.engine.docker(
            "exec", "-i", machine.id, "bash", "-c", "tar -x -C / --no-overwrite-dir && exec bash /run/case/driver 2>&1",
            check=False, input=payload, text=False, timeout=4 * PATIENCE)
        return ran.stdout.decode(errors="replace") + ran.stderr.decode(errors="replace")

    def compare(self, printed: list[list[str]]):
        want, got = [], []
        for step, lines in zip(self.steps, printed):
            want.append(f"$ {step.command}")
            got.append(f"$ {step.command}")
            want += step.expect
            for number, line in enumerate(lines):
                pattern = step.expect[number] if number < len(step.expect) else ""
                got.append(pattern if pattern.startswith("~ ") and re.fullmatch(pattern[2:], line) else line)
        if want != got:
            raise Mismatch("\n".join(difflib.unified_diff(want, got, "expected", f"printed under {self.manager}",
                                                          lineterm="", n=100)) +
                           "\n--- docker logs\n" + self.log())

    def log(self) -> str:
        try:
            return self.machine.logs()[-3000:]
        except RuntimeError:
            return "(gone with its container)"

    def record(self, printed: list[list[str]]):
        out = []
        for step, lines in zip(self.steps, printed):
            out += step.above
            out.append("$ " + step.command.replace("\n", "\n> "))
            for number, line in enumerate(lines):
                pattern = step.expect[number] if number < len(step.expect) else ""
                line = "\\" + line if line.startswith("#") else line
                out.append(pattern if pattern.startswith("~ ") and re.fullmatch(pattern[2:], line) else line)
        (self.directory / "session").write_text("\n".join(out + self.tail) + "\n")

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, (Mismatch, AssertionError)):
            return f"{self.directory}\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.directory / "session", 0, self.name
