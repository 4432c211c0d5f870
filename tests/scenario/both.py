# SPDX-License-Identifier: Apache-2.0
"""reeve and real systemd side by side, given the same unit files and asked the same questions."""

import re

# What names the machine or the moment, or needs control groups to be known.
OF_THE_MACHINE = re.compile(
    r"Timestamp|^(InvocationID|ControlGroup|ControlGroupId|CanFreeze|TasksCurrent|MemoryCurrent|MemoryPeak|MemoryAvailable|"
    r"CPUUsageNSec|NextElapse.*|LastTrigger.*|LimitNOFILE|LimitNOFILESoft|WatchdogUSec)$")
# Lists whose order systemd takes from its hash tables.
SETS = {"After", "Before", "Requires", "Wants", "Conflicts", "RequiresMountsFor", "WantedBy", "Names", "TriggeredBy", "Triggers",
        "BindsTo", "BoundBy", "ConflictedBy", "PartOf", "ConsistsOf", "RequiredBy", "SliceOf", "IPAddressAllow",
        "IPAddressDeny", "OnFailure", "OnSuccess", "OnFailureOf", "OnSuccessOf", "PropagatesReloadTo", "ReloadPropagatedFrom",
        "PropagatesStopTo", "StopPropagatedFrom", "JoinsNamespaceOf", "Upholds", "UpheldBy", "Requisite", "RequisiteOf"}


def boot_both(make, files=None, image="oracle"):
    """{"reeve": …, "systemd": …}; FILES are put there after the boot, which so is the same for all."""
    same = {"flags": ["--hostname", "both"], "files": {"etc/machine-id": "0123456789abcdef0123456789abcdef\n"}}
    both = {manager: make(image, manager=manager, **same) for manager in ("reeve", "systemd")}
    for machine in both.values():
        if files:
            machine.put(files)
        assert machine.ctl("daemon-reload").ok
    return both


def show(machine, names, properties=()):
    """{unit: {property: value}} of many units, a hundred in a call; a value of several lines has them all."""
    found = {}
    for at in range(0, len(names), 100):
        some = names[at:at + 100]
        # What each unit is called stands between them: of some there is nothing else to show.
        chosen = ["-p", ",".join(["Id", *properties])] if properties else []
        ran = machine.run("systemctl", "show", "--all", *chosen, "--", *some, timeout=300)
        shown, last = [{}], None
        for line in ran.out.split("\n"):
            key, equals, value = line.partition("=")
            if equals and key.isalnum():
                if "Id" in shown[-1] and (key == "Id" or not line_before):
                    shown.append({})
                shown[-1].setdefault(key, []).append(value)
                last = key
            elif last and line:
                shown[-1][last].append(line)
            line_before = line
        assert len(shown) == len(some), (len(shown), len(some), ran.err)
        found.update({name: {key: "\n".join(lines) for key, lines in values.items()} for name, values in zip(some, shown)})
    return found


# Calls that 252 has no name for, in groups as in lists.
YOUNGER_CALLS = {"cachestat", "file_getattr", "file_setattr", "getxattrat", "listmount", "listxattrat", "mseal", "open_tree_attr",
                 "removexattrat", "riscv_hwprobe", "setxattrat", "statmount", "uretprobe", "sys_debug_setcontext"}


def normal(key, value):
    if key.startswith("SystemCall"):
        return " ".join(word for word in value.split() if word.lstrip("~").split(":")[0] not in YOUNGER_CALLS)
    if key in SETS:
        return " ".join(sorted(value.split()))
    if key in ("User", "Group"):
        return re.sub(r"^_du[0-9a-f]+$", "_du", value)  # made of a hash of the unit's name
    if key.startswith("Exec"):
        return re.sub(r"pid=\d+", "pid", value)
    return value
