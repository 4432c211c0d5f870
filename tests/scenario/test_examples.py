# SPDX-License-Identifier: Apache-2.0
"""The folders of examples/: each is built with `docker build`, booted, asked for what it serves, one service restarted,
stopped. BASE is a root file system of the tests' own, since nothing can be pulled."""

import shutil

import pytest

from engine import LABEL, TREE, binary
from machine import Machine


@pytest.fixture
def example(engine, tmp_path):
    """example(name, image): the image that the folder's Dockerfile makes."""
    built = []

    def build(name: str, base: str) -> str:
        context = tmp_path / name
        shutil.copytree(TREE / "examples" / name, context)
        shutil.copy(binary(), context / "reeve")
        tag = f"{LABEL}/example-{name}"
        ran = engine.docker("build", "-q", "--network", "none", "--label", LABEL, "--build-arg", f"BASE={engine.base_image(base)}",
                            "-t", tag, str(context), check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        built.append(tag)
        return tag

    yield build
    for tag in built:
        engine.docker("rmi", "-f", tag, check=False)


@pytest.fixture
def run(engine):
    made = []

    def start(image: str, *command: str, flags=()) -> Machine:
        made.append(Machine.of_image(engine, image, list(command), flags, patience=120))
        return made[-1]

    yield start
    for m in made:
        m.remove()


def serves(m, port: int = 80):
    return m.wait_until(lambda: m.sh(f"curl -sf http://localhost:{port}/").out, "the page")


def test_build_time(request, example, run):
    if not request.config.getoption("--soak"):
        pytest.skip("three databases, each started in a build step: run with --soak")
    m = run(example("build-time", "nosystemd"))
    m.wait_booted()
    assert m.run("mariadb", "-Nse", "SELECT * FROM shop.goods ORDER BY name").out == "pear\nquince\n"
    assert m.run("psql", "-Atc", "SELECT * FROM goods", user="postgres").out == "pear\n"
    assert "shop" in m.run("rabbitmqctl", "-q", "list_vhosts").out
    assert m.ctl("restart mariadb").ok
    assert m.stop() == 0


def test_one_unit(engine, example, run):
    image = example("one-unit", "nosystemd")
    web = run(image, "reeve", "run", "--unit=apache2")
    assert serves(web) == "one image, many containers\n"
    assert web.active("redis-server") == "inactive"
    web.kill("HUP")
    assert serves(web)
    cache = run(image, "reeve", "run", "--unit=redis-server")
    cache.wait_until(lambda: cache.sh("redis-cli ping").out == "PONG\n", "redis")
    assert cache.ctl("restart redis-server").ok
    assert (web.stop(), cache.stop()) == (0, 0)


def test_one_command(engine, example, run):
    image = example("one-command", "minbase")
    assert run(image, "sh", "-c", "exit 3").wait_exit() == 3
    m = run(image)
    m.kill("TERM")
    assert m.wait_exit() == 143
    assert run(image, "-g", "-e", "4", "--", "sh", "-c", "exit 4", flags=["--entrypoint", "tini"]).wait_exit() == 0


def test_entrypoint(example, run):
    # The distribution's own images have /run/lock; the tests' root has an empty /run.
    m = run(example("entrypoint", "nosystemd"), flags=["--tmpfs", "/run/lock"])
    assert serves(m) == "from an entrypoint\n"
    m.wait_until(lambda: m.sh("redis-cli ping").out == "PONG\n", "redis")
    assert m.ctl("restart redis-server").ok
    m.wait_until(lambda: m.find("^tail -f"), "the entrypoint to wait")
    assert m.stop() == 0, m.logs()[-3000:]


ASKPASS = "#!/bin/sh\necho peasant\n"
LOGIN = ("SSH_ASKPASS=/tmp/ask SSH_ASKPASS_REQUIRE=force ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
         "-o PreferredAuthentications={} guest@localhost 'echo in as $(id -un)'")


def test_sshd(example, run):
    m = run(example("sshd", "nosystemd"))
    m.wait_booted()
    m.put({"tmp/ask": ASKPASS})
    assert m.sh(LOGIN.format("password")).out == "in as guest\n", m.logs()[-2000:]
    assert not m.sh("test -e /run/nologin").ok
    assert m.sh("ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/key -C test && install -d -o guest /home/guest/.ssh && "
                "install -o guest -m 600 /root/.ssh/key.pub /home/guest/.ssh/authorized_keys").ok
    assert m.sh(LOGIN.format("publickey").replace("ssh -o", "ssh -i /root/.ssh/key -o", 1)).out == "in as guest\n"
    assert m.ctl("restart ssh").ok and m.sh(LOGIN.format("password")).ok
    assert m.stop() == 0


def test_rpm(example, run):
    m = run(example("rpm", "rpm"))
    answer = "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(\"localhost:8080\") or exit 1; print $s \"GET /\\n\\n\"; print <$s>'"
    greeting = lambda: m.sh(answer).out.splitlines()[-1:]
    assert m.wait_until(greeting, "the greeting") == ["hello"]
    first = m.main_pid("greeter")
    assert m.sh("echo GREETING=servus > /etc/sysconfig/greeter; systemctl restart greeter").ok
    assert greeting() == ["servus"] and m.main_pid("greeter") not in (0, first)
    assert m.sh("rpm -e greeter").ok and not m.sh(answer).ok
    assert m.stop() == 0


def test_essential(example, run):
    m = run(example("essential", "nosystemd"))
    m.wait_booted()
    assert serves(m) == "served while redis lives\n"
    assert m.ctl("restart redis-server").ok and serves(m)
    m.sh("redis-cli shutdown nosave")
    assert m.wait_exit() == 0, m.logs()[-3000:]


def test_any_user(example, run):
    m = run(example("any-user", "nosystemd"), flags=["--user", "123456", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"])
    assert m.wait_until(lambda: m.sh("redis-cli ping").out, "redis") == "PONG\n"
    assert m.ctl("restart cache").ok and m.sh("redis-cli ping").out == "PONG\n"
    assert m.wait_log("Not enforced in this container: .*User")
    assert m.stop() == 0
