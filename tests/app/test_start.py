"""Which fire time a start on a clock stands for: decided from the history and the time, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pydag.app import start as start_app
from pydag.app.backends import opened_store
from pydag.model.run import Run, new_run_id
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.schedule import never_started
from pydag.schedule.submission import Submission
from pydag.settings import Settings

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
ONE, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


def submission(node: int | None = 1, *, cron: str = "0 0 * * * *", submitted: datetime = NOON - ONE) -> Submission:
    return Submission(
        job="J",
        file="flow.py",
        directory="/",
        cron=cron if node else cron.partition(" ")[2],
        zone="UTC",
        catch_up=0,
        submitted=submitted,
        environ={},
        node=node,
    )


def begun(due: datetime) -> None:
    run = Run(id=new_run_id(), job="J", engine="local", state=State.SUCCESS, started=due, scheduled_for=due)
    with opened_store(Settings.load()) as store:
        store.begin(run, JobSpec(name="J", tasks=()))


def failed(due: datetime) -> None:
    with opened_store(Settings.load()) as store:
        never_started.keep(store, "J", due, "the file is gone")


@pytest.mark.parametrize("late", [0.0, 0.9, 59.0, 61.0, 3240.0])
def test_a_start_stands_for_the_last_fire_time_that_has_no_run(late: float) -> None:
    begun(NOON - HOUR)
    assert start_app._due(submission(), NOON + late * SECOND) == NOON


def test_a_fire_time_whose_run_never_started_is_made_up_for_by_the_next_start() -> None:
    failed(NOON)
    assert start_app._due(submission(), NOON + 30 * 60 * SECOND) == NOON


@pytest.mark.parametrize("late", [1, 59, 60])
def test_a_second_start_within_a_minute_is_the_clocks_own(late: int) -> None:
    begun(NOON)
    assert start_app._due(submission(), NOON + late * SECOND) == NOON  # which has its run: nothing happens


@pytest.mark.parametrize("late", [61, 1800, 3597])
def test_a_later_start_is_somebodys_wish_and_stands_for_no_fire_time(late: int) -> None:
    begun(NOON)
    assert start_app._due(submission(), NOON + late * SECOND) is None


@pytest.mark.parametrize("late", [1, 1800])
def test_a_start_before_the_first_fire_time_is_somebodys_wish(late: int) -> None:
    assert start_app._due(submission(submitted=NOON + 0.5 * SECOND), NOON + late * SECOND) is None


@pytest.mark.parametrize("early", [0.001, 1.0, 2.0])
@pytest.mark.parametrize("before", ["begun", "failed", "missed", "submitted after"])
def test_where_the_server_is_ahead_a_start_stands_for_the_fire_time_to_come(early: float, before: str) -> None:
    made = submission(submitted=NOON - SECOND * 1800 if before == "submitted after" else NOON - ONE)
    if before == "begun":
        begun(NOON - HOUR)
    if before == "failed":
        failed(NOON - HOUR)
    assert start_app._due(made, NOON - early * SECOND) == NOON


def test_a_server_more_than_two_seconds_ahead_is_not_understood() -> None:
    begun(NOON - HOUR)
    assert start_app._due(submission(), NOON - 2.1 * SECOND) is None


def test_each_second_has_its_own_start() -> None:
    each = submission(cron="* * * * * *")
    assert start_app._due(each, NOON + 0.4 * SECOND) == NOON
    begun(NOON)
    assert start_app._due(each, NOON + 1.4 * SECOND) == NOON + SECOND


def test_on_the_crontab_a_start_stands_for_the_last_fire_time_whatever_there_is() -> None:
    begun(NOON)
    for made in (submission(None), submission(None, submitted=NOON + SECOND)):
        assert start_app._due(made, NOON + 1800 * SECOND) == NOON
        assert start_app._due(made, NOON + HOUR - SECOND) == NOON
