# SPDX-License-Identifier: Apache-2.0
"""The distribution's journalctl (systemd 252) and reeve's, byte by byte, over the same files: one of awkward records
(journal/records), small ones in every layout and compression (the corpus of the fuzz target), several at once."""

import json
import os
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("REEVE_BUILD", TREE / "build"))
OURS = BUILD / "tests/conformance/journalctl"
THEIRS = shutil.which("journalctl")
HOSTILE = TREE / "tests/conformance/journal/hostile.journal"
SMALL = sorted((TREE / "tests/fuzz/corpus/journal-read").glob("*.journal"))
ENVIRONMENT = {"PATH": os.environ["PATH"], "TZ": "Europe/Berlin", "LANG": "C.UTF-8", "SYSTEMD_PAGER": "cat"}
BOOT = "1a2b3c4d5e6f40718293a4b5c6d7e8f9"


def their_version():
    said = subprocess.run([THEIRS, "--version"], capture_output=True, text=True).stdout.split() if THEIRS else []
    return said[1] if len(said) > 1 else None


pytestmark = pytest.mark.skipif(their_version() != "252" or not OURS.exists(), reason="needs journalctl of systemd 252 and a build")


def run(program, arguments, **environment):
    ran = subprocess.run([program, *arguments], capture_output=True, env={**ENVIRONMENT, **environment}, timeout=60)
    return ran.returncode, ran.stdout, ran.stderr.replace(str(program).encode(), b"journalctl")


def pretty_objects(out):
    """json-pretty: each object's members, whose order is by chance, and the text's lines, so that the layout counts."""
    return [json.loads(part + b"\n}") for part in out.split(b"\n}\n") if part.strip()], \
        sorted(line.rstrip(b",") for line in out.split(b"\n"))


def meaning(arguments, out):
    """What is equal although systemd prints its hash tables in any order."""
    if "json-pretty" in arguments:
        return pretty_objects(out)
    if any(mode in arguments for mode in ("json", "json-sse", "json-seq")):
        lines = []
        for line in out.split(b"\n"):
            prefix, brace, rest = line.partition(b"{")
            lines.append((prefix, json.loads(brace + rest) if brace else None))
        return lines
    if "cat" in arguments and any("," in a for a in arguments):
        return sorted(out.split(b"\n"))
    return out


def same(arguments, **environment):
    theirs, ours = (run(program, arguments, **environment) for program in (THEIRS, OURS))
    assert (ours[0], ours[2], meaning(arguments, ours[1])) == (theirs[0], theirs[2], meaning(arguments, theirs[1]))
    return ours


MODES = ("short short-full short-iso short-iso-precise short-precise short-monotonic short-delta short-unix verbose export json "
         "json-pretty json-sse json-seq cat with-unit").split()
TABLE = """
-n3|-n 0|-n|-n all|-r|-e|--no-hostname|--utc|-q|-a|--no-full|--no-full -o verbose|-p err|-p 3|-p warning..err|-p 0..2
-p help|-p 9|-p 3..x|-t kernel|-t cron -t kernel -n3|-u nginx|-u nginx.service -n4|-u foo@*|-u *.service -n9|-u zzz*|-u zzz
-u system.slice -n3|--user-unit=app|--user-unit=app*|--user -u app|-k|-k -n5|-b|-b -1|-b 1|-b +2|-b -0|-b all -n3|-b 7|-b -7
--boot=all|--boot=BOOT|--boot=BOOT+1|--boot=BOOT-1|--boot=BOOT-5|--boot=nonsense|-b zzz|--list-boots|--list-boots -q
--facility=help|--facility=kern,3 -n3|--facility=nope|--facility=1|_PID=1|_PID=1 UNIT=ssh.service
_PID=1 UNIT=ssh.service + _TRANSPORT=kernel -n9|_PID=1 _PID=100 -n9|+|_PID=1 +|FOO|FOO=bar|_HOSTNAME=beta PRIORITY=3
MULTI=two|EMPTY=|/bin/cat|/usr/bin/env|/nonexistent|=x|foo=x|__CURSOR=x|-g error=3|-g ERROR=3|-g error=3 -n2
-g ERROR=3 --case-sensitive=no|-g Error=3 --case-sensitive=false -n2|-g [|-g (|-g *x|-g ^message.*[35]$|-g \\d{2}.of -n5
-g ü|-g x{700}|-g \\bssh\\b -n3|-g ^$ -o cat|-g a|-g many -o cat|-g (?i)MESSAGE -n3|-g x{2,1}|-g a\\|-g )|-g [z-a]|-g \\y
-c CURSOR -n3|--cursor=CURSOR|--after-cursor=CURSOR -n3|--after-cursor=CURSOR -r -n3|-c foo|--after-cursor=foo|-c CURSOR -r -n3
-n2 --show-cursor|-n0 --show-cursor|--show-cursor -r -n1|FOO=BAR --show-cursor|-N|-F _HOSTNAME|-F MESSAGE|-F NOPE|-F
-F PRIORITY -n2|--header|--disk-usage|--verify|-o foo|-o help|--bogus|-n x|-f -r|--since=12|--until=foo|-m -n2 -b -1
--output-fields=MESSAGE,_PID -o json -n3|--output-fields=MESSAGE,_PID -o verbose -n3|--output-fields=MESSAGE,_PID -o export -n3
--output-fields=MESSAGE -o cat -n3|--output-fields=_PID -o cat -n30|--output-fields=MULTI -o json -n30
--output-fields=_PID,MESSAGE -o cat -n9|--output-fields=_BOOT_ID -o export -n2|--interval=1h -n1|--vacuum-size=x|--vacuum-files=x
--vacuum-time=x|--case-sensitive=x -n1|-S @1700100001|-U @1700000003.5|--since tomorrow --until today|--since=now --cursor=x
""".strip().replace("\n", "|").split("|")
QUOTED = [
    ["-g", "nginx|ssh", "-n3"], ["-g", "foo@(1|2)", "-n3"], ["-g", "(foo|bar|cron)[.@]", "-n3"], ["-g", "of cron"],
    ["--since", "2023-11-14 23:13:40", "-n2"], ["--since", "2023-11-14 23:13:40", "--until", "2023-11-14 23:13:50"],
    ["--until", "2023-11-14 23:13:30"], ["--until", "2023-11-16 03:00:10", "-r", "-n3"], ["--since", "2023-11-17 06:46:50", "-r"],
    ["-b", "-1", "--since", "2023-11-16 03:00:55"], ["-u", "ssh", "--since", "2023-11-17 06:46:50", "-o", "short-unix"],
    ["-b", "-1", "-u", "cron", "-p", "4", "-n", "3"],
]


@pytest.fixture(scope="module")
def cursor():
    """Of an entry in the middle."""
    out = run(THEIRS, [f"--file={HOSTILE}", "-b-1", "-n1", "-q", "--show-cursor"])[1]
    return out.decode(errors="replace").rpartition("cursor: ")[2].strip()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("more", [[], ["-a"], ["-n", "7"], ["-r", "-n", "20"], ["-u", "nginx", "--utc"]], ids=" ".join)
def test_formats(mode, more):
    same([f"--file={HOSTILE}", "-o", mode, *more])


@pytest.mark.parametrize("options", TABLE)
def test_options(options, cursor):
    same([f"--file={HOSTILE}", *options.replace("CURSOR", cursor).replace("BOOT", BOOT if "=BOOT" in options else "BOOT").split(" ")])


@pytest.mark.parametrize("options", QUOTED, ids=" ".join)
def test_options_with_spaces(options):
    same([f"--file={HOSTILE}", *options])


@pytest.mark.parametrize("file", SMALL, ids=lambda file: file.stem)
def test_every_layout_and_compression(file):
    for options in (["-o", "export"], ["-o", "verbose", "-r"], ["-u", "nginx", "-n3"], ["-F", "PRIORITY"], ["-N"], ["LARGE=" + "large " * 120]):
        ran = same([f"--file={file}", *options])
        assert ran[0] == 0 and ran[1]


@pytest.mark.parametrize("options", ["-o export", "-r", "-n 30", "-u ssh", "-b -1 -o short-full", "-F _HOSTNAME -q", "-g error=2",
                                     "--since=@1700000050 -n9", "--list-boots"])
def test_several_files_as_one(options):
    files = [HOSTILE, *SMALL[:3]]
    theirs, ours = (run(program, [*(f"--file={file}" for file in files), *options.split(" ")]) for program in (THEIRS, OURS))
    if "-F" in options:  # in the order of the files, which are in a hash table there
        theirs, ours = ((r[0], sorted(r[1].split(b"\n")), r[2]) for r in (theirs, ours))
    assert ours == theirs


def test_a_directory_of_files(tmp_path):
    for i, file in enumerate([HOSTILE, SMALL[0]]):
        shutil.copy(file, tmp_path / f"{i}.journal")
    (tmp_path / "broken.journal").write_bytes(b"x" * 4096)
    for options in (["-o", "export"], ["-n5"], ["-p", "err", "-q"], ["--disk-usage"]):
        theirs, ours = (run(program, [f"--directory={tmp_path}", *options]) for program in (THEIRS, OURS))
        assert ours == theirs
    same(["--directory=/nonexistent"])
    same([f"--root={tmp_path}", "-n1"])
    same([f"--file={tmp_path}/none.journal"])
    same([f"--file={tmp_path}/none*.journal"])
    same([f"--file={tmp_path}/broken.journal"])


def test_cursor_file_continues_where_the_last_run_ended(tmp_path):
    said = []
    for program in (THEIRS, OURS):
        file = tmp_path / Path(program).parent.name
        said.append([run(program, [f"--file={HOSTILE}", f"--cursor-file={file}", *more])
                     for more in (["--until=@1700000010"], ["--until=@1700000020"], ["-n2"], [])] + [file.read_text()])
    assert said[0] == said[1]


def test_newer_options():
    """What 252 does not know: 257 was asked."""
    base = [f"--file={HOSTILE}", "-o", "cat", "--output-fields=SYSLOG_IDENTIFIER"]
    out = run(OURS, [*base, "-T", "kernel", "-T", "cron"])[1].split(b"\n")
    assert b"nginx" in out and b"kernel" not in out and b"cron" not in out
    assert run(OURS, [f"--file={HOSTILE}", "-n", "+3", "-o", "export"])[1].count(b"__CURSOR") == 3
    # The newest before that moment; 252 looks at the newest of all and finds that they are later.
    status, out, _ = run(OURS, [f"--file={HOSTILE}", "--until=@1700100010", "-n1", "-o", "short-unix"])
    assert status == 0 and out.startswith(b"1700100009.")


@pytest.mark.parametrize("limits", [["--vacuum-files=2"], ["--vacuum-size=1K"], ["--vacuum-time=1s"], ["--vacuum-files=3", "-q"]], ids=" ".join)
def test_vacuuming(tmp_path, limits):
    said = []
    for program in (THEIRS, OURS):
        place = tmp_path / "journal"
        place.mkdir()
        shutil.copy(HOSTILE, place / "system.journal")
        for i, file in enumerate(SMALL[:4]):
            shutil.copy(file, place / f"system@{'ab' * 16}-{i + 1:016x}-{1_700_000_000_000_000 + i:016x}.journal")
        said.append((run(program, [f"--directory={place}", *limits])[::2], sorted(p.name for p in place.iterdir())))
        shutil.rmtree(place)
    assert said[0] == said[1]


def test_what_there_is_not_is_refused():
    for options in (["--list-catalog"], ["--setup-keys"], ["--namespace=x"], ["--machine=x"], ["-g", "(a)\\1"], ["-g", "(?=x)"]):
        status, out, err = run(OURS, [f"--file={HOSTILE}", *options])
        assert (status, out) == (1, b"") and err.count(b"\n") == 1
    assert run(OURS, ["--update-catalog"]) == (0, b"", b"")


# --- damage -----------------------------------------------------------------------------------------------------
def test_what_precedes_the_damage_is_shown(tmp_path):
    """A file that was cut: systemd's refuses it, ours shows what is left; zeroed: both show something and end."""
    whole, damaged = HOSTILE.read_bytes(), tmp_path / "damaged.journal"
    everything = run(OURS, [f"--file={HOSTILE}", "-o", "export"])[1]
    shown = []
    for cut in range(len(whole) - 200, 6000, -9973):
        damaged.write_bytes(whole[:cut])
        status, out, err = run(OURS, [f"--file={damaged}", "-o", "export"])
        assert status == 0 and everything.startswith(out)
        shown.append(len(out))
    assert shown[0] > len(everything) // 2 and shown == sorted(shown, reverse=True)
    for at in range(5000, len(whole), 7919):
        damaged.write_bytes(whole[:at] + bytes(64) + whole[at + 64:])
        status, out, err = run(OURS, [f"--file={damaged}", "-o", "short"])
        assert status in (0, 1) and out
        if any(whole[at:at + 64]):
            assert run(OURS, [f"--file={damaged}", "--verify"])[0] == 1


# --- following ----------------------------------------------------------------------------------------------------
def test_follow_shows_what_comes_and_survives_rotation(tmp_path):
    place = tmp_path / "journal"
    place.mkdir()
    shutil.copy(SMALL[0], place / "system.journal")
    follow = subprocess.Popen([OURS, f"--directory={place}", "-f", "-n1", "-o", "cat"], stdout=subprocess.PIPE, env=ENVIRONMENT)
    try:
        assert follow.stdout.readline() == b"message 11 error=2\n"
        os.rename(place / "system.journal", place / "system@rotated.journal")
        later = bytearray(SMALL[0].read_bytes())
        # Another file with another source of numbers, an hour later.
        later[72:88] = bytes(range(16))
        for entry in entries_of(later):
            struct.pack_into("<Q", later, entry + 24, struct.unpack_from("<Q", later, entry + 24)[0] + 3_600_000_000)
            struct.pack_into("<Q", later, entry + 32, struct.unpack_from("<Q", later, entry + 32)[0] + 3_600_000_000)
        (place / "new").write_bytes(later)
        os.rename(place / "new", place / "system.journal")
        # Those of the boot that is shown, which are later than what has been.
        assert [follow.stdout.readline() for _ in range(5)] == [b"message %d error=%d\n" % (n, n % 3) for n in range(7, 12)]
        assert follow.poll() is None
    finally:
        follow.send_signal(signal.SIGTERM)
        follow.wait()


def entries_of(data):
    at, tail, found = struct.unpack_from("<Q", data, 88)[0], struct.unpack_from("<Q", data, 136)[0], []
    while at <= tail:
        size = struct.unpack_from("<Q", data, at + 8)[0]
        if data[at] == 3:
            found.append(at)
        at += size + -size % 8
    return found


def test_a_reader_that_goes_away_ends_it():
    show = subprocess.Popen([OURS, f"--file={HOSTILE}", "-o", "verbose", "-a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    show.stdout.read(10)
    show.stdout.close()
    assert show.stderr.read() == b""
    assert show.wait() != 0
