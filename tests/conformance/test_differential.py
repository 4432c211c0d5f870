# SPDX-License-Identifier: Apache-2.0
"""The corpora of the other tests, mutated: calendar expressions, time spans, timestamps and names, asked of systemd's tools
and of reeve's, hundreds in a call. DIFFERENTIAL=N asks so many of each, LANGUAGE_SEED others. (Conditions are in
test_analyze_verbs.py, command lines in scenario/test_language.py.)"""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

import test_analyze
import test_escape

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenario"))

from values import mutated  # noqa: E402

MANY = int(os.environ.get("DIFFERENTIAL", "300"))
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
