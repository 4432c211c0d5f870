# SPDX-License-Identifier: Apache-2.0
"""Debian 13's own systemctl (257), and its libc, under reeve."""

import re

import pytest


@pytest.fixture(scope="module")
def trixie(shared_machine):
    return shared_machine("trixie", units={
        "a.service": "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
        "bad.service": "[Service]\nType=oneshot\nExecStart=/bin/false\n",
    }, files={"usr/lib/systemd/system/vendor.service": "[Service]\nExecStart=/bin/sleep infinity\n"})


def test_it_is_257(trixie):
    assert trixie.ctl("--version").out.startswith("systemd 257")


@pytest.mark.parametrize("words, rc", [
    ("start a", 0), ("is-active a", 0), ("status a", 0), ("reload a", 0), ("restart a", 0), ("try-restart a", 0),
    ("reload-or-restart a", 0), ("kill -s CONT a", 0), ("show a", 0), ("cat a", 0), ("stop a", 0), ("is-active a", 3),
    ("status a", 3), ("start absent", 5), ("start bad", 1), ("is-failed bad", 0), ("reset-failed bad", 0),
    ("is-enabled a", 1), ("enable a", 0), ("is-enabled a", 0), ("disable a", 0), ("mask a", 1),
    ("mask vendor", 0), ("start vendor", 1), ("unmask vendor", 0), ("start vendor", 0),
    ("daemon-reload", 0), ("list-units", 0), ("list-unit-files", 0), ("list-jobs", 0),
    ("list-dependencies multi-user.target", 0), ("list-sockets", 0), ("daemon-reexec", 0), ("is-system-running", None),
    ("isolate multi-user.target", 0), ("show-environment", 0), ("get-default", 0), ("start a", 0),
])
def test_verbs(trixie, words, rc):
    ran = trixie.ctl(words)
    if rc is not None:
        assert ran.rc == rc, ran
    assert "Failed to" not in ran.err or rc != 0, ran
    assert "No such device or address" not in ran.err, ran


def test_status(trixie):
    trixie.ctl("start a")
    shown = trixie.ctl("status a").out
    pid = trixie.main_pid("a")
    assert re.search(rf"Main PID: {pid} \(sleep\)", shown)
    assert re.search(r"Active: active \(running\) since", shown)
    assert "Invocation:" in shown
    assert re.search(rf"─{pid} /bin/sleep infinity|-{pid} /bin/sleep infinity", shown), shown


def test_exit(machine):
    m = machine("trixie")
    m.ctl("exit 3")
    assert m.wait_exit() == 3
