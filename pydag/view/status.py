"""What `status` shows, as lines for a terminal. The caller gives the records, and what time it is.

Lines come without their newline. The form for programs is in `pydag.view.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pydag.model.run import JobEntry, Run, RunRecord
from pydag.model.states import State
from pydag.view.listing import NO_JOBS
from pydag.view.terminal import Display
from pydag.view.text import padded, text_width
from pydag.view.times import elapsed, fire_time, local_time
from pydag.view.wording import progress, task_names, why_never_started

if TYPE_CHECKING:
    from pydag.schedule.schedulers.base import Upcoming  # reads time zones: only for those who have a schedule

_GAPS = 8  # the sign and the spaces between the columns
_MIN_DETAIL = 12  # columns that the last column keeps, however long a name is
_MIN_NAME = 8  # columns that a name keeps, however narrow the terminal is


def status(
    running: Sequence[RunRecord],
    entries: Sequence[JobEntry],
    last_results: Mapping[str, Run],
    schedules: Mapping[str, Upcoming],
    *,
    now: datetime,
    display: Display,
) -> Iterator[str]:
    """What runs now, for how long and how far it is; then the last result of each job, and what is scheduled.

    `last_results` has the newest run of each job that has ended; `schedules` the jobs that have a schedule.
    """
    if not entries:
        yield NO_JOBS
        return
    yield display.heading("Running now")
    rows = [_running_row(record, now) for record in running]
    yield from _table(rows, display) if rows else ["  nothing"]
    yield ""
    yield display.heading("Last results")
    yield from _table([_result_row(entry, last_results.get(entry.name)) for entry in entries], display)
    due = [(entry.name, schedules[entry.name]) for entry in entries if entry.name in schedules]
    if due:
        yield ""
        yield display.heading("Scheduled")
        yield from _table([_due_row(name, each) for name, each in due], display)


class _Row(NamedTuple):
    """A line of the status: the columns after the sign, and the state that colours it."""

    state: State
    name: str
    what: str
    when: str
    detail: str


def _running_row(record: RunRecord, now: datetime) -> _Row:
    run = record.run
    running = [name for name, task in record.tasks.items() if task.state is State.RUNNING]
    detail = progress(record) + (f", running: {task_names(running)}" if running else "")
    return _Row(run.state, run.job, f"for {elapsed(run.started, now)}", f"since {local_time(run.started)}", detail)


def _result_row(entry: JobEntry, run: Run | None) -> _Row:
    if run is None:
        words = "has not ended yet" if entry.last_run else "has not run yet"
        return _Row(State.PENDING, entry.name, words, "", "")
    took = elapsed(run.started, run.ended) if run.ended else ""
    detail = why_never_started(run) if run.never_started else took
    return _Row(run.state, entry.name, run.state.value, local_time(run.started), detail)


def _due_row(name: str, due: Upcoming) -> _Row:
    place = f"on {due.scheduler}, node {due.node}" if due.node is not None else ""
    detail = ": ".join(filter(None, (place, due.detail)))
    return _Row(State.PENDING, name, due.expression, fire_time(due.next) if due.next else "", detail)


def _table(rows: Sequence[_Row], display: Display) -> Iterator[str]:
    """Columns as wide as their widest cell; on a terminal names are shortened first, then the last column."""
    names = max(text_width(row.name) for row in rows)
    what = max(text_width(row.what) for row in rows)
    when = max(text_width(row.when) for row in rows)
    if display.width is not None:
        detail = min(max(text_width(row.detail) for row in rows), _MIN_DETAIL)
        names = min(names, max(display.width - what - when - detail - _GAPS, _MIN_NAME))
    for row in rows:
        name = padded(display.fit(row.name, names), names)
        columns = (name, padded(row.what, what), padded(row.when, when), row.detail)
        line = f"{display.sign(row.state)} {'  '.join(columns)}".rstrip()
        yield display.paint(line if display.width is None else display.cut(line, display.width), row.state)
