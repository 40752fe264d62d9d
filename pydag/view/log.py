"""What `log` and `list` show of the past, as lines for a screen. No store and no clock: `now` is given.

Lines come without their newline. The forms for programs are in `pydag.view.json`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydag.model.run import Attempt, AttemptOutput, JobEntry, RunRecord, TaskRun
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.view import tree
from pydag.view.terminal import RESET, Display
from pydag.view.text import between, count, moment
from pydag.view.wording import never_started, of_attempts, standing

if TYPE_CHECKING:
    pass  # zones are read where there is a schedule alone


NAMED = 3
"""So many of the upstream tasks that a tree does not draw are named; the others are counted."""

_NEVER = datetime.max.replace(tzinfo=UTC)


def log(job: str, records: Sequence[RunRecord], *, style: str, now: datetime, display: Display) -> Iterator[str]:
    """The runs of a job, in the order given (newest first).

    `flat` has a run's tasks in the order in which they started, then those that did not; `tree` has each under what it
    comes after. The time of a task is its start.
    """
    if not records:
        yield from nothing(job)
        return
    yield _title(f"Log For Job `{job}`", display)
    for place, record in enumerate(records):
        if place:
            yield display.frame(_SEPARATOR)
        yield _run_line(record, now, display)
        if not record.run.never_started:  # else no task started, and the cause has been said
            yield from _branches(record, now, display) if style == "tree" else _in_order(record, now, display)
    yield display.frame(_END)


def task_output(
    job: str, task: TaskSpec, kept: Iterable[AttemptOutput], *, now: datetime, display: Display, encoding: str = "utf-8"
) -> Iterator[bytes]:
    """The output of a task's attempts, for a binary stream: a header line each, then its bytes exactly as they were.

    Where output does not end in a newline, one is added before the next header. `encoding` is the stream's.
    """

    def line(text: str) -> bytes:
        return (text + "\n").encode(encoding, "backslashreplace")

    # What a task left of colours must not run on into our lines.
    reset = RESET.encode() if display.colour else b""
    shown = False
    for each in kept:
        yield line(display.frame(_SEPARATOR)) if shown else line(_title(f"Log For Task `{task.name}`", display))
        yield line(_attempt_line(task, each.attempt, now, display))
        last = b"\n"
        for data in each.output:
            yield data
            last = data[-1:] or last
        yield reset if last == b"\n" else reset + b"\n"
        if each.attempt.output_dropped:
            yield line(display.paint(_cut(each.attempt.output_dropped), State.FAILED))
        shown = True
    if shown:
        yield line(display.frame(_END))
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


_SEPARATOR = " ".join(["=="] * 20)
_END = " ".join([">>"] * 20)


def _title(text: str, display: Display) -> str:
    return display.frame(f">> >> >> >> >> {text} << << << << <<")


def _run_line(record: RunRecord, now: datetime, display: Display) -> str:
    run = record.run
    if run.never_started:
        words = f"{run.state.value}, {never_started(run)}"
    elif run.ended:
        words = f"{run.state.value} after {between(run.started, run.ended)}"
    elif run.state.final:  # lost: nobody wrote down when it ended
        words = f"{run.state.value}: pydag itself was ended, {_progress(record)}"
    else:
        words = f"{run.state.value} for {between(run.started, now)}, {_progress(record)}"
    due = f", for {moment(run.scheduled_for)}" if run.scheduled_for else ""
    return f"`{run.job}` at {moment(run.started)}{due}  " + display.paint(
        f"{display.sign(run.state)} {words}", run.state
    )


def _task_line(task: TaskSpec, done: TaskRun, now: datetime, display: Display) -> str:
    at = f" at {moment(done.started)}" if done.started else ""
    return display.paint(f"{display.sign(done.state)} `{task.name}`{at}  {standing(task, done, now)}", done.state)


def _attempt_line(task: TaskSpec, attempt: Attempt, now: datetime, display: Display) -> str:
    alone = TaskRun(name=task.name, state=attempt.state, reason=attempt.reason, attempts=(attempt,))
    words = standing(task, alone, now)
    numbered = of_attempts(task, attempt)
    if numbered not in words and task.retries:
        words = f"{words}, {numbered}"
    at = f" at {moment(attempt.started)}" if attempt.started else ""
    return display.paint(f"{display.sign(attempt.state)} `{task.name}`{at}  {words}", attempt.state)


def _cut(dropped: int) -> str:
    return f"[cut here: {count(dropped, 'more byte')} not kept, over PYDAG_OUTPUT_LIMIT]"


def _in_order(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    pairs = list(zip(record.spec.tasks, record.tasks.values(), strict=True))
    pairs.sort(key=lambda pair: pair[1].started or _NEVER)
    branch, last = display.drawn("├── "), display.drawn("└── ")
    for place, (task, done) in enumerate(pairs, start=1):
        yield (last if place == len(pairs) else branch) + _task_line(task, done, now, display)


def _branches(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    specs = record.spec.tasks
    done = list(record.tasks.values())
    for row in tree.rows(record.spec):
        task = specs[row.task]
        if row.continued:
            yield f"`{task.name}`, continued"
            continue
        line = display.drawn(row.guide) + _task_line(task, done[row.task], now, display)
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
