"""What `log`, `list` and `status` show of the past, as lines for a screen. No store and no clock: `now` is given.

Lines come without their newline; `pydag.look.say` prints them. The forms for programs are in `pydag.documents`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pydag import tree
from pydag.look import RESET, Look, between, cells, count, fire_time, moment, padded
from pydag.outcome import never_started, of_attempts, standing
from pydag.run import Attempt, Run, RunRecord, TaskRun
from pydag.spec import JobSpec, TaskSpec
from pydag.state import State
from pydag.stores.base import JobEntry

if TYPE_CHECKING:
    from pydag.schedule import Upcoming  # zones are read where there is a schedule alone

NAMED = 3
"""So many of the upstream tasks that a tree does not draw are named; the others are counted."""

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An attempt of a run, with the output that the history kept of it."""

    run: Run
    attempt: Attempt
    output: Iterable[bytes]


def log(job: str, records: Sequence[RunRecord], *, style: str, now: datetime, look: Look) -> Iterator[str]:
    """The runs of a job, in the order given (newest first).

    `flat` has a run's tasks in the order in which they started, then those that did not; `tree` has each under what it
    comes after. The time of a task is its start.
    """
    if not records:
        yield from nothing(job)
        return
    yield _title(f"Log For Job `{job}`", look)
    for place, record in enumerate(records):
        if place:
            yield look.frame(_SEPARATOR)
        yield _run_line(record, now, look)
        if not record.run.detail:  # else no task started, and the cause has been said
            yield from _branches(record, now, look) if style == "tree" else _in_order(record, now, look)
    yield look.frame(_END)


def task_output(
    job: str, task: TaskSpec, kept: Iterable[Kept], *, now: datetime, look: Look, encoding: str = "utf-8"
) -> Iterator[bytes]:
    """The output of a task's attempts, for a binary stream: a header line each, then its bytes exactly as they were.

    Where output does not end in a newline, one is added before the next header. `encoding` is the stream's.
    """

    def line(text: str) -> bytes:
        return (text + "\n").encode(encoding, "backslashreplace")

    # What a task left of colours must not run on into our lines.
    reset = RESET.encode() if look.colour else b""
    shown = False
    for each in kept:
        yield line(look.frame(_SEPARATOR)) if shown else line(_title(f"Log For Task `{task.name}`", look))
        yield line(_attempt_line(task, each.attempt, now, look))
        last = b"\n"
        for data in each.output:
            yield data
            last = data[-1:] or last
        yield reset if last == b"\n" else reset + b"\n"
        if each.attempt.output_dropped:
            yield line(look.paint(_cut(each.attempt.output_dropped), State.FAILED))
        shown = True
    if shown:
        yield line(look.frame(_END))
    else:
        yield line(f"The task `{task.name}` of `{job}` has not started yet: there is no output.")


def jobs(entries: Sequence[JobEntry]) -> Iterator[str]:
    """One name a line, in the order given (newest first), and nothing else: programs read this."""
    for entry in entries:
        yield entry.name


def tasks(spec: JobSpec) -> Iterator[str]:
    """One name a line, in the job's order."""
    for task in spec.tasks:
        yield task.name


def nothing(job: str | None = None) -> Iterator[str]:
    """The friendly line where the history has no job at all, or no run of this one."""
    if job is None:
        yield "No jobs yet. `pydag run FILE` runs the job in a file, and it will stand here."
    else:
        yield f"`{job}` has not run yet. `pydag run FILE --job {shlex.quote(job)}` runs it."


def status(
    running: Sequence[RunRecord],
    entries: Sequence[JobEntry],
    *,
    now: datetime,
    look: Look,
    ended: Mapping[str, Run] | None = None,
    clock: Mapping[str, Upcoming] | None = None,
) -> Iterator[str]:
    """What runs now, for how long and how far it is; then the last result of each job, and what is on the clock.

    `ended` has, for the jobs whose newest run still goes, the newest one that does not.
    """
    if not entries:
        yield from nothing()
        return
    yield look.frame("Running now")
    rows = [_running_row(record, now) for record in running]
    yield from _table(rows, look) if rows else ["  nothing"]
    yield ""
    yield look.frame("Last results")
    yield from _table([_result_row(entry, ended or {}) for entry in entries], look)
    due = [(entry.name, clock[entry.name]) for entry in entries if clock and entry.name in clock]
    if due:
        yield ""
        yield look.frame("Scheduled")
        yield from _table([_due_row(name, each) for name, each in due], look)


_SEPARATOR = " ".join(["=="] * 20)
_END = " ".join([">>"] * 20)


def _title(text: str, look: Look) -> str:
    return look.frame(f">> >> >> >> >> {text} << << << << <<")


def _run_line(record: RunRecord, now: datetime, look: Look) -> str:
    run = record.run
    if run.detail:
        words = f"{run.state.value}, {never_started(run)}"
    elif run.ended:
        words = f"{run.state.value} after {between(run.started, run.ended)}"
    elif run.state.final:  # lost: nobody wrote down when it ended
        words = f"{run.state.value}: pydag itself was ended, {_progress(record)}"
    else:
        words = f"{run.state.value} for {between(run.started, now)}, {_progress(record)}"
    due = f", for {moment(run.scheduled_for)}" if run.scheduled_for else ""
    return f"`{run.job}` at {moment(run.started)}{due}  " + look.paint(f"{look.sign(run.state)} {words}", run.state)


def _task_line(task: TaskSpec, done: TaskRun, now: datetime, look: Look) -> str:
    at = f" at {moment(done.started)}" if done.started else ""
    return look.paint(f"{look.sign(done.state)} `{task.name}`{at}  {standing(task, done, now)}", done.state)


def _attempt_line(task: TaskSpec, attempt: Attempt, now: datetime, look: Look) -> str:
    alone = TaskRun(name=task.name, state=attempt.state, reason=attempt.reason, attempts=(attempt,))
    words = standing(task, alone, now)
    numbered = of_attempts(task, attempt)
    if numbered not in words and task.retries:
        words = f"{words}, {numbered}"
    at = f" at {moment(attempt.started)}" if attempt.started else ""
    return look.paint(f"{look.sign(attempt.state)} `{task.name}`{at}  {words}", attempt.state)


def _cut(dropped: int) -> str:
    return f"[cut here: {count(dropped, 'more byte')} not kept, over PYDAG_OUTPUT_LIMIT]"


def _in_order(record: RunRecord, now: datetime, look: Look) -> Iterator[str]:
    pairs = list(zip(record.spec.tasks, record.tasks.values(), strict=True))
    pairs.sort(key=lambda pair: pair[1].started or _NEVER)
    branch, last = look.drawn("├── "), look.drawn("└── ")
    for place, (task, done) in enumerate(pairs, start=1):
        yield (last if place == len(pairs) else branch) + _task_line(task, done, now, look)


def _branches(record: RunRecord, now: datetime, look: Look) -> Iterator[str]:
    specs = record.spec.tasks
    done = list(record.tasks.values())
    for row in tree.rows(record.spec):
        task = specs[row.task]
        if row.continued:
            yield f"`{task.name}`, continued"
            continue
        line = look.drawn(row.guide) + _task_line(task, done[row.task], now, look)
        if row.also:
            line += f"  (also after {_names([specs[number].name for number in row.also[:NAMED]], len(row.also))})"
        yield line + "  (goes on below)" if row.goes_on else line


def _names(names: list[str], total: int) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    return f"{listed} and {total - len(names)} more" if total > len(names) else listed


def _progress(record: RunRecord) -> str:
    states = [task.state for task in record.tasks.values()]
    ended = sum(state.final and state not in (State.CANCELLED, State.LOST) for state in states)
    failed = states.count(State.FAILED)
    return f"{ended} of {count(len(states), 'task')} done" + (f", {failed} failed" if failed else "")


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
    more = never_started(run) if run.detail else took
    return _Row(run.state, entry.name, run.state.value, moment(run.started), more)


def _due_row(name: str, due: Upcoming) -> _Row:
    place = f"on gocron, node {due.node}" if due.node is not None else ""
    more = ": ".join(filter(None, (place, due.detail)))
    return _Row(State.PENDING, name, due.cron, fire_time(due.next) if due.next else "", more)


_GAPS = 8  # the sign and the spaces between the columns
_WORDS = 12  # columns that the last words keep, however long a name is
_SHORTEST = 8  # columns that a name keeps, however narrow the terminal is


def _table(rows: Sequence[_Row], look: Look) -> Iterator[str]:
    """Columns as wide as their widest cell; on a terminal names give way first, then the last words."""
    names = max(cells(row.name) for row in rows)
    what = max(cells(row.what) for row in rows)
    when = max(cells(row.when) for row in rows)
    if look.width is not None:
        words = min(max(cells(row.more) for row in rows), _WORDS)
        names = min(names, max(look.width - what - when - words - _GAPS, _SHORTEST))
    for row in rows:
        columns = (padded(look.fit(row.name, names), names), padded(row.what, what), padded(row.when, when), row.more)
        line = f"{look.sign(row.state)} {'  '.join(columns)}".rstrip()
        yield look.paint(line if look.width is None else look.cut(line, look.width), row.state)
