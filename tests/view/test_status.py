from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pydag.model.run import JobEntry, Run, RunRecord, record_of
from pydag.model.states import State
from pydag.schedule.schedulers.base import Upcoming
from pydag.testing import HOSTILE_NAMES, START, at
from pydag.view import status as status_view
from pydag.view.terminal import Display
from pydag.view.text import text_width
from tests.support.samples import BAD, GOOD, TEST_JOB, fan, run_of, running, success

NOW = at(60)
pytestmark = pytest.mark.usefixtures("in_utc")


def entry(name: str, record: RunRecord | None = None) -> JobEntry:
    return JobEntry(name=name, saved=START, tasks=5, last_run=record.run if record else None)


def status(
    *entries: JobEntry,
    running: Sequence[RunRecord] = (),
    width: int | None = None,
    schedules: Mapping[str, Upcoming] | None = None,
    **older: Run,
) -> list[str]:
    """`older` has results of jobs whose newest run has not ended."""
    results = {each.name: each.last_run for each in entries if each.last_run and each.last_run.state.final}
    display = Display(width=width)
    return list(status_view.status(running, entries, {**results, **older}, schedules or {}, now=NOW, display=display))


def due(seconds: float | None, expression: str = "0 6 * * *", **other: Any) -> Upcoming:
    return Upcoming(expression=expression, scheduler="crontab", next=None if seconds is None else at(seconds), **other)


def test_status_shows_what_runs_and_the_last_result_of_each_job() -> None:
    going = run_of(TEST_JOB, [success(0, 0, 1), running(2, 20, number=2), running(1, 1)], State.RUNNING, ended=None)
    entries = [entry("TestJob", going), entry("工作 🚀", BAD), entry("New"), entry("First", going)]
    assert status(*entries, running=[going], TestJob=GOOD.run) == [
        "Running now  (times in UTC)",
        "● TestJob  for 1m 00s  since 2022-12-26 15:28:01  1 of 5 tasks done",
        "  `Feature Engineering1` for 59s",
        "  `Feature Engineering2` for 40s, attempt 2 of 2",
        "",
        "Last results",
        "✓ TestJob  success            2022-12-26 15:28:01  1 min ago  42s",
        "✗ 工作 🚀  failed             2022-12-26 15:28:01  1 min ago  14s",
        "○ New      has not run yet",
        "○ First    has not ended yet",
    ]


def test_the_values_of_parameters_stand_beside_a_run() -> None:
    going = run_of(TEST_JOB, [running(0, 20)], State.RUNNING, ended=None)
    params = (("DAY", "2026-03-01"), ("CITY", "New York"))
    going = going._replace(run=going.run._replace(params=params))
    done = GOOD.run._replace(params=params)
    lines = status(entry("TestJob", going), running=[going], TestJob=done)
    assert lines[2:4] == ["  with DAY=2026-03-01 CITY='New York'", "  `Sync Data` for 40s"]
    assert lines[-1].endswith("  42s, with DAY=2026-03-01 CITY='New York'")
    assert all(text_width(line) <= 60 for line in status(entry("TestJob", going), running=[going], width=60))


def test_what_is_due_next_comes_first() -> None:
    schedules = {"A": due(7200), "B": due(120, "@daily"), "C": due(None, detail="switched off in gocron's pages")}
    assert status(*map(entry, "ABC"), schedules=schedules)[-4:] == [
        "Scheduled",
        "○ B  @daily     2022-12-26 15:30:01+00:00  in 1 min",
        "○ A  0 6 * * *  2022-12-26 17:28:01+00:00  in 1 h",
        "○ C  0 6 * * *                                       switched off in gocron's pages",
    ]


def test_on_a_terminal_many_jobs_and_tasks_fold_and_what_went_wrong_is_shown_first() -> None:
    spec = fan(30)
    going = run_of(spec, [success(0, 0, 1), *(running(number, number) for number in range(1, 9))], State.RUNNING)
    entries = [*(entry(f"good{number}", GOOD) for number in range(30)), entry("bad", BAD)]
    schedules = {each.name: due(300) for each in entries}
    lines = status(*entries, running=[going], width=80, schedules=schedules)
    assert lines[2:8] == [*(f"  `t{number}` for {60 - number}s" for number in range(1, 6)), "  and 3 more tasks"]
    assert lines[10].startswith("✗ bad ")
    assert "  and 11 more jobs: 11 success" in lines
    assert lines[-1] == "  and 11 more jobs, later"
    assert len(status(*entries)) == 2 + 2 + 31


def test_a_narrow_terminal_does_without_the_absolute_times() -> None:
    assert status(entry("TestJob", GOOD), width=44)[-1] == "✓ TestJob  success  1 min ago  42s"
    assert status(entry("TestJob", GOOD), width=30)[-1] == "✓ TestJob  success  1 min ago"


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
    assert row == "✗ TestJob  failed  2022-12-26 15:28:01  1 min ago  never started: 'flow.py' is gone: give another"
