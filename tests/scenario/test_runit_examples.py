# SPDX-License-Identifier: Apache-2.0
"""examples/phusion and examples/ctf, built and tried as their READMEs say: docker build, a request, a restart, a stop."""

import io
import re
import tarfile

import pytest

from engine import LABEL, TREE, binary


def build(engine, name: str) -> str:
    """`docker build` in the example's folder, on the test's image in place of debian:12."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(TREE / "examples" / name, arcname=".")
        tar.add(binary(), arcname="reeve")
    tag = f"{LABEL}/example-{name}"
    engine.docker("build", "--quiet", "--network", "none", "--label", LABEL, "--build-arg", f"BASE={engine.base_image('runit')}",
                  "-t", tag, "-", input=context.getvalue(), text=False)
    return tag


def contents(m, path: str) -> str:
    """Of a file of an ended container."""
    tar = m.engine.docker("cp", f"{m.id}:{path}", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as packed:
        return packed.extractfile(path.rsplit("/", 1)[1]).read().decode()


@pytest.fixture
def example(engine, machine, monkeypatch):
    def make(name: str, *command: str):
        tag = build(engine, name)
        monkeypatch.setattr(engine, "image", lambda *_: tag)
        return machine(command=list(command), boot=False)
    return make


def test_phusion(example):
    m = example("phusion")
    m.wait_until(lambda: m.sh("sv check web").out.startswith("ok: run: web: "), "the service")
    assert re.match(r"served as [0-9a-f]+\n$", m.run("curl", "-s", "http://localhost:8000/").out)
    assert "listening as www-data on 8000" in m.read("/var/log/web/current")
    before = m.main_pid("web.service")
    assert m.sh("sv -w 30 restart web").ok
    m.wait_until(lambda: m.main_pid("web.service") not in (0, before), "another process")
    m.wait_until(lambda: m.run("curl", "-s", "http://localhost:8000/").ok, "the answer")
    assert m.stop() == 0


def test_phusion_with_a_command(example):
    m = example("phusion", "/sbin/my_init", "--quiet", "--", "sh", "-c", "sv -w 60 start web && curl -s localhost:$PORT; exit 3")
    assert m.wait_exit() == 3
    assert re.search(r"^ok: run: web: .*\nserved as [0-9a-f]+$", m.logs(), re.M), m.logs()


def test_ctf(example):
    m = example("ctf")
    m.patience = 180
    m.wait_until(lambda: m.run("curl", "-s", "http://localhost/flag.php").out == "flag{it_was_there_at_build_time}\n", "the flag")
    assert m.sh("echo you | nc -N localhost 1337").out == "name? hello, you\n"
    # sv tells runit's ./run, which is a shell: it dies, and what it started is ended after it.
    apache = m.find("apache2 -D FOREGROUND")
    assert m.sh("sv -w 60 restart apache2").ok
    m.wait_until(lambda: m.run("curl", "-s", "http://localhost/flag.php").out.startswith("flag{"), "the flag again")
    assert not set(apache) & set(m.find("apache2 -D FOREGROUND"))
    # mysqld_safe ignores the signal, so runit's stop never comes about; a unit's reaches the server.
    assert m.sh("sv -w 1 stop mysql").out.startswith("timeout: run: mysql: ")
    assert m.ctl("stop mysql").ok and not m.find("mariadbd")
    log = m.sh("cat /var/log/mysql/error.log /var/lib/mysql/*.err; journalctl -u mysql 2>/dev/null").out + m.logs()
    assert m.ctl("start mysql").ok
    m.wait_until(lambda: m.run("curl", "-s", "http://localhost/flag.php").out.startswith("flag{"), "the flag once more")
    assert m.ctl("show mysql -p FragmentPath").out.endswith("/generator.early/mysql.service\n")
    assert m.stop(grace=120) == 0
    assert "Shutdown complete" in log + m.logs(), log
    # Both said goodbye.
    assert "caught SIGTERM, shutting down" in contents(m, "/var/log/apache2/error.log").splitlines()[-1]
