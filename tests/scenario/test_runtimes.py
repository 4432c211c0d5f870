# SPDX-License-Identifier: Apache-2.0
"""The same image under other runtimes than Docker: podman, containerd's ctr, docker-compose. Each boots it with no flag that
systemd would need, asks it, restarts a service, reads its log and stops it in order. The README's table says what differs."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from engine import CACHE, LABEL, RUN, binary, pack
from machine import PATIENCE

HELLO = {
    "hello.service": "[Service]\nExecStart=/bin/sh -c 'echo hello from the service; exec sleep infinity'\nExecStop=/bin/echo good bye\n",
    "multi-user.target.wants/hello.service": "-> ../hello.service",
}
UNIT_PATH = "/usr/local/lib/systemd/system"
# What this machine lacks (TESTBED): a cgroup of conmon's own, networks, higher limits.
PODMAN = ["podman", "--root", f"{CACHE}/podman", "--runroot", f"{RUN}/podman", "--tmpdir", f"{RUN}/podman-tmp",
          "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
PODMAN_RUN = ["--cgroups=no-conmon", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]
CTR = ["ctr", "--address", f"{RUN}/exec/containerd/containerd.sock", "--namespace", LABEL]


def sh(*argv, check=True, **more) -> subprocess.CompletedProcess:
    ran = subprocess.run([str(a) for a in argv], **{"stdin": subprocess.DEVNULL, **more}, capture_output=True, text=True,
                         timeout=4 * PATIENCE)
    assert not check or ran.returncode == 0, f"{argv}: {ran.stdout}{ran.stderr}"
    return ran


def needs(*tools: str):
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed: run 'make deps'")


def until(condition, what: str):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what if isinstance(what, str) else what()}"
        time.sleep(0.1)


@pytest.fixture
def units(tmp_path):
    """A directory with hello.service, and the binary under the name that it has as init."""
    directory = tmp_path / "units"
    directory.mkdir()
    subprocess.run(["tar", "-x", "-C", directory], input=pack(HELLO), check=True)
    return directory


def give(engine, tag: str, *load: str):
    """Gives an image of Docker's to another runtime."""
    saved = subprocess.Popen(["docker", "-H", f"unix://{engine.socket}", "save", tag], stdout=subprocess.PIPE)
    sh(*load, stdin=saved.stdout)
    assert saved.wait() == 0


def behaves(ask, logs):
    """ASK(argv...) runs a command in the container, LOGS() is what it wrote so far. Not every runtime sets $PATH."""
    until(lambda: ask("/usr/bin/systemctl", "is-system-running", "--wait").stdout == "running\n",
          lambda: f"the boot: {ask('/usr/bin/systemctl')} {logs()}")
    before = ask("/usr/bin/systemctl", "show", "-P", "MainPID", "hello").stdout
    assert ask("/usr/bin/systemctl", "restart", "hello").returncode == 0
    assert ask("/usr/bin/systemctl", "is-active", "hello").stdout == "active\n"
    assert ask("/usr/bin/systemctl", "show", "-P", "MainPID", "hello").stdout != before
    assert "hello from the service" in ask("/usr/bin/journalctl", "-u", "hello").stdout
    until(lambda: logs().count("hello from the service") == 2 and "good bye" in logs(), "both starts in the log")


# -- podman -------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def podman_image(engine):
    needs("podman", "runc")
    ran = sh(*PODMAN, "info", check=False)
    if ran.returncode:
        pytest.skip(f"podman does not run here: {ran.stderr.strip()}")
    tag = engine.base_image("oracle")
    if sh(*PODMAN, "image", "exists", tag, check=False).returncode:
        give(engine, tag, *PODMAN, "load", "-q")
    yield f"localhost/{tag}"
    # podman leaves them; the machine had none.
    for directory in Path("/sys/fs/cgroup").glob("*/libpod_parent"):
        for empty in [*sorted(directory.rglob("*/"), reverse=True), directory]:
            empty.rmdir()


@pytest.mark.parametrize("flags", [[], ["--systemd=always"], ["--init"], ["--uidmap=0:100000:65536"]],
                         ids=lambda flags: flags[0] if flags else "plain")
def test_podman(podman_image, units, flags):
    mounts = ["-v", f"{binary()}:/usr/bin/reeve:ro", "-v", f"{units}:{UNIT_PATH}:ro"]
    name = sh(*PODMAN, "run", "-d", *PODMAN_RUN, *mounts, *flags, podman_image, "/usr/bin/reeve", "init").stdout.strip()
    try:
        behaves(lambda *argv: sh(*PODMAN, "exec", name, *argv, check=False), lambda: sh(*PODMAN, "logs", name).stdout)
        assert sh(*PODMAN, "exec", name, "systemd-detect-virt", "--container").stdout == "podman\n"
        sh(*PODMAN, "stop", name)
        assert sh(*PODMAN, "inspect", "-f", "{{.State.ExitCode}}", name).stdout == "0\n"
    finally:
        sh(*PODMAN, "rm", "-f", name, check=False)


# An account with numbers to give away, which only those see who are in this namespace.
GUEST = """
cd "$1" && mkdir -m 700 home run && chown 4711:4711 home run && chmod 711 . || exit 1
for file in passwd group subuid subgid; do
    { cat /etc/$file; [ $file = ${file#sub} ] && echo "guest:x:4711:4711::$1/home:/bin/sh" || echo guest:200000:65536; } > $file
    mount --bind $file /etc/$file || exit 1
done
echo ready && exec sleep infinity
"""


@pytest.fixture
def rootless(request):
    """podman as somebody who is not root: its words, and a directory of its own."""
    if not request.config.getoption("--soak"):
        pytest.skip("a store of its own, filled anew: run with --soak")
    needs("podman", "runc", "newuidmap")
    directory = tempfile.mkdtemp(dir="/var/tmp")
    house = subprocess.Popen(["unshare", "-m", "sh", "-c", GUEST, "sh", directory], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True)
    assert house.stdout.readline() == "ready\n"
    become = ["nsenter", "-t", house.pid, "-m", "setpriv", "--reuid=4711", "--regid=4711",
              "--clear-groups", "env", f"--chdir={directory}/home", f"HOME={directory}/home", f"XDG_RUNTIME_DIR={directory}/run"]
    podman = [*become, "podman", "--storage-driver", "vfs", *PODMAN[PODMAN.index("--runtime"):]]
    try:
        yield podman, directory
    finally:
        sh(*become, "podman", "--storage-driver", "vfs", "unshare", "rm", "-rf", f"{directory}/home/.local", check=False)
        house.kill()
        house.wait()
        shutil.rmtree(directory)


def test_podman_without_root(engine, rootless):
    podman, directory = rootless
    give(engine, engine.image("oracle"), *map(str, podman), "load", "-q")
    image = sh(*podman, "images", "-q").stdout.split()[0]
    units = Path(directory) / "units"
    units.mkdir()
    subprocess.run(["tar", "-x", "-C", units], input=pack(HELLO), check=True)
    flags = ["--cgroups=no-conmon", "--network", "none", "-v", f"{units}:{UNIT_PATH}:ro"]
    name = sh(*podman, "run", "-d", *flags, image, "/sbin/init").stdout.strip()
    behaves(lambda *argv: sh(*podman, "exec", name, *argv, check=False), lambda: sh(*podman, "logs", name).stdout)
    sh(*podman, "stop", name)
    assert sh(*podman, "inspect", "-f", "{{.State.ExitCode}}", name).stdout == "0\n"
    sh(*podman, "rm", name)


# Pods want a directory in every cgroup hierarchy, also in those that are not mounted here: a tree of their own.
CGROUPS = """
T=$(mktemp -d) && mount -t tmpfs none $T && for c in /sys/fs/cgroup/*; do
    mkdir $T/${c##*/}
    ! mountpoint -q $c || mount --bind $c $T/${c##*/} || exit 1
done
mount --move $T /sys/fs/cgroup && rmdir $T && echo ready && exec sleep infinity
"""


@pytest.fixture
def pod_podman(tmp_path):
    """podman there, with what PODMAN_RUN says as its defaults, for commands that have no such options."""
    conf = tmp_path / "containers.conf"
    conf.write_text('[containers]\ncgroups = "no-conmon"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n')
    env = {**os.environ, "CONTAINERS_CONF": str(conf)}
    house = subprocess.Popen(["unshare", "-m", "sh", "-c", CGROUPS], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert house.stdout.readline() == "ready\n"
    yield lambda *argv, **more: sh("nsenter", "-t", house.pid, "-m", *PODMAN, *argv, env=env, **more)
    house.kill()
    house.wait()


def test_podman_kube_play(podman_image, pod_podman, units, tmp_path):
    pod = tmp_path / "pod.json"
    volumes = {"reeve": (binary(), "/usr/bin/reeve", "File"), "units": (units, UNIT_PATH, "Directory")}
    pod.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "reeve-test"},
        "spec": {
            "containers": [{"name": "box", "image": podman_image, "imagePullPolicy": "Never", "command": ["/usr/bin/reeve", "init"],
                            "volumeMounts": [{"name": name, "mountPath": at} for name, (_, at, _) in volumes.items()]}],
            "volumes": [{"name": name, "hostPath": {"path": str(path), "type": kind}} for name, (path, _, kind) in volumes.items()],
        }}))
    try:
        pod_podman("kube", "play", "--network", "none", pod)
        name = "reeve-test-box"
        behaves(lambda *argv: pod_podman("exec", name, *argv, check=False), lambda: pod_podman("logs", name).stdout)
        pod_podman("stop", name)
        assert pod_podman("inspect", "-f", "{{.State.ExitCode}}", name).stdout == "0\n"
    finally:
        pod_podman("pod", "rm", "-f", "reeve-test", check=False)


# -- containerd ---------------------------------------------------------------------------------------------------------------

def test_containerd(engine, units, tmp_path):
    needs("ctr")
    tag = engine.base_image("oracle")

    def image():
        return [name for name in sh(*CTR, "images", "ls", "-q").stdout.split() if name.endswith(tag)]

    if not image():
        give(engine, tag, *CTR, "images", "import", "-")
    name, log = f"reeve-{os.getpid()}", tmp_path / "log"
    mounts = [f"type=bind,src={source},dst={target},options=rbind:ro"
              for source, target in ((binary(), "/usr/bin/reeve"), (units, UNIT_PATH))]
    runs = subprocess.Popen([*CTR, "run", "--rm", *(word for mount in mounts for word in ("--mount", mount)), *image(), name,
                             "/usr/bin/reeve", "init"], stdin=subprocess.DEVNULL, stdout=open(log, "w"), stderr=subprocess.STDOUT)
    count = iter(range(10000))
    try:
        behaves(lambda *argv: sh(*CTR, "task", "exec", "--exec-id", f"exec-{next(count)}", name, *argv, check=False), log.read_text)
        sh(*CTR, "task", "kill", "--signal", "SIGTERM", name)
        assert runs.wait(PATIENCE) == 0
    finally:
        if runs.poll() is None:
            sh(*CTR, "task", "kill", "--signal", "SIGKILL", name, check=False)
            runs.wait(PATIENCE)
        sh(*CTR, "container", "rm", name, check=False)


# -- docker-compose -----------------------------------------------------------------------------------------------------------

@pytest.fixture
def compose(engine, tmp_path):
    """compose(services): docker-compose for them, as it is typed; what it made is removed."""
    needs("docker-compose")
    file, env = tmp_path / "docker-compose.yml", {**os.environ, "DOCKER_HOST": f"unix://{engine.socket}"}
    project = f"{LABEL}-{os.getpid()}"

    def run(*argv, **more):
        return sh("docker-compose", "-p", project, "-f", file, *argv, env=env, **more)

    def make(services: dict):
        each = {"network_mode": "none", "labels": [LABEL]}
        volumes = {volume.split(":")[0]: {} for service in services.values() for volume in service.get("volumes", ()) if volume[0] != "/"}
        file.write_text(json.dumps({"version": "3", "volumes": volumes, "services": {name: {**each, **service} for name, service in services.items()}}))
        run("up", "-d")
        return run

    yield make
    run("down", "-v", "-t", "5", check=False)


def test_compose(compose, engine, units):
    run = compose({"box": {"image": engine.image("oracle"), "command": "/sbin/init", "volumes": [f"{units}:{UNIT_PATH}:ro"]}})
    behaves(lambda *argv: run("exec", "-T", "box", *argv, check=False), lambda: run("logs", "--no-color", "box").stdout)
    run("stop", "box")
    assert run("ps", "-q", "box").stdout and " Exit 0 " in run("ps").stdout


def test_three_containers_of_one_image_make_one_site(compose, engine):
    """Web server, database and cache, each by `reeve run --unit`; the first two meet at a socket on a volume."""
    image = engine.image("firstlight")
    run = compose({name: {"image": image, "command": f"reeve run --unit={unit}", "volumes": ["sockets:/run/mysqld"]}
                   for name, unit in (("web", "apache2"), ("db", "mariadb"), ("cache", "redis-server"))})

    def ask(name, *argv):
        return run("exec", "-T", name, *argv, check=False).stdout

    row = """CREATE DATABASE firstlight; CREATE TABLE firstlight.hello (id INT PRIMARY KEY, greeting TEXT);
        INSERT INTO firstlight.hello VALUES (1, 'from three containers');
        CREATE USER 'www-data'@'localhost' IDENTIFIED VIA unix_socket; GRANT SELECT ON firstlight.* TO 'www-data'@'localhost'"""
    until(lambda: ask("db", "mariadb", "-e", "SELECT 'up'"), "the database")
    ask("db", "mariadb", "-e", row)
    until(lambda: ask("web", "curl", "-s", "http://localhost/row.php") == "from three containers\n", "the page")
    until(lambda: ask("cache", "redis-cli", "ping") == "PONG\n", "the cache")
    assert ask("web", "systemctl", "is-active", "apache2", "mariadb") == "active\ninactive\n"
    run("stop", "-t", "60")
    assert run("ps").stdout.count(" Exit 0 ") == 3, run("ps").stdout
