# SPDX-License-Identifier: Apache-2.0
"""systemd-escape and reeve's, word for word."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("REEVE_BUILD", Path(__file__).resolve().parents[2] / "build"))
OURS = BUILD / "tests/conformance/escape"
THEIRS = shutil.which("systemd-escape")

pytestmark = pytest.mark.skipif(not THEIRS or not OURS.exists(), reason="needs systemd-escape and a build")

WORDS = ["foo-bar", "foo bar", ".hidden", "äö", "/", "//a//b/", "/a/../b", "", "foo@bar.service", "foo@a-b.service",
         "foo@.service", "\\xzz", "-", "a%b", "foo@bar\\x2dbaz.service", "/dev/sda", "foo*"]


def generated(n):
    dice = random.Random(28)
    pieces = ["a", "b-c", "/", "//", ".", "..", "@", ":", "\\x2d", "\\", " ", "é", "%", "_", "-", ".service", ".mount", "~", "\t", "0", "dev", "*"]
    return ["".join(dice.choice(pieces) for _ in range(dice.randint(1, 7))) for _ in range(n)]


OPTIONS = [[], ["-p"], ["-u"], ["-u", "-p"], ["-m"], ["--suffix=mount"], ["-p", "--suffix=mount"],
           ["--template=foo@.service"], ["-p", "--template=foo@.service"], ["-u", "--template=foo@.service"],
           ["-u", "--instance"], ["-u", "-p", "--instance"], ["--suffix=nonsense"], ["--template=foo.service"],
           ["--instance"], ["-u", "-m"]]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_same_as_systemd(options):
    asked = [[word] for word in WORDS + generated(40)] + [["a b", "c/d"]]
    for words in asked:
        if "-m" in options and ".." in words[0]:
            continue  # systemd makes a service of it, with slashes turned into dashes
        if "-p" in options and words[0] not in WORDS and ({".", ".."} & set(words[0].split("/")) or "-u" in options and "/" in words[0]):
            continue  # what is no escaped path at all: 252 takes some of it
        real, mine = (subprocess.run([program, *options, "--", *words], capture_output=True, text=True)
                      for program in (THEIRS, OURS))
        assert (mine.returncode, mine.stdout if not mine.returncode else "") == \
               (real.returncode, real.stdout if not real.returncode else ""), (options, words, real.stderr, mine.stderr)
    print(f"escape {' '.join(options)}: {len(asked)}/{len(asked)}")
