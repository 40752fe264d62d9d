"""Runs that were due and never started: the history keeps them, with their cause, as runs without attempts."""

from __future__ import annotations

from datetime import UTC, datetime

from pydag.model.run import Run, new_run_id
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.schedule.schedulers.base import FailedStart
from pydag.stores.base import Store


def has_begun(store: Store, job: str, due: datetime) -> bool:
    """Whether a run of the job for that fire time began."""
    return any(not run.never_started for run in store.runs(job, scheduled_for=due))


def is_known(store: Store, start: FailedStart) -> bool:
    """Whether the history has a run for that fire time, begun or not."""
    return bool(store.runs(start.job, scheduled_for=start.due, limit=1))


def record(
    store: Store, job: str, due: datetime | None, cause: str, *, state: State = State.FAILED, owner: str = ""
) -> Run:
    """Record that a start of the job came to nothing now. The job need not be in the history.

    `owner` is the process that runs what comes after it.
    """
    return _record(store, job, due, cause, state, engine="local", at=datetime.now(UTC), owner=owner)


def record_failed_start(store: Store, start: FailedStart) -> None:
    """Record what the scheduler could not start, at the time when it tried."""
    _record(store, start.job, start.due, start.cause, State.FAILED, engine=start.engine, at=start.tried)


def _record(
    store: Store,
    job: str,
    due: datetime | None,
    cause: str,
    state: State,
    *,
    engine: str,
    at: datetime,
    owner: str = "",
) -> Run:
    run = Run(
        id=new_run_id(),
        job=job,
        engine=engine,
        state=state,
        started=at,
        ended=at,
        owner=owner,
        scheduled_for=due.astimezone(UTC) if due else None,
        start_failure=cause,
    )
    known = any(entry.name == job for entry in store.jobs())
    store.begin(run, store.job(job) if known else JobSpec(name=job, tasks=()))
    return run
