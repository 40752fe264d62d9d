"""Runs that were due and never came about: kept in the history, with their cause, as runs of no attempt."""

from __future__ import annotations

from datetime import UTC, datetime

from pydag.model.run import Run, new_run_id
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.stores.base import Store


def has_begun(store: Store, job: str, due: datetime) -> bool:
    """Whether a run of the job for that fire time began."""
    return any(not run.never_started for run in store.runs(job, scheduled_for=due))


def keep(
    store: Store,
    job: str,
    due: datetime | None,
    cause: str,
    *,
    state: State = State.FAILED,
    engine: str = "local",
    at: datetime | None = None,
) -> None:
    """Record one, at the time `at` (default: now). The job need not be in the history."""
    at = at or datetime.now(UTC)
    run = Run(
        id=new_run_id(),
        job=job,
        engine=engine,
        state=state,
        started=at,
        ended=at,
        scheduled_for=due and due.astimezone(UTC),
        start_failure=cause,
    )
    known = any(entry.name == job for entry in store.jobs())
    store.begin(run, store.job(job) if known else JobSpec(name=job, tasks=()))
