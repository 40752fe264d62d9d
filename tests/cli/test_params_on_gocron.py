"""Parameters on gocron, whose server keeps commands: the values of each run reach its nodes, or the run is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pydag.engines.gocron import sync
from tests.support.commands import pydag
from tests.support.gocron_targets import Lab

LOAD = """\
from pydag import Job, Task, param
param("DAY", default="2026-03-01", type="date")
param("CITY", default="New York")
with Job({name!r}):
    Task("Fetch", 'echo "$DAY $CITY"')
"""


@pytest.fixture(autouse=True)
def job(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A job on the lab's gocron, gone after the test."""
    monkeypatch.setenv("GOCRON_ADDRESS", lab.address)
    monkeypatch.setenv("GOCRON_ADMIN_USER", lab.user)
    monkeypatch.setenv("GOCRON_ADMIN_PASSWORD", lab.password)
    Path("load.py").write_text(LOAD.format(name=lab.prefix))
    yield lab.prefix
    sync.delete_job(lab.client, lab.prefix, force=True, now=datetime.now(UTC))


def newest(job: str) -> tuple[Any, str]:
    """The values of the newest run, and what its task wrote."""
    run = json.loads(pydag("log", job, "--json").stdout)["runs"][0]
    attempts = json.loads(pydag("log", job, "--task-name=Fetch", "--json").stdout)["attempts"]
    return run["params"], attempts[0]["output"].strip()


def test_auto_gives_each_run_its_own_values(job: str) -> None:
    for arguments, expected in (
        ([], ("2026-03-01", "New York")),
        (["CITY=it's $HOME", "DAY=2026-03-02"], ("2026-03-02", "it's $HOME")),
    ):
        done = pydag("run", "load.py", *arguments, PYDAG_RUN_NEW="auto")
        assert (done.returncode, done.stderr) == (0, "")
        assert newest(job) == (dict(zip(("DAY", "CITY"), expected, strict=True)), " ".join(expected))


def test_no_runs_what_is_there_only_with_the_values_that_it_has(job: str) -> None:
    assert pydag("run", "load.py").returncode == 0
    assert pydag("run", "load.py", PYDAG_RUN_NEW="no").returncode == 0
    done = pydag("run", "load.py", "CITY=Paris", PYDAG_RUN_NEW="no")
    assert (done.returncode, done.stdout) == (5, "")
    assert "on gocron is not that of this run's parameters: set PYDAG_RUN_NEW=auto to change it there" in done.stderr
    assert newest(job) == ({"DAY": "2026-03-01", "CITY": "New York"}, "2026-03-01 New York")
