"""Runs that never started, in the history: told apart from those that began, and recorded once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydag.model.run import Run, new_run_id
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.schedule import never_started
from pydag.schedule.schedulers.base import FailedStart
from pydag.stores.memory import MemoryStore

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def test_only_a_run_that_started_has_begun() -> None:
    store = MemoryStore()
    never_started.record(store, "J", NOON, "the file is gone")
    assert not never_started.has_begun(store, "J", NOON)
    run = Run(id=new_run_id(), job="J", engine="local", state=State.SUCCESS, started=NOON, scheduled_for=NOON)
    store.begin(run, JobSpec(name="J", tasks=()))
    assert never_started.has_begun(store, "J", NOON)
    assert not never_started.has_begun(store, "J", NOON + timedelta(hours=1))


def test_a_failed_start_is_known_once_it_is_recorded() -> None:
    store = MemoryStore()
    start = FailedStart(job="J", due=NOON, tried=NOON + timedelta(seconds=1), cause="no node", engine="gocron")
    assert not never_started.is_known(store, start)
    never_started.record_failed_start(store, start)
    assert never_started.is_known(store, start)
    (run,) = store.runs("J")
    assert run.never_started
    assert (run.engine, run.state, run.start_failure) == ("gocron", State.FAILED, "no node")
    assert (run.scheduled_for, run.started, run.ended) == (start.due, start.tried, start.tried)
