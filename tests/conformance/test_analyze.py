# SPDX-License-Identifier: Apache-2.0
"""systemd-analyze's calendar, timestamp and timespan, and reeve's: thousands of expressions, documented, collected and
generated, all given to both in one call each."""

import itertools
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("REEVE_BUILD", Path(__file__).resolve().parents[2] / "build"))
OURS = BUILD / "tests/conformance/analyze"
THEIRS = shutil.which("systemd-analyze")

pytestmark = pytest.mark.skipif(not THEIRS or not OURS.exists(), reason="needs systemd-analyze and a build")

CALENDARS, SPANS = 600, 600
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]

CALENDAR = """
Sat,Thu,Mon..Wed,Sat..Sun|Mon,Sun 12-*-* 2,1:23|Wed *-1|Wed..Wed,Wed *-1|Wed, 17:48|Wed..Sat,Tue 12-10-15 1:2:3|*-*-7 0:0:0
10-15|monday *-12-* 17:00|Mon,Fri *-*-3,1,2 *:30:45|12,14,13,12:20,10,30|12..14:10,20,30|mon,fri *-1/2-1,3 *:30:45
03-05 08:05:40|08:05:40|05:40|Sat,Sun 12-05 08:05:40|Sat,Sun 08:05:40|2003-03-05 05:40|05:40:23.4200004/3.1700005
2003-02..04-05|2003-03-05 05:40 UTC|2003-03-05|03-05|hourly|daily|daily UTC|monthly|weekly|weekly Pacific/Auckland|yearly
annually|*:2/3|minutely|quarterly|semiannually|bi-annually|Daily|WEEKLY|*-02~03|*-05~07/1|Mon *-05~07/1|*-*~1|*-*~3..5
*:*:10..20|*:0..10/20|*:0..10/3|*:5,3,3,1..4|*:5..5|*:5..4|*-*~1..3|*-*~3..1|Mon..Sun|Sat..Tue|Mon-Fri|mon,|Mon, Tue|~1|*-02~0
1..3-1|*-*-* 1|12|12:|12:30:|*-13-1|*:*:60|*:*:59.9999999|*:*:59.999999|2200-1-1|2199-12-31|1969-1-1|0-1-1|69-1-1|70-1-1|99-1-1
*-*-* 00:00:00 CET|daily Europe/Berlin|daily foo||daily |*-*-* *:*:0/0.5|*:*:*/5|*/5:00|*-*/2-*|2012..2014-1-1|2012/2-1-1
*:*:0..59|*-*-1..31|@-5|@1.5|@1395716396|@4102444800|Fri 2012-11-23 23:02:15|anually|Mondays|2012-11-23T11:12|+5|*-*-31|*-2-29|*-2-30
Mon *-2-29|*-*-* 02:30:00|*-*-* *:30|00:00:10..20.5|*:*:10.5..10.7|*:*:10.5..12.7/0.1|Mon Tue|Mon..Tue..Wed|Mon..|Mon.Tue|,Mon
*-*-1,2,3,4,5/5|*-1,3..5,7/2-*|*:0/60|*:0/59|0/23:0|0/24:0|*-1/11-1|*-1/12-1|*-*-1/30|*-*-1/31|*-*~31/1|*-*~31/30|*-*~1/1|*-*-0
*-0-1|24:00|23:60|*:*:0/60|*:*:0/59|*-*-*T10:00|tomorrow|now|infinity|*|*-*|*-*-*|*-*-* *:*|*:*|*:*:*|*:*:*.5|  Mon|Mon   10:00
2024-2-29 12:00|2023-2-29|2021-01-01 00:00:00 Europe/Berlin|*-03-31 02:30 Europe/Berlin|*-10-25..31 02:30:00 Europe/Berlin
""".replace("\n", "|").split("|")

TIMESTAMP = """
now|today|yesterday|tomorrow|tomorrow UTC|+3h|+3h30min|-5s|11min ago|5min left|@1395716396|@5.5|@0|@12 UTC|@-5|2012-11-23
2012-11-23 11:12|2012-11-23 11:12:13|2012-11-23 11:12:13.654321|2012-11-23 11:12:13.|2012-11-23 11:12:13.1234567|12-11-23
2012-11-23 UTC|Fri 2012-11-23|Fri 2012-11-23 11:12:13|Mon 2012-11-23|friday 2012-11-23|FRI 2012-11-23 11:12|2012-2-30|2012-2-29
2012-11-23 24:00|2012-11-23 23:59:60|2012-11-23 1:2:3|2012-11-23  11:12|2012-11-23 11|20121123|11:12|11:12:13|1:2|Fri|Fri 11:12
NOW||+0|-0| now|now |+infinity|infinity|1969-12-31|1970-01-01 00:00 UTC|1970-1-2|3012-1-1|2012-11-23 11:12
2012-11-23 Nowhere/Else|68-1-1|69-1-1|70-1-1|2012/11/23|foo|5 ago|ago|5|2012-13-1|2012-0-1
2012-1-0|2012-1-32|2012-11-23 11:60|2012-11-23 11:12:61|+5x|@|+|-|@5x|2012-11-23 11:12 UTC UTC
""".replace("\n", "|").split("|")

TIMESPAN = """
2|2 s|2sec|2seconds|2 min|5min 20s|1h|1hr|1d 3h|1w|2weeks|1month|1M|1y|3years|100ms|100msec|5us|5usec|1.5h|.5s|0.5|0|0s|1h1h
infinity| infinity |infinity s|1x|x|-5|+5|1 2 3|1h 2|1.1.1|1..5|5 .5|12.34.56|12.34 56|1e3|1y 12month|99999999999999999999|10000000y
1s1ms1us|1 h 1 m|1 Min|1H|1µs|1μs|	5s|5s	|0x10|010|1,5|5;|3 weeks 2days|400000000d|584542y|1us 1|60|3600|86400|604800|31557600
""".replace("\n", "|").split("|")


def ask(program, verb, words, zone, options=()):
    """What it printed for each word. One answer ends where the next begins, with an empty line; a failure says nothing on
    stdout, and for a time span it ends the call, too."""
    answers, at = {}, 0
    env = {**os.environ, "TZ": zone, "LC_ALL": "C.UTF-8"}
    while at < len(words):
        some = words[at:at + 200]
        ran = subprocess.run([program, verb, *options, "--", *some], text=True, env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        parts, part = [], []
        for line in ran.stdout.splitlines():
            if line == "":
                parts.append("\n".join(part))
                part = []
            else:
                part.append(line.rstrip())
        parts.append("\n".join(part))
        assert len(parts) == len(some) or (verb == "timespan" and ran.returncode), (program, verb, len(parts), len(some))
        answers.update(zip(some, parts))
        at += len(parts)
    return answers


def same_moments(real, mine):
    """Near the days when the clock jumps systemd 252 gives up, or leaves moments out: what it has must be what we have."""
    def parts(answer):
        lines = timeless(answer).splitlines()
        moments = [line.split(": ", 1)[1] for line in lines if "(in UTC)" in line]
        return [line for line in lines if "orm: " in line], moments
    (real_head, real_moments), (mine_head, mine_moments) = parts(real), parts(mine)
    if not real_head and mine_moments:
        return True
    horizon = mine_moments[-1][4:] if mine_moments else ""
    return real_head == mine_head and bool(mine_moments or not real_moments) and \
        all(moment in mine_moments for moment in real_moments if moment[4:] <= horizon)


def timeless(answer):
    """Without what depends on when it was asked."""
    return re.sub(r"^ +From now: .*$", "", answer, flags=re.M)


def generated_calendars(n):
    dice = random.Random(26)
    number = lambda a, b: str(dice.randint(a, b))

    def field(a, b, fraction=False):
        def value():
            return number(a, b) + (f".{dice.randint(0, 99)}" if fraction and dice.random() < .2 else "")
        kind = dice.random()
        if kind < .3:
            return "*"
        one = lambda: value() + (f"..{value()}" if dice.random() < .3 else "") + (f"/{number(1, max(2, (b - a) // 3))}" if dice.random() < .3 else "")
        return ",".join(one() for _ in range(dice.choice([1, 1, 1, 2, 3])))

    days = ["Mon", "tue", "Wednesday", "Thu", "FRI", "sat", "Sunday"]
    for _ in range(n):
        words = []
        if dice.random() < .3:
            words.append(",".join(dice.choice(days) + (dice.choice(["..", "-"]) + dice.choice(days) if dice.random() < .3 else "")
                                  for _ in range(dice.choice([1, 1, 2]))))
        if dice.random() < .7:
            day = field(1, 31)
            date = field(1, 12) + dice.choice("---~") + day
            words.append(date if dice.random() < .5 else field(2020, 2035) + "-" + date)
        if dice.random() < .8 or not words:
            time = field(0, 23) + ":" + field(0, 59)
            words.append(time + (":" + field(0, 59, True) if dice.random() < .6 else ""))
        if dice.random() < .2:
            words.append(dice.choice(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Nowhere"]))
        yield " ".join(words)


def generated_spans(n):
    dice = random.Random(27)
    units = ["", "s", "sec", "min", "m", "h", "hour", "d", "days", "w", "M", "y", "ms", "us", " ", "minutes", "q"]
    for _ in range(n):
        yield dice.choice(["", " "]).join(
            f"{dice.randint(0, 5000)}{f'.{dice.randint(0, 999)}' if dice.random() < .2 else ''}{dice.choice(['', ' '])}{dice.choice(units)}"
            for _ in range(dice.choice([1, 1, 2, 3])))


@pytest.mark.parametrize("zone", ZONES)
def test_calendar_expressions(zone):
    words = list(dict.fromkeys(CALENDAR + list(generated_calendars(CALENDARS))))
    words = [word for word in words if not word.startswith("-")]
    bases = ["2024-01-15 13:00:00 UTC", "2024-03-30 20:00:00 UTC", "2024-10-26 20:00:00 UTC"]
    for base in bases if zone != "UTC" else bases[:1]:
        options = ["--iterations=3", f"--base-time={base}"]
        real, mine = (ask(program, "calendar", words, zone, options) for program in (THEIRS, OURS))
        alike = same_moments if zone != "UTC" else lambda a, b: timeless(a) == timeless(b)
        differ = [(word, real[word], mine[word]) for word in words if not alike(real[word], mine[word])]
        assert not differ, (len(differ), differ[:5])


@pytest.mark.parametrize("zone", ZONES[:2])
def test_timestamps(zone):
    fixed = [word for word in dict.fromkeys(TIMESTAMP)]
    real, mine = (ask(program, "timestamp", fixed, zone) for program in (THEIRS, OURS))
    moving = re.compile(r"^[+-]|now| ago$| left$")
    blur = lambda word, answer: re.sub(r"\d", "0", timeless(answer)) if moving.search(word) else timeless(answer)
    differ = [(word, real[word], mine[word]) for word in fixed if blur(word, real[word]) != blur(word, mine[word])]
    assert not differ, (len(differ), differ[:5])


def test_timespans():
    words = list(dict.fromkeys(TIMESPAN + list(generated_spans(SPANS))))
    real, mine = (ask(program, "timespan", words, "UTC") for program in (THEIRS, OURS))
    differ = [(word, real[word], mine[word]) for word in words if real[word] != mine[word]]
    assert not differ, (len(differ), differ[:5])


def test_distances():
    """How long ago: seen from now, so only those that do not change while two programs ask."""
    words = ["2012-11-23", "2026-01-01 UTC", "@12", "2199-1-1", "400d ago", "40d ago", "14d ago", "90h ago", "30h ago",
             "10h ago", "366d left"]
    real, mine = (ask(program, "timestamp", words, "UTC") for program in (THEIRS, OURS))
    last = lambda answer: answer.splitlines()[-1] if answer else ""
    differ = [(word, last(real[word]), last(mine[word])) for word in words if last(real[word]) != last(mine[word])]
    assert not differ, differ
