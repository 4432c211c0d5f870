# SPDX-License-Identifier: Apache-2.0
"""An image of runit services, stopped and started again and again while its processes are killed at random: no zombie, no
descriptor or file left over, no service lost, PID 1's memory flat. `make soak` does it 1,000 times."""

import os
import random

import pytest

SERVICES = {f"etc/service/s{n}/run": "#!/bin/sh\nsetsid sleep 100001 &\nexec sleep 100000\n" for n in range(6)} | {
    "sbin/my_init": "-> /usr/bin/reeve",
    "etc/service/s0/log/run": "#!/bin/sh\nexec svlogd ./main\n",
    "etc/service/s0/log/main/config": "",
    "etc/service/s1/finish": "#!/bin/sh\n:\n",
    "etc/service/s2/control/t": "#!/bin/sh\nexit 1\n",
}
# One line each: descriptors of PID 1, files of its own, its anonymous memory in kB.
MEASURE = """ls /proc/1/fd | wc -l; find /run /etc/service/ | grep -v '\\.wants\\|/main/' | wc -l
awk '/^RssAnon/ { print $2 }' /proc/1/status"""


def all_run(m) -> bool:
    status = m.sh("sv status /etc/service/s*").out.splitlines()
    return len(status) == 6 and all(line.startswith("run: ") for line in status) and "; run: log: " in status[0]


def measure(m) -> list[int]:
    return [int(word) for word in m.sh(MEASURE).out.split()]


def abuse(m, rng: random.Random, n: int):
    """So many random deaths and commands, in one go. -v makes `sv down` wait: sv reads what its service was last told and keeps
    `up` to itself where that still is "up". Under runsv, too, a service told `down` and at once `up` may stay down."""
    script = []
    for _ in range(n):
        service = f"s{rng.randrange(6)}"
        script.append(rng.choice([
            f"kill -9 $(cat /etc/service/{service}/supervise/pid)", f"kill $(cat /etc/service/{service}/supervise/pid)",
            f"sv restart {service}", f"sv -v down {service}; sv up {service}", f"sv hup {service}", f"sv -w 20 stop {service}; sv start {service}",
            f"systemctl restart {service}", f"systemctl kill -s KILL {service}", f"systemctl stop {service}; systemctl start {service}",
            "kill -9 $(cat /etc/service/s0/log/supervise/pid)", "systemctl daemon-reload", "pkill -9 sleep",
            f"mkdir /etc/service/more; cp /etc/service/{service}/run /etc/service/more/; sleep 0.$(($$ % 3)); rm -r /etc/service/more",
        ]))
    m.sh("; ".join(script) + "; sv up /etc/service/s*", timeout=900)
    m.wait_until(lambda: m.sh("systemctl show -P LoadState more").out == "not-found\n" and all_run(m), "all to run again")


def test_killed_stopped_and_started(machine, request):
    soak = request.config.getoption("--soak")
    seed = int(os.environ.get("RUNIT_SEED", random.randrange(2**32) if soak else 7))
    rounds = int(os.environ.get("SOAK_CYCLES", "1000")) if soak else 10
    starts = rounds if soak else 2
    print(f"RUNIT_SEED={seed}")
    rng = random.Random(seed)
    m = machine("runit", command=["/sbin/my_init"], files=SERVICES, boot=False)
    m.wait_until(lambda: all_run(m), "all to run")
    abuse(m, rng, 3)
    m.sh("systemctl daemon-reload; systemctl status s0") # the memory for one of each
    before = measure(m)
    for _ in range(rounds // 5):
        abuse(m, rng, 5)
    m.wait_until(lambda: measure(m)[:2] == before[:2], f"descriptors and files as before: {before}", 30)
    assert measure(m)[2] <= before[2] + 300, (before, measure(m))
    assert not [args for args in m.processes().values() if "zombie" in args or "defunct" in args]
    # Of each service two processes, the log service, PID 1, and those who write the log.
    assert len(m.find("sleep 10000[01]")) == 12
    for n in range(1, starts + 1):
        abuse(m, rng, 1)
        assert m.stop(grace=60) == 0
        m.start(boot=False)
        m.wait_until(lambda: m.running and all_run(m), "all to run after a start")
        print(f"round {n}: {measure(m)}", flush=True)
    m.wait_until(lambda: measure(m)[:2] == before[:2], f"descriptors and files as at first: {before}", 30)
