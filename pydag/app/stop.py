"""The use case of a stop: end what runs of a job, whoever tracks it, and say what could not be ended."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pydag import processes
from pydag.app.backends import opened_store
from pydag.app.lookup import found_run
from pydag.app.orphans import dead_runs, end_dead_run, end_marked, listed
from pydag.engines.local.orphans import Orphan
from pydag.errors import EngineError, NotFound, count
from pydag.model.run import Run, RunRecord
from pydag.model.states import State
from pydag.processes import Seen
from pydag.runs.owner import named, tracker_of
from pydag.settings import Settings
from pydag.stores.base import Store

FORCED_WITHIN = 10.0
"""Seconds that a tracker has to kill its tasks, where it must; then it is killed itself."""

_LOOK = 0.1  # seconds between two looks at a run that is to end
_ASK_AGAIN = 0.5  # seconds after which a tracker that must kill is asked again
_SAY_AGAIN = 5.0  # seconds after which is said what is still awaited
_NAMED = 3  # tasks that a line names

Say = Callable[[str], None]


class Order(NamedTuple):
    """How to stop: with `force` what runs is killed, with `kill_orphans` also what left the sessions of its tasks."""

    force: bool
    kill_orphans: bool


def stop(job: str, run: str | None, order: Order, say: Say) -> None:
    """Stop what runs of the job, or this run, and wait for its end. `say` is told what happens, a line each.

    A run's id may stand in the place of the job. Raises `NotFound`, and `EngineError` that names what goes on.
    """
    settings = Settings.load()
    with opened_store(settings) as store:
        runs = _runs(store, job, run, settings, order)
        if not runs:
            say(f"{job}: nothing runs")
        failures = []
        for each in runs:
            failures += _Stop(store, each, settings, order, say).stopped()
    if failures:
        raise EngineError("; ".join(failures))


def _runs(store: Store, job: str, run: str | None, settings: Settings, order: Order) -> list[Run]:
    if run is not None or not _is_job(store, job):
        return [found_run(store, job, run)]
    running = store.runs(job, states=[State.RUNNING])
    known = {each.id for each in running}
    running += [each for each in dead_runs(store, job, settings.home) if each.id not in known]
    return running or (store.runs(job, limit=1) if order.kill_orphans else [])


def _is_job(store: Store, job: str) -> bool:
    try:
        store.job(job)
    except NotFound:
        return False
    return True


class _Stop:
    """The stop of one run. Its methods return what could not be stopped."""

    def __init__(self, store: Store, run: Run, settings: Settings, order: Order, say: Say) -> None:
        self._store = store
        self._run = run
        self._settings = settings
        self._order = order
        self._say = say
        self._name = f"{run.job}: run {run.id}"
        self._tracked_by = named(run.owner) or "an unknown process"

    def stopped(self) -> list[str]:
        if tracker := self._tracker():
            if not self._await_end(tracker):
                return [
                    f"{self._name} is tracked by {self._tracked_by}, which is another user's: only they can stop it"
                ]
            return self._dead() if self._goes_on() else self._ended()
        if self._is_dead():
            return self._dead()
        if self._run.state is State.RUNNING:
            command = f"pydag stop {shlex.quote(self._run.job)} {self._run.id}"
            return [f"{self._name} is tracked by {self._tracked_by}, out of reach from here: type `{command}` there"]
        return self._ended()

    def _tracker(self) -> Seen | None:
        return tracker_of(self._run.owner) if self._run.state is State.RUNNING else None

    def _is_dead(self) -> bool:
        return any(run.id == self._run.id for run in dead_runs(self._store, self._run.job, self._settings.home))

    def _goes_on(self) -> bool:
        return any(run.id == self._run.id for run in self._store.runs(self._run.job, states=[State.RUNNING]))

    def _await_end(self, tracker: Seen) -> bool:
        """Ask the tracker to stop, and again where it must kill; return once the run or the tracker has ended.

        False where it cannot be asked.
        """
        began = asked = said = time.monotonic()
        if not processes.send(tracker, signal.SIGTERM):
            return self._tracker() is None
        processes.send(tracker, signal.SIGCONT)  # one that is stopped, as by Ctrl-Z, takes no notice of SIGTERM
        verb = "kill" if self._order.force else "stop"
        self._say(f"{self._name}: asked pydag (pid {tracker.pid}) to {verb} its tasks")
        while self._goes_on() and self._tracker() is not None:
            time.sleep(_LOOK)
            now = time.monotonic()
            if self._order.force and now - asked >= _ASK_AGAIN:
                asked = now
                processes.send(tracker, signal.SIGKILL if now - began >= FORCED_WITHIN else signal.SIGTERM)
            if now - said >= _SAY_AGAIN:
                said = now
                self._say(f"{self._name}: waiting for {self._awaited()}")
        return True

    def _awaited(self) -> str:
        running = [task.name for task in self._record().unsuccessful(State.RUNNING)]
        names = ", ".join(f"`{name}`" for name in running[:_NAMED]) + ", ..." * (len(running) > _NAMED)
        hint = "" if self._order.force else "; a second `pydag stop`, or --force, kills"
        return f"{count(len(running), 'task')} ({names}){hint}" if running else "its end"

    def _record(self) -> RunRecord:
        return self._store.load(found_run(self._store, self._run.job, self._run.id))

    def _ended(self) -> list[str]:
        """The run has ended in order, now or before; what its tasks left outside of their sessions may live."""
        record = self._record()
        self._say(f"{self._name}: {record.state.value}")
        unknown = [task for task in record.unsuccessful(State.LOST) if self._run.state is State.RUNNING]
        return [
            f"task {task.name!r} of run {self._run.id} may go on: {task.attempts[-1].detail}"
            for task in unknown
            if task.attempts
        ] + self._outside(end_marked(record, kill=self._order.kill_orphans))

    def _dead(self) -> list[str]:
        """Its tracker has ended before it: what it left here, and on gocron, is ended."""
        left = end_dead_run(self._store, self._run, self._settings, outside=self._order.kill_orphans, remote=True)
        failures = [f"{self._name}: {what}" for what in left.remote]
        if left.inside:
            failures.append(f"{self._name}: {listed(left.inside)} cannot be ended")
        if not failures:
            self._say(f"{self._name}: lost, as pydag ({self._tracked_by}) had ended before it; nothing of it runs")
        return failures + self._outside(left.outside)

    def _outside(self, living: Sequence[Orphan]) -> list[str]:
        if living and self._order.kill_orphans:
            return [f"{self._name}: {listed(living)} cannot be ended"]
        if living:
            self._say(f"{self._name}: {listed(living)} left its session and goes on: --kill-orphans ends it")
        return []
