# SPDX-License-Identifier: Apache-2.0
"""Stop and start, over and over, with services killed in between: no zombie, no descriptor, file or service lost, PID 1's
memory flat. `make soak` makes 1,000 rounds of first light's servers (CYCLES, CYCLES_IMAGE, and CYCLES_WITHOUT units that take
long); -s shows each."""

import os
import random

CYCLES = int(os.environ.get("CYCLES", 3))
IMAGE = os.environ.get("CYCLES_IMAGE", "")
WITHOUT = os.environ.get("CYCLES_WITHOUT", "").split()
SERVICES = {"oracle": ["a", "b", "c"], "firstlight": ["apache2", "mariadb", "redis-server", "ssh", "cron"]}
UNIT = "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=0\nRuntimeDirectory={0}\n"
SLACK = 300  # kB that PID 1's memory may differ by

# One round, from inside: `round SERVICE... -- VICTIM...`. Ends with what PID 1 keeps when nothing is going on.
ROUND = r"""#!/bin/sh
services=
while [ "$1" != -- ]; do services="$services $1"; shift; done
shift
pid() { systemctl show -P MainPID "$1"; }
all_active() { until ! systemctl is-active $services | grep -qvx active; do sleep 0.3; done; }
until systemctl is-system-running | grep -qE 'running|degraded'; do sleep 0.3; done
all_active
for victim; do
    before=$(pid $victim)
    kill -9 $before
    while [ "$(pid $victim)" = $before ]; do sleep 0.1; done
    systemctl is-active $victim | grep -q activ || systemctl start $victim || exit  # it has no Restart=
done
all_active
until [ -z "$(systemctl list-jobs --no-legend)" ]; do sleep 0.1; done
echo fds $(ls /proc/1/fd | wc -l)
echo files $(find /run/systemd -xdev | sed 's/[0-9a-f]\{32\}/ID/' | sort | wc -l)
echo zombies $(ps -eo stat= | grep -c ^Z)
echo kB $(sed -n 's/^Private_Dirty: *\([0-9]*\).*/\1/p' /proc/1/smaps_rollup)
"""


def test_stopped_and_started_over_and_over(machine):
    image = IMAGE or "oracle"
    services = SERVICES[image]
    own = {f"{name}.service": UNIT.format(name) for name in services} | {
        f"multi-user.target.wants/{name}.service": f"-> ../{name}.service" for name in services}
    masks = {f"{name}.service": "-> /dev/null" for name in WITHOUT}
    m = machine(image, units=masks if IMAGE else own, files={"opt/round": ROUND}, boot=False, patience=600)
    chance = random.Random(1)
    first = None
    for n in range(1, CYCLES + 1):
        ran = m.run("/opt/round", *services, "--", *chance.sample(services, 2), timeout=600)
        assert ran.ok and len(ran.out.splitlines()) == 4, (ran, m.logs()[-3000:])
        now = {name: int(value) for name, value in map(str.split, ran.out.splitlines())}
        print(f"round {n}: {now}", flush=True)
        first = first or now
        assert now["zombies"] == 0 and now["fds"] <= first["fds"] and now["files"] == first["files"], (first, now)
        assert now["kB"] <= first["kB"] + SLACK, (first, now)
        assert m.stop(60) == 0, m.logs()[-3000:]
        m.start(boot=False)
