# SPDX-License-Identifier: Apache-2.0
"""`docker run -it`, as a person at a terminal sees it."""

from terminal import Terminal, shell_session

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
