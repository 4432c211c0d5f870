# SPDX-License-Identifier: Apache-2.0
"""`reeve run`, and reeve called tini, dumb-init, catatonit: one command with a first process over it.

Most of it needs no container: a PID namespace is enough. What the three others do by these options is asked of them:
every test that takes `program` runs with Debian's own (`tini`) and with reeve in its place (`tini=`)."""

import os
import select
import shutil
import signal
import subprocess
import time

import pytest

from engine import binary
from terminal import Terminal, shell_session, undisturbed

PATIENCE = 60
OTHERS = ["tini", "dumb-init", "catatonit"]
NAMESPACE = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]

# Says its number and every signal it gets, in order, until stdin ends.
LISTENER = """
import os, signal, sys
caught = set(range(1, 65)) - {9, 19, 32, 33}
signal.pthread_sigmask(signal.SIG_BLOCK, caught)
print("ready", os.getpid(), os.getpgrp(), os.getsid(0), flush=True)
while True:
    print(signal.sigwaitinfo(caught).si_signo, flush=True)
"""


def path_of(program: str, directory) -> str:
    """`tini` is Debian's, `tini=` reeve by that name, `reeve` itself."""
    if program in OTHERS:
        found = shutil.which(program)
        return found or pytest.skip(f"{program} is not installed: run 'make deps-test'")
    link = directory / program.rstrip("=")
    if not link.exists():
        link.symlink_to(binary())
    return str(link)


class Running:
    """A first process, in a PID namespace of its own unless `alone` is false."""

    def __init__(self, argv, alone=True, env=None, stdin=subprocess.DEVNULL):
        self.run = subprocess.Popen([*(NAMESPACE if alone else []), *argv], stdin=stdin, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}, start_new_session=True, preexec_fn=undisturbed)
        self.alone = alone
        self.lines = []

    @property
    def first(self) -> int:
        """The first process, as seen from outside."""
        if not self.alone:
            return self.run.pid
        return int(until(lambda: open(f"/proc/{self.run.pid}/task/{self.run.pid}/children").read().split())[0])

    def line(self) -> str:
        if not select.select([self.run.stdout], [], [], PATIENCE)[0]:
            self.run.kill()
            raise AssertionError(f"waited in vain for a line; it said: {self.run.communicate()}")
        return self.run.stdout.readline().rstrip("\n")

    def signal(self, number: int):
        os.kill(self.first, number)

    def end(self) -> int:
        return self.run.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run.kill()
        self.run.communicate()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return answer


def ran(argv, env=None, alone=True):
    return subprocess.run([*(NAMESPACE if alone else []), *argv], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, preexec_fn=undisturbed)


@pytest.fixture(params=["tini", "tini=", "dumb-init", "dumb-init=", "catatonit", "catatonit=", "reeve"])
def init(request, tmp_path):
    """The command line of each, before its options."""
    path = path_of(request.param, tmp_path)
    return [path, "run"] if request.param == "reeve" else [path]


def named(program, tmp_path):
    return [path_of(program, tmp_path)]


@pytest.fixture
def reeve(tmp_path):
    return [path_of("reeve", tmp_path), "run"]


# -- what all of them do --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("script, status", [
    ("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("kill -SEGV $$", 139),
])
def test_the_exit_status_is_the_commands(init, script, status):
    assert ran([*init, "--", "sh", "-c", script]).returncode == status


def test_arguments_go_through_unread(init):
    assert ran([*init, "--", "printf", "%s,", "-v", "--help", "--", ""]).stdout == "-v,--help,--,,"
    if init[0] not in map(shutil.which, ("tini", "catatonit")):  # which take options behind the command for their own
        assert ran([*init, "echo", "-g"]).stdout == "-g\n"


def test_orphans_are_reaped_while_the_command_goes_on(init):
    script = ("for i in 1 2 3 4 5; do (true & exec true); (sleep 0.1 & exec true); done; sleep 0.5;"
              "grep -l '^State:.*Z' /proc/[0-9]*/status 2>/dev/null; echo looked")
    assert ran([*init, "--", "sh", "-c", script]).stdout == "looked\n"


def test_signals_arrive(init):
    sent = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGWINCH,
            signal.SIGALRM, signal.SIGRTMIN + 3]
    if "dumb-init" in init[0] and "=" not in init[0]:
        sent.pop()  # it knows the first 31
    with Running([*init, "--", "python3", "-c", LISTENER]) as it:
        assert it.line().startswith("ready")
        for number in sent:
            it.signal(number)
            assert it.line() == str(int(number))


def test_a_signal_that_ends_the_command_ends_it(init):
    with Running([*init, "--", "sh", "-c", "echo ready; exec sleep 1000"]) as it:
        it.line()
        it.signal(signal.SIGTERM)
        assert it.end() == 143


NO_COMMAND = {"tini": (127, 126), "dumb-init": (2, 2), "catatonit": (1, 1), "reeve": (127, 126)}


def test_a_command_that_cannot_be_run(init):
    absent, refused = ran([*init, "/absent/at-all"]), ran([*init, "/etc/passwd"])
    assert (absent.returncode, refused.returncode) == NO_COMMAND[os.path.basename(init[0])]
    assert "/absent/at-all" in absent.stderr or "pid1" in absent.stderr
    assert "No such file" in absent.stderr and "ermission denied" in refused.stderr


def test_no_command_and_no_such_option(init):
    assert (ran(init).returncode, ran([*init, "--no-such-thing"]).returncode) == (1, 1)


def test_help_and_version(init):
    assert ran([*init, "-h"]).returncode == 0
    asked = ran([*init, "--version"])
    assert asked.returncode == 0 and asked.stdout + asked.stderr


# -- process groups, sessions -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("program", ["tini", "tini=", "catatonit", "catatonit="])
def test_the_command_leads_a_group_of_its_own(program, tmp_path):
    with Running([*named(program, tmp_path), "--", "python3", "-c", LISTENER]) as it:
        _, pid, group, session = it.line().split()
        assert pid == group and pid != session


@pytest.mark.parametrize("options, own", [([], True), (["-c"], False), (["--single-child"], False)])
@pytest.mark.parametrize("program", ["dumb-init", "dumb-init="])
def test_the_command_leads_a_session_of_its_own(program, options, own, tmp_path):
    with Running([*named(program, tmp_path), *options, "--", "python3", "-c", LISTENER]) as it:
        _, pid, _, session = it.line().split()
        assert (pid == session) == own


# A child of the command that says when SIGTERM came to it. The command itself pays no attention.
FAMILY = "trap '' TERM; (trap 'echo child; exit' TERM; echo ready; while :; do sleep 0.05; done)& while :; do sleep 0.05; done"


@pytest.mark.parametrize("program, options, env, whole", [
    ("tini", [], {}, False), ("tini", ["-g"], {}, True), ("tini", [], {"TINI_KILL_PROCESS_GROUP": ""}, True),
    ("dumb-init", [], {}, True), ("dumb-init", ["-c"], {}, False), ("dumb-init", [], {"DUMB_INIT_SETSID": "0"}, False),
    ("catatonit", [], {}, False), ("reeve", [], {}, False), ("reeve", ["--group"], {}, True), ("reeve", ["-S"], {}, True),
])
@pytest.mark.parametrize("own", ["", "="])
def test_whom_a_signal_reaches(program, own, options, env, whole, tmp_path):
    if program == "reeve" and own:
        pytest.skip("there is one reeve")
    start = [path_of("reeve", tmp_path), "run"] if program == "reeve" else named(program + own, tmp_path)
    with Running([*start, *options, "--", "bash", "-c", FAMILY], env=env) as it:
        assert it.line() == "ready"
        it.signal(signal.SIGTERM)
        if whole:
            assert it.line() == "child"
        else:
            it.signal(signal.SIGKILL) if not it.alone else it.run.kill()
            assert it.run.communicate()[0] == ""


@pytest.mark.parametrize("program", ["dumb-init", "dumb-init="])
def test_dumb_init_ends_the_group_with_the_command(program, tmp_path):
    script = "(trap 'echo child' TERM; echo ready >&2; sleep 5 & wait)& sleep 0.5; exit 4"
    with Running([*named(program, tmp_path), "-v", "--", "bash", "-c", script]) as it:
        assert it.end() == 4


# -- options ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("program, rewrites, sent, arrives", [
    ("dumb-init", ["-r", "15:3"], signal.SIGTERM, 3),
    ("dumb-init", ["--rewrite", "15:3", "-r", "2:0", "-r", "3:10"], signal.SIGTERM, 3),
    ("dumb-init=", ["-r", "15:3"], signal.SIGTERM, 3),
    ("dumb-init=", ["--rewrite", "15:3", "-r", "2:0", "-r", "3:10"], signal.SIGTERM, 3),
    ("dumb-init=", ["-r", "TERM:SIGQUIT"], signal.SIGTERM, 3),
    ("dumb-init", ["-r", "2:0"], signal.SIGINT, None), ("dumb-init=", ["-r", "2:0"], signal.SIGINT, None),
    ("reeve", ["-r", "TERM:QUIT"], signal.SIGTERM, 3), ("reeve", ["--rewrite=RTMIN+3:TERM"], signal.SIGRTMIN + 3, 15),
])
def test_signals_are_rewritten(program, rewrites, sent, arrives, tmp_path):
    start = [path_of("reeve", tmp_path), "run"] if program == "reeve" else named(program, tmp_path)
    with Running([*start, *rewrites, "--", "python3", "-c", LISTENER]) as it:
        it.line()
        it.signal(sent)
        if arrives:
            assert it.line() == str(arrives)
        else:
            it.signal(signal.SIGUSR1)
            assert it.line() == str(int(signal.SIGUSR1))


@pytest.mark.parametrize("program", ["tini", "tini=", "reeve"])
@pytest.mark.parametrize("options, script, status", [
    (["-e", "143"], "kill -TERM $$", 0), (["-e", "3", "-e", "4"], "exit 4", 0), (["-e", "3"], "exit 5", 5),
])
def test_exit_statuses_are_mapped(program, options, script, status, tmp_path):
    start = [path_of("reeve", tmp_path), "run"] if program == "reeve" else named(program, tmp_path)
    assert ran([*start, *options, "--", "sh", "-c", script]).returncode == status


def test_a_status_may_become_any_other(reeve):
    assert ran([*reeve, "-e", "5:9", "--", "sh", "-c", "exit 5"]).returncode == 9
    for bad in ("256", "x", "1:256", "", ":", "1:"):
        assert ran([*reeve, "-e", bad, "true"]).returncode == 1, bad


@pytest.mark.parametrize("program", ["tini", "tini=", "reeve"])
def test_the_parents_death_is_told(program, tmp_path):
    start = [path_of("reeve", tmp_path), "run"] if program == "reeve" else named(program, tmp_path)
    told = tmp_path / "told"
    # The parent ends once the command has said that it is there.
    parent = f"{' '.join(start)} -s -p SIGUSR1 -- python3 -c '{LISTENER}' > {told} 2>/dev/null & until grep -q ready {told}; do :; done"
    subprocess.run(["bash", "-c", parent], timeout=PATIENCE, check=True, start_new_session=True)
    try:
        until(lambda: str(int(signal.SIGUSR1)) in told.read_text().split()[4:])
    finally:
        os.kill(int(told.read_text().split()[1]), signal.SIGKILL)


@pytest.mark.parametrize("program, env", [("tini", {"TINI_SUBREAPER": ""}), ("tini=", {"TINI_SUBREAPER": ""}), ("reeve", {})])
def test_as_a_subreaper_it_adopts(program, env, tmp_path):
    start = [path_of("reeve", tmp_path), "run"] if program == "reeve" else named(program, tmp_path)
    script = "(sh -c 'sleep 0.2; echo $PPID > /dev/null; ps -o ppid= -p $$' &); sleep 1"
    with Running([*start, "--", "sh", "-c", script], alone=False, env=env) as it:
        assert int(it.line()) == it.run.pid


def test_without_it_tini_warns(tmp_path):
    for program in ("tini", "tini="):
        assert "-s" in ran([*named(program, tmp_path), "true"], alone=False).stderr
        assert ran([*named(program, tmp_path), "-s", "true"], alone=False).stderr == ""
        assert ran([*named(program, tmp_path), "true"], alone=False, env={"TINI_VERBOSITY": "0"}).stderr == ""


def test_it_waits_for_all_descendants_if_asked(reeve):
    late = "(sleep 0.3; echo late) & exit 6"
    with Running([*reeve, "-a", "--", "bash", "-c", late]) as it:
        assert it.line() == "late" and it.end() == 6
    with Running([*reeve, "-a", "--", "bash", "-c", f"setsid bash -c '{late}' & exit 7"], alone=False) as it:
        assert it.line() == "late" and it.end() == 7


def test_a_stop_reaches_those_who_are_waited_for(reeve):
    with Running([*reeve, "-a", "--", "bash", "-c", "(trap 'echo told; exit' TERM; echo ready; while :; do sleep 0.05; done) &"]) as it:
        assert it.line() == "ready"
        until(lambda: "bash" not in open(f"/proc/{it.first}/comm").read())
        it.signal(signal.SIGTERM)
        assert it.line() == "told" and it.end() == 0


@pytest.mark.parametrize("program", ["catatonit", "catatonit=", "reeve"])
def test_pause(program, tmp_path):
    start = [path_of("reeve", tmp_path), "run"] if program == "reeve" else named(program, tmp_path)
    with Running([*start, "-P"]) as it:
        until(lambda: open(f"/proc/{it.first}/comm").read().strip() != "unshare")
        time.sleep(0.2)
        it.signal(signal.SIGTERM)
        assert it.end() in (0, 143)


def test_orphans_are_named_if_asked(tmp_path):
    for program in ("tini", "tini="):
        assert "eaped" in ran([*named(program, tmp_path), "-w", "--", "sh", "-c", "(true &); sleep 0.3"]).stderr


# -- what reeve does beyond ---------------------------------------------------------------------------------------------

def test_every_forwardable_signal_arrives(reeve):
    with Running([*reeve, "--", "python3", "-c", LISTENER]) as it:
        it.line()
        for number in sorted(set(range(1, 65)) - {9, 17, 19, 32, 33}):
            it.signal(number)
            assert it.line() == str(number)


def test_what_sigqueue_carries_arrives(reeve, tmp_path):
    with Running([*reeve, "--", "python3", "-c", LISTENER.replace(".si_signo", "")]) as it:
        it.line()
        subprocess.run(["kill", "-s", "USR1", "-q", "77", str(it.first)], check=True)
        assert "si_code=-1" in it.line()


def test_its_memory_is_no_more_than_tinis(reeve, tmp_path):
    def rss(argv):
        with Running([*argv, "--", "sh", "-c", "echo ready; exec sleep 1000"]) as it:
            it.line()
            time.sleep(0.2)
            return int(next(line.split()[1] for line in open(f"/proc/{it.first}/status") if line.startswith("VmRSS")))
    other = shutil.which("tini-static") or pytest.skip("tini-static is not installed")
    assert rss(reeve) <= rss([other]) + 200


# -- a terminal -----------------------------------------------------------------------------------------------------------

def test_a_shell_has_job_control(init):
    if init[0] == shutil.which("catatonit"):
        pytest.skip("below Debian's catatonit the key for suspending does nothing")
    t = Terminal([*NAMESPACE, "setsid", "-c", *init, "--", "bash", "--norc", "-i"])
    shell_session(t)


def test_the_interrupt_key_reaches_the_command(init):
    t = Terminal([*NAMESPACE, "setsid", "-c", *init, "--", "python3", "-c", "import time\n"
                  "try: print('re' + 'ady', flush=True); time.sleep(1000)\nexcept KeyboardInterrupt: print('inter' + 'rupted', flush=True)"])
    t.wait_for("ready")
    t.type("\x03")
    t.wait_for("interrupted")
    assert t.status() == 0


def test_as_a_job_of_a_shell_it_stops_and_goes_on(reeve):
    t = Terminal(["bash", "--norc", "-i"])
    t.type("PS1='> '; " + " ".join(reeve) + " -- sh -c 'echo re''ady; read x; echo got $x'\n")
    t.wait_for("ready")
    t.type("\x1a")
    t.wait_for("Stopped")
    t.type("fg\n")
    t.wait_for("got $x'")
    t.type("word\n")
    t.wait_for("got word")
    t.type("exit 0\n")
    assert t.status() == 0
