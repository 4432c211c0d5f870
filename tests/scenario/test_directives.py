# SPDX-License-Identifier: Apache-2.0
"""Every directive that `reeve directives` calls honoured has a test named after it in directives/*.tests, and each test is
made twice: as it stands, and once more without the directive. The second must not show what the first does, so what a
test sees is the directive's effect and nothing else.

A block of a .tests file:

    == NAME [.socket]     the directive, and the type of unit if it is not a service
    [Section]             the lines of the unit file; they begin in the section of the type
    else LINE             stands in the place of NAME= in the second unit
    run SHELL             ExecStart= runs this, its output goes to /out/$U; "skip: WHY" where the kernel cannot
    @SUFFIX TEXT          another unit, $U-SUFFIX (the text from [Service], \\n between lines); "@.socket" is $U.socket
    do SHELL              what is asked of the machine; without any: start the unit, print /out/$U
    sockopt WHAT          start the socket and its service, which prints that of descriptor 3 (sockopt.py)
    is REGEX, isnt REGEX  what the answer must, or must not, contain

$U is the unit's name without its suffix. The tests of a condition are those of the assert as well. All units are in one
container, and the questions are asked four at a time."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from engine import binary

HERE = Path(__file__).parent / "directives"
SECTIONS = {"service": "Service", "socket": "Socket", "timer": "Timer", "path": "Path", "slice": "Slice"}
# What has its test elsewhere: in the cases, where a session shows more than a block can.
ELSEWHERE = {"Essential": "test_fate.py", "ConsoleFormat": "test_logs.py", "ConsoleLevelMax": "test_logs.py",
             "ConsoleStderr": "test_logs.py", "LogFiles": "test_logs.py",
             **dict.fromkeys(["AllowIsolate", "IgnoreOnIsolate", "OnFailureIsolate", "DefaultDependencies",
                              "SurviveFinalKillSignal"], "test_isolation.py"),
             **dict.fromkeys(["FailureAction", "FailureActionExitStatus", "SuccessAction", "SuccessActionExitStatus",
                              "StartLimitAction", "JobTimeoutAction"], "test_ending.py"),
             "OnClockChange": "../unit/test-engine-triggers.c"}


class Block:
    def __init__(self, text):
        lines = text.splitlines()
        head = lines[0].removeprefix("== ").split()
        self.name, self.type = head[0], head[1].lstrip(".") if len(head) > 1 else "service"
        self.lines, self.units, self.do, self.instead = [], {}, [], None
        self.pattern, self.wanted, self.run, self.sockopt = None, True, None, None
        for line in lines[1:]:
            word, _, rest = line.partition(" ")
            if word in ("is", "isnt"):
                self.pattern, self.wanted = re.compile(rest, re.M), word == "is"
            elif word == "do":
                self.do.append(rest)
            elif word in ("run", "else", "sockopt"):
                setattr(self, {"run": "run", "else": "instead", "sockopt": "sockopt"}[word], rest)
            elif word.startswith("@"):
                self.units[word[1:]] = rest.replace("\\n", "\n")
            else:
                self.lines.append(line)
        assert self.pattern, f"{self.name}: nothing is asked"

    def files(self, u, real):
        """The unit files, the script of the unit and the question, for unit U; not REAL: without the directive."""
        lines = [f"[{SECTIONS[self.type]}]"]
        for line in self.lines:
            if line.startswith(self.name + "=") and not real:
                line = self.instead
                self.instead = None
            if line is not None:
                lines.append(line)
        found = {}
        if self.run is not None:
            lines += ["[Service]", f"ExecStart=/bin/sh -c 'exec /bin/sh /t/{u}.sh >/out/{u} 2>&1'"]
            found[f"t/{u}.sh"] = self.run.replace("$U", u) + "\n"
        text = "\n".join(lines) + "\n"
        if self.type == "service" and not re.search("^Type=", text, re.M):
            text += "[Service]\nType=oneshot\n"
        found[f"etc/systemd/system/{u}.{self.type}"] = text
        for suffix, more in self.units.items():
            name = u + suffix if suffix[0] in ".@" else f"{u}-{suffix}"
            if suffix.endswith(".service"):
                more = "[Service]\n" + ("" if "Type=" in more else "Type=oneshot\n") + more
            elif suffix.endswith(".socket"):
                more = "[Socket]\n" + more
            found[f"etc/systemd/system/{name}"] = more + "\n"
        if self.type == "socket" and not any(suffix.endswith(".service") for suffix in self.units):
            program = f"/usr/bin/python3 /t/sockopt.py {self.sockopt}" if self.sockopt else "/bin/true"
            found[f"etc/systemd/system/{u}{'@' if 'Accept=yes' in text else ''}.service"] = (
                f"[Service]\nType=oneshot\nStandardOutput=file:/out/{u}\nStandardError=file:/out/{u}-err\nExecStart={program}\n")
        found = {path: content.replace("$U", u) for path, content in found.items()}
        do = self.do or [f"systemctl start {u}.service; cat /out/{u}"]
        if self.sockopt:
            do = [f"systemctl start {u}.socket && systemctl start {u}.service; cat /out/{u}", f"systemctl stop {u}.socket {u}.service"]
        found[f"t/{u}.do"] = "\n".join(do).replace("$U", u) + "\n"
        found[f"out/{u}"] = ""
        return found


def blocks():
    found = []
    for path in sorted(HERE.glob("*.tests")):
        for text in re.split(r"\n\s*\n", path.read_text()):
            text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
            if text.startswith("== "):
                found.append(Block(text))
                if found[-1].name.startswith("Condition"):
                    found.append(Block(text.replace("Condition", "Assert")))
    return found


BLOCKS = blocks()


@pytest.fixture(scope="module")
def answers(shared_machine, request):
    """Asks all that were chosen: {(number, real): what was answered}."""
    chosen = {item.callspec.params["number"] for item in request.session.items
              if getattr(item, "module", None) is request.module and hasattr(item, "callspec")}
    files = {"t/bin": None, "t/empty": None, "t/empty-file": "", "out": None}
    for name in ("sockopt.py", "reloader.py", "storer.py"):
        files[f"t/{name}"] = (HERE / name).read_text()
    for i, block in ((i, BLOCKS[i]) for i in sorted(chosen)):
        for real in (True, False):
            files.update(block.files(f"{'d' if real else 'x'}{i}", real))
    flags = ["-e", "PASSED_ON=it", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_NICE"]
    machine = shared_machine("oracle", manager="reeve", files=files, flags=flags)
    ran = machine.sh("chmod 1777 /out; chmod 666 /out/*; cd /t; ls | sed -n 's/[.]do$//p' | "
                     "xargs -P 4 -I N sh -c 'timeout 30 sh /t/N.do > /t/N.answer 2>&1 < /dev/null'; "
                     "for f in *.answer; do echo \"=== $f\"; cat $f; echo; done", timeout=900)
    found = {}
    for part in ran.out.split("=== ")[1:]:
        head, _, answer = part.partition("\n")
        name = head.removesuffix(".answer")
        found[int(name[1:]), name[0] == "d"] = answer
    return found


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=[block.name for block in BLOCKS])
def test_honoured(answers, number):
    block = BLOCKS[number]
    real, without = answers[number, True], answers[number, False]
    if "skip: " in real:
        pytest.skip(real.strip().partition("skip: ")[2])
    assert bool(block.pattern.search(real)) == block.wanted, f"with it:\n{real}"
    assert not block.sockopt or "failed" not in without, without
    assert bool(block.pattern.search(without)) != block.wanted, f"without it, the answer is the same:\n{without}"


def test_what_is_called_honoured_has_a_test():
    rows = json.loads(subprocess.run([binary(), "directives", "--json"], capture_output=True, text=True, check=True).stdout)
    honoured = {row["name"] for row in rows if row["support"] == "yes" and "meaning" not in row}
    tested = {block.name for block in BLOCKS} | set(ELSEWHERE)
    assert honoured <= tested, f"called honoured, without a test: {sorted(honoured - tested)}"
    for name, file in ELSEWHERE.items():
        assert name in (HERE.parent / file).read_text(), f"{file} says nothing of {name}"
    known = {row["name"] for row in rows}
    assert tested <= known, f"tests of what there is not: {sorted(tested - known)}"
