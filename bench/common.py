# SPDX-License-Identifier: Apache-2.0
"""What the benches share: numbers out of /proc, medians with their spread, and the parts of results.md."""

import os
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TREE / "tests/scenario"))

RESULTS = TREE / "bench/results.md"


def comm(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def cpu(pid) -> float:
    """Seconds of CPU the process has used, its own and the kernel's for it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return 0.0


def pss(pid) -> int:
    """kB."""
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
        return int(found[1]) if found else 0
    except OSError:
        return 0


def build(tool: str, where: Path, *flags) -> Path:
    """A program of this folder."""
    made = where / tool
    subprocess.run(["cc", "-O2", "-Wall", *flags, "-o", made, TREE / f"bench/{tool}.c"], check=True)
    return made


def spread(values, scale=1.0, form="{:.1f}"):
    if not values:
        return "–"
    values = sorted(v * scale for v in values)
    return f"{form.format(statistics.median(values))} ({form.format(values[0])}–{form.format(values[-1])})"


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def where_measured() -> str:
    """The commit and the machine, for the top of a part."""
    commit = subprocess.run(["git", "-C", TREE, "log", "-1", "--format=%h"], capture_output=True, text=True).stdout.strip()
    if subprocess.run(["git", "-C", TREE, "status", "--porcelain", "src"], capture_output=True, text=True).stdout.strip():
        commit += " with changes"
    return f"Commit {commit}; kernel {platform.release()}, {os.cpu_count()} cores, shared."


def write_part(title: str, text: str):
    """Replaces the part `## TITLE` of results.md, or appends it; the others stay."""
    old = RESULTS.read_text() if RESULTS.exists() else ""
    parts = re.split(r"^(?=## )", old, flags=re.M)[1:]
    part = f"## {title}\n\n{text.strip()}\n\n"
    if any(p.startswith(f"## {title}\n") for p in parts):
        parts = [part if p.startswith(f"## {title}\n") else p for p in parts]
    else:
        parts.append(part)
    head = "<!-- SPDX-License-Identifier: Apache-2.0 -->\n# make bench\n\n"
    RESULTS.write_text(head + "".join(parts).rstrip() + "\n")
