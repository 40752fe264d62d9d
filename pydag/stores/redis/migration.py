"""Brings the runs of the programs before this pydag into a history, each once.

What Redis does not have, the times and outputs of the executions, comes from the caller, who may ask gocron for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Protocol

from pydag.model.actions import Shell
from pydag.model.graph import order
from pydag.model.run import Attempt, Output, Run
from pydag.model.spec import JobSpec, TaskSpec, digest
from pydag.model.states import Reason, State, worst
from pydag.stores.base import RunHandle, Store
from pydag.stores.redis.connection import Server
from pydag.stores.redis.old_history import OldHistory, OldRecord, OldRun

ENGINE = "gocron"
UNKNOWN_COMMAND = ": not known, the task comes from an older history"
"""Stands for a command that nobody knows any more; bash does nothing with it."""

_STATES = {"success": State.SUCCESS, "failed": State.FAILED}


class Execution(NamedTuple):
    """One execution of a task as the log of its server has it."""

    state: State
    started: datetime | None
    ended: datetime | None
    exit_status: int | None = None
    reason: Reason | None = None
    detail: str = ""
    host: str = ""
    output: bytes = b""


class Executions(Protocol):
    """What is still known of the executions on the server."""

    def job(self, name: str) -> JobSpec | None:
        """The tasks that the server has of a job, without edges; None where it has none."""

    def find(self, record: OldRecord) -> Execution | None:
        """The execution that a record speaks of; None where the server has it no longer, or it has not ended."""


class Brought(Protocol):
    """The ids of the runs that were brought over at any time, also of those that were deleted since."""

    def __contains__(self, run_id: object, /) -> bool: ...

    def add(self, run_id: str, /) -> None:
        """Remember one."""


class BroughtOnRedis:
    """A set beside a history on Redis: that history's `delete` leaves it alone."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._key = prefix.replace("%", "%25").replace("/", "%2F").encode() + b"/brought"

    def __contains__(self, run_id: object, /) -> bool:
        return bool(self._server.ask([("SISMEMBER", self._key, str(run_id))])[0])

    def add(self, run_id: str, /) -> None:
        """Remember one; repeated, it changes nothing."""
        self._server.run("return redis.call('SADD', KEYS[1], ARGV[1])", self._key, run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """How many runs were copied now, how many before; of how many executions the output is gone; unreadable keys."""

    runs: int
    present: int
    without_output: int
    unreadable: tuple[str, ...]


def new_runs(old: OldHistory, brought: Brought) -> list[OldRun]:
    """The runs that no migration has brought over yet."""
    return [run for run in old.runs if run_id(run) not in brought]


def migrate(old: OldHistory, store: Store, executions: Executions, brought: Brought) -> Migrated:
    """Copy every run that was never copied. Repeating it adds nothing, even after a copy was deleted.

    A task that is in the history but no longer in the job's graph is added behind the others. What was still running,
    and has no execution on the server that tells its end, is `lost`: nobody watches it any more.
    """
    new, written, gone = new_runs(old, brought), 0, 0
    on_server: dict[str, JobSpec | None] = {}
    for run in new:
        graph = old.graphs.get(run.job)
        if graph is None:
            if run.job not in on_server:
                on_server[run.job] = executions.job(run.job)
            graph = _only(run, on_server[run.job])
        found = [executions.find(record) for record in run.records]
        gone += found.count(None)
        written += _write(store, graph, run, found)
        brought.add(run_id(run))
    present = len(old.runs) - written
    return Migrated(runs=written, present=present, without_output=gone, unreadable=old.unreadable)


def run_id(run: OldRun) -> str:
    """The id that the copy of a run has."""
    return f"old-{digest(run.job, 12)}-{run.started.timestamp():.0f}"


def _only(run: OldRun, job: JobSpec | None) -> JobSpec:
    """The tasks of this run alone: what the server has may be newer than it."""
    recorded = {record.task for record in run.records}
    return JobSpec(name=run.job, tasks=tuple(task for task in (job.tasks if job else ()) if task.name in recorded))


def _write(store: Store, graph: JobSpec, old: OldRun, found: list[Execution | None]) -> bool:
    """Write one run; False if the store has it already."""
    run = Run(id=run_id(old), job=old.job, engine=ENGINE, state=State.RUNNING, started=old.started)
    known = {each.id: each for each in store.runs(old.job)}
    if run.id in known and known[run.id].state.final:
        return False
    spec = _with_tasks(graph, [record.task for record in old.records])
    # If the store has it without an end, an earlier migration stopped between its begin and its finish.
    handle = store.reopen(run.id) if run.id in known else _begin(store, run, spec)
    attempts = [
        _attempt(spec.number(record.task) or 0, record, execution)
        for record, execution in zip(old.records, found, strict=True)
    ]
    outputs = [
        Output(task=attempt.task, number=1, data=execution.output)
        for attempt, execution in zip(attempts, found, strict=True)
        if execution and execution.output and not store.output_size(run.id, attempt.task, 1)
    ]
    ended = max(attempt.ended or old.started for attempt in attempts)
    rest = list(_never_started(spec, attempts, ended))
    handle.write([*attempts, *rest], outputs)
    missing = [State.LOST for attempt in rest if attempt.state is State.CANCELLED]
    handle.finish(worst([*(attempt.state for attempt in attempts), *missing]), ended)
    return True


def _begin(store: Store, run: Run, spec: JobSpec) -> RunHandle:
    """Beginning a run saves its job: restore the definition that was current, if it is newer."""
    current = next((entry for entry in store.jobs() if entry.name == run.job), None)
    newer = store.job(run.job) if current and current.saved > run.started else None
    handle = store.begin(run, spec)
    if current and newer:
        store.save_job(newer, current.saved)
    return handle


def _with_tasks(graph: JobSpec, names: list[str]) -> JobSpec:
    missing = [TaskSpec(name=name, action=Shell(UNKNOWN_COMMAND)) for name in names if graph.number(name) is None]
    return replace(graph, tasks=(*graph.tasks, *missing))


def _attempt(task: int, record: OldRecord, execution: Execution | None) -> Attempt:
    if execution is None:
        state = _STATES.get(record.status, State.LOST)
        reason = Reason.UNKNOWN if state is State.LOST else None
        detail = f"row {record.row} of gocron's log, which is no longer there"
        return Attempt(task=task, number=1, state=state, ended=record.at, reason=reason, detail=detail)
    return Attempt(
        task=task,
        number=1,
        state=execution.state,
        started=execution.started,
        ended=execution.ended or record.at,
        exit_status=execution.exit_status,
        reason=execution.reason,
        detail=execution.detail,
        host=execution.host,
    )


def _never_started(spec: JobSpec, attempts: Iterable[Attempt], ended: datetime) -> Iterable[Attempt]:
    """The tasks without a record: skipped after one that did not succeed, else nobody knows why."""
    states = {spec.tasks[attempt.task].name: attempt.state for attempt in attempts}
    upstream = spec.upstream_names()
    for name in order(upstream):
        if name not in states:
            skipped = _any_bad(states[before] for before in upstream[name])
            states[name] = State.SKIPPED if skipped else State.CANCELLED
            reason = None if skipped else Reason.UNKNOWN
            yield Attempt.not_attempted(spec.number(name) or 0, states[name], reason=reason, ended=ended)


def _any_bad(states: Iterable[State]) -> bool:
    """Whether a task does not start after these: one that is missing after a missing one is missing too."""
    return any(state in (State.FAILED, State.LOST, State.SKIPPED) for state in states)
