"""What `status` shows, as lines for a screen. No store and no clock: `now` is given.

Lines come without their newline. The forms for programs are in `pydag.view.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pydag.model.run import JobEntry, Run, RunRecord
from pydag.model.states import State
from pydag.view.terminal import Display
from pydag.view.text import between, cells, fire_time, moment, padded
from pydag.view.wording import never_started

if TYPE_CHECKING:
    from pydag.schedule.schedulers.base import Upcoming  # zones are read where there is a schedule alone
from pydag.view.log import NAMED, _names, _progress, nothing


def status(
    running: Sequence[RunRecord],
    entries: Sequence[JobEntry],
    *,
    now: datetime,
    display: Display,
    ended: Mapping[str, Run] | None = None,
    schedules: Mapping[str, Upcoming] | None = None,
) -> Iterator[str]:
    """What runs now, for how long and how far it is; then the last result of each job, and what is scheduled.

    `ended` has, for the jobs whose newest run still goes, the newest one that does not.
    """
    if not entries:
        yield from nothing()
        return
    yield display.frame("Running now")
    rows = [_running_row(record, now) for record in running]
    yield from _table(rows, display) if rows else ["  nothing"]
    yield ""
    yield display.frame("Last results")
    yield from _table([_result_row(entry, ended or {}) for entry in entries], display)
    due = [(entry.name, schedules[entry.name]) for entry in entries if schedules and entry.name in schedules]
    if due:
        yield ""
        yield display.frame("Scheduled")
        yield from _table([_due_row(name, each) for name, each in due], display)


class _Row(NamedTuple):
    """A line of the status: the columns after the sign, and the state that colours it."""

    state: State
    name: str
    what: str
    when: str
    more: str


def _running_row(record: RunRecord, now: datetime) -> _Row:
    run = record.run
    going = [name for name, task in record.tasks.items() if task.state is State.RUNNING]
    words = _progress(record) + (f", running: {_names(going[:NAMED], len(going))}" if going else "")
    return _Row(run.state, run.job, f"for {between(run.started, now)}", f"since {moment(run.started)}", words)


def _result_row(entry: JobEntry, ended: Mapping[str, Run]) -> _Row:
    run = entry.last_run
    if run is not None and not run.state.final:
        run = ended.get(entry.name)
    if run is None:
        words = "has not ended yet" if entry.last_run else "has not run yet"
        return _Row(State.PENDING, entry.name, words, "", "")
    took = between(run.started, run.ended) if run.ended else ""
    more = never_started(run) if run.never_started else took
    return _Row(run.state, entry.name, run.state.value, moment(run.started), more)


def _due_row(name: str, due: Upcoming) -> _Row:
    place = f"on {due.scheduler}, node {due.node}" if due.node is not None else ""
    more = ": ".join(filter(None, (place, due.detail)))
    return _Row(State.PENDING, name, due.expression, fire_time(due.next) if due.next else "", more)


_GAPS = 8  # the sign and the spaces between the columns
_WORDS = 12  # columns that the last words keep, however long a name is
_SHORTEST = 8  # columns that a name keeps, however narrow the terminal is


def _table(rows: Sequence[_Row], display: Display) -> Iterator[str]:
    """Columns as wide as their widest cell; on a terminal names give way first, then the last words."""
    names = max(cells(row.name) for row in rows)
    what = max(cells(row.what) for row in rows)
    when = max(cells(row.when) for row in rows)
    if display.width is not None:
        words = min(max(cells(row.more) for row in rows), _WORDS)
        names = min(names, max(display.width - what - when - words - _GAPS, _SHORTEST))
    for row in rows:
        columns = (
            padded(display.fit(row.name, names), names),
            padded(row.what, what),
            padded(row.when, when),
            row.more,
        )
        line = f"{display.sign(row.state)} {'  '.join(columns)}".rstrip()
        yield display.paint(line if display.width is None else display.cut(line, display.width), row.state)
