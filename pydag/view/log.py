"""What `log` shows of runs that happened, as lines for a terminal. The caller gives the records, and what time it is.

Lines come without their newline. The form for programs is in `pydag.view.json`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from pydag.errors import count
from pydag.model.run import Attempt, AttemptOutput, RunRecord, TaskRun
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.view import tree
from pydag.view.terminal import RESET, Display
from pydag.view.times import elapsed, local_time
from pydag.view.wording import attempt_usage, progress, task_names, task_status, which_attempt, why_never_started

_SEPARATOR = " ".join(["=="] * 20)
_END = " ".join([">>"] * 20)
_NEVER = datetime.max.replace(tzinfo=UTC)


def log(job: str, records: Sequence[RunRecord], *, style: str, now: datetime, display: Display) -> Iterator[str]:
    """The runs of a job, in the order given (newest first).

    `flat` has a run's tasks in the order in which they started, then those that did not; `tree` has each below
    one of its upstream tasks. The time of a task is its start.
    """
    if not records:
        yield no_runs(job)
        return
    yield _title(f"Log For Job `{job}`", display)
    for place, record in enumerate(records):
        if place:
            yield display.heading(_SEPARATOR)
        yield _run_line(record, now, display)
        if not record.run.never_started:  # else no task started either, and the line says why
            yield from _branches(record, now, display) if style == "tree" else _in_order(record, now, display)
    yield display.heading(_END)


def task_output(
    job: str, task: TaskSpec, kept: Iterable[AttemptOutput], *, now: datetime, display: Display, encoding: str = "utf-8"
) -> Iterator[bytes]:
    """The output of a task's attempts, for a binary stream: a header line each, then its bytes exactly as they were.

    Where output does not end in a newline, one is added before the next header. `encoding` is the stream's.
    """

    def line(text: str) -> bytes:
        return (text + "\n").encode(encoding, "backslashreplace")

    # Colours that a task left on must not colour our lines.
    reset = RESET.encode() if display.colour else b""
    shown = False
    for each in kept:
        yield line(display.heading(_SEPARATOR)) if shown else line(_title(f"Log For Task `{task.name}`", display))
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
        yield line(display.heading(_END))
    else:
        yield line(f"The task `{task.name}` of `{job}` has not started yet: there is no output.")


def no_runs(job: str) -> str:
    """What is said of a job that has not run: how to run it."""
    return f"`{job}` has not run yet. `pydag run FILE --job {shlex.quote(job)}` runs it."


def _title(text: str, display: Display) -> str:
    return display.heading(f">> >> >> >> >> {text} << << << << <<")


def _run_line(record: RunRecord, now: datetime, display: Display) -> str:
    run = record.run
    if run.never_started:
        words = f"{run.state.value}, {why_never_started(run)}"
    elif run.ended:
        words = f"{run.state.value} after {elapsed(run.started, run.ended)}"
    elif run.state.final:  # lost: nobody recorded when it ended
        words = f"{run.state.value}: pydag itself was ended, {progress(record)}"
    else:
        words = f"{run.state.value} for {elapsed(run.started, now)}, {progress(record)}"
    due = f", for {local_time(run.scheduled_for)}" if run.scheduled_for else ""
    result = display.paint(f"{display.sign(run.state)} {words}", run.state)
    return f"`{run.job}` at {local_time(run.started)}{due}  {result}"


def _task_line(task: TaskSpec, done: TaskRun, now: datetime, display: Display) -> str:
    return _line(task, done.state, done.started, task_status(task, done, now), display)


def _attempt_line(task: TaskSpec, attempt: Attempt, now: datetime, display: Display) -> str:
    alone = TaskRun(name=task.name, state=attempt.state, reason=attempt.reason, attempts=(attempt,))
    words = task_status(task, alone, now)
    numbered = which_attempt(task, attempt)
    if numbered not in words and task.retries:
        words = f"{words}, {numbered}"
    if attempt.usage:
        words = f"{words}; {attempt_usage(attempt.usage)}"
    return _line(task, attempt.state, attempt.started, words, display)


def _line(task: TaskSpec, state: State, started: datetime | None, words: str, display: Display) -> str:
    at = f" at {local_time(started)}" if started else ""
    return display.paint(f"{display.sign(state)} `{task.name}`{at}  {words}", state)


def _cut(dropped: int) -> str:
    return f"[cut here: {count(dropped, 'more byte')} not kept: over PYDAG_OUTPUT_LIMIT, or pruned]"


def _in_order(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    pairs = list(zip(record.spec.tasks, record.tasks.values(), strict=True))
    pairs.sort(key=lambda pair: pair[1].started or _NEVER)
    branch, last = display.graphics("├── "), display.graphics("└── ")
    for place, (task, done) in enumerate(pairs, start=1):
        yield (last if place == len(pairs) else branch) + _task_line(task, done, now, display)


def _branches(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    specs = record.spec.tasks
    done = list(record.tasks.values())
    for row in tree.rows(record.spec):
        task = specs[row.task]
        line = display.graphics(row.guide) + _task_line(task, done[row.task], now, display)
        yield line + _after(row, record.spec) if row.also else line


def _after(row: tree.Row, spec: JobSpec) -> str:
    """The upstream tasks that the branches do not show."""
    also = "also " if len(row.also) < len(spec.tasks[row.task].upstream) else ""
    return f"  ({also}after {task_names([spec.tasks[number].name for number in row.also])})"
