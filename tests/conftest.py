"""Every test has a history and a working directory of its own, and an environment without settings.

So tests can run side by side. Those that share something of the machine (the user's crontab, a real gocron server) form
a group, which one worker runs in turn. A test whose tool is not installed is left out, and the last lines say so; with
CI=true it fails.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings

from tests.support.gocron_targets import REAL, fake, gocron, lab, real_labs
from tests.support.servers import RedisServer, redis_client, redis_server
from tests.support.user_crontab import borrowed_crontab

__all__ = ["fake", "gocron", "lab", "real_labs"]

pytest.register_assert_rewrite("pydag.testing")

# No test asserts on seconds: an example may be slow on a busy machine.
settings.register_profile("pydag", deadline=None)
settings.load_profile("pydag")

# What a marker needs: the program, and Debian's package that has it.
TOOLS = {
    "cron": ("crontab", "cron"),
    "curl": ("curl", "curl"),
    "dot": ("dot", "graphviz"),
    "groff": ("groff", "groff-base"),
    "openssl": ("openssl", "openssl"),
    "redis": ("redis-server", "redis-server"),
}

_SETTINGS = ("NO_COLOR", "FORCE_COLOR", "PYTHONPATH")


@pytest.fixture(autouse=True)
def directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory. PYDAG_HOME is `home` beside it, and does not exist yet."""
    work = tmp_path_factory.mktemp("place") / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name in [*_SETTINGS, *(name for name in os.environ if name.startswith(("PYDAG_", "GOCRON_")))]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYDAG_HOME", str(work.parent / "home"))
    monkeypatch.setenv("TERM", "xterm-256color")
    return work


@pytest.fixture
def own_home(directory: Path) -> Path:
    """Where the history of this test lies once there is one."""
    return directory.parent / "home"


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time of this process is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def own_crontab() -> Iterator[None]:
    """The real crontab, empty for the length of a test."""
    with borrowed_crontab():
        yield


def _missing_tools() -> dict[str, str]:
    """Each marker whose program is not installed, with the package that has it; none where all must be tested."""
    if os.environ.get("CI"):
        return {}
    return {marker: package for marker, (program, package) in TOOLS.items() if shutil.which(program) is None}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put what must not run side by side into groups. In later hooks pytest-xdist has read them already."""
    if item.get_closest_marker("cron"):
        item.add_marker(pytest.mark.xdist_group("crontab"))
    if server := _real_server(item):
        item.add_marker(pytest.mark.server)
        item.add_marker(pytest.mark.xdist_group(server))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = _missing_tools()
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in missing)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish(session: pytest.Session) -> None:
    """A worker runs groups only if it has them in the ids; not every pytest lets pytest-xdist write them there."""
    if getattr(session.config.option, "loadgroup", False):
        grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
        assert all("@" in item.nodeid for item in grouped), "this pytest and pytest-xdist do not group tests"


def _real_server(item: pytest.Item) -> str | None:
    """The gocron server that this test runs on, unless that is the stand-in."""
    parameters = (
        item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    )
    return next((value for value in parameters if value in REAL), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if missing := _missing_tools():
        line = (
            f"NOT TESTED: what needs {', '.join(sorted(missing))}: apt-get install {' '.join(sorted(missing.values()))}"
        )
        terminalreporter.write_line(line, yellow=True)
    if not REAL:
        line = "NOT TESTED: a real gocron, as PYDAG_TEST_GOCRON names none (CONTRIBUTING.md); its stand-in was"
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def redis_for_all() -> Iterator[RedisServer]:
    """One server for the tests that share it, each under a prefix of its own."""
    with redis_server() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return f"test {uuid4().hex}"


@pytest.fixture
def client(redis_for_all: RedisServer) -> Iterator[Any]:
    with redis_client(redis_for_all) as client:
        yield client


@pytest.fixture
def redis_environ(redis_for_all: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history on Redis for every command of this test."""
    monkeypatch.setenv("PYDAG_LOG_STORE_HOST", "127.0.0.1")
    monkeypatch.setenv("PYDAG_LOG_STORE_PORT", str(redis_for_all.port))
    monkeypatch.setenv("PYDAG_LOG_PREFIX", prefix)
