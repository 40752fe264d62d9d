"""The use cases of a job at hand: run it to its end, or only record it."""

from __future__ import annotations

import gc
import os
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

from pydag.app.backends import checked, engine_for, opened_store
from pydag.app.hooks import run_hooks
from pydag.app.jobs import refuse_if_live
from pydag.app.orphans import clear_the_way
from pydag.app.prune import prune_after_run
from pydag.engines.base import Engine
from pydag.model.run import Origin, Run, RunFailed, RunRecord, new_run_id
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.runs.earlier import left_out
from pydag.runs.owner import this_process
from pydag.runs.reporter import Reporter
from pydag.runs.selection import ALL, Selection
from pydag.runs.signals import signals_to, status_after
from pydag.runs.tracker import Tracker
from pydag.settings import Settings
from pydag.stores.base import Store
from pydag.workflow.job import Job
from pydag.workflow.tasks.gocron import GoCronTask


def run_job(
    job: Job,
    reporter: Reporter,
    *,
    check: bool = True,
    max_parallel: int | None = None,
    scheduled_for: datetime | None = None,
    selection: Selection = ALL,
    own_process: bool = False,
) -> RunRecord:
    """Run a job to its end and report it. The reporter is closed in any case.

    `max_parallel` replaces the job's own. `scheduled_for` is the run's logical date. `selection` says which tasks run:
    others are left out. `own_process` says that this process is a command of pydag and not a user's program.
    Raises what `Job.check` raises, `InvalidSetting`, `StoreError` or `EngineError` before anything runs; `RunFailed`
    where a task did not succeed and `check` is true; `SystemExit` where a signal stopped the run, once all is recorded.
    """
    with closing(reporter):
        settings = Settings.load()
        spec = checked(job, settings)
        others = selection.left_out(spec)
        with opened_store(settings) as store, closing(engine_for(job, settings, own_process=own_process)) as engine:
            clear_the_way(store, spec.name, settings.home)
            run = _prepared_run(engine, job, spec, store, scheduled_for)
            tracker = Tracker(
                spec,
                run,
                engine=engine,
                store=store,
                reporter=reporter,
                output_limit=settings.output_limit,
                max_parallel=max_parallel,
                afterwards=partial(
                    run_hooks, store=store, settings=settings, reporter=reporter, variables=job.parameters.variables
                ),
                earlier=left_out(others, run.started),
            )
            job.last_run = record = _track(tracker)
            if settings.keep:
                prune_after_run(store, spec.name, settings.keep)
    if check and record.state is not State.SUCCESS:
        raise RunFailed(_failure(record), record)
    return record


def submit_job(job: Job) -> None:
    """Check a job and record it; on gocron its tasks are made there. Nothing runs."""
    settings = Settings.load()
    spec = checked(job, settings)
    with opened_store(settings) as store, closing(engine_for(job, settings)) as engine:
        _prepare(engine, job, spec)
        store.save_job(spec, datetime.now(UTC))


def _prepare(engine: Engine, job: Job, spec: JobSpec) -> None:
    engine.prepare(spec.with_variables(job.parameters.variables))
    for task, task_id in zip(job.tasks, engine.task_ids, strict=False):  # most engines keep no tasks, and give no ids
        if isinstance(task, GoCronTask):
            task.task_id = task_id


def _prepared_run(engine: Engine, job: Job, spec: JobSpec, store: Store, scheduled_for: datetime | None) -> Run:
    if engine.shares_tasks:
        refuse_if_live(store, spec.name, "then run it again")
    run = Run(  # first: its time includes what the engine prepares
        id=new_run_id(),
        job=job.name,
        engine=engine.name,
        state=State.RUNNING,
        started=datetime.now(UTC),
        owner=this_process(),
        scheduled_for=scheduled_for,
        params=job.parameters.values,
        origin=Origin(file=str(job.file or ""), directory=_directory()),
    )
    _prepare(engine, job, spec)
    return run


def _directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # an engine that needs it says so
        return ""


def _track(tracker: Tracker) -> RunRecord:
    gc.freeze()  # the job stays to the end of the run: the collector need not walk through it again and again
    try:
        with signals_to(tracker.interrupt) as received:
            record = tracker.track()
    finally:
        gc.unfreeze()
    if tracker.interrupted:
        raise SystemExit(status_after(received))
    return record


def _failure(record: RunRecord) -> str:
    bad = record.unsuccessful()
    named = ", ".join(repr(task.name) for task in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    return f"job {record.spec.name!r} {record.state.value}: {named}{more} did not succeed (run {record.id})"
