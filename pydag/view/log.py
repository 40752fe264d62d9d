"""What `log` shows of runs that happened, as lines for a terminal. The caller gives the records, and what time it is.

Lines come without their newline. The form for programs is in `pydag.view.json`, the output of tasks in
`pydag.view.task_output`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pydag.model.run import RunRecord, TaskRun
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import UNSUCCESSFUL, State
from pydag.view import tree
from pydag.view.tails import OutputTail
from pydag.view.terminal import Display
from pydag.view.text import sanitized, shell_word, text_width
from pydag.view.times import elapsed, local_time, relative, zone_name
from pydag.view.wording import (
    counted_states,
    given_values,
    progress,
    silence,
    state_counts,
    task_names,
    task_status,
    why_lost,
    why_never_started,
)
from pydag.view.wrapping import wrapped

TAIL_BYTES = 4000
"""So many last bytes of a failed task's output are enough for `failures`."""

_TAIL_LINES = 5
_NEVER = datetime.max.replace(tzinfo=UTC)


def log(job: str, records: Sequence[RunRecord], *, style: str, now: datetime, display: Display) -> Iterator[str]:
    """The runs of a job, in the order given (newest first).

    `flat` has a run's tasks in the order in which they started, then those that did not; `tree` has each below one of
    its upstream tasks. The time of a task is its start.
    """
    if not records:
        yield no_runs(job)
        return
    yield from heading(f"Log For Job `{sanitized(job)}`", [record.run.started for record in records], display)
    for place, record in enumerate(records):
        if place:
            yield separator(display)
        yield from _run(record, now, display)
        if not record.run.never_started:  # else no task started either, and the line says why
            yield from _branches(record, now, display) if style == "tree" else _in_order(record, now, display)
        yield from _hooks(record, now, display)
    yield end(display)


def failures(
    job: str, found: Sequence[tuple[RunRecord, Mapping[str, bytes]]], *, now: datetime, display: Display
) -> Iterator[str]:
    """Runs that did not succeed, and of each the tasks that did not, with the last lines of what they wrote.

    The output of each comes by the task's name; of a task without an entry nothing is known.
    """
    if not found:
        yield f"No run of `{sanitized(job)}` has failed."
        return
    yield from heading(f"Failures Of Job `{sanitized(job)}`", [record.run.started for record, _ in found], display)
    for place, (record, outputs) in enumerate(found):
        if place:
            yield separator(display)
        yield from _run(record, now, display)
        if not record.run.never_started:
            yield from _unsuccessful(record, outputs, now, display)
        yield from _hooks(record, now, display)
    yield end(display)


def no_runs(job: str) -> str:
    """What is said of a job that has not run: how to run it."""
    return f"`{sanitized(job)}` has not run yet. `pydag run FILE --job {shell_word(job)}` runs it."


def heading(text: str, times: Sequence[datetime], display: Display) -> Iterator[str]:
    """The title, with the zone of the times that follow it."""
    zone = f"times in {zone_name(times)}"
    for arrows in (5, 1):
        title = f"{' '.join(['>>'] * arrows)} {text} {' '.join(['<<'] * arrows)}  {zone}"
        if display.width is None or text_width(title) <= display.width:
            break
    yield from map(display.heading, wrapped(title, display))


def separator(display: Display) -> str:
    """What stands between two runs, or two attempts."""
    return _rule("==", display)


def end(display: Display) -> str:
    """The last line."""
    return _rule(">>", display)


def _rule(sign: str, display: Display) -> str:
    return display.heading(" ".join([sign] * min(20, ((display.width or 80) + 1) // 3)))


def _run(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    """The line of a run. One that is too long is broken before its result."""
    run = record.run
    if run.never_started:
        words = f"{run.state.value}, {why_never_started(run)}"
    elif run.ended:
        words = f"{run.state.value} after {elapsed(run.started, run.ended)}"
    elif run.state.final:  # lost: nobody recorded when it ended
        words = f"{run.state.value}: {why_lost(run)}, {progress(record)}"
    else:
        words = f"{run.state.value} for {elapsed(run.started, now)}{silence(run, now)}, {progress(record)}"
    due = f", for {local_time(run.scheduled_for)}" if run.scheduled_for else ""
    ago = f" ({relative(run.started, now)})" if run.state.final else ""
    when = f"`{sanitized(run.job)}` at {local_time(run.started)}{ago}{due}"
    result = f"{display.sign(run.state)} {words}"
    if display.width is None or text_width(f"{when}  {result}") <= display.width:
        yield f"{when}  {display.paint(result, run.state)}"
    else:
        yield from wrapped(when, display)
        yield from wrapped(result, display, guide="  ", rest="  ", state=run.state)
    if run.origin.again:
        yield from wrapped(f"again, after run {run.origin.again}", display, guide="  ", rest="  ")
    if run.params:
        yield from wrapped(f"with {given_values(run.params)}", display, guide="  ", rest="  ")


def task_words(task: TaskSpec, started: datetime | None, words: str, *, ago: str = "") -> str:
    """A task's name and start, how long ago that was, and these words."""
    at = f" at {local_time(started)}" if started else ""
    return f"`{sanitized(task.name)}`{at}{ago}  {words}"


def _task(
    task: TaskSpec, done: TaskRun, now: datetime, display: Display, branches: tuple[str, str], also: str = ""
) -> Iterator[str]:
    sign = display.sign(done.state, retry=done.state is State.PENDING and bool(done.attempts))
    text = f"{sign} {task_words(task, done.started, task_status(task, done, now))}{also}"
    yield from wrapped(text, display, guide=branches[0], rest=branches[1], state=done.state)


def _hooks(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    for hook in record.spec.hooks:
        if hook.name in record.hooks:
            yield from _task(hook, record.hooks[hook.name], now, display, ("", ""))


def _in_order(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    pairs = list(zip(record.spec.tasks, record.tasks.values(), strict=True))
    pairs.sort(key=lambda pair: pair[1].started or _NEVER)
    for task, done in pairs:
        yield from _task(task, done, now, display, tree.branch(last=done is pairs[-1][1]))


def _branches(record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    specs = record.spec.tasks
    done = list(record.tasks.values())
    depth = tree.MAX_DEPTH if display.width is None else min(tree.MAX_DEPTH, max(display.width // 10, 1))
    for row in tree.rows(record.spec, depth):
        also = _after(row, record.spec) if row.also else ""
        yield from _task(specs[row.task], done[row.task], now, display, (row.guide, row.rest), also)


def _after(row: tree.Row, spec: JobSpec) -> str:
    """The upstream tasks that the branches do not show."""
    also = "also " if len(row.also) < len(spec.tasks[row.task].upstream) else ""
    return f"  ({also}after {task_names([spec.tasks[number].name for number in row.also])})"


def _unsuccessful(record: RunRecord, outputs: Mapping[str, bytes], now: datetime, display: Display) -> Iterator[str]:
    pairs = list(zip(record.spec.tasks, record.tasks.values(), strict=True))
    bad = [(task, done) for task, done in pairs if done.state in UNSUCCESSFUL]
    bad.sort(key=lambda pair: pair[1].started or _NEVER)
    others = counted_states(state_counts(done.state for _, done in pairs if done.state not in UNSUCCESSFUL))
    for task, done in bad:
        branches = tree.branch(last=done is bad[-1][1] and not others)
        yield from _task(task, done, now, display, branches)
        data = outputs.get(task.name, b"")
        tail = OutputTail(data=bytearray(data), cut=len(data) >= TAIL_BYTES)
        for line in tail.lines()[-_TAIL_LINES:]:
            bar = f"{branches[1]}  │ "
            yield from wrapped(line, display, guide=bar, rest=bar)
    if others:
        yield display.graphics(tree.branch(last=True)[0]) + f"and {others}"
