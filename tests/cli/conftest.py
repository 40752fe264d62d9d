"""A history for the commands that show one."""

from __future__ import annotations

import sys

import pytest

from pydag.app import run as run_app
from pydag.runs.reporter import Silent
from pydag.workflow.loader import load_job
from tests.support.commands import simple


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of TestJob: of its tasks `t0` succeeds, `t1` fails, `t2` is skipped."""
    simple("echo out; echo err >&2", "printf half; exit 3", "true")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    for _ in range(2):
        run_app.run_job(load_job("flow.py"), Silent(), check=False)
