from __future__ import annotations

from pydag.model.run import JobEntry
from pydag.testing import START
from pydag.view import listing
from tests.support.samples import TEST_JOB


def entry(name: str) -> JobEntry:
    return JobEntry(name=name, saved=START, tasks=5, last_run=None)


def test_list_is_one_name_a_line_and_nothing_else() -> None:
    assert list(listing.jobs([entry("TestJob4"), entry("TestJob3"), entry("[red]")])) == [
        "TestJob4",
        "TestJob3",
        "[red]",
    ]
    assert list(listing.tasks(TEST_JOB)) == [
        "Sync Data",
        "Feature Engineering1",
        "Feature Engineering2",
        "Machine Learning",
        "Send Email",
    ]
    assert list(listing.jobs([])) == []
