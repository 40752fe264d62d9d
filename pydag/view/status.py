"""What `status` shows, as lines for a terminal. The caller gives the records, and what time it is.

Lines come without their newline. The form for programs is in `pydag.view.json`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydag.errors import count
from pydag.model.run import JobEntry, Run, RunRecord
from pydag.model.states import UNSUCCESSFUL, State
from pydag.view.listing import NO_JOBS
from pydag.view.table import Row, table
from pydag.view.terminal import Display
from pydag.view.text import sanitized
from pydag.view.times import elapsed, fire_time, local_time, relative, zone_name
from pydag.view.wording import counted_states, given_values, progress, state_counts, which_attempt, why_never_started

if TYPE_CHECKING:
    from pydag.schedule.schedulers.base import Upcoming  # reads time zones: only for those who have a schedule

MAX_JOBS = 20
"""So many jobs are shown on a terminal, those that went wrong before the others; the rest are counted."""

MAX_TASKS = 5
"""So many running tasks of a run are named, the longest running first."""

# What a narrow terminal does without: when it was, as how long ago that is stands beside it; then the detail.
_TIME, _DETAIL = 2, 4
_NEVER = datetime.max.replace(tzinfo=UTC)


def status(
    running: Sequence[RunRecord],
    entries: Sequence[JobEntry],
    last_results: Mapping[str, Run],
    schedules: Mapping[str, Upcoming],
    *,
    now: datetime,
    display: Display,
) -> Iterator[str]:
    """What runs now, for how long and how far it is; then the last result of each job, and what is due next.

    `last_results` has the newest run of each job that has ended; `schedules` the jobs that have a schedule.
    """
    if not entries:
        yield NO_JOBS
        return
    times = [run.started for run in (*(record.run for record in running), *last_results.values())]
    yield display.heading(_cut(f"Running now  (times in {zone_name(times or [now])})", display))
    yield from _running(running, now, display) if running else ["  nothing"]
    yield ""
    yield display.heading("Last results")
    yield from _results(entries, last_results, now, display)
    due = [(entry.name, schedules[entry.name]) for entry in entries if entry.name in schedules]
    if due:
        yield ""
        yield display.heading("Scheduled")
        yield from _scheduled(due, now, display)


def _running(running: Sequence[RunRecord], now: datetime, display: Display) -> Iterator[str]:
    """A line for each run, and below it its running tasks."""
    lines = table([_running_row(record, now) for record in running], display, [_TIME])
    for record, line in zip(running, lines, strict=True):
        yield line
        if record.run.params:
            yield _cut(f"  with {given_values(record.run.params)}", display)
        for task in _tasks(record, now):
            yield _cut(f"  {task}", display)


def _tasks(record: RunRecord, now: datetime) -> Iterator[str]:
    found = [
        (task, spec)
        for task, spec in zip(record.tasks.values(), record.spec.tasks, strict=True)
        if task.state is State.RUNNING
    ]
    found.sort(key=lambda each: each[0].attempts[-1].started or now)
    for task, spec in found[:MAX_TASKS]:
        attempt = task.attempts[-1]
        numbered = f", {which_attempt(spec, attempt)}" if attempt.number > 1 else ""
        yield f"`{sanitized(task.name)}` for {elapsed(attempt.started or now, now)}{numbered}"
    if len(found) > MAX_TASKS:
        yield f"and {count(len(found) - MAX_TASKS, 'more task')}"


def _running_row(record: RunRecord, now: datetime) -> Row:
    run = record.run
    cells = (sanitized(run.job), f"for {elapsed(run.started, now)}", f"since {local_time(run.started)}")
    return Row(run.state, (*cells, progress(record)))


def _results(
    entries: Sequence[JobEntry], last_results: Mapping[str, Run], now: datetime, display: Display
) -> Iterator[str]:
    rows = [_result_row(entry, last_results.get(entry.name), now) for entry in entries]
    if display.width is not None:
        rows.sort(key=lambda row: row.state not in UNSUCCESSFUL)
    yield from table(rows[: _most(display)], display, [_TIME, _DETAIL])
    rest = rows[_most(display) :]
    if rest:
        states = counted_states(state_counts(row.state for row in rest))
        yield _cut(f"  and {count(len(rest), 'more job')}: {states}", display)


def _scheduled(due: Sequence[tuple[str, Upcoming]], now: datetime, display: Display) -> Iterator[str]:
    """The next ones first."""
    rows = [_due_row(name, each, now) for name, each in sorted(due, key=lambda each: each[1].next or _NEVER)]
    yield from table(rows[: _most(display)], display, [_TIME, _DETAIL])
    if len(rows) > _most(display):
        yield f"  and {count(len(rows) - _most(display), 'more job')}, later"


def _cut(line: str, display: Display) -> str:
    return line if display.width is None else display.cut(line, display.width)


def _most(display: Display) -> int:
    return sys.maxsize if display.width is None else MAX_JOBS


def _result_row(entry: JobEntry, run: Run | None, now: datetime) -> Row:
    name = sanitized(entry.name)
    if run is None:
        return Row(State.PENDING, (name, "has not ended yet" if entry.last_run else "has not run yet", "", "", ""))
    took = elapsed(run.started, run.ended) if run.ended else ""
    detail = why_never_started(run) if run.never_started else took
    if run.params:
        detail = f"{detail}, with {given_values(run.params)}".removeprefix(", ")
    return Row(run.state, (name, run.state.value, local_time(run.started), relative(run.started, now), detail))


def _due_row(name: str, due: Upcoming, now: datetime) -> Row:
    place = f"on {due.scheduler}, node {due.node}" if due.node is not None else ""
    detail = ": ".join(filter(None, (place, due.detail)))
    when = (fire_time(due.next), relative(due.next, now)) if due.next else ("", "")
    return Row(State.PENDING, (sanitized(name), sanitized(due.expression), *when, sanitized(detail)))
