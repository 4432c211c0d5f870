# SPDX-License-Identifier: Apache-2.0
"""The corpora of the other tests, mutated: calendar expressions, time spans, timestamps, names and command lines, asked of
systemd's tools and of reeve's, hundreds in a call. DIFFERENTIAL=N asks so many of each, LANGUAGE_SEED others. (Conditions
are in test_analyze_verbs.py.)"""

import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import test_analyze
import test_escape

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenario"))

from values import EXEC, EXEC_PIECES, mutated  # noqa: E402

MANY = int(os.environ.get("DIFFERENTIAL", "300"))
COMMAND = test_analyze.BUILD / "tests/conformance/command"
MANAGER = Path("/lib/systemd/systemd")
INSTANCE = "an-inst\\x2dance"
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}
pytestmark = [test_analyze.pytestmark, test_escape.pytestmark]


def made_of(corpus, kind):
    dice = random.Random(f"{os.environ.get('LANGUAGE_SEED', '4')} {kind}")
    return list(dict.fromkeys(mutated([word for word in dict.fromkeys(corpus) if word.strip()], MANY, dice)))


def told(kind, words, differ):
    print(f"mutated {kind}: {len(words) - len(differ)}/{len(words)}")
    assert not differ, f"{len(differ)}:\n" + "\n".join(map(str, differ[:20]))


def test_mutated_calendars():
    words = made_of(test_analyze.CALENDAR + list(test_analyze.generated_calendars(200)), "calendar")
    # Of several days counted from a month's end 252 wants the second to be the 25th at most, the third the 22nd, and so on.
    words = [word for word in words if not re.search(r"~\S*,", word)]
    real, mine = (test_analyze.ask(program, "calendar", words, "UTC", ["--iterations=2", "--base-time=2024-01-15 13:00:00 UTC"])
                  for program in (test_analyze.THEIRS, test_analyze.OURS))
    told("calendars", words, [(word, real[word], mine[word]) for word in words
                              if test_analyze.timeless(real[word]) != test_analyze.timeless(mine[word])])


def test_mutated_timespans():
    words = made_of(test_analyze.TIMESPAN + list(test_analyze.generated_spans(200)), "timespan")
    real, mine = (test_analyze.ask(program, "timespan", words, "UTC") for program in (test_analyze.THEIRS, test_analyze.OURS))
    told("time spans", words, [(word, real[word], mine[word]) for word in words if real[word] != mine[word]])


def test_mutated_timestamps():
    """Of those that move with the clock only that they are taken."""
    words = made_of(test_analyze.TIMESTAMP, "timestamp")
    words = [word for word in words if not re.search(r"( |T.*)[+-]\d\d(:?\d\d)?$", word)]  # an offset, which 257 knows
    real, mine = (test_analyze.ask(program, "timestamp", words, "UTC") for program in (test_analyze.THEIRS, test_analyze.OURS))
    moving = re.compile(r"^\s*[+-]|now|ago|left|day|morrow", re.I)
    blur = lambda word, answer: bool(answer) if moving.search(word) else test_analyze.timeless(answer)
    told("timestamps", words, [(word, real[word], mine[word]) for word in words if blur(word, real[word]) != blur(word, mine[word])])


def escaped(program, options, words):
    """What it made of each; a word that it refuses ends a call."""
    answers, at = {}, 0
    while at < len(words):
        ran = subprocess.run([program, *options, "--", *words[at:at + 200]], text=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        parts = ran.stdout.rstrip("\n").split(" ") if ran.stdout.strip() else []
        answers.update(zip(words[at:], parts))
        at += len(parts)
        if ran.returncode:
            answers[words[at]] = "refused"
            at += 1
    return answers


@pytest.mark.parametrize("options", [[], ["-p"], ["-m"], ["--suffix=mount"], ["--template=foo@.service"]], ids=" ".join)
def test_mutated_names(options):
    words = made_of(test_escape.WORDS + test_escape.generated(200), "name")
    words = [word for word in words if not ("-m" in options and ".." in word) and
             not ("-p" in options and {".", ".."} & set(word.split("/")))]  # (test_escape.py says why)
    real, mine = (escaped(program, options, words) for program in (test_escape.THEIRS, test_escape.OURS))
    told(f"names {' '.join(options)}", words, [(word, real[word], mine[word]) for word in words if real[word] != mine[word]])


WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)', re.S)


def unescaped(found):
    what = found[1]
    return chr(int(what, 8)) if len(what) == 3 else dict(zip("abfnrtv", "\a\b\f\n\r\t\v")).get(what, what)


def commands_dumped(text):
    """What `systemd --test` prints of each unit: the words of its commands, or "refused"."""
    found, command = {}, re.compile(r'Command Line: ((?:"(?:[^"\\]|\\.)*"|[^\n"])*)\n', re.S)
    for part in re.split(r"^\t*-> Unit (?=w\d+@)", text, flags=re.M)[1:]:
        number = int(re.match(r"w(\d+)@", part)[1])
        part = re.split(r"^\t*-> Unit ", part, maxsplit=1, flags=re.M)[0]
        if "Load State: bad-setting" in part or "Load State: error" in part:
            found[number] = "refused"
            continue
        found[number] = [[plain or re.sub(r"\\([0-7]{3}|.)", unescaped, quoted, flags=re.S) for quoted, plain in WORD.findall(line)]
                         for line in command.findall(part)]
    return found


def commands_there(words, where):
    where.chmod(0o755)
    for i, word in enumerate(words):
        (where / f"w{i}@.service").write_text(f"[Service]\nType=oneshot\nExecStart={word}\nExecStart=/the/end\n")
    wants = "".join(f"Wants=w{i}@{INSTANCE}.service\n" for i in range(len(words)))
    (where / "all.target").write_text(f"[Unit]\nDefaultDependencies=no\n{wants}")
    runtime = Path("/run/systemd")  # which it wants, and nobody cannot make
    made = not runtime.exists()
    runtime.mkdir(exist_ok=True)
    try:
        ran = subprocess.run([MANAGER, "--test", "--system", "--unit=all.target"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             env={"SYSTEMD_UNIT_PATH": str(where), "PATH": "/usr/bin:/bin"}, **NOBODY)
    finally:
        if made:
            runtime.rmdir()
    return commands_dumped(ran.stdout.decode("latin-1"))


def commands_here(words, where):
    ran = subprocess.run([COMMAND, where, INSTANCE], input="".join(word + "\n" for word in words).encode(), stdout=subprocess.PIPE, check=True,
                         **NOBODY)
    for line in ran.stdout.decode().splitlines():
        line = line.rstrip()
        yield line if line == "refused" else [[bytes.fromhex(word.strip()).decode("latin-1") for word in command.split("=")[1:]]
                                              for command in line.split(";") if command.strip()]


@pytest.mark.skipif(not MANAGER.exists(), reason="needs systemd")
def test_mutated_commands():
    dice = random.Random(f"{os.environ.get('LANGUAGE_SEED', '4')} commands")
    made = ["/bin/echo " + "".join(dice.choice(EXEC_PIECES) for _ in range(dice.randint(2, 9))) for _ in range(200)]
    # (Who runs a manager of the system is root to 252, whoever it is; control groups are nobody's to know in a container.)
    words = [word for word in made_of(EXEC + made, "command")
             if not word.rstrip().endswith("\\") and not re.search("%[ugUGhscrR]", word)]
    # Both run as nobody, who does not get into pytest's directories.
    with tempfile.TemporaryDirectory(prefix="reeve-commands-") as where:
        real, mine = commands_there(words, Path(where)), list(commands_here(words, where))
    differ = []
    for i, word in enumerate(words):
        there = real.get(i)
        there = there[:-1] if there and there != "refused" else there
        if there != mine[i]:
            differ.append((word, real.get(i), mine[i]))
    told("command lines", words, differ)
