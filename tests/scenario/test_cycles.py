# SPDX-License-Identifier: Apache-2.0
"""Stop and start, over and over, with services killed in between: no zombie, no descriptor, file or service lost, PID 1's
memory flat. `make soak` makes 1,000 rounds of first light's servers (CYCLES, CYCLES_IMAGE)."""

import os
import random

CYCLES = int(os.environ.get("CYCLES", 3))
IMAGE = os.environ.get("CYCLES_IMAGE", "")
SERVICES = {"oracle": ["a", "b", "c"], "firstlight": ["apache2", "mariadb", "redis-server", "ssh", "cron"]}
UNIT = "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=0\nRuntimeDirectory={0}\n"
SLACK = 300  # kB that PID 1's memory may differ by


def measure(m) -> dict:
    """Of PID 1 and what it keeps, when nothing is going on."""
    return {
        "fds": int(m.sh("ls /proc/1/fd | wc -l").out),
        "files": m.sh("find /run/systemd -xdev | sed 's/[0-9a-f]\\{32\\}/ID/' | sort | wc -l").out,
        "zombies": [line for line in m.processes().values() if line.startswith("[zombie]")],
        "kB": int(m.sh("sed -n 's/^Private_Dirty: *\\([0-9]*\\).*/\\1/p' /proc/1/smaps_rollup").out or 0),
    }


def test_stopped_and_started_over_and_over(machine):
    image = IMAGE or "oracle"
    services = SERVICES[image]
    own = {f"{name}.service": UNIT.format(name) for name in services} | {
        f"multi-user.target.wants/{name}.service": f"-> ../{name}.service" for name in services}
    m = machine(image, units={} if IMAGE else own, patience=600)
    chance = random.Random(1)
    first = None
    for _ in range(CYCLES):
        for name in services:
            m.wait_active(name)
        for name in chance.sample(services, 2):
            pid = m.main_pid(name)
            m.sh(f"kill -9 {pid}")
            m.wait_until(lambda: m.main_pid(name) != pid, f"the end of {name} to be seen")
            if m.active(name) not in ("active", "activating"):
                assert m.ctl(f"start {name}").ok  # it has no Restart=
            m.wait_active(name)
        now = measure(m)
        first = first or now
        assert now["zombies"] == [] and now["fds"] <= first["fds"] and now["files"] == first["files"], (first, now)
        assert now["kB"] <= first["kB"] + SLACK, (first, now)
        assert m.stop(60) == 0, m.logs()[-3000:]
        m.start()
