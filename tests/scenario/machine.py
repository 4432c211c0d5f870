# SPDX-License-Identifier: Apache-2.0
"""One container with a manager as PID 1, and what a person would do to it from outside.

The manager is reeve, in a container with no privilege at all, or real systemd (the oracle), in one with what it
needs. Tests talk to both in the same words.
"""

import re
import shlex
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass

from engine import LABEL, Engine, pack

PATIENCE = 60  # seconds; conditions are waited for this long, and only a failing test ever does

# What real systemd asks of a container. reeve gets none of it.
ORACLE_FLAGS = [
    "-e", "container=docker", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined",
    "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw",
]
# The word on its command line has 257 accept the cgroup hierarchy of a machine that still has version 1.
ORACLE_INIT = ["/lib/systemd/systemd", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]


@dataclass
class Ran:
    """What a command in the container did."""

    rc: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.rc == 0

    def __str__(self):
        return f"exit {self.rc}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Machine:
    applets = ()  # of every image under reeve: conftest.py

    def __init__(self, engine: Engine, image: str = "oracle", manager: str = "reeve", units: dict | None = None,
                 files: dict | None = None, flags: list | tuple = (), command: list | None = None, boot: bool = True, start: bool = True,
                 patience: int = PATIENCE,
                 applets: tuple | None = None):
        """UNITS go to /etc/systemd/system, FILES to /, before the boot. FLAGS are for `docker run`. APPLETS of reeve
        take the place of programs of the image."""
        self.engine, self.manager, self.patience = engine, manager, patience
        files = {**(files or {}), **{f"etc/systemd/system/{name}": text for name, text in (units or {}).items()}}
        if command is None:
            command = ["/sbin/init"] if manager == "reeve" else ORACLE_INIT
        own = [] if manager == "reeve" else ORACLE_FLAGS
        applets = (self.applets if applets is None else applets) if manager == "reeve" else ()
        self.volume = None
        if "--read-only" in flags and units:
            # Nothing can be copied into a read-only root: its units come on a volume.
            self.volume = tempfile.mkdtemp(prefix="reeve-units-")
            subprocess.run(["tar", "-x", "-C", self.volume], input=pack(files), check=True)
            own = [*own, "-v", f"{self.volume}/etc/systemd/system:/etc/systemd/system:ro"]
            files = {}
        self.id = engine.docker("create", "--network", "none", "--label", LABEL, *own, *flags,
                                engine.image(image, manager, applets), *command).stdout.strip()
        try:
            if files:
                self.put(files)
            if start:
                engine.docker("start", self.id)
            if start and boot:
                self.wait_booted()
        except BaseException:
            self.remove()
            raise

    @classmethod
    def of_image(cls, engine: Engine, image: str, command: list, flags: list | tuple = (), patience: int = PATIENCE) -> "Machine":
        """A container of an image that a test has made."""
        m = cls.__new__(cls)
        m.engine, m.manager, m.patience, m.volume = engine, "reeve", patience, None
        m.id = engine.docker("run", "-d", "--network", "none", "--label", LABEL, *flags, image, *command).stdout.strip()
        return m

    # -- inside -------------------------------------------------------------------------------------------------

    def run(self, *argv: str, user: str | None = None, stdin: str | None = None, timeout: int = 2 * PATIENCE) -> Ran:
        extra = (["-u", user] if user else []) + (["-i"] if stdin is not None else [])
        more = {"input": stdin} if stdin is not None else {}
        ran = self.engine.docker("exec", *extra, self.id, *argv, check=False, timeout=timeout, errors="replace", **more)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def sh(self, script: str, **more) -> Ran:
        return self.run("sh", "-c", script, **more)

    def ctl(self, words: str, **more) -> Ran:
        """systemctl, with the arguments as one would type them."""
        return self.run("systemctl", *shlex.split(words), **more)

    def show(self, unit: str, *properties: str):
        """One property as text, several as a dict."""
        ran = self.run("systemctl", "show", unit, "-p", ",".join(properties))
        found = dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line)
        return found.get(properties[0], "") if len(properties) == 1 else found

    def active(self, unit: str) -> str:
        return self.show(unit, "ActiveState")

    def main_pid(self, unit: str) -> int:
        return int(self.show(unit, "MainPID") or 0)

    def read(self, path: str) -> str:
        return self.run("cat", path).out

    def put(self, files: dict):
        """Writes {path: content}; content as in engine.pack(). From inside once it runs: `cp` does not see mounts."""
        how = ["exec", "-i", self.id, "tar", "-x", "-C", "/", "--no-overwrite-dir"]
        if not self.running:
            how = ["cp", "-", f"{self.id}:/"]
        self.engine.docker(*how, input=pack(files), text=False)

    def units(self, units: dict):
        """Writes unit files and makes the manager read them."""
        self.put({f"etc/systemd/system/{name}": text for name, text in units.items()})
        reload = self.ctl("daemon-reload")
        assert reload.ok, reload

    def processes(self) -> dict[int, str]:
        """PID in the container → command line, of everything there but the lister itself and kernel threads."""
        listed = self.sh("exec ps -eo pid=,ppid=,stat=,args=").out
        found = {}
        for line in listed.splitlines():
            pid, _, stat, args = line.split(None, 3)
            if not args.startswith("ps -eo"):
                found[int(pid)] = ("[zombie] " if stat.startswith("Z") else "") + args
        return found

    def find(self, pattern: str) -> list[int]:
        return [pid for pid, args in self.processes().items() if re.search(pattern, args)]

    # -- outside ------------------------------------------------------------------------------------------------

    def logs(self) -> str:
        ran = self.engine.docker("logs", self.id, errors="replace")
        return ran.stdout + ran.stderr

    def said(self) -> list[str]:
        """What the manager itself has logged, oldest first."""
        if self.manager == "reeve":
            return [line.removeprefix("reeve: ") for line in self.logs().splitlines() if line.startswith("reeve: ")]
        self.run("journalctl", "--sync")
        lines = self.run("journalctl", "-o", "cat", "_PID=1").out.splitlines()
        # What a unit has used is known where there are cgroups.
        return [line for line in lines if not re.search(r": Consumed .* CPU time\.$", line)]

    @property
    def state(self) -> dict:
        return self.engine.inspect(f"containers/{self.id}")["State"]

    @property
    def running(self) -> bool:
        return self.state["Running"]

    def start(self, boot: bool = True):
        self.engine.docker("start", self.id)
        if boot:
            self.wait_booted()

    def stop(self, grace: int = 60) -> int:
        """`docker stop`; the exit code, 137 if it had to kill. With more patience than docker's own 10 s: on a busy machine,
        databases take longer."""
        self.engine.docker("stop", "-t", str(grace), self.id)
        return self.state["ExitCode"]

    def kill(self, signal: str):
        self.engine.docker("kill", "-s", signal, self.id)

    def wait_exit(self, timeout: int | None = None) -> int:
        """Waits until the container has ended; its exit code."""
        self.wait_until(lambda: not self.running, "the container to end", timeout)
        return self.state["ExitCode"]

    def remove(self):
        self.engine.docker("rm", "-f", "-v", self.id, check=False)
        if self.volume:
            shutil.rmtree(self.volume, ignore_errors=True)

    # -- waiting ------------------------------------------------------------------------------------------------

    def wait_until(self, condition, what: str, timeout: float | None = None):
        """Asks CONDITION until it is true, and returns what it said."""
        timeout = timeout or self.patience
        deadline = time.monotonic() + timeout
        while True:
            answer = condition()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout} s in vain for {what}\n--- docker logs\n{self.logs()[-4000:]}")
            time.sleep(0.1)

    def wait_booted(self):
        def booted():
            if not self.running:
                raise AssertionError(f"the manager ended with {self.state['ExitCode']}:\n{self.logs()[-4000:]}")
            return self.ctl("is-system-running").out.strip() in ("running", "degraded")
        self.wait_until(booted, "the boot to finish")

    def wait_active(self, unit: str, state: str = "active"):
        self.wait_until(lambda: self.active(unit) == state, f"{unit} to be {state}")

    def wait_log(self, pattern: str):
        return self.wait_until(lambda: re.search(pattern, self.logs(), re.M), f"/{pattern}/ in the log")

