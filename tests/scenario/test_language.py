# SPDX-License-Identifier: Apache-2.0
"""The unit-file language, compared with systemd 252 property by property: empty units of every type, the units of
Debian's server packages, and values of every kind. Each comparison prints `agreed/total`."""

import collections
import re

import pytest

import packages
import values
from both import OF_THE_MACHINE, boot_both, normal, show

HERE = "usr/local/lib/systemd/system/"
EMPTY = {
    "lang-e.service": "[Service]\nExecStart=/bin/true\n", "lang-e.socket": "[Socket]\nListenStream=/run/lang-e.sock\n",
    "lang-e.target": "", "lang-e.timer": "[Timer]\nOnBootSec=1h\n", "lang-e.path": "[Path]\nPathExists=/nonexistent\n",
    "lang-e.slice": "", "lange.mount": "[Mount]\nWhat=/dev/none\nWhere=/lange\n",
    "langa.mount": "[Mount]\nWhat=/dev/none\nWhere=/langa\n", "langa.automount": "[Automount]\nWhere=/langa\n",
    "dev-lange.swap": "[Swap]\nWhat=/dev/lange\n",
}
# Properties of 252 that reeve shows with another value, and why.
DELIBERATE = {}


@pytest.fixture(scope="module")
def both(shared_machine, request):
    files = {HERE + name: text or "[Unit]\n" for name, text in EMPTY.items()}
    whole = request.config.getoption("--soak")
    both = boot_both(shared_machine)
    there = set(both["systemd"].sh("ls /usr/lib/systemd/system /etc/systemd/system").out.split())
    chosen = packages.unit_files(None if whole else packages.SAMPLE)
    files.update({HERE + name: text for name, text in chosen.items() if name.split("/")[0] not in there})
    files.update({HERE + name: text for name, text in values.units(whole).items()})
    files.update(values.files(whole))
    files[HERE + "val-expand.service"] = values.expansion(whole)
    for machine in both.values():
        machine.put(files)
        assert machine.ctl("daemon-reload").ok
    names = sorted({name.removeprefix(HERE).split("/")[0] for name in files if name.startswith(HERE)})
    return both, [name.replace("@.", "@an-inst\\x2dance.") for name in names if not name.endswith((".wants", ".requires", ".d"))]


@pytest.fixture(scope="module")
def shown(both):
    machines, names = both
    for machine in machines.values():
        machine.sh("systemd-run --scope --unit=lang-e sleep 1000 > /dev/null 2>&1 & "
                   "until systemctl -q is-active lang-e.scope; do sleep .1; done")
    names = [name for name in names if not name.startswith("val-")] + ["lang-e.scope"]
    return {manager: show(machine, names) for manager, machine in machines.items()}


def empty_of(name):
    """The empty unit of the same type."""
    suffix = name.rsplit(".", 1)[1]
    return next((one for one in [*EMPTY, "lang-e.scope"] if one.endswith("." + suffix) and one != "langa.mount"), None)


def test_empty_units_have_the_same_properties(shown):
    differ, total = [], 0
    for name in [*EMPTY, "lang-e.scope"]:
        theirs, mine = shown["systemd"][name], shown["reeve"][name]
        for key, value in theirs.items():
            if OF_THE_MACHINE.search(key):
                continue
            total += 1
            if key not in mine or normal(key, mine[key]) != normal(key, value):
                differ.append((name, key, mine.get(key), value))
    print(f"defaults: {total - len(differ)}/{total}")
    assert not differ, "\n".join(map(str, differ))


def test_units_of_debians_server_packages(shown):
    differ, total = collections.defaultdict(list), 0
    for name, theirs in shown["systemd"].items():
        if name in EMPTY or not empty_of(name):
            continue
        empty, mine = shown["systemd"][empty_of(name)], shown["reeve"][name]
        for key, value in theirs.items():
            if key == "Id" or OF_THE_MACHINE.search(key) or empty.get(key) == value:
                continue
            total += 1
            if normal(key, mine.get(key, "absent")) != normal(key, value):
                differ[key].append((name, mine.get(key), value))
    wrong = sum(map(len, differ.values()))
    print(f"units of server packages: {total - wrong}/{total} properties of {len(shown['systemd'])} units")
    for key, found in differ.items():
        print(f"  {key}: {len(found)}, as {found[0]}")
    assert total > 1000 and total - wrong >= .995 * total


def test_variables_in_commands(both, request):
    machines, _ = both
    said = {}
    for manager, machine in machines.items():
        assert machine.ctl("start val-expand").ok, machine.ctl("status val-expand")
        parts = re.split(r"^<(\d+):>$", machine.sh("cat /run/val-expand").out, flags=re.M)
        said[manager] = dict(zip(parts[1::2], parts[2::2]))
    words = values.expansion_words(request.config.getoption("--soak"))
    differ = [(word, *(said[manager].get(str(i)) for manager in ("systemd", "reeve"))) for i, word in enumerate(words)
              if len({said[manager].get(str(i)) for manager in said}) != 1 or str(i) not in said["systemd"]]
    print(f"variables in commands: {len(words) - len(differ)}/{len(words)}")
    assert not differ, differ[:20]


@pytest.mark.parametrize("kind", values.KINDS)
def test_values(both, kind, request):
    """What each kind of value is shown as, or that it is refused and the default stays; a few of each, with --soak all."""
    machines, _ = both
    words, differ = values.compare(kind, machines, show, request.config.getoption("--soak"))
    print(f"{kind}: {len(words) - len(differ)}/{len(words)}")
    assert not differ, f"{len(differ)} of {len(words)}:\n" + "\n".join(map(str, differ[:20]))
