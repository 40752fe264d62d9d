"""Hooks: what a job runs once a run of it has ended, on this machine, wherever its tasks ran.

They are tracked as tasks are, and change neither the run's state nor its result.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime

from pydag.engines.local.engine import LocalEngine
from pydag.errors import EngineError, NotFound, StoreError
from pydag.model.run import Attempt, Output, Run, RunRecord, record_of
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.runs.earlier import Earlier
from pydag.runs.reporter import Reporter, Silent
from pydag.runs.signals import signals_to
from pydag.runs.tracker import Tracker
from pydag.settings import Settings
from pydag.stores.base import RunHandle, Store

RUN_STATE = "PYDAG_RUN_STATE"
FAILED_TASKS = "PYDAG_FAILED_TASKS"

_MOST_NAMES = 64 * 1024
"""Bytes of names of failed tasks: Linux takes no variable of 128 KiB."""


def run_hooks(
    record: RunRecord,
    document: str,
    *,
    store: Store,
    settings: Settings,
    reporter: Reporter,
    variables: Iterable[tuple[str, str]] = (),
) -> RunRecord:
    """Run the hooks that this end of a run asks for, one after another, and return the record with them.

    Each reads `document`, and has these environment variables. Ctrl-C and SIGTERM end them. What keeps them from
    starting is recorded, and nothing is raised because of them.
    """
    asked_for = _asked_for(record.run)
    chosen = tuple(hook for hook in record.spec.hooks if hook.name in asked_for)
    if not chosen:
        return record
    with suppress(StoreError, NotFound):  # a run that was resumed after its end may have had hooks before
        record = record._replace(hooks=store.load(record.run).hooks)
    handle = _BehindTheTasks(store, record, chosen)
    environ = {
        **os.environ,
        **dict(variables),
        RUN_STATE: record.state.value,
        FAILED_TASKS: _failed_tasks(record),
    }
    try:
        starts = _Starts(reporter, chosen)
        _track(record, chosen, document, environ, store=store, handle=handle, settings=settings, reporter=starts)
    except (EngineError, OSError) as error:
        handle.not_started(str(error))
    return record._replace(hooks=record_of(record.run, record.spec, handle.ended).hooks)


def _asked_for(run: Run) -> tuple[str, ...]:
    """The names of the hooks for such an end. Who cancels a run by hand knows of it: that is no failure."""
    if run.never_started or run.state in (State.FAILED, State.LOST):
        return ("on_failure", "on_end")
    return ("on_success", "on_end") if run.state is State.SUCCESS else ("on_end",)


def _track(
    record: RunRecord,
    hooks: tuple[TaskSpec, ...],
    document: str,
    environ: Mapping[str, str],
    *,
    store: Store,
    handle: RunHandle,
    settings: Settings,
    reporter: Reporter,
) -> None:
    spec = JobSpec(name=record.spec.name, tasks=hooks)
    before = {place: record.entry(hook.name).attempts for place, hook in enumerate(hooks)}
    # A file in memory: a hook need not read it, as it would a pipe, and it needs no room on a disk that may be full.
    with open(os.memfd_create("run"), "wb") as stdin:
        stdin.write(document.encode())
        stdin.flush()
        engine = LocalEngine(task_timeout=settings.task_timeout, environ=environ, stdin=stdin.fileno())
        with closing(engine):
            engine.prepare(spec)
            tracker = Tracker(
                spec,
                record.run._replace(state=State.RUNNING),
                engine=engine,
                store=store,
                handle=handle,
                reporter=reporter,
                output_limit=settings.output_limit,
                max_parallel=1,
                earlier=Earlier(numbers={place: each[-1].number + 1 for place, each in before.items() if each}),
            )
            with signals_to(tracker.interrupt):
                tracker.track()


def _failed_tasks(record: RunRecord) -> str:
    """The names of the failed tasks, one a line, as many as fit."""
    names, size = [], 0
    for task in record.unsuccessful(State.FAILED, State.LOST):
        size += len(task.name.encode()) + 1
        if size > _MOST_NAMES:
            break
        names.append(task.name)
    return "\n".join(names)


class _Starts(Silent):
    """Tells the run's reporter, of all that hooks do, that one starts."""

    def __init__(self, reporter: Reporter, hooks: Sequence[TaskSpec]) -> None:
        self._reporter = reporter
        self._hooks = hooks

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        for attempt in attempts:
            if attempt.state is State.RUNNING and attempt.started:
                self._reporter.hook_started(self._hooks[attempt.task].name, attempt.started)


class _BehindTheTasks(RunHandle):
    """The run in the history, for a tracker of its hooks: their numbers follow that of the last task.

    A hook runs all the same where the history does not take it: it may be the one that tells somebody of a full disk.
    """

    def __init__(self, store: Store, record: RunRecord, hooks: Sequence[TaskSpec]) -> None:
        self.ended = [attempt for hook in record.hooks.values() for attempt in hook.attempts]
        self._store = store
        self._run_id = record.id
        self._numbers = [record.spec.number(hook.name) or 0 for hook in hooks]

    def write(
        self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = (), *, heard: datetime | None = None
    ) -> None:
        """Write them under their numbers in the run."""
        attempts = [attempt._replace(task=self._numbers[attempt.task]) for attempt in attempts]
        outputs = [output._replace(task=self._numbers[output.task]) for output in outputs]
        self.ended += [attempt for attempt in attempts if attempt.state.final]
        with suppress(StoreError, NotFound):
            self._store.reopen(self._run_id).write(attempts, outputs, heard=heard)

    def finish(self, state: State, ended: datetime) -> None:
        """The run has its end, which hooks do not change."""

    def not_started(self, why: str) -> None:
        """Write that none could be started."""
        now = datetime.now(UTC)
        self.write(
            [
                Attempt(place, 1, State.FAILED, started=now, ended=now, reason=Reason.NOT_STARTED, detail=why)
                for place in range(len(self._numbers))
            ]
        )
