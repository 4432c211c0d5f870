# SPDX-License-Identifier: Apache-2.0
"""runit's service directories as units: Debian's own sv, svlogd and chpst against reeve's supervise/ directories, and
systemctl on the same services. docs/runit.md."""

import re

import pytest

SLEEPER = "#!/bin/sh\nexec sleep 100000\n"
RUNIT = ["-e", "REEVE_RUNIT=/etc/service"]

SERVICES = {
    "etc/service/plain/run": SLEEPER,
    # Starts a child of its own session, which ./run's end does not end.
    "etc/service/tree/run": "#!/bin/sh\nsetsid sleep 424242 &\nexec sleep 100000\n",
    "etc/service/logged/run": "#!/bin/sh\necho said\nexec 2>&1\nexec chpst -u nobody -e ./env sh -c 'echo \"$GREETING\" > /dev/stdout; exec sleep 100000'\n",
    "etc/service/logged/env/GREETING": "hello from the environment",
    "etc/service/logged/log/run": "#!/bin/sh\nexec svlogd ./main\n",
    "etc/service/logged/log/main/config": "",
    "etc/service/resting/run": SLEEPER,
    "etc/service/resting/down": "",
    "etc/service/finishes/run": "#!/bin/sh\ntest -e /run/end && exit 3\nexec sleep 100000\n",
    "etc/service/finishes/finish": "#!/bin/sh\necho \"$1 $2\" >> /root/finished\n",
    "etc/service/controlled/run": SLEEPER,
    "etc/service/controlled/control/h": "#!/bin/sh\necho h >> /root/controlled\n",
    "etc/service/controlled/control/t": "#!/bin/sh\necho t >> /root/controlled\nexit 1\n",
    "etc/service/controlled/control/d": "#!/bin/sh\necho d >> /root/controlled\n",
    "etc/service/checked/run": SLEEPER,
    "etc/service/checked/check": "#!/bin/sh\nexec test -e /run/well\n",
    "etc/service/needed/run": SLEEPER,
    "etc/service/needed/down": "",
    "etc/service/stubborn/run": "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n",
}


UNITS = {
    "needs.service": "[Unit]\nRequires=needed.service\nAfter=needed.service\n[Service]\nExecStart=/bin/sleep 100000\n",
    "helper.service": "[Service]\nExecStart=/bin/sleep 100000\n",
    "needed.service.d/helper.conf": "[Unit]\nWants=helper.service\n",
    # A unit of the name of a service directory: the directory goes before it.
    "needed.service": "[Service]\nExecStart=/bin/false\n",
}


@pytest.fixture(scope="module")
def m(shared_machine):
    return shared_machine("runit", files=SERVICES, units=UNITS, flags=RUNIT)


def sv(m, words, **more):
    return m.sh(f"sv {words}", **more)


def pid(m, service):
    return int(m.read(f"/etc/service/{service}/supervise/pid") or 0)


def wait_state(m, service, pattern):
    return m.wait_until(lambda: re.search(pattern, sv(m, f"status {service}").out), f"{service} to be {pattern}")


def test_status_is_that_of_the_unit(m):
    wait_state(m, "plain", r"^run: plain: \(pid \d+\) \d+s$")
    assert pid(m, "plain") == m.main_pid("plain.service")
    assert m.read("/etc/service/plain/supervise/stat") == "run\n"
    assert sv(m, "status resting").out.startswith("down: resting: ")
    assert m.active("resting.service") == "inactive"
    assert sv(m, "status nothing").rc == 1


def test_systemctl_and_sv_act_on_the_same_service(m):
    assert m.ctl("stop plain").ok
    assert re.match(r"down: plain: \d+s, normally up$", sv(m, "status plain").out)
    assert sv(m, "start plain").out.startswith("ok: run: plain: ")
    assert m.active("plain.service") == "active"
    before = m.main_pid("plain.service")
    assert sv(m, "-w 30 restart plain").ok
    m.wait_until(lambda: m.main_pid("plain.service") not in (0, before), "another process")
    assert sv(m, "-w 30 stop plain").out.startswith("ok: down: plain: ")
    assert m.active("plain.service") == "inactive"
    assert m.ctl("start plain").ok
    wait_state(m, "plain", "^run: ")


def test_units_and_service_directories_depend_on_one_another(m):
    assert m.active("needed.service") == "inactive"
    assert m.ctl("start needs").ok
    assert sv(m, "status needed").out.startswith("run: needed: ")
    m.wait_active("helper.service")
    assert m.show("needed.service", "FragmentPath") == "/run/systemd/generator.early/needed.service"
    assert m.ctl("stop needed").ok
    assert m.active("needs.service") == "inactive"


def test_what_dies_is_started_again(m):
    before = pid(m, "plain")
    m.run("kill", "-KILL", str(before))
    m.wait_until(lambda: pid(m, "plain") not in (0, before), "another process")


def test_once_and_up(m):
    assert sv(m, "once resting").ok
    wait_state(m, "resting", r"^run: .*normally down, want down")
    m.run("kill", str(pid(m, "resting")))
    wait_state(m, "resting", r"^down: resting: \d+s$")
    assert sv(m, "up resting").ok
    wait_state(m, "resting", r"^run: resting: \(pid \d+\) \d+s, normally down$")
    assert sv(m, "-w 30 down resting").ok


def test_signals_reach_the_main_process_alone(m):
    assert sv(m, "pause plain").ok
    wait_state(m, "plain", r"^run: .*, paused$")
    assert m.sh(f"ps -o stat= -p {pid(m, 'plain')}").out.startswith("T")
    assert sv(m, "cont plain").ok
    wait_state(m, "plain", r"^run: [^,]*$")
    for signal in ("hup", "alarm", "interrupt", "quit", "1", "2", "term", "kill"):
        before = pid(m, "plain")
        assert sv(m, f"{signal} plain").ok
        m.wait_until(lambda: pid(m, "plain") not in (0, before), f"another process after {signal}")
    m.wait_log(r"plain\.service: Main process exited, code=killed, status=10/USR1")


def test_what_run_leaves_behind_ends_with_it(m):
    assert m.find("sleep 424242")
    assert sv(m, "-w 30 stop tree").ok
    assert not m.find("sleep 424242")


def test_a_log_service_reads_what_its_service_writes(m):
    m.wait_until(lambda: "hello from the environment" in m.read("/etc/service/logged/log/main/current"), "the line")
    assert "said" in m.read("/etc/service/logged/log/main/current")
    assert re.match(r"run: logged: \(pid \d+\) \d+s; run: log: \(pid \d+\) \d+s$", sv(m, "status logged").out)
    assert m.main_pid("logged:log.service") == pid(m, "logged/log")
    # The log service outlives its service, and reads the next one's output.
    logger = pid(m, "logged/log")
    assert sv(m, "-w 30 restart logged").ok
    m.wait_until(lambda: m.read("/etc/service/logged/log/main/current").count("said") == 2, "the second line")
    assert pid(m, "logged/log") == logger


def test_finish_learns_how_run_ended(m):
    wait_state(m, "finishes", "^run: ")
    m.run("kill", "-TERM", str(pid(m, "finishes")))
    m.wait_until(lambda: m.read("/root/finished").splitlines() == ["-1 15"], "finish")
    m.sh("touch /run/end")
    m.wait_until(lambda: m.sh(f"kill {pid(m, 'finishes')}; cat /root/finished").out.splitlines()[-1:] == ["3 0"], "an exit code")
    assert sv(m, "-w 30 down finishes").ok


def test_scripts_in_control_come_first(m):
    wait_state(m, "controlled", "^run: ")
    before = pid(m, "controlled")
    assert sv(m, "hup controlled").ok
    m.wait_until(lambda: m.read("/root/controlled").split() == ["h"], "control/h")
    assert sv(m, "-w 30 down controlled").ok
    m.wait_until(lambda: m.read("/root/controlled").split() == ["h", "t", "d"], "control/t and control/d")
    assert m.ctl("start controlled").ok and pid(m, "controlled") != before
    assert m.ctl("stop controlled").ok
    assert m.read("/root/controlled").split() == ["h", "t", "d", "t", "d"]


def test_check_decides_whether_a_start_is_done(m):
    assert m.ctl("stop checked").ok
    timeout = sv(m, "-w 1 start checked")
    assert (timeout.rc, timeout.out.split(":")[0]) == (1, "timeout")
    m.sh("touch /run/well")
    assert sv(m, "check checked").out.startswith("ok: run: checked: ")


def test_what_does_not_stop_is_killed_when_forced(m):
    wait_state(m, "stubborn", "^run: ")
    assert sv(m, "-w 1 stop stubborn").out.startswith("timeout: run: stubborn: ")
    wait_state(m, "stubborn", "want down, got TERM")
    assert sv(m, "-w 1 force-stop stubborn").out.startswith("kill: run: stubborn: ")
    wait_state(m, "stubborn", "^down: ")


# Each leaves the services as it found them, or as the next one wants them.
SPOKEN = ["", "status", "zap plain", "-w", "status plain resting logged nothing ./", "start plain resting", "check plain resting",
          "pause plain", "status plain", "cont plain", "status /etc/service/plain/ plain/log", "reload tree",
          "stop resting", "try-restart resting", "-v down resting", "-v once resting", "status resting", "-w 5 stop resting",
          "exit resting/log", "-w 1 start checked", "2 resting", "hangup resting"]


def test_our_sv_speaks_as_theirs(m):
    """Debian's and the applet, the same words one after the other."""
    def said(program, words):
        ran = m.sh(f"{program} {words}")
        return ran.rc, re.sub(r"pid \d+", "pid N", re.sub(r"\d+s\b", "Ns", ran.out)), ran.err
    wait_state(m, "plain", "^run: ")
    m.sh("rm -f /run/well")
    for words in SPOKEN:
        assert said("reeve sv", words) == said("sv", words), words


def test_directories_come_and_go(m):
    m.put({"etc/sv/later/run": SLEEPER})
    m.sh("ln -s /etc/sv/later /etc/service/")
    wait_state(m, "later", "^run: ")
    assert m.active("later.service") == "active"
    # Its shape changes: from the next start on there is a finish.
    m.put({"etc/sv/later/finish": "#!/bin/sh\necho later >> /root/later\n"})
    m.wait_until(lambda: "finish" in m.ctl("cat later.service").out, "the new unit")
    m.sh("rm /etc/service/later")
    m.wait_until(lambda: m.show("later.service", "LoadState") == "not-found", "the unit to go")
    assert m.active("later.service") == "inactive"
    assert m.read("/root/later") == "later\n"
    assert m.active("plain.service") == "active"
    # Whatever its start has come to when it goes, also when it has just been told to run.
    for pause in ("0", "0.1", "0.2", "0.3"):
        m.sh(f"mkdir /etc/service/brief; cp /etc/sv/later/run /etc/service/brief/; sleep {pause}; rm -r /etc/service/brief")
        m.wait_until(lambda: m.show("brief.service", "LoadState") == "not-found", "the unit to go")


def test_exit_ends_the_supervision_until_it_is_taken_up_again(m):
    assert sv(m, "-w 30 shutdown logged").out == "ok: logged: runsv not running\n"
    wait_state(m, "logged", "^run: .*; run: log: ")


def test_a_reload_keeps_the_pipe(m):
    logger = pid(m, "logged/log")
    assert m.ctl("daemon-reload").ok
    assert sv(m, "-w 30 restart logged").ok
    assert pid(m, "logged/log") == logger


def test_a_re_execution_keeps_everything(m):
    m.sh("sv pause tree; sv up tree")
    processes = {s: pid(m, s) for s in ("plain", "logged", "logged/log")}
    assert m.ctl("daemon-reexec").ok
    m.wait_log("Reexecuted: ")
    m.wait_booted()
    assert processes == {s: pid(m, s) for s in processes}
    assert sv(m, "status plain").out.startswith("run: plain: ")
    assert sv(m, "-w 30 restart logged").ok
    assert pid(m, "logged/log") == processes["logged/log"]


def test_runsvdir_is_the_manager_of_its_directory(machine):
    m = machine("runit", files={"srv/services/one/run": SLEEPER}, command=["/usr/bin/reeve", "runsvdir", "-P", "/srv/services"],
                flags=["-e", "SVDIR=/srv/services"])
    wait_state(m, "one", "^run: ")
    assert m.active("one.service") == "active"
    again = m.run("reeve", "runsvdir", "/srv/services")
    assert (again.rc, "a service manager runs here already" in again.err) == (100, True)
    assert m.run("reeve", "runsvdir").rc == 1
    assert m.stop() == 0


def test_setuser(machine):
    m = machine("runit", command=["/usr/bin/reeve", "setuser", "www-data", "sh", "-c", "id -u; echo $USER $HOME $UID"], boot=False)
    assert m.wait_exit() == 0
    assert m.logs().split() == ["33", "www-data", "/var/www", "33"]
    assert m.engine.docker("run", "--rm", "--network", "none", "--entrypoint", "/usr/bin/reeve", m.engine.image("runit"), "setuser", "nobodyhere", "true",
                           check=False).stderr == "setuser: user nobodyhere not found\n"
