# SPDX-License-Identifier: Apache-2.0
"""Units from init scripts: the same scripts and runlevel links, once with systemd-sysv-generator, once with reeve's
own. What the units say and which targets want them must be the same."""

import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("REEVE_BUILD", Path(__file__).resolve().parents[2] / "build"))
OURS = BUILD / "tests/conformance/sysv"
THEIRS = Path("/usr/lib/systemd/system-generators/systemd-sysv-generator")

pytestmark = pytest.mark.skipif(not THEIRS.exists() or not OURS.exists(), reason="needs systemd and a build")


def lsb(body, after=""):
    return f"#!/bin/sh\n### BEGIN INIT INFO\n{body}\n### END INIT INFO\n{after}\n"


CASES = {
    # name: (scripts, links)
    "bare": ({"zfoo": "#!/bin/sh\n"}, ["rc2.d/S01zfoo"]),
    "not-wanted": ({"zfoo": "#!/bin/sh\n"}, ["rc2.d/K01zfoo"]),
    "runlevels": ({"zfoo": "#!/bin/sh\n"}, ["rc1.d/S01zfoo", "rc2.d/S01zfoo", "rc3.d/S02zfoo", "rc4.d/S01zfoo",
                                            "rc5.d/S09zfoo", "rcS.d/S01zfoo", "rc6.d/K01zfoo"]),
    "odd-links": ({"zfoo": "#!/bin/sh\n"}, ["rc2.d/S1zfoo", "rc3.d/Sxxzfoo", "rc5.d/S00"]),
    "dot-sh": ({"zfoo.sh": lsb("# Provides: zfoo\n# Required-Start: $remote_fs")}, ["rc2.d/S01zfoo.sh"]),
    "facilities": ({"zfoo": lsb("# Provides: zfoo\n# Required-Start: $local_fs $remote_fs $syslog $network $named\n"
                                "# Should-Start: $time $portmap $mystery zbar\n# Required-Stop: $syslog\n"
                                "# X-Start-Before: zqux $x-display-manager\n# X-Start-After: zquux")}, []),
    "provides": ({"zfoo": lsb("# Provides: zfoo zalias $mail-transport-agent zfoo.sh a@b")}, ["rc2.d/S01zfoo"]),
    "provides-another": ({"zfoo": lsb("# Provides: zbar"), "zbar": "#!/bin/sh\n"}, []),
    "descriptions": ({"za": lsb("# Short-Description: short\n# Description: long\n#  and more\n#\tand tab\n# Provides: x"),
                      "zb": lsb("# Description: long\n#  and more\n# no more"),
                      "zc": "#!/bin/sh\n# description: old \\\n#   style \\\n# goes on\n",
                      "zd": lsb("# Provides: zd", "# description: both")}, []),
    "percent": ({"zfoo": lsb("# Short-Description: 100% of %n")}, []),
    "pid-file": ({"za": "#!/bin/sh\n# pidfile: /run/za.pid\n", "zb": "#!/bin/sh\n# pidfile: za.pid\n",
                  "zc": lsb("# pidfile: /run/zc.pid")}, []),
    "reload": ({"za": "#!/bin/sh\necho 'Usage: za {start|reload|stop}'\n", "zb": "#!/bin/sh\necho 'Usage: {force-reload}'\n",
                "zc": "#!/bin/sh\necho 'usage: \\\n  {start|reload}'\n", "zd": "#!/bin/sh\n# usage: {reload}\n",
                "ze": lsb("# Provides: ze", 'echo "Usage: $0 {start|stop|reload}"')}, []),
    "order-by-number": ({"za": "#!/bin/sh\n", "zb": "#!/bin/sh\n", "zc": lsb("# Provides: zc"), "zd": lsb("# Provides: zd"),
                         "ze": "#!/bin/sh\n"},
                        ["rc2.d/S01za", "rc2.d/S05zb", "rc2.d/S03zc", "rc2.d/S04zd"]),
    "not-executable": ({"-zfoo": "#!/bin/sh\n", "zbar": "#!/bin/sh\n"}, ["rc2.d/S01zfoo"]),
    "native-unit": ({"systemd-journald": "#!/bin/sh\n", "cron-like z": "#!/bin/sh\n"}, []),
    "case-and-spaces": ({"zfoo": lsb("#provides:   zx   zy\n# REQUIRED-START:\tzz\n#   Should-Start: zw")}, []),
    "unfinished-header": ({"zfoo": "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: zx\necho Usage {reload|}\n"}, []),
    "quotes": ({"zfoo": lsb("# Provides: 'z x' \"unfinished\n# Required-Start: zb")}, []),
    "empty": ({"zfoo": ""}, ["rc2.d/S01zfoo"]),
    "no-newline": ({"zfoo": "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: zalias"}, []),
}

# Said differently, or by us alone.
OWN = {"Documentation", "Environment"}


def read_unit(path):
    if path.is_symlink():
        return f"-> {os.readlink(path)}"
    settings = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and name not in OWN and not line.startswith("#"):
            settings.setdefault(name, set()).add(value)
    return settings


@pytest.mark.parametrize("name", CASES)
def test_same_as_systemd(name, tmp_path):
    scripts, links = CASES[name]
    (tmp_path / "init.d").mkdir()
    for script, text in scripts.items():
        place = tmp_path / "init.d" / script.lstrip("-")
        place.write_text(text)
        place.chmod(0o644 if script.startswith("-") else 0o755)
    for link in links:
        (tmp_path / link).parent.mkdir(exist_ok=True)
        (tmp_path / link).symlink_to("../init.d/" + link.split("/")[1][3:])
    env = {**os.environ, "SYSTEMD_SYSVINIT_PATH": str(tmp_path / "init.d"), "SYSTEMD_SYSVRCND_PATH": str(tmp_path)}
    results = []
    for program in (THEIRS, OURS):
        out = tmp_path / program.name
        out.mkdir()
        subprocess.run([program, out, out, out] if program is THEIRS else [program, out], env=env, check=True,
                       capture_output=True)
        results.append({str(p.relative_to(out)): read_unit(p) for p in sorted(out.rglob("*")) if not p.is_dir() or p.is_symlink()})
    assert results[1] == results[0]


def test_scripts_do_not_redirect_to_systemctl(tmp_path):
    (tmp_path / "init.d").mkdir()
    (tmp_path / "init.d/zfoo").write_text("#!/bin/sh\n")
    (tmp_path / "init.d/zfoo").chmod(0o755)
    subprocess.run([OURS, tmp_path], env={**os.environ, "SYSTEMD_SYSVINIT_PATH": str(tmp_path / "init.d")}, check=True)
    assert "Environment=SYSTEMCTL_SKIP_REDIRECT=1" in (tmp_path / "zfoo.service").read_text()
