from __future__ import annotations

from collections.abc import Sequence

import pytest

from pydag.model.run import JobEntry, Run, RunRecord, record_of
from pydag.model.states import State
from pydag.testing import HOSTILE_NAMES, START, at
from pydag.view import status as status_view
from pydag.view.terminal import Display
from pydag.view.text import text_width
from tests.support.samples import BAD, GOOD, TEST_JOB, run_of, running, success

NOW = at(60)
pytestmark = pytest.mark.usefixtures("in_utc")


def entry(name: str, record: RunRecord | None = None) -> JobEntry:
    return JobEntry(name=name, saved=START, tasks=5, last_run=record.run if record else None)


def status(*entries: JobEntry, running: Sequence[RunRecord] = (), width: int | None = None, **older: Run) -> list[str]:
    """`older` has results of jobs whose newest run has not ended."""
    results = {each.name: each.last_run for each in entries if each.last_run and each.last_run.state.final}
    display = Display(width=width)
    return list(status_view.status(running, entries, {**results, **older}, {}, now=NOW, display=display))


def test_status_shows_what_runs_and_the_last_result_of_each_job() -> None:
    going = run_of(TEST_JOB, [success(0, 0, 1), running(1, 1)], State.RUNNING, ended=None)
    entries = [entry("TestJob", going), entry("工作 🚀", BAD), entry("New"), entry("First", going)]
    assert status(*entries, running=[going], TestJob=GOOD.run) == [
        "Running now",
        "● TestJob  for 1m 00s  since 2022-12-26 15:28:01  1 of 5 tasks done, running: `Feature Engineering1`",
        "",
        "Last results",
        "✓ TestJob  success            2022-12-26 15:28:01  42s",
        "✗ 工作 🚀  failed             2022-12-26 15:28:01  14s",
        "○ New      has not run yet",
        "○ First    has not ended yet",
    ]


def test_status_without_a_run_and_without_a_job() -> None:
    assert "  nothing" in status(entry("J", GOOD))
    assert status() == ["No jobs yet. `pydag run FILE` runs the job in a file, and it will be listed here."]


@pytest.mark.parametrize("width", [20, 40, 80, 300])
def test_a_status_line_fits_the_terminal_and_a_pipe_gets_whole_names(width: int) -> None:
    entries = [entry(name, GOOD) for name in [*HOSTILE_NAMES, "漢" * 100]]
    lines = status(*entries, width=width)
    assert max(map(text_width, lines)) <= width
    whole = "\n".join(status(*entries))
    assert all(each.name in whole for each in entries)


def test_a_run_that_never_started_shows_its_cause() -> None:
    record = run_of(TEST_JOB, [], State.FAILED, ended=0)
    record = record_of(record.run._replace(start_failure="'flow.py' is gone:\n\x1b[2Jgive another"), TEST_JOB, [])
    row = status(entry("TestJob", record))[4]
    assert row == "✗ TestJob  failed  2022-12-26 15:28:01  never started: 'flow.py' is gone: give another"
