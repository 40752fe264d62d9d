"""Follow a run of another process: report it, or copy a task's output, as the history grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pydag.model.run import Attempt, Output, RunRecord, TaskRun
from pydag.model.states import State
from pydag.runs.reporter import Reporter
from pydag.stores.base import Store

ReadRun = Callable[[], RunRecord]
"""Reads the run anew from the history."""

Pause = Callable[[], None]
"""Waits a moment before the run is read again."""


class Sink(Protocol):
    """What takes output: a binary stream, for example."""

    def write(self, data: bytes, /) -> object:
        """Take more."""

    def flush(self) -> object:
        """Show what was taken."""


def report_run(read: ReadRun, pause: Pause, store: Store, reporter: Reporter) -> None:
    """Report what the run did and does, until its end, and the output of failed attempts."""
    record = read()
    reporter.run_started(record.run, record.spec)
    reported: set[tuple[int, int, State, str]] = set()
    while True:
        changes = [each for each in _attempts(record) if _known_by(each) not in reported]
        reported.update(map(_known_by, changes))
        batch: list[Attempt] = []
        for change in changes:
            if change.state in (State.FAILED, State.LOST):
                reporter.changed(batch, ())
                batch = []
                for data in store.output(record.id, change.task, change.number):
                    reporter.changed((), [Output(change.task, change.number, data)])
            batch.append(change)
        reporter.changed(batch, ())
        if record.state.final:
            reporter.run_ended(record)
            return
        pause()
        record = read()


def copy_output(read: ReadRun, pause: Pause, store: Store, task: int, stream: Sink) -> None:
    """Copy the output of a task's attempts in this run to a stream as it is written, until the task has ended.

    `task` may be the number of a hook.
    """
    written = 0
    attempts_done = 0
    while True:
        record = read()  # before its output: once an attempt has ended, all of its output is there
        done = record.entry(record.spec.entries[task].name)
        for attempt in done.attempts[attempts_done:]:
            for data in store.output(record.id, task, attempt.number, written):
                stream.write(data)
                written += len(data)
            if attempt.state.final:
                attempts_done, written = attempts_done + 1, 0
        stream.flush()
        if done.state.final or (record.state.final and done.state is not State.RUNNING):
            return
        pause()


def _attempts(record: RunRecord) -> list[Attempt]:
    """All attempts in the order of their events, and the end of each task that was not attempted."""
    found: list[Attempt] = []
    for number, done in enumerate(record.tasks.values()):
        found += done.attempts or _not_attempted(number, done)
    return sorted(found, key=lambda each: str(each.ended or each.started or ""))


def _not_attempted(task: int, done: TaskRun) -> list[Attempt]:
    return [Attempt.not_attempted(task, done.state, reason=done.reason)] if done.state.final else []


def _known_by(attempt: Attempt) -> tuple[int, int, State, str]:
    return attempt.task, attempt.number, attempt.state, attempt.detail
