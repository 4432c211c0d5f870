# SPDX-License-Identifier: Apache-2.0
"""systemd-analyze's verbs on names, conditions and files, and reeve's: the same words, the same answers."""

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

# What is not known to agree in all: ANALYZE_WHOLE=1 runs it.
WHOLE = pytest.mark.skipif(not os.environ.get("ANALYZE_WHOLE"), reason="only with ANALYZE_WHOLE=1")

# Calls that 252 has no name for; and names in its groups of which libseccomp knows nothing.
YOUNGER = {"cachestat", "file_getattr", "file_setattr", "getxattrat", "listmount", "listxattrat", "mseal", "open_tree_attr",
           "removexattrat", "riscv_hwprobe", "setxattrat", "statmount", "uretprobe", "fchmodat2", "lsm_get_self_attr",
           "lsm_list_modules", "lsm_set_self_attr", "map_shadow_stack", "futex_requeue", "futex_wait", "futex_wake"}

PATHS = ["/etc", "/etc/passwd", "/absent", "/usr/bin/env", "/proc/sys", "/bin", "/etc/mtab", "/dev/null", "/", "/proc", "/etc/../etc",
         "/etc/*wd", "/absent*", "relative", "", "/tmp/%n", "//etc//", "/etc/"]
CONDITIONS = {
    **{kind: PATHS for kind in ("PathExists", "PathExistsGlob", "PathIsDirectory", "PathIsSymbolicLink", "PathIsMountPoint",
                                "PathIsReadWrite", "PathIsEncrypted", "DirectoryNotEmpty", "FileNotEmpty", "FileIsExecutable")},
    "NeedsUpdate": ["/etc", "/var", "/usr", "x"], "FirstBoot": ["yes", "no", "maybe", "1"],
    "Architecture": ["x86-64", "native", "arm64", "x86", "foo", "s390x"], "Firmware": ["uefi", "device-tree", "smbios-field(a=b)", "smbios-field( a=b)", "smbios-field(=b)", "smbios-field(a = \"b c\")", "foo"],
    "Virtualization": ["yes", "no", "vm", "container", "kvm", "docker", "private-users", "foo", "wsl"],
    "Host": ["*", "nothing", "localhost", "?*"], "KernelCommandLine": ["quiet", "root", "root=", "no.such=1", "console=ttyS0", "init"],
    "KernelVersion": ["*", "<9999", ">2.6", ">=2.6 <9999", "<2.6", "!=1", "= 5", "6.*", ">a", "x", "", ">= 4.19", "=6.1.*", "$= 6.*"],
    "Security": ["selinux", "apparmor", "ima", "smack", "audit", "uefi-secureboot", "tpm2", "tomoyo", "foo", "cvm"],
    "Capability": ["CAP_CHOWN", "cap_sys_admin", "CAP_FOO", "CAP_SYS_BOOT", "0", "41", "CAP_SETUID"],
    "ACPower": ["yes", "no", "true", "foo"], "Memory": [">1M", "<1M", ">=1G", "=5", "100", "1T", ">x", "!= 3K", "<99999G"],
    "CPUFeature": ["fpu", "sse", "nosuch", "sse2", "lm", "FPU"], "CPUs": [">0", "<1", ">=1", "=0", "2", "!=0", "x", "<5000"],
    "Environment": ["PATH", "NOSUCH", "LC_ALL=C.UTF-8", "LC_ALL=x", "A=B=C"], "User": ["root", "0", "nobody", "65534", "@system", "1000", "nosuch"],
    "Group": ["root", "0", "nogroup", "nosuch", "@system"], "ControlGroupController": ["v1", "v2", "nosuch", "foo bar"],
    "OSRelease": ["ID=debian", "ID=foo", "VERSION_ID>=1", "VERSION_ID>99", "ID!=foo", "ID", "ID=debian VERSION_ID=12", "X=", "ID=\"debian\"", "ID=\" debian\"", "VERSION_ID>\" 1\"", "==ID=x", "VERSION_ID<13"],
    "MemoryPressure": ["100%", "50%/5min", "x", "0%"], "CPUPressure": ["100%", "10%/10s", "x"], "IOPressure": ["100%", "1%/1min", "50%/7min"],
    "Credential": ["nosuch"],
}


def run(program, *words, cwd="/"):
    ran = subprocess.run([program, *words], text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}, cwd=cwd,
                         stdin=subprocess.DEVNULL, capture_output=True)
    return ran.returncode, ran.stdout, ran.stderr


def both(*words):
    return run(THEIRS, *words), run(OURS, *words)


def decisions(words):
    """What each program found of each condition, {word: words}. With | in front all of a call are looked at; warnings
    about values that are left out are worded otherwise."""
    found = ({}, {})
    for at in range(0, len(words), 200):
        some = words[at:at + 200]
        for (rc, _, err), decided in zip(both("condition", *some), found):
            lines = [re.sub(r": [A-Z][\w ]+$", "", line) for line in err.splitlines() if line.startswith("test.service:")]
            for word in some:
                name, value = word.split("=", 1)
                value = value.lower() if "CPUFeature" in name else value
                decided[word] = [line for line in lines if line.startswith((f"test.service: {name}={value} ",
                                                                            f"test.service: Couldn't determine result for {name}={value},"))]
    return found


def differing(words):
    theirs, mine = decisions(words)
    return [(word, theirs[word], mine[word]) for word in words if theirs[word] != mine[word]]


def mutated(n, dice):
    kinds = list(CONDITIONS)
    while n > 0:
        kind = dice.choice(kinds)
        word, other = dice.choice(CONDITIONS[kind]), dice.choice(CONDITIONS[kind])
        at = dice.randrange(len(word) + 1)
        word = dice.choice((word[:at] + word[at + 1:], word[:at] + dice.choice("0159%.<>=!$/ *aK") + word[at:], word[:at] + other[:3]))
        if word.strip() == word and not word.startswith(("!", "|")):
            n -= 1
            yield f"Condition{kind}=|{dice.choice(('', '!'))}{word}"


def test_conditions():
    words = [f"{what}{kind}=|{sign}{word}" for kind, words in CONDITIONS.items() for word in words
             for what in ("Condition", "Assert") for sign in ("", "!")]
    for what in ("Condition", "Assert"):
        some = [word for word in words if word.startswith(what)]
        differ = differing(some)
        print(f"conditions: {len(some) - len(differ)}/{len(some)}")
        assert not differ, f"{len(differ)}:\n" + "\n".join(map(str, differ[:20]))


def test_mutated_conditions():
    """DIFFERENTIAL=N asks so many, LANGUAGE_SEED others."""
    dice = random.Random(int(os.environ.get("LANGUAGE_SEED", "4")))
    words = list(dict.fromkeys(mutated(int(os.environ.get("DIFFERENTIAL", "400")), dice)))
    differ = differing(words)
    print(f"mutated conditions: {len(words) - len(differ)}/{len(words)}")
    assert not differ, f"{len(differ)}:\n" + "\n".join(map(str, differ[:20]))


@pytest.mark.parametrize("words", [
    ("ConditionPathExists=/etc", "AssertPathExists=/etc"), ("ConditionPathExists=|/x", "ConditionPathExists=|/etc"),
    ("ConditionPathExists=|/x", "ConditionPathExists=|/y"), ("ConditionPathExists=!/etc", "ConditionPathExists=/etc"),
    ("Foo=1",), ("ConditionPathExists",), ("AssertPathExists=/x", "ConditionPathExists=/x"), ("ConditionPathExists=/%n",),
    ("ConditionPathExists=|!/etc", "ConditionPathExists=/etc"), (), ("ConditionFoo=1", "ConditionPathExists=/etc"),
])
def test_conditions_together(words):
    theirs, mine = both("condition", *words)
    assert theirs == mine


@pytest.mark.parametrize("words", [
    "exit-status", "exit-status 0", "exit-status SUCCESS 77 100 EXEC", "exit-status FOO", "exit-status 256", "exit-status 1 FOO",
    "exit-status 244", "capability CAP_CHOWN cap_kill 5", "capability FOO", "capability 99", "capability", "unit-paths",
    "unit-paths x", "cat-config", "cat-config systemd/system.conf", "cat-config tmpfiles.d", "cat-config nosuch/x",
    "cat-config systemd/journald.conf", "syscall-filter @nosuch", "nosuchverb",
    "calendar", "timespan", "timestamp", "verify",
])
def test_answers_word_for_word(words):
    theirs, mine = both(*words.split())
    if words == "unit-paths":  # Debian 12 names /lib beside /usr/lib, which is the same directory
        theirs = (theirs[0], theirs[1].replace("\n/lib/systemd/system\n", "\n"), theirs[2])
    if words.split() == ["exit-status"]:  # 257 has one more
        mine = (mine[0], re.sub(r"^KSM .*\n", "", mine[1], flags=re.M), mine[2])
    assert theirs == mine


@WHOLE
def test_groups_of_system_calls():
    (_, theirs, _), (_, mine, _) = both("syscall-filter")
    def groups(text):
        found, name = {}, None
        for line in text.splitlines():
            if line.startswith("@"):
                name = line
            elif line.startswith("    ") and name and "#" not in line:
                found.setdefault(name, set()).add(line.strip())
            elif line.startswith("#"):
                name = None
        return found
    theirs, mine = groups(theirs), groups(mine)
    assert set(theirs) - {"@known"} <= set(mine)
    for name in set(theirs) - {"@known"}:
        assert theirs[name] ^ mine[name] <= YOUNGER, (name, theirs[name] ^ mine[name])


@WHOLE
def test_unit_files():
    (_, theirs, _), (_, mine, _) = both("unit-files", "systemd-*.service", "dbus*")
    theirs, mine = (sorted(line for line in text.splitlines() if line.startswith("ids:")) for text in (theirs, mine))
    assert theirs == mine
