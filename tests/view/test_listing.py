from __future__ import annotations

import pytest

from pydag.model.run import JobEntry, RunRecord
from pydag.schedule.schedulers.base import Upcoming
from pydag.testing import START, at
from pydag.view import listing
from pydag.view.terminal import Display
from pydag.view.text import text_width
from tests.support.samples import BAD, GOOD, TEST_JOB

NOW = at(60)
PIPE = Display()


def entry(name: str, record: RunRecord | None = None, tasks: int = 5) -> JobEntry:
    return JobEntry(name=name, saved=START, tasks=tasks, last_run=record.run if record else None)


def test_a_program_gets_one_name_a_line_and_nothing_else() -> None:
    entries = [entry("TestJob4", GOOD), entry("TestJob3"), entry("[red]")]
    assert list(listing.jobs(entries, {}, now=NOW, display=PIPE)) == ["TestJob4", "TestJob3", "[red]"]
    assert list(listing.tasks(TEST_JOB, PIPE)) == [
        "Sync Data",
        "Feature Engineering1",
        "Feature Engineering2",
        "Machine Learning",
        "Send Email",
    ]
    assert list(listing.jobs([], {}, now=NOW, display=PIPE)) == []


def test_a_terminal_gets_the_last_run_and_the_next_start_too() -> None:
    due = Upcoming(expression="@daily", scheduler="crontab", next=at(60 + 7200))
    entries = [entry("TestJob", GOOD), entry("Other", BAD, tasks=1), entry("New")]
    assert list(listing.jobs(entries, {"Other": due}, now=NOW, display=Display(width=80))) == [
        "✓ TestJob  success          5 tasks  1 min ago",
        "✗ Other    failed           1 task   1 min ago  due in 2 h",
        "○ New      has not run yet  5 tasks",
    ]
    assert list(listing.jobs([], {}, now=NOW, display=Display(width=80))) == []


def test_a_terminal_gets_what_each_task_comes_after() -> None:
    assert list(listing.tasks(TEST_JOB, Display(width=80)))[-2:] == [
        "Machine Learning  (after `Feature Engineering1`, `Feature Engineering2`)",
        "Send Email  (after `Machine Learning`)",
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_lines_fit_the_terminal_and_control_characters_do_not_reach_it(width: int) -> None:
    lines = [
        *listing.jobs([entry("漢" * 100 + "\u202e", GOOD)], {}, now=NOW, display=Display(width=width)),
        *listing.tasks(TEST_JOB, Display(width=width)),
    ]
    assert max(map(text_width, lines)) <= width
    assert "\u202e" not in "".join(lines)
