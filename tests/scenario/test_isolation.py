# SPDX-License-Identifier: Apache-2.0
"""What is left alone by `systemctl isolate` and by the end of the container: one container, played once, and what was seen
of each directive."""

import pytest

from test_ending import stopped

ASKED = """
[Unit]
DefaultDependencies=no
{0}
[Service]
Type=exec
ExecStart=/bin/sh -c 'trap "echo {1} >> /root/stopped; exit" TERM; while :; do sleep .1; done'
"""
ONCE = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
UNITS = {
    "keep.service": "[Unit]\nIgnoreOnIsolate=yes\n" + ONCE,
    "gone.service": ONCE,
    "allowed.target": "[Unit]\nAllowIsolate=yes\nRequires=sysinit.target\nAfter=sysinit.target\n",
    "forbidden.target": "[Unit]\n",
    "falls.service": "[Unit]\nOnFailure=allowed.target\nOnFailureIsolate=yes\n[Service]\nType=oneshot\nExecStart=/bin/false\n",
    "trips.service": "[Unit]\nOnFailure=forbidden.target\n[Service]\nType=oneshot\nExecStart=/bin/false\n",
    "ended.service": ONCE + "ExecStop=/bin/sh -c 'echo ended >> /root/stopped'\n",
    "unordered.service": "[Unit]\nDefaultDependencies=no\n" + ONCE + "ExecStop=/bin/sh -c 'echo unordered >> /root/stopped'\n",
    "survivor.service": ASKED.format("SurviveFinalKillSignal=yes", "survivor"),
    "ordinary.service": ASKED.format("", "ordinary"),
}


@pytest.fixture(scope="module")
def seen(shared_machine):
    m = shared_machine("oracle", manager="reeve", units=UNITS)
    facts = {}
    assert m.ctl("start keep gone").ok
    facts["refused"] = not m.ctl("isolate forbidden.target").ok and m.active("gone") == "active"
    facts["allowed"] = m.ctl("isolate allowed.target").ok
    facts["kept"], facts["gone"] = m.active("keep"), m.active("gone")
    m.ctl("start gone")
    m.ctl("start trips")
    m.wait_active("forbidden.target")
    facts["after a failure"] = m.active("gone")
    m.ctl("stop allowed.target")
    m.ctl("start falls")
    m.wait_active("allowed.target")
    m.wait_until(lambda: m.ctl("list-jobs --no-legend").out == "", "an empty queue")
    facts["after a failure that isolates"] = m.active("gone")
    assert m.ctl("start ended unordered survivor ordinary").ok
    m.kill("TERM")
    m.wait_exit()
    facts["stopped"] = stopped(m)
    return facts


def test_allow_isolate(seen):
    assert seen["refused"] and seen["allowed"]


def test_ignore_on_isolate(seen):
    assert (seen["kept"], seen["gone"]) == ("active", "inactive")


def test_on_failure_isolate(seen):
    assert (seen["after a failure"], seen["after a failure that isolates"]) == ("active", "inactive")


def test_default_dependencies(seen):
    """Only what conflicts with shutdown.target is stopped in order."""
    assert "ended" in seen["stopped"] and "unordered" not in seen["stopped"]


def test_survive_final_kill_signal(seen):
    assert "ordinary" in seen["stopped"] and "survivor" not in seen["stopped"]
