# SPDX-License-Identifier: Apache-2.0
"""The unit files of Debian's server packages. They are downloaded with apt once, unpacked and never installed; what is
kept is the unit files, in REEVE_CACHE. packages.txt lists the packages."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from engine import CACHE

LIST = Path(__file__).with_name("packages.txt")
ALL = [line for line in LIST.read_text().split() if line]
# What `make check` looks at.
SAMPLE = ["nginx-common", "bind9", "dovecot-core", "postfix", "samba", "chrony", "redis-server", "haproxy", "tor", "knot",
          "openvpn", "fail2ban", "prometheus-node-exporter", "systemd-cron", "nut-client", "cockpit-ws", "borgmatic", "inn2",
          "atftpd", "acpid", "auditd", "gpsd", "bluez", "libvirt-daemon-system", "rpcbind", "nfs-common"]


def fetch(names, into):
    with tempfile.TemporaryDirectory(prefix="reeve-debs-") as scratch:
        os.chmod(scratch, 0o777)
        subprocess.run(["apt-get", "-qq", "download", *names], cwd=scratch, stdin=subprocess.DEVNULL, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for deb in sorted(Path(scratch).glob("*.deb")):
            name = deb.name.split("_")[0]
            tree, kept = Path(scratch) / "tree", into / name
            tree.mkdir()
            subprocess.run(["dpkg-deb", "-x", deb, tree], check=True)
            kept.mkdir(parents=True, exist_ok=True)
            for folder in ("lib/systemd/system", "usr/lib/systemd/system"):
                if (tree / folder).is_dir():
                    shutil.copytree(tree / folder, kept, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(tree)
            deb.unlink()


def unit_files(names=None):
    """{path below a unit directory: text, or "-> target"} of the packages NAMES, or of all."""
    names = names or ALL
    cache = CACHE / "units"
    missing = [name for name in names if not (cache / name).is_dir()]
    known = set(subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True).stdout.split()) if missing else set()
    missing = [name for name in missing if name in known]
    try:
        for at in range(0, len(missing), 50):
            fetch(missing[at:at + 50], cache)
    except subprocess.CalledProcessError as failed:
        pytest.skip(f"the packages cannot be downloaded here: {failed}")
    found = {}
    for name in names:
        top = cache / name
        for path in sorted(top.rglob("*")) if top.is_dir() else ():
            if path.is_symlink():
                found[str(path.relative_to(top))] = f"-> {os.readlink(path)}"
            elif path.is_file():
                found[str(path.relative_to(top))] = path.read_text(errors="replace")
    return found
