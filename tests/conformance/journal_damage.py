#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A journal that is damaged: its writer killed, the file cut, overwritten with zeroes or with noise at a random place, a
file system without room. Then systemd's journalctl and reeve's read it, a writer goes on, and both read again. Neither
reader may crash; both see all records before the damage, and all that come after it.

    tests/conformance/journal_damage.py [--count 2000] [--seed 1]"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

BUILD = Path(os.environ.get("REEVE_BUILD", Path(__file__).resolve().parents[2] / "build"))
WRITER = BUILD / "tests/conformance/journal-writer"
READERS = {"systemd": ["journalctl"], "reeve": [str(BUILD / "reeve"), "journalctl"]}
KINDS = ["kill", "kill", "cut", "cut", "zero", "zero", "noise", "full"]
LATER = 1_000_000


def write(place, first, count, kill=None):
    """The records that were written, each with where its file ended; [number, None]: lost."""
    with subprocess.Popen([WRITER, place, str(first), str(count)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        lines = []
        if kill:
            lines = [run.stdout.readline() for _ in range(kill)]
            run.kill()
        lines += run.stdout.read().splitlines(True)
    assert run.returncode in ((0,) if not kill else (0, -signal.SIGKILL)), f"the writer ended with {run.returncode}"
    pairs = [line.split() for line in lines if line.endswith("\n")]
    return [(int(number), None if end == "lost" else int(end)) for number, end in pairs]


def read(place, who):
    ran = subprocess.run([*READERS[who], "-D", place, "-o", "cat", "--no-pager", "-q"], capture_output=True, timeout=60)
    assert 0 <= ran.returncode < 128, f"{who} ended with {ran.returncode}: {ran.stderr[-300:]}"
    return [int(n) for n in re.findall(rb"^record (\d+) ", ran.stdout, re.M)]


def expect(place, who, wanted, when):
    seen = read(place, who)
    missing = sorted(set(wanted) - set(seen))
    assert not missing, f"{who}, {when}: {len(missing)} of {len(wanted)} records are not seen, first {missing[0]}"
    assert [n for n, times in Counter(seen).items() if times > 1] == [], f"{who}, {when}: some are seen twice"
    early = [n for n in seen if n < LATER]
    assert early == sorted(early), f"{who}, {when}: out of order"


def full(place, r):
    """On a file system of its own that has no room left; then it has again."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", place]).returncode == 0
    if not mounted:
        return
    try:
        ballast = Path(place) / "ballast"
        ballast.write_bytes(bytes(r.randrange(5, 12) * 1_000_000))
        written = write(place, 1, r.randrange(500, 4000))
        stored = [number for number, end in written if end is not None]
        for who in READERS:
            seen = read(f"{place}/log/journal", who)
            assert not stored or stored[-1] in seen, f"{who}: the last record that was stored is not seen"
        ballast.unlink()
        later = [number for number, end in write(place, LATER, 50) if end is not None]
        assert len(later) == 50, "with room again, records are lost"
        for who in READERS:
            assert set(later) <= set(read(f"{place}/log/journal", who)), f"{who}: what was written with room again is not seen"
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def case(seed):
    r = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    place = tempfile.mkdtemp(prefix="reeve-damage-")
    try:
        if kind == "full":
            full(place, r)
            return kind
        count = r.randrange(1, 1500)
        written = write(place, 1, 100_000, kill=count) if kind == "kill" else write(place, 1, count)
        wanted = [number for number, end in written]
        if kind != "kill":
            path, = Path(place).glob("log/journal/*/system.journal")
            size, used = path.stat().st_size, written[-1][1]
            at = r.randrange(0, used if r.random() < 0.8 else size)
            if kind == "cut":
                with open(path, "r+b") as f:
                    f.truncate(at)
            else:
                length = min(size - at, r.choice((1, 8, 64, 4096, 100_000)))
                with open(path, "r+b") as f:
                    f.seek(at)
                    f.write(bytes(length) if kind == "zero" else r.randbytes(length))
            # A record is whole when the next one's last object begins before the damage.
            wanted = [number for (number, _), (_, end) in zip(written, written[1:]) if end <= at]
        for who in READERS:
            # systemd's does not open a file that is shorter than it says, until a writer has found it.
            if kind == "cut" and who == "systemd":
                assert read(f"{place}/log/journal", who) is not None
            else:
                expect(f"{place}/log/journal", who, wanted, kind)
        later = [number for number, end in write(place, LATER, 50)]
        for who in READERS:
            # Noise may be a number that looks right, behind which nothing seems to come.
            expect(f"{place}/log/journal", who, wanted + (later if kind != "noise" else []), f"{kind}, after a writer went on")
        return kind
    except AssertionError as why:
        raise AssertionError(f"seed {seed} ({kind}): {why}") from why
    finally:
        shutil.rmtree(place)


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--count", type=int, default=2000)
    ask.add_argument("--seed", type=int, default=0)
    options = ask.parse_args()
    done, failed = Counter(), 0
    for seed in range(options.seed, options.seed + options.count):
        try:
            done[case(seed)] += 1
        except AssertionError as why:
            failed += 1
            print(why, flush=True)
    print(f"{sum(done.values())} of {options.count} journals: {', '.join(f'{n} {kind}' for kind, n in sorted(done.items()))}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
