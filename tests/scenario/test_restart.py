# SPDX-License-Identifier: Apache-2.0
"""Restart= with the true result and after the stated delay."""

import pytest


@pytest.mark.parametrize("delay", ["0", "100ms", "2s"])
def test_restart_comes_after_the_stated_delay(machine, manager, delay):
    """By the unit's own clock: from the death of the old process to the start of the new one."""
    m = machine("oracle", manager, units={
        "a.service": f"[Service]\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec={delay}\n"})
    assert m.ctl("start a").ok
    was = m.main_pid("a")
    m.sh(f"kill -KILL {was}")
    m.wait_until(lambda: m.show("a", "NRestarts") == "1" and m.active("a") == "active", "the restart")
    wanted = {"0": 0, "100ms": 100_000, "2s": 2_000_000}[delay]
    stamps = m.show("a", "ActiveExitTimestampMonotonic", "ExecMainStartTimestampMonotonic")
    taken = int(stamps["ExecMainStartTimestampMonotonic"]) - int(stamps["ActiveExitTimestampMonotonic"])
    assert taken >= wanted


@pytest.mark.parametrize("script, result, code, status", [
    ("exit 5", "exit-code", 1, 5),
    ("kill -KILL $$$$", "signal", 2, 9),
    ("kill -SEGV $$$$", ("signal", "core-dump"), (2, 3), 11),
    ("kill -TERM $$$$", "success", 2, 15),
    ("exit 0", "success", 1, 0),
])
def test_true_results(engine, manager, script, result, code, status, request):
    m = pooled(request, manager)
    m.units({"r.service": f"[Service]\nExecStart=/bin/sh -c '{script}'\nRemainAfterExit=yes\n"})
    m.ctl("start r")
    m.wait_until(lambda: m.show("r", "SubState") in ("failed", "exited"), "the end")
    shown = m.show("r", "Result", "ExecMainCode", "ExecMainStatus")
    assert shown["Result"] in (result if isinstance(result, tuple) else (result,))
    assert int(shown["ExecMainCode"]) in (code if isinstance(code, tuple) else (code,))
    assert int(shown["ExecMainStatus"]) == status
    m.ctl("stop r")
    m.ctl("reset-failed")


def pooled(request, manager):
    from conftest import case_pool
    return case_pool(request.config).get(manager, "oracle")
