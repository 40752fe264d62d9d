"""Which fire time a start stands for, and which it makes up for: decided without a server, a store or a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pydag.schedule.due import due_time, missed_times
from pydag.schedule.expression import CronExpression
from pydag.schedule.submission import Submission

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
ONE, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


def on_gocron(cron: str = "0 0 * * * *", *, submitted: datetime = NOON - ONE, catch_up: int = 0) -> Submission:
    return Submission(
        job="J",
        file="flow.py",
        directory="/",
        expression=CronExpression.for_gocron(cron),
        zone_name="UTC",
        catch_up=catch_up,
        submitted=submitted,
        environ={"GOCRON_ADDRESS": "http://127.0.0.1:5920"},
        node=1,
    )


def on_crontab(*, submitted: datetime = NOON - ONE) -> Submission:
    return Submission(
        job="J",
        file="flow.py",
        directory="/",
        expression=CronExpression.parse("0 * * * *"),
        zone_name="UTC",
        catch_up=0,
        submitted=submitted,
        environ={"GOCRON_ADDRESS": "http://127.0.0.1:5920"},
    )


def due(submission: Submission, now: datetime, *begun: datetime) -> datetime | None:
    """The fire time of a start now, where the runs of these fire times began."""
    return due_time(submission, now, begun.__contains__)


@pytest.mark.parametrize("late", [0.0, 0.9, 59.0, 61.0, 3240.0])
def test_a_start_stands_for_the_last_fire_time_that_has_no_run(late: float) -> None:
    assert due(on_gocron(), NOON + late * SECOND, NOON - HOUR) == NOON


def test_a_fire_time_whose_run_never_started_is_made_up_for_by_the_next_start() -> None:
    assert due(on_gocron(), NOON + 30 * 60 * SECOND) == NOON


@pytest.mark.parametrize("late", [1, 59, 60])
def test_a_second_start_within_a_minute_comes_from_the_scheduler(late: int) -> None:
    assert due(on_gocron(), NOON + late * SECOND, NOON) == NOON  # which has its run: nothing happens


@pytest.mark.parametrize("late", [61, 1800, 3597])
def test_a_later_start_is_by_hand_and_stands_for_no_fire_time(late: int) -> None:
    assert due(on_gocron(), NOON + late * SECOND, NOON) is None


@pytest.mark.parametrize("late", [1, 1800])
def test_a_start_before_the_first_fire_time_is_by_hand(late: int) -> None:
    assert due(on_gocron(submitted=NOON + 0.5 * SECOND), NOON + late * SECOND) is None


@pytest.mark.parametrize("early", [0.001, 1.0, 2.0])
@pytest.mark.parametrize("before", ["begun", "missed", "submitted after"])
def test_where_the_server_is_ahead_a_start_stands_for_the_fire_time_to_come(early: float, before: str) -> None:
    submission = on_gocron(submitted=NOON - SECOND * 1800 if before == "submitted after" else NOON - ONE)
    begun = [NOON - HOUR] if before == "begun" else []
    assert due(submission, NOON - early * SECOND, *begun) == NOON


def test_a_server_more_than_two_seconds_ahead_is_not_understood() -> None:
    assert due(on_gocron(), NOON - 2.1 * SECOND, NOON - HOUR) is None


def test_each_second_has_its_own_start() -> None:
    each = on_gocron("* * * * * *")
    assert due(each, NOON + 0.4 * SECOND) == NOON
    assert due(each, NOON + 1.4 * SECOND, NOON) == NOON + SECOND


def test_on_the_crontab_a_start_stands_for_the_last_fire_time_in_any_case() -> None:
    for submission in (on_crontab(), on_crontab(submitted=NOON + SECOND)):
        assert due(submission, NOON + 1800 * SECOND, NOON) == NOON
        assert due(submission, NOON + HOUR - SECOND, NOON) == NOON


@pytest.mark.parametrize(
    ("catch_up", "begun", "hours"),
    [
        (0, [], []),
        (2, [], [2, 1]),
        (9, [NOON - 4 * HOUR], [3, 2, 1]),
        (9, [NOON - HOUR], []),
        (99, [], list(range(23, 0, -1))),  # the submission was 24 hours before
    ],
)
def test_the_newest_missed_fire_times_since_the_last_run_or_the_submission_are_made_up_for(
    catch_up: int, begun: list[datetime], hours: list[int]
) -> None:
    missed = missed_times(on_gocron(catch_up=catch_up), NOON, begun.__contains__)
    assert missed == [NOON - number * HOUR for number in hours]
