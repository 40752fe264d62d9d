"""What `list` shows: names, one a line; on a terminal with what one wants to know of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydag.errors import count
from pydag.model.run import JobEntry
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view.table import Row, table
from pydag.view.terminal import Display
from pydag.view.text import sanitized
from pydag.view.times import relative
from pydag.view.wording import task_names

if TYPE_CHECKING:
    from pydag.schedule.schedulers.base import Upcoming  # reads time zones: only for those who have a schedule

NO_JOBS = "No jobs yet. `pydag run FILE` runs the job in a file, and it will be listed here."
"""What is said where the history has no job."""


def jobs(
    entries: Sequence[JobEntry], schedules: Mapping[str, Upcoming], *, now: datetime, display: Display
) -> Iterator[str]:
    """One name a line, in the order given (newest first). A program gets nothing else, a terminal also the last run."""
    if display.width is None:
        yield from (entry.name for entry in entries)
    elif entries:
        yield from table([_job(entry, schedules.get(entry.name), now) for entry in entries], display, [2])


def _job(entry: JobEntry, due: Upcoming | None, now: datetime) -> Row:
    run = entry.last_run
    next_fire = f"due {relative(due.next, now)}" if due and due.next else ""
    words = (run.state.value, relative(run.started, now)) if run else ("has not run yet", "")
    cells = (sanitized(entry.name), words[0], count(entry.tasks, "task"), words[1], next_fire)
    return Row(run.state if run else State.PENDING, cells)


def tasks(spec: JobSpec, display: Display) -> Iterator[str]:
    """One name a line, in the job's order. A program gets nothing else, a terminal also what each comes after."""
    if display.width is None:
        yield from (task.name for task in spec.tasks)
        return
    for task in spec.tasks:
        names = task_names([spec.tasks[before].name for before in task.upstream])
        line = sanitized(task.name) + (f"  (after {names})" if names else "")
        yield display.cut(line, display.width)
