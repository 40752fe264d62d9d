"""The use cases of a job at hand: run it to its end, or only record it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from pydag.app.backends import checked, engine_for, opened_store
from pydag.app.hooks import run_hooks
from pydag.app.orphans import clear_the_way
from pydag.app.overlap import begin_alone, is_known
from pydag.app.prune import prune_after_run
from pydag.engines.base import Engine
from pydag.errors import NotFound, StoreError
from pydag.model.run import Origin, Run, RunFailed, RunRecord, new_run_id
from pydag.model.spec import JobSpec
from pydag.model.states import Overlap, State
from pydag.runs.earlier import Earlier, left_out
from pydag.runs.owner import this_process
from pydag.runs.reporter import Reporter
from pydag.runs.selection import ALL, Selection
from pydag.runs.signals import signals_to, status_after
from pydag.runs.tracker import Tracker
from pydag.settings import Settings
from pydag.stores.base import RunHandle, Store
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
    Raises what `Job.check` raises, `InvalidSetting`, `StoreError` or `EngineError` before anything runs, and
    `StillRunning` where the job or the engine lets no other run go on beside it; `RunFailed` where a task did not
    succeed and `check` is true; `SystemExit` where a signal stopped the run, once all is recorded.
    """
    with closing(reporter):
        settings = Settings.load()
        spec = checked(job, settings)
        others = selection.left_out(spec)
        with _execution(job, spec, settings, reporter, max_parallel, own_process=own_process) as execution:
            run, handle = execution.begin(scheduled_for=scheduled_for)
            return execution.track(run, handle, left_out(others, run.started), check=check)


def retry_job(
    job: Job, reporter: Reporter, before: Run, earlier: Callable[[datetime], Earlier], *, max_parallel: int | None
) -> RunRecord:
    """Run a job as a new run that does `before` again, except for what is done already. Raises as `run_job`."""
    settings = Settings.load()
    with (
        closing(reporter),
        _execution(job, checked(job, settings), settings, reporter, max_parallel, own_process=True) as execution,
    ):
        run, handle = execution.begin(scheduled_for=before.scheduled_for, again=before.id)
        return execution.track(run, handle, earlier(run.started), check=True)


def resume_job(
    job: Job, reporter: Reporter, run: Run, done: Callable[[RunRecord], Earlier], *, max_parallel: int | None
) -> RunRecord:
    """Take a run over and go on with it. `done` says what it has done, or raises where it cannot go on.

    Raises as `run_job`, and `TakenOver` where another process was faster.
    """
    settings = Settings.load()
    with (
        closing(reporter),
        _execution(job, checked(job, settings), settings, reporter, max_parallel, own_process=True) as execution,
    ):
        record = execution.store.load(run)
        earlier = done(record)
        execution.prepare()
        handle = execution.store.take_over(record.run, this_process(), datetime.now(UTC))
        return execution.track(execution.store.load(run).run, handle, earlier, check=True)


@contextmanager
def _execution(
    job: Job, spec: JobSpec, settings: Settings, reporter: Reporter, max_parallel: int | None, *, own_process: bool
) -> Iterator[_Execution]:
    """With the history and the engine open, and nothing alive that a dead run of the job left here."""
    with opened_store(settings) as store, closing(engine_for(job, settings, own_process=own_process)) as engine:
        clear_the_way(store, spec.name, settings)
        yield _Execution(job, spec, settings, store, engine, reporter, max_parallel)


@dataclass(frozen=True, slots=True)
class _Execution:
    """A checked job with all that its run needs, as long as it takes."""

    job: Job
    spec: JobSpec
    settings: Settings
    store: Store
    engine: Engine
    reporter: Reporter
    max_parallel: int | None

    def begin(self, *, scheduled_for: datetime | None, again: str = "") -> tuple[Run, RunHandle | None]:
        """A new run that is prepared, and its handle where it had to be alone; else the tracker begins it."""
        run = Run(  # first: its time includes what the engine prepares
            id=new_run_id(),
            job=self.job.name,
            engine=self.engine.name,
            state=State.RUNNING,
            started=datetime.now(UTC),
            owner=this_process(),
            scheduled_for=scheduled_for,
            params=self.job.parameters.values,
            origin=Origin(file=str(self.job.file or ""), directory=_directory(), again=again),
        )
        if self.job.overlap is Overlap.ALLOW and not self.engine.shares_tasks:
            self.prepare()
            return run, None
        known = is_known(self.store, run.job)
        handle = begin_alone(self.store, run, self.spec)
        try:
            self.prepare()
        except BaseException:  # nothing of it has run: the history is as it was
            with suppress(StoreError, NotFound):
                self.store.delete(run.job, [run.id] if known else None)
            raise
        return run, handle

    def prepare(self) -> None:
        """Get the engine ready for the job."""
        _prepare(self.engine, self.job, self.spec)

    def track(self, run: Run, handle: RunHandle | None, earlier: Earlier, *, check: bool) -> RunRecord:
        """Track the run to its end."""
        hooks = partial(
            run_hooks,
            store=self.store,
            settings=self.settings,
            reporter=self.reporter,
            variables=self.job.parameters.variables,
        )
        tracker = Tracker(
            self.spec,
            run,
            engine=self.engine,
            store=self.store,
            reporter=self.reporter,
            output_limit=self.settings.output_limit,
            max_parallel=self.max_parallel,
            afterwards=hooks,
            earlier=earlier,
            handle=handle,
        )
        self.job.last_run = record = _track(tracker)
        if self.settings.keep:
            prune_after_run(self.store, run.job, self.settings.keep)
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
