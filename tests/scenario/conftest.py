# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the scenario tests.

`machine(...)` boots a container and removes it when the test ends. A test that takes `manager` runs under reeve, and
with `--manager=systemd` or `--manager=both` also under the oracle: real systemd says whether the expectation is true.
The directories under cases/ are tests too; see cases.py.
"""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import Case, CasePool  # noqa: E402
from engine import Engine, Missing, binary  # noqa: E402
from machine import Machine  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--manager", choices=("reeve", "systemd", "both"), default="reeve",
                     help="who is PID 1: reeve, the oracle, or one after the other")
    parser.addoption("--systemctl", choices=("distribution", "applet"), default="distribution",
                     help="which systemctl the tests under reeve use: the image's, or reeve's own in its place")
    parser.addoption("--record", action="store_true",
                     help="write what the oracle answers into the cases' session files, then review them")
    parser.addoption("--sample", type=int, default=0, help="of the cases, run only about this many")
    parser.addoption("--soak", action="store_true", help="also what takes hours")


def pytest_configure(config):
    # Being terminated cleans up like being interrupted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if config.getoption("--systemctl") == "applet":
        Machine.applets = ("systemctl",)


def managers(config) -> list[str]:
    chosen = config.getoption("--manager")
    return ["reeve", "systemd"] if chosen == "both" else [chosen]


def pytest_generate_tests(metafunc):
    if "manager" in metafunc.fixturenames:
        metafunc.parametrize("manager", managers(metafunc.config), scope="session")


def pytest_collection_modifyitems(config, items):
    """What only reeve does is no question for the oracle; a sample is spread over the alphabet."""
    cases = [item for item in items if isinstance(item, Case)]
    sample = config.getoption("--sample")
    if sample:
        keep = set(cases[:: max(1, len(cases) // sample)])
        config.hook.pytest_deselected(items=[item for item in items if item not in keep])
        items[:] = [item for item in items if item in keep]
    if config.getoption("--manager") != "systemd":
        return
    asked = [item for item in items if "manager" in getattr(item, "fixturenames", ()) or isinstance(item, Case)]
    config.hook.pytest_deselected(items=[item for item in items if item not in asked])
    items[:] = asked


def pytest_collect_file(file_path, parent):
    if file_path.name == "session" and file_path.parent.parent.name == "cases":
        return CaseFile.from_parent(parent, path=file_path)
    return None


class CaseFile(pytest.File):
    def collect(self):
        for manager in managers(self.config):
            name = f"{self.path.parent.name}[{manager}]"
            yield Case.from_parent(self, name=name, directory=self.path.parent, manager=manager)


@pytest.fixture(scope="session")
def engine(request):
    yield _engine(request.config)


def _engine(config) -> Engine:
    """The one engine of this run, started when the first test needs it."""
    if not hasattr(config, "_reeve_engine"):
        try:
            config._reeve_engine = Engine().__enter__()
        except Missing as missing:
            config._reeve_engine = missing
    if isinstance(config._reeve_engine, Missing):
        pytest.skip(str(config._reeve_engine))
    return config._reeve_engine


def case_pool(config) -> CasePool:
    if not hasattr(config, "_reeve_pool"):
        config._reeve_pool = CasePool(_engine(config))
    return config._reeve_pool


def pytest_unconfigure(config):
    if hasattr(config, "_reeve_pool"):
        config._reeve_pool.close()
    engine = getattr(config, "_reeve_engine", None)
    if isinstance(engine, Engine):
        engine.__exit__()


def maker(engine):
    made = []

    def make(*args, **more) -> Machine:
        try:
            made.append(Machine(engine, *args, **more))
        except Missing as missing:
            pytest.skip(str(missing))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture
def machine(engine):
    """Boots containers: machine(image="oracle", manager="reeve", units={...}, files={...}, flags=[...])."""
    yield from maker(engine)


@pytest.fixture(scope="module")
def shared_machine(engine):
    """As machine(), but the containers live as long as the test module."""
    yield from maker(engine)


def pytest_report_header(config):
    return f"reeve: {binary()}{'' if binary().exists() else ' (not built)'}; manager: {config.getoption('--manager')}"
