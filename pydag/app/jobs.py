"""The use cases of the jobs in the history: list them, show their status, delete one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from pydag.app.backends import opened_store
from pydag.errors import EngineError, NotFound, StillRunning, count, nearest
from pydag.model.run import JobEntry, Run, RunRecord
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.runs.owner import actual_entry, actual_run, live_runs
from pydag.settings import Settings
from pydag.stores.base import Store


def jobs() -> list[JobEntry]:
    """Every job of the history, the one saved last first."""
    with opened_store(Settings.load(), reading=True) as store:
        return [actual_entry(entry) for entry in store.jobs()]


def jobs_on_gocron_alone(entries: Iterable[JobEntry]) -> list[str]:
    """The jobs that the gocron of the settings has and the history has not, newest first. Raises `EngineError`."""
    settings = Settings.load()
    if not settings.gocron.address:
        return []
    from pydag.app import gocron  # it takes longer than all else here, and most users have none

    return gocron.jobs(settings, known=[entry.name for entry in entries])


def job_spec(name: str) -> JobSpec:
    """A job's current definition. Raises `NotFound` with the nearest name there is."""
    with opened_store(Settings.load(), reading=True) as store:
        return spec_in(store, name)


class Status(NamedTuple):
    """What runs now, every job, and the newest run of each job that has ended."""

    running: list[RunRecord]
    jobs: list[JobEntry]
    last_results: dict[str, Run]


def status(job: str | None = None) -> Status:
    """What runs and what ran: of one job or of all. Raises `NotFound`."""
    with opened_store(Settings.load(), reading=True) as store:
        entries = [actual_entry(entry) for entry in store.jobs()]
        if job is not None:
            entries = [entry for entry in entries if entry.name == job]
            if not entries:
                raise _unknown_job(store, job)
        live = live_runs(store, job)
        results = {entry.name: entry.last_run for entry in entries if entry.last_run and entry.last_run.state.final}
        for name in {run.job for run in live} - results.keys():
            before = next((run for run in map(actual_run, store.runs(name)) if run.state.final), None)
            if before:
                results[name] = before
        return Status(running=[store.load(run) for run in live], jobs=entries, last_results=results)


class Deleted(NamedTuple):
    """What was deleted of a job: its history, its tasks on gocron, its entry. `scheduler` names what had the entry."""

    history: bool
    on_gocron: int = 0
    scheduler: str | None = None


def delete(job: str, settings: Settings, *, force: bool = False) -> Deleted:
    """Delete a job, its history, and its tasks on the gocron of the settings.

    Raises `NotFound`, and `StillRunning` unless `force`.
    """
    with opened_store(settings) as store:
        try:
            store.job(job)
        except NotFound:
            deleted = _delete_on_gocron(job, settings, force, None)
            if not deleted:
                raise _unknown_job(store, job) from None
            return Deleted(history=False, on_gocron=deleted)
        if not force:
            refuse_if_live(store, job, "or delete it all the same with --force")
        last = store.runs(job, states=[state for state in State if state.final], limit=1)
        deleted = _delete_on_gocron(job, settings, force, last[0].ended if last else None)
        store.delete(job)
        return Deleted(history=True, on_gocron=deleted)


def _delete_on_gocron(job: str, settings: Settings, force: bool, ended: datetime | None) -> int:
    """How many tasks were deleted there; none where the settings name no gocron."""
    if not settings.gocron.address:
        return 0
    from pydag.app import gocron  # as above

    return gocron.delete(job, settings, force=force, ended=ended)


def refuse_if_live(store: Store, job: str, way_out: str) -> None:
    """Raise `StillRunning` while a run of the job goes on."""
    live = live_runs(store, job)
    if live:
        raise StillRunning(f"job {job!r} runs now (run {live[0].id}): wait for its end or stop it, {way_out}")


def spec_in(store: Store, job: str) -> JobSpec:
    """`job_spec`, in a store that is open."""
    try:
        return store.job(job)
    except NotFound:
        raise _unknown_job(store, job) from None


def unknown_task(spec: JobSpec, task: str) -> NotFound:
    """What is raised for a task that the job does not have."""
    command = f"pydag tasks {shlex.quote(spec.name)}"
    hint = _hint(task, [each.name for each in spec.tasks], command)
    return NotFound(f"there is no task {task!r} in the job {spec.name!r}{hint}")


def listed_spec(name: str) -> tuple[JobSpec, bool]:
    """A job's definition, and whether it is from the history. Else gocron's, which does not know the edges.

    Raises `NotFound` where neither has the job.
    """
    settings = Settings.load()
    with opened_store(settings, reading=True) as store:
        try:
            return store.job(name), True
        except NotFound:
            found = _spec_on_gocron(name, settings)
            if found is None:
                raise _unknown_job(store, name) from None
            return found, False


def _unknown_job(store: Store, job: str) -> NotFound:
    settings = Settings.load()
    found = _spec_on_gocron(job, settings)
    if found:
        return NotFound(
            f"job {job!r} is on gocron ({count(len(found.tasks), 'task')}), and no run of it is in this history: name "
            "the history that has them with PYDAG_HOME or PYDAG_LOG_STORE_HOST, or look into gocron's pages"
        )
    hint = _hint(job, [entry.name for entry in store.jobs()], "pydag list")
    return NotFound(f"there is no job {job!r} in the history{hint}")


def _spec_on_gocron(job: str, settings: Settings) -> JobSpec | None:
    """The job as gocron has it; None where there is none, or nobody can know."""
    if not settings.gocron.address:
        return None
    from pydag.app import gocron  # as above

    with suppress(EngineError):
        return gocron.job_spec(job, settings)
    return None


def _hint(name: str, known: Iterable[str], command: str) -> str:
    close = nearest(name, known)
    return f"; did you mean {close!r}?" if close else f": `{command}` shows what there is"
