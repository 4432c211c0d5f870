# SPDX-License-Identifier: Apache-2.0
"""`docker run -it`, as a person at a terminal sees it."""

from terminal import Terminal

SHELL = """[Unit]
Description=A shell on the console
DefaultDependencies=no
[Service]
ExecStart=/bin/bash --norc -i
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
Environment=TERM=dumb
[X-Reeve]
Essential=yes
"""


def at_terminal(machine, *command, **more) -> Terminal:
    """`docker run -it`."""
    m = machine("oracle", command=list(command), flags=["-it"], start=False, **more)
    return Terminal(["docker", "-H", f"unix://{m.engine.socket}", "start", "-ai", m.id])


def shell_session(t: Terminal):
    """Job control, the keys, the window's size; ends it with status 5."""
    t.type("PS1='> '; echo be''gin\n")
    t.wait_for("begin")
    assert "no job control" not in t.seen
    t.type("sh -c 'echo in''side; while read x; do echo got-$x; done'\n")
    t.wait_for("inside")
    t.type("\x1a")
    t.wait_for("Stopped")
    t.type("fg\n")
    t.wait_for("done'")
    t.type("word\n")
    t.wait_for("got-word")
    t.type("\x03")
    t.wait_for("> ")
    t.type("echo status $?\n")
    t.wait_for("status 130")
    t.resize(33, 101)
    t.type("until [ \"$(stty size)\" = '33 101' ]; do sleep 0.1; done; echo as wi''de\n")
    t.wait_for("as wide")
    t.type("exit 5\n")
    assert t.status() == 5


def test_a_shell_below_the_one_command_init(machine):
    shell_session(at_terminal(machine, "reeve", "run", "bash", "--norc", "-i"))


def test_a_shell_that_is_a_unit_has_the_consoles_keys(machine):
    """PID 1 gives up the terminal that it was started with for a unit that asks for it."""
    shell_session(at_terminal(machine, "/sbin/init", "--unit=shell.service", units={"shell.service": SHELL}))


def test_the_interrupt_key_stops_the_container_in_order(machine):
    t = at_terminal(machine, "/sbin/init", units={
        "last.service": "[Service]\nExecStart=sleep infinity\nExecStop=echo in order\n",
        "multi-user.target.wants/last.service": "-> ../last.service"})
    t.wait_for("Reached target multi-user.target")
    t.type("\x1a\x1c")  # neither suspends nor kills it
    t.type("\x03")
    t.wait_for("in order")
    assert t.status() == 0
