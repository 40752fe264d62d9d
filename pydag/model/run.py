"""Records of what happened: runs, attempts, and both joined with their job.

Times are aware datetimes in UTC, to the microsecond.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from pydag.errors import PyDagException
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import UNSUCCESSFUL, Reason, State


class Origin(NamedTuple):
    """Where a run comes from: the workflow file and the working directory, empty where there was none (a notebook).

    `again` is the id of the earlier run that this one does again, empty for most.
    """

    file: str = ""
    directory: str = ""
    again: str = ""


class Run(NamedTuple):
    """One execution of a job. `owner` names the process that tracks it, as `pydag.runs.owner` writes it.

    `scheduled_for` is its logical date: the fire time that it stands for, where a scheduler started it.
    `start_failure` is empty, or says why a run that was due never started. `params` are the names and values, as text,
    of the parameters that it ran with, without secrets. `heard` is when its tracker last said that it lives. `fence`
    counts how often another tracker took the run over; what those before it write is refused.
    """

    id: str
    job: str
    engine: str
    state: State
    started: datetime
    ended: datetime | None = None
    owner: str = ""
    scheduled_for: datetime | None = None
    start_failure: str = ""
    params: tuple[tuple[str, str], ...] = ()
    origin: Origin = Origin()
    heard: datetime | None = None
    fence: int = 0

    @property
    def never_started(self) -> bool:
        """Whether it was due and could not start: it has ended, and none of its tasks has an attempt."""
        return bool(self.start_failure)


class Usage(NamedTuple):
    """What an attempt used, with all children it waited for, as wait4(2) tells: CPU seconds, and bytes of memory.

    `peak_memory` is that of its largest process; None where the system cannot tell it from pydag's own.
    """

    user: float
    system: float
    peak_memory: int | None = None


class Attempt(NamedTuple):
    """One execution of a task. Or, from `not_attempted`, how a task ended of which nothing was started (any more).

    `task` is the task's number in its job; `number` counts the attempts from 1. `exit_status` is None where it ended by
    a signal, did not end, or where the engine cannot tell. `output_dropped` counts the bytes over PYDAG_OUTPUT_LIMIT
    that were not kept. `host` names where it ran, for engines that have several; `usage` is None where the engine does
    not tell, and until it has ended.
    """

    task: int
    number: int
    state: State
    started: datetime | None = None
    ended: datetime | None = None
    exit_status: int | None = None
    signal: int | None = None
    reason: Reason | None = None
    detail: str = ""
    output_dropped: int = 0
    host: str = ""
    usage: Usage | None = None

    @classmethod
    def not_attempted(
        cls, task: int, state: State, *, reason: Reason | None = None, ended: datetime | None = None
    ) -> Attempt:
        """The end of a task that was skipped, or cancelled before its first or its next attempt.

        One record for both, with the number 0, saves the stores a second table, and each task a second write.
        """
        return cls(task=task, number=0, state=state, ended=ended, reason=reason)

    @property
    def attempted(self) -> bool:
        """Whether it was an execution; False for the end of a task of which nothing was started."""
        return self.number > 0


class Output(NamedTuple):
    """More output of an attempt: `data` follows what was written of it before."""

    task: int
    number: int
    data: bytes


class AttemptOutput(NamedTuple):
    """An attempt of a run, with the output that the history kept of it, in pieces."""

    run: Run
    attempt: Attempt
    output: Iterable[bytes]


class TaskRun(NamedTuple):
    """What one task did in one run: its attempts in order, without the end of a task that was not attempted."""

    name: str
    state: State
    reason: Reason | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def started(self) -> datetime | None:
        """When its first attempt started."""
        return self.attempts[0].started if self.attempts else None

    @property
    def ended(self) -> datetime | None:
        """When its last attempt ended, once nothing can follow."""
        return self.attempts[-1].ended if self.attempts and self.state.final else None


class RunRecord(NamedTuple):
    """A run with its job as it was then, and what became of each task, in the job's order.

    `hooks` has those of the job's hooks that ran, which is after the run's end.
    """

    run: Run
    spec: JobSpec
    tasks: Mapping[str, TaskRun]
    hooks: Mapping[str, TaskRun] = {}

    @property
    def id(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def state(self) -> State:
        """The state of the whole run."""
        return self.run.state

    def entry(self, name: str) -> TaskRun:
        """What became of the task or the hook of that name."""
        return self.tasks.get(name) or self.hooks.get(name) or TaskRun(name=name, state=State.PENDING)

    def unsuccessful(self, *states: State) -> list[TaskRun]:
        """The tasks that ended in one of these states (default: failed, lost or cancelled)."""
        wanted = states or UNSUCCESSFUL
        return [task for task in self.tasks.values() if task.state in wanted]


def record_of(run: Run, spec: JobSpec, attempts: Iterable[Attempt]) -> RunRecord:
    """Join a run, its job and its attempts (in any order)."""
    by_task: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        by_task.setdefault(attempt.task, []).append(attempt)
    if run.never_started:
        tasks = {
            task.name: TaskRun(name=task.name, state=State.CANCELLED, reason=Reason.NOT_STARTED) for task in spec.tasks
        }
    else:
        goes_on = not run.state.final
        tasks = {task.name: _task_run(task, by_task.get(number), goes_on) for number, task in enumerate(spec.tasks)}
    hooks = {
        hook.name: _task_run(hook, by_task[number], goes_on=False)
        for number, hook in enumerate(spec.hooks, start=len(spec.tasks))
        if number in by_task
    }
    return RunRecord(run=run, spec=spec, tasks=tasks, hooks=hooks)


def lost(record: RunRecord) -> RunRecord:
    """The record of a run whose tracker ended before it: what ran is lost, and what had not started never will."""
    tasks = {name: _lost_task(task) for name, task in record.tasks.items()}
    return record._replace(run=record.run._replace(state=State.LOST), tasks=tasks)


def with_lost_hooks(record: RunRecord) -> RunRecord:
    """The record of a run that ended, and whose tracker ended before its hooks."""
    return record._replace(hooks={name: _lost_task(hook) for name, hook in record.hooks.items()})


def tried_again(task: TaskSpec, attempt: Attempt) -> bool:
    """Whether another attempt follows this one, as far as one can say now: a run may still be cancelled."""
    return attempt.state is State.FAILED and attempt.attempted and attempt.number <= task.retries


def _task_run(task: TaskSpec, attempts: list[Attempt] | None, goes_on: bool) -> TaskRun:
    if not attempts:
        return TaskRun(name=task.name, state=State.PENDING)
    attempts.sort(key=lambda attempt: attempt.number)
    if not attempts[0].attempted and attempts[0].state is State.PENDING:  # its end was taken back: the run was resumed
        del attempts[0]
        if not attempts:
            return TaskRun(name=task.name, state=State.PENDING)
    # A task that waits for its next attempt and is then cancelled has attempts, and an end without one, which decides.
    decisive = attempts[-1] if attempts[0].attempted else attempts[0]
    waits = goes_on and tried_again(task, decisive)
    return TaskRun(
        name=task.name,
        state=State.PENDING if waits else decisive.state,
        reason=None if waits else decisive.reason,
        attempts=tuple(attempt for attempt in attempts if attempt.attempted),
    )


def _lost_task(task: TaskRun) -> TaskRun:
    if task.state is State.PENDING:
        return task._replace(state=State.CANCELLED, reason=Reason.UNKNOWN)
    if task.state is not State.RUNNING:
        return task
    *before, last = task.attempts
    last = last._replace(state=State.LOST, reason=Reason.UNKNOWN)
    return task._replace(state=State.LOST, reason=Reason.UNKNOWN, attempts=(*before, last))


def new_run_id() -> str:
    """Sorts by time, and is unique without asking anybody."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(4).hex()}"


class JobEntry(NamedTuple):
    """A job that the history knows: when it was last saved, its number of tasks, its newest run."""

    name: str
    saved: datetime
    tasks: int
    last_run: Run | None


class RunFailed(PyDagException):
    """A run in which a task did not succeed. `run` is its record."""

    def __init__(self, message: str, run: RunRecord) -> None:
        super().__init__(message)
        self.run = run

    def __reduce__(self) -> tuple[type[RunFailed], tuple[str, RunRecord]]:
        return type(self), (str(self), self.run)
