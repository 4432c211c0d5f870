# SPDX-License-Identifier: Apache-2.0
"""A container engine of the tests' own, and the images in it.

Starts dockerd beside whatever else runs on the machine: its own data, socket and pid file, no bridge, no firewall
rules. Several test runs share one; the last to leave stops it. Knows nothing of units or managers.
"""

import contextlib
import fcntl
import hashlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("REEVE_CACHE", "/var/cache/reeve"))
RUN = Path(os.environ.get("REEVE_TEST_RUN", "/run/reeve-test"))
CPUS = os.environ.get("REEVE_TEST_CPUS")  # the processors of all containers: one shows races that two hide
LABEL = "reeve-test"

START_LIMIT = 60  # seconds until dockerd must answer
STOP_LIMIT = 60


class Missing(Exception):
    """The machine lacks something; the text says what, and how to get it."""


def binary() -> Path:
    """The reeve under test: $REEVE, or what the build made."""
    return Path(os.environ.get("REEVE", TREE / "build" / "reeve")).resolve()


class Engine:
    def __init__(self):
        self.socket = RUN / "docker.sock"
        self.pidfile = RUN / "docker.pid"
        self.lock = None

    # -- the daemon ---------------------------------------------------------------------------------------------

    def __enter__(self):
        for tool in ("docker", "dockerd"):
            if not shutil.which(tool):
                raise Missing(f"{tool} is not installed: run 'make deps'")
        if os.geteuid() != 0:
            raise Missing("the container engine needs root")
        RUN.mkdir(parents=True, exist_ok=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        start = open(RUN / "start.lock", "w")
        fcntl.flock(start, fcntl.LOCK_EX)  # no two starters, no starter beside a stopper
        self.lock = open(RUN / "users.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_SH)
        if not self._answers():
            self._start()
        start.close()
        return self

    def __exit__(self, *_):
        start = open(RUN / "start.lock", "w")
        fcntl.flock(start, fcntl.LOCK_EX)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # another run still uses it
        else:
            self._stop()
        self.lock.close()
        start.close()

    def _answers(self) -> bool:
        return self.socket.exists() and self.docker("version", check=False).returncode == 0

    def _start(self):
        self.pidfile.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)
        log = open(RUN / "dockerd.log", "w")
        daemon = subprocess.Popen(
            [
                "dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false",
                f"--data-root={CACHE}/docker", f"--exec-root={RUN}/exec", f"--pidfile={self.pidfile}",
                f"--host=unix://{self.socket}", "--log-level=warn",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                tail = (RUN / "dockerd.log").read_text()[-2000:]
                raise Missing(f"dockerd does not run here; it said:\n{tail}")
            time.sleep(0.1)

    def _stop(self):
        """Containers that an interrupted run left, then the daemon, by its id."""
        if self._answers():
            left = self.docker("ps", "-aq", "--filter", f"label={LABEL}").stdout.split()
            if left:
                self.docker("rm", "-f", *left, check=False)
        try:
            pid = int(self.pidfile.read_text())
        except (FileNotFoundError, ValueError):
            return
        if "dockerd" not in Path(f"/proc/{pid}/cmdline").read_text():
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_LIMIT
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
            time.sleep(0.05)

    def docker(self, *args, check=True, **more) -> subprocess.CompletedProcess:
        more.setdefault("stdin", subprocess.DEVNULL) if "input" not in more else None
        more.setdefault("text", True)
        if CPUS and args[0] in ("create", "run"):
            args = (args[0], "--cpuset-cpus", CPUS, *args[1:])
        ran = subprocess.run(["docker", "-H", f"unix://{self.socket}", *args], capture_output=True,
                             env={**os.environ, "DOCKER_BUILDKIT": "0"}, **more)
        if check and ran.returncode:
            raise RuntimeError(f"docker {' '.join(map(str, args))}: {ran.stderr or ran.stdout}")
        return ran

    def inspect(self, what: str) -> dict | None:
        """What the daemon knows of `containers/ID` or `images/NAME`, or None. Asked directly: a client costs a process."""
        call = http.client.HTTPConnection("docker", timeout=60)
        call.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(call):
            call.sock.settimeout(60)
            call.sock.connect(str(self.socket))
            call.request("GET", f"/{what}/json")
            answer = call.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None

    @contextlib.contextmanager
    def _alone(self):
        """One maker of images at a time, of all runs that share the daemon."""
        with open(RUN / "images.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # -- images -------------------------------------------------------------------------------------------------

    def base_image(self, name: str) -> str:
        """The image of recipe NAME as the distribution makes it; built on first use."""
        root = root_of(name)
        tag = f"{LABEL}/{root.name.rsplit('-', 1)[0]}:{root.name.rsplit('-', 1)[1]}"
        with self._alone():
            if self._has(tag):
                return tag
            tar = subprocess.Popen(["tar", "-C", root, "--numeric-owner", "--xattrs", "-c", "."], stdout=subprocess.PIPE)
            self.docker("import", "-", tag, stdin=tar.stdout)
            if tar.wait():
                raise RuntimeError(f"cannot pack {root}")
        return tag

    def image(self, name: str, manager: str = "reeve", applets: tuple = ()) -> str:
        """The image to run: under reeve with one more layer, the binary and /sbin/init pointing to it. APPLETS are
        programs of the distribution that become reeve's own."""
        base = self.base_image(name)
        layer = {f"usr/bin/{applet}": "-> /usr/bin/reeve" for applet in applets}
        if manager == "reeve":
            if not binary().exists():
                raise Missing(f"{binary()} is not built: run 'make'")
            layer["usr/bin/reeve"] = binary().read_bytes()
            layer["usr/sbin/init"] = "-> /usr/bin/reeve"
        if not layer:
            return base
        packed = pack(layer)
        tag = f"{LABEL}/{'-'.join([name, manager, *applets])}:{hashlib.sha256(base.encode() + packed).hexdigest()[:12]}"
        with self._alone():
            # Asked each time: another run that shares the daemon may have dropped it as an earlier build's.
            if not self._has(tag):
                self._build(tag, base, packed)
        return tag

    def _has(self, tag: str) -> bool:
        return self.inspect(f"images/{tag}") is not None

    def _build(self, tag: str, base: str, layer: bytes):
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            for path, data in (("Dockerfile", f"FROM {base}\nADD layer.tar /\n".encode()), ("layer.tar", layer)):
                member = tarfile.TarInfo(path)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        self.docker("build", "--quiet", "--network", "none", "--label", LABEL, "-t", tag, "-",
                    input=context.getvalue(), text=False)
        # Layers of earlier builds of reeve are of no use any more.
        repository = tag.split(":")[0]
        for old in self.docker("images", "-q", repository, "--filter", f"before={tag}").stdout.split():
            self.docker("rmi", old, check=False)


def root_of(name: str) -> Path:
    """The directory with the root file system of recipe NAME; built on first use."""
    ran = subprocess.run([TREE / "tests/images/build", name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        raise Missing(f"the root file system '{name}' cannot be built here (see above)")
    return Path(ran.stdout.strip())


def pack(files: dict) -> bytes:
    """A tar of {path: content}. Text that starts with '-> ' is a symlink, '#!' a program, None a directory."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
                continue
            if isinstance(content, str) and content.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, content[3:]
                tar.addfile(member)
                continue
            data = content.encode() if isinstance(content, str) else content
            member.size = len(data)
            program = data.startswith((b"#!", b"\x7fELF"))
            member.mode = 0o755 if program else 0o644
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()
