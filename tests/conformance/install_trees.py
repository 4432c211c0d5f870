#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random trees of unit files and random sequences of install verbs, made from a seed; played by two systemctls, each on
a tree of its own, and compared: stdout, stderr, exit status, and the tree after every command.

    tests/conformance/install_trees.py --seed 17            play one seed and print what differs
    tests/conformance/install_trees.py --seed 1 --count 3000
    tests/conformance/install_trees.py --seed 17 --show     print the tree and the commands
"""

import argparse
import difflib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

BUILD = Path(os.environ.get("REEVE_BUILD", Path(__file__).resolve().parents[2] / "build"))
ETC, RUN = "etc/systemd/system/", "run/systemd/system/"
LIB, LOCAL = "usr/lib/systemd/system/", "usr/local/lib/systemd/system/"
# Names begin with q: no unit that is compiled into reeve does.
PLAIN = ["qa.service", "qb.service", "qc.service", "qd-e.service", "qa.socket", "qb.timer", "q-m.mount", "qs.slice"]
TEMPLATES = ["qx@.service", "qy@.service", "qx@.socket"]
INSTANCES = ["qx@i.service", "qx@j.service", "qy@i.service", "qx@i.socket"]
TARGETS = ["qt1.target", "qt2.target", "qt@.target", "qt@i.target"]
HEAD = {"service": "[Service]\nExecStart=/bin/true\n", "socket": "[Socket]\nListenStream=/run/q\n",
        "timer": "[Timer]\nOnBootSec=1h\n", "mount": "[Mount]\nWhat=x\nWhere=/q/m\n", "target": "[Unit]\nDescription=x\n",
        "slice": "[Slice]\n"}
SPECIFIERS = ["q%p.service", "q%i.service", "qal-%N.service", "qz@%i.service", "q%j.target", "qt@%i.target", "%n.wants",
              "%%q.service", "q%y.service", "q%.service", "%p@%i.target", "qal-%p@.service"]
BAD = ["nosuffix", "q/bad.service", "../q.service", "q b.service", "qt1.target.wants/qa.service", "q.nonsense", "@.service",
       "qt1.target.wants/qx@i.service", "qt1.target.foo/qa.service"]
ALIASES = ["qal.service", "qal2.service", "qal.socket", "qal.target", "qal@.service", "qal@i.service", "qal@k.service",
           "qb.service", "qal.timer"]


def install_section(rng, name, known):
    def some(pool, most=2):
        return " ".join(rng.choice(pool) for _ in range(rng.randint(1, most)))

    lines = []
    for key, chance, pool in (
            ("WantedBy", 0.75, TARGETS * 6 + ["qnowhere.target"] * 2 + PLAIN[:2] + SPECIFIERS + BAD[:3]),
            ("RequiredBy", 0.2, TARGETS * 4 + SPECIFIERS + ["qgone.service"]),
            ("Alias", 0.35, ALIASES * 4 + SPECIFIERS + BAD + [name]),
            ("Also", 0.3, known * 2 + ["qgone.service", "qx@k.service", "%p.socket", "nosuffix", "qal.service"]),
            ("DefaultInstance", 0.5 if "@" in name else 0.05, ["i", "i", "d", "%p", "", "a/b", "%n x", "%y"])):
        while rng.random() < chance:
            value = some(pool, 1 if key == "DefaultInstance" else 2)
            if rng.random() < 0.04:
                value = rng.choice(["", f'"{value}"', f"'{value}", value + " \\\n " + rng.choice(TARGETS)])
            lines.append(f"{key}={value}")
            chance /= 4
    if rng.random() < 0.03:
        lines.append(rng.choice(["Nonsense=1", "no assignment", "WantedBy", "# WantedBy=qt1.target"]))
    return "[Install]\n" + "\n".join(lines) + "\n" if lines else ""


def unit_text(rng, name, known):
    text = HEAD[name.rsplit(".", 1)[1]]
    return text + (install_section(rng, name, known) if rng.random() < 0.8 else "")


def make_tree(rng):
    """{path: content}; content "-> target" is a symlink, None a directory."""
    tree = {ETC: None, RUN: None, LIB + "default.target": "-> qt1.target"}
    for target in TARGETS[:2] + rng.sample(TARGETS[2:], rng.randint(0, 2)):
        tree[LIB + target] = HEAD["target"] + (install_section(rng, target, PLAIN) if rng.random() < 0.2 else "")
    known = rng.sample(PLAIN, rng.randint(2, 5)) + rng.sample(TEMPLATES, rng.randint(0, 3))
    known += rng.sample(INSTANCES, rng.randint(0, 1))
    for name in known:
        place = rng.choice([LIB] * 8 + [ETC] * 2 + [LOCAL, RUN, "run/systemd/generator/", "run/systemd/transient/", "opt/"])
        tree[place + name] = unit_text(rng, name, known)
        if rng.random() < 0.12:
            tree[rng.choice([ETC, RUN, LOCAL]) + name] = rng.choice(
                ["", "-> /dev/null", "-> /dev/null", unit_text(rng, name, known), f"-> /{LIB}{name}", "-> ../nowhere/" + name])
        if rng.random() < 0.15:
            tree[rng.choice([ETC, LIB, RUN]) + name + ".d/" + rng.choice(["10-a.conf", "b.conf", "c.txt"])] = \
                install_section(rng, name, known) or "[Install]\n"
    pool = known + ALIASES + INSTANCES + ["qgone.service"]
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):  # aliases and links that packages or people made
        link = rng.choice(ALIASES + INSTANCES + PLAIN)
        target = rng.choice(pool)
        tree.setdefault(rng.choice([LIB, ETC, RUN]) + link,
                        rng.choice([f"-> {target}", f"-> /{LIB}{target}", f"-> /opt/{target}", "-> /dev/null",
                                    f"-> ../../../usr/lib/systemd/system/{target}"]))
    for _ in range(rng.choice([0, 0, 1, 2, 3])):  # what is enabled already, rightly or not
        unit = rng.choice(pool)
        link = unit if rng.random() < 0.8 else rng.choice(pool)
        directory = rng.choice([ETC, ETC, ETC, RUN, LIB]) + rng.choice(TARGETS) + rng.choice([".wants/", ".wants/", ".requires/"])
        tree.setdefault(directory + link, rng.choice([f"-> /{LIB}{unit}", f"-> ../{unit}", f"-> /lib/systemd/system/{unit}",
                                                      f"-> /{ETC}{unit}", "-> /nowhere"]))
    if rng.random() < 0.2:
        tree[f"opt/{rng.choice(PLAIN[:3])}"] = unit_text(rng, "qa.service", known)
    for name in rng.sample(["10-q", "50-q", "90-q"], rng.choice([0, 1, 1, 2])):
        place = rng.choice(["usr/lib/systemd/system-preset/"] * 3 + ["etc/systemd/system-preset/", "run/systemd/system-preset/"])
        rules = []
        for _ in range(rng.randint(1, 5)):
            verb = rng.choice(["enable", "enable", "enable", "disable", "disable", "disable", "nonsense"])
            pattern = rng.choice(known + ["q*", "*", "q[ab].*", "q?.service", "qx@.service", "qx@*.service", "*.socket"])
            more = rng.choice(["", "", "", " i", " i k", " a/b", " i  # x", ' "i j"'])
            rules.append(rng.choice(["", "", "", "# ", "; ", " "]) + f"{verb} {pattern}{more}".rstrip())
        tree[place + name + ".preset"] = "\n".join(rules) + "\n"
    if rng.random() < 0.05:
        tree["etc/systemd/system-preset/50-q.preset"] = "-> /dev/null"
    # (Given --root=, systemctl 252 does not see that an alias leads to a mask.)
    masked = {path.rsplit("/", 1)[1] for path, text in tree.items() if text in ("", "-> /dev/null")}
    tree = {path: text for path, text in tree.items()
            if not (text and text.startswith("-> ") and text.rsplit("/", 1)[-1].removeprefix("-> ") in masked)}
    # No path below a path that is no directory.
    return {path: text for path, text in tree.items()
            if not any(other != path and path.startswith(other + "/") for other in tree)}


def make_commands(rng, tree):
    units = sorted({path.rsplit("/", 1)[1] for path in tree if path.rsplit(".", 1)[-1] in HEAD and "/system/" in path
                    and ".wants/" not in path and ".requires/" not in path and "default" not in path})
    names = units * 3 + INSTANCES + ALIASES[:3] + ["qgone.service", "qa", "qnew@z.service", "qx@k.service"]
    paths = ["/" + path for path in tree if path.startswith("opt/")] + [f"/{LIB}qa.service", "/opt/qgone.service"]
    commands = []
    for _ in range(rng.randint(2, 5)):
        verb = rng.choice(["enable"] * 6 + ["disable"] * 4 + ["reenable", "preset", "preset", "preset-all", "mask", "mask", "unmask",
                          "link", "revert", "add-wants", "add-requires", "set-default", "get-default", "is-enabled", "is-enabled",
                          "list-unit-files"])
        options = []
        if rng.random() < 0.15:
            options.append("--runtime")
        if rng.random() < 0.12:
            options.append("--force")
        if rng.random() < 0.04:
            options.append(rng.choice(["--quiet", "--full", "--no-reload", "--no-legend"]))
        some = rng.sample(names, rng.choice([1, 1, 1, 1, 2, 3]))
        if rng.random() < 0.02:
            some.append(rng.choice(["nosuffix", "q b.service", "q%.service", "@.service", "q.nonsense", "qx@.", ""]))
        if verb in ("preset", "preset-all") and rng.random() < 0.3:
            options.append("--preset-mode=" + rng.choice(["full", "enable-only", "disable-only"]))
        if verb in ("enable", "reenable") and rng.random() < 0.15 or verb == "link":
            # (systemctl 252 --root= does not see that a file to link lies in the load path already.)
            some = rng.sample([path for path in paths if verb != "link" or path.startswith("/opt/")], 1) + (some if rng.random() < 0.1 else [])
        # (systemctl 252 enables anew by path: without drop-ins, and a template where an instance was meant; given --root=, an
        # alias too.)
        if verb == "reenable" and (any("@" in name or name.startswith("qal") for name in some) or any(".d/" in path for path in tree)):
            verb = "enable"
        # (Given --root=, it takes no generated unit for the vendor's.)
        if verb == "revert" and any("generator/" in path for path in tree):
            verb = "unmask"
        if verb in ("add-wants", "add-requires"):
            some = [rng.choice(TARGETS + ["qt1", "qnowhere.target", "qa.service", "qal.target"]), *some]
        if verb == "set-default":
            some = [rng.choice(TARGETS + ["qt2", "qa.service", "qnowhere", "default.target"])]
        if verb in ("preset-all", "get-default"):
            some = []
        if verb == "list-unit-files":
            some = [rng.choice(["q*", "q*.service", "qx@*", "*@*"])]
            options += rng.sample(["--state=enabled,static", "--state=bad,masked", "--type=service", "--type=socket,timer"], 1) \
                if rng.random() < 0.3 else []
            some = ["q*"] if some == ["*@*"] else some
        if rng.random() < 0.15 and verb != "set-default":
            some = [name.replace("qal.service", "qal") for name in some]
        commands.append([*options, verb, *some])
        if verb not in ("is-enabled", "get-default", "list-unit-files", "preset-all", "set-default") and rng.random() < 0.5:
            commands.append(["is-enabled", *(name for name in some if not name.startswith("/"))] if
                            any(not name.startswith("/") for name in some) else ["list-unit-files", "q*"])
    commands.append(["list-unit-files", "q*"])
    return commands


def scenario(seed):
    rng = random.Random(seed)
    tree = make_tree(rng)
    return tree, make_commands(rng, tree)


# --- playing ------------------------------------------------------------------------------------------------
def build_tree(root, tree):
    for path, content in tree.items():
        place = root / path
        (place if content is None else place.parent).mkdir(parents=True, exist_ok=True)
        if content is None:
            continue
        if content.startswith("-> "):
            place.symlink_to(content[3:])
        else:
            place.write_text(content)


def look(root):
    found = {}
    for directory, _, _ in os.walk(root):
        for entry in os.scandir(directory):
            name = os.path.relpath(entry.path, root)
            found[name] = "-> " + os.readlink(entry.path) if entry.is_symlink() else "dir" if entry.is_dir() else "file"
    return found


def play(systemctl, root, command):
    done = subprocess.run(["systemctl", f"--root={root}", *command], executable=systemctl, capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "cat"})
    return done.returncode, done.stdout.replace(str(root), ""), done.stderr.replace(str(root), "")


# Complaints about a file are in each program's own words: what counts is that there is one, about that file.
COMPLAINT = re.compile(r"^(?:reeve: )?(/\S+):\d+: .*$", re.M)
# Said by systemd about names that it then refuses by an error that both print, and about lines without "=".
ASIDE = re.compile(r"^(/\S+:\d+: Missing '=', ignoring line|[^/\s]\S*: .*, rejecting|Suspicious symlink .*)\.\n", re.M)


def alike(text):
    return COMPLAINT.sub(r"\1: complaint", ASIDE.sub("", text))


def verb_of(command):
    return next(word for word in command if not word.startswith("--"))


def forgot_links(want, got, tree_a, tree_b):
    """Given --root=, revert leaves the links to what it took away; without it, not."""
    left = tree_a.keys() - tree_b.keys()
    return left and got[1:] != want[1:] and all(tree_a[path][:4] == "-> /" and tree_a[path][4:] not in tree_a for path in left)


def compare(seed, theirs, ours, tally, change=lambda text: text):
    """Plays a seed; the text of the first difference, or None."""
    tree, commands = scenario(seed)
    work = Path(tempfile.mkdtemp(prefix="reeve-install-"))
    try:
        a, b = work / "a", work / "b"
        build_tree(a, tree)
        build_tree(b, tree)
        for command in commands:
            want, got = play(theirs, a, command), play(ours, b, command)
            tree_a, tree_b = look(a), look(b)
            if "Link has been severed" in want[2]:
                return None  # where 252 gives up, 257 and reeve say which link dangles, and go on
            if verb_of(command) == "revert" and forgot_links(want, got, tree_a, tree_b):
                return None
            tally[verb_of(command), "asked"] += 1
            want, got = (want[0], change(want[1]), alike(change(want[2]))), (*got[:2], alike(got[2]))
            # 252 lists the files in the order of a hash table, one that --state= leaves out anew for each place of it, and
            # reenable reads a file twice.
            if verb_of(command) in ("list-unit-files", "reenable"):
                want, got = ((*said[:2], "".join(sorted(set(said[2].splitlines(True))))) for said in (want, got))
            if want == got and tree_a == tree_b:
                tally[verb_of(command), "agreed"] += 1
                continue
            lines = [f"seed {seed}: systemctl {' '.join(command)}"]
            if want[0] != got[0]:
                lines.append(f"  exit status: theirs {want[0]}, ours {got[0]}")
            for x, y in ((want[1], got[1]), (want[2], got[2])):
                if x != y:
                    lines += ["  " + line for line in difflib.ndiff(x.splitlines(), y.splitlines()) if line[0] != "?"]
            for path in sorted(tree_a.keys() | tree_b.keys()):
                if tree_a.get(path) != tree_b.get(path):
                    lines.append(f"  {path}: theirs {tree_a.get(path)}, ours {tree_b.get(path)}")
            return "\n".join(lines)
    finally:
        shutil.rmtree(work)
    return None


def summary(tally):
    verbs = sorted({verb for verb, _ in tally})
    return "\n".join(f"{verb:16} {tally[verb, 'agreed']}/{tally[verb, 'asked']}" for verb in verbs)


def show(seed):
    tree, commands = scenario(seed)
    for path, content in sorted(tree.items()):
        print(f"--- {path}" + (f" {content}" if content and content.startswith("-> ") else ""))
        if content and not content.startswith("-> "):
            print(content, end="")
    for command in commands:
        print("$ systemctl", *command)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=1)
    options.add_argument("--show", action="store_true")
    options.add_argument("--theirs", default="/usr/bin/systemctl")
    options.add_argument("--most", type=int, default=10, help="stop after so many differences")
    given = options.parse_args()
    if given.show:
        show(given.seed)
        return 0
    tally, different = Counter(), 0
    for seed in range(given.seed, given.seed + given.count):
        told = compare(seed, given.theirs, BUILD / "reeve", tally)
        if told:
            print(told)
            different += 1
            if different >= given.most:
                break
    print(summary(tally))
    return different > 0


if __name__ == "__main__":
    sys.exit(main())
