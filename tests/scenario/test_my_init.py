# SPDX-License-Identifier: Apache-2.0
"""my_init, as images in the manner of phusion/baseimage have it at PID 1: start-up scripts, the container's environment in
files, services, a main command, shutdown scripts. docs/runit.md."""

import json

FILES = {
    "sbin/my_init": "-> /usr/bin/reeve",
    "etc/my_init.d/10_first": "#!/bin/sh\necho \"first $GIVEN $KEPT\" >> /root/order\necho changed > /etc/container_environment/GIVEN\n"
                              "echo \"it's\" > /etc/container_environment/QUOTED\n",
    "etc/my_init.d/20_second": "#!/bin/sh\necho \"second $GIVEN\" >> /root/order\n(sleep 0.1 &)\n",
    "etc/my_init.d/30_no_program": "not run\n",
    "etc/rc.local": "#!/bin/sh\necho rc.local >> /root/order\n",
    "etc/container_environment/KEPT": "kept\n",
    "etc/container_environment/HOME": "/root",
    "etc/my_init.pre_shutdown.d/10_pre": "#!/bin/sh\necho pre \"$(cat /etc/service/web/supervise/stat)\" >> /root/order\n",
    "etc/my_init.post_shutdown.d/10_post": "#!/bin/sh\necho post \"$(cat /etc/service/web/supervise/stat)\" >> /root/order\n",
    "etc/service/web/run": "#!/bin/sh\nenv > /root/environment\nexec sleep 100000\n",
}


def boot(machine, *command, files=None, flags=(), **more):
    return machine("runit", command=["/sbin/my_init", *command], files=FILES | (files or {}), flags=list(flags), boot=False, **more)


def contents(m, path):
    """Of a file of an ended container."""
    import io
    import tarfile
    tar = m.engine.docker("cp", f"{m.id}:{path}", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as packed:
        return packed.extractfile(path.rsplit("/", 1)[1]).read().decode()


def test_scripts_run_in_order_around_the_services(machine):
    m = boot(machine, flags=["-e", "GIVEN=by docker"])
    m.wait_until(lambda: m.run("sv", "status", "web").out.startswith("run: web: "), "the service")
    assert m.read("/root/order").splitlines() == ["first by docker kept", "second changed", "rc.local"]
    environment = dict(line.split("=", 1) for line in m.read("/root/environment").splitlines() if "=" in line)
    assert (environment["GIVEN"], environment["KEPT"], environment["HOME"]) == ("changed", "kept", "/root")
    assert not [name for name in environment if name.startswith("REEVE_")]
    assert json.loads(m.read("/etc/container_environment.json"))["GIVEN"] == "changed"
    assert m.sh(". /etc/container_environment.sh; echo $QUOTED").out == "it's\n"
    assert m.ctl("is-active web").out == "active\n"
    assert m.stop() == 0
    assert contents(m, "/root/order").splitlines()[3:] == ["pre run", "post down"]
    assert [line for line in m.logs().splitlines() if line.startswith("*** ")] == [
        "*** Running /etc/my_init.d/10_first...", "*** Running /etc/my_init.d/20_second...", "*** Running /etc/rc.local...",
        "*** Running /etc/my_init.pre_shutdown.d/10_pre...", "*** Running /etc/my_init.post_shutdown.d/10_post..."]


def test_the_main_command_decides_the_exit_status(machine):
    m = boot(machine, "--quiet", "--", "sh", "-c", "echo \"$KEPT 50% of $HOME\"; exec sh -c 'exit 7'")
    assert m.wait_exit() == 7
    assert "kept 50% of /root" in m.logs().splitlines()
    assert not [line for line in m.logs().splitlines() if line.startswith("*** ")]
    assert contents(m, "/root/order").splitlines()[-1:] == ["post down"]


def test_the_main_command_reads_the_containers_input(machine):
    m = machine("runit", command=["/sbin/my_init", "--skip-startup-files", "--skip-runit", "--", "head", "-n", "1"], files=FILES,
                flags=["-i"], boot=False)
    fed = m.engine.docker("attach", m.id, input="through the container\n", check=False, timeout=120)
    assert fed.stdout == "through the container\n"
    assert m.wait_exit() == 0
    assert "Running /etc/my_init.d" not in m.logs()


def test_the_main_command_has_the_terminal(machine):
    m = boot(machine, "--quiet", "--", "sh", "-c", "test -t 0 && test -t 1 && echo terminal of $(ps -o tpgid=,pid= -p $$)", flags=["-t"])
    assert m.wait_exit() == 0
    group, pid = m.logs().split("terminal of ")[1].split()[:2]
    assert group == pid, m.logs()


def test_a_stop_aborts_the_main_command(machine):
    m = boot(machine, "sleep", "100000")
    m.wait_until(lambda: m.find("sleep 100000"), "the command")
    assert m.stop() == 2


def test_a_script_that_fails_ends_the_container(machine):
    m = boot(machine, files={"etc/my_init.d/15_fails": "#!/bin/sh\nexit 9\n"})
    assert m.wait_exit() == 1
    assert "*** /etc/my_init.d/15_fails failed with status 9" in m.logs()
    assert contents(m, "/root/order").splitlines() == ["first  kept"]


def test_a_stop_reaches_a_start_up_script(machine):
    m = boot(machine, files={"etc/my_init.d/15_waits": "#!/bin/sh\necho waiting\nexec sleep 100000\n"})
    m.wait_log("waiting")
    assert m.stop() == 2
    assert "*** Init system aborted." in m.logs()


def test_options_that_do_not_fit(machine):
    m = boot(machine, "--skip-runit")
    assert m.wait_exit() == 1
    assert "*** When --skip-runit is given, you must also pass a main command." in m.logs()
    assert m.engine.docker("run", "--rm", "--entrypoint", "reeve", m.engine.image("runit"), "my_init", "--nonsense",
                           check=False).returncode == 2
