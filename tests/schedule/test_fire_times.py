"""When expressions fire: over the shifts of daylight saving time, and at exact boundaries."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pydag.schedule.expression import NICKNAMES, CronExpression
from pydag.schedule.fire_times import FireTimes
from tests.support.expressions import BEGIN, BERLIN, HAVANA, LORD_HOWE, NEW_YORK


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


def shown(fires: list[datetime]) -> list[str]:
    return [fire.isoformat(timespec="minutes") for fire in fires]


def on_day(expression: str, day: str, zone: ZoneInfo = BERLIN) -> list[str]:
    """The clock times, each with its offset, at which the expression fires on a day of the zone."""
    begin = datetime.fromisoformat(day).replace(tzinfo=zone)
    fires = FireTimes(CronExpression.parse(expression), zone).between(begin, begin + timedelta(days=1))
    return [fire.isoformat(timespec="minutes")[11:] for fire in fires]


# Daylight saving time: the rows of the table in docs/schedule.md


def test_a_fixed_time_that_spring_skips_fires_at_the_shift() -> None:
    assert on_day("30 2 * * *", "2025-03-30") == ["03:00+02:00"]
    assert on_day("30 2 * * *", "2025-03-09", NEW_YORK) == ["03:00-04:00"]


def test_several_fixed_times_that_spring_skips_are_one_fire_time() -> None:
    assert on_day("15,45 2,3 * * *", "2025-03-30") == ["03:00+02:00", "03:15+02:00", "03:45+02:00"]
    assert on_day("0 2,3 * * *", "2025-03-30") == ["03:00+02:00"]


def test_a_fixed_time_in_an_hour_that_comes_twice_fires_in_the_first() -> None:
    assert on_day("30 2 * * *", "2025-10-26") == ["02:30+02:00"]
    assert on_day("30 1 * * *", "2025-11-02", NEW_YORK) == ["01:30-04:00"]


def test_a_wildcard_that_spring_skips_does_not_fire() -> None:
    assert on_day("*/30 2 * * *", "2025-03-30") == []
    assert on_day("30 1-3/1,2 * * *", "2025-03-30") == ["01:30+01:00", "03:00+02:00", "03:30+02:00"]
    assert on_day("30 * * * *", "2025-03-30")[1:3] == ["01:30+01:00", "03:30+02:00"]


def test_a_wildcard_in_an_hour_that_comes_twice_fires_in_both() -> None:
    assert on_day("*/30 2 * * *", "2025-10-26") == [
        "02:00+02:00",
        "02:30+02:00",
        "02:00+01:00",
        "02:30+01:00",
    ]
    assert on_day("30 * * * *", "2025-11-02", NEW_YORK)[1:3] == ["01:30-04:00", "01:30-05:00"]


def test_midnight_skipped_by_a_shift_fires_at_the_first_moment_of_the_day() -> None:
    assert on_day("0 0 * * *", "2025-03-09", HAVANA) == ["01:00-04:00"]
    assert on_day("* 0 * * *", "2025-03-09", HAVANA) == []


def test_a_shift_of_half_an_hour_skips_no_minute_of_the_next_hour() -> None:
    assert on_day("* 3 * * *", "2025-10-05", LORD_HOWE)[0] == "03:00+11:00"


def test_a_day_that_a_zone_left_out_is_not_made_up_for() -> None:
    apia = ZoneInfo("Pacific/Apia")  # had no 30 December 2011
    begin = datetime(2011, 12, 29, tzinfo=apia)
    fires = FireTimes(CronExpression.parse("0 12 * * *"), apia).between(begin, datetime(2012, 1, 1, tzinfo=apia))
    assert [fire.day for fire in fires] == [29, 31]


@pytest.mark.parametrize(
    ("expression", "fixed"),
    [
        ("0 2 * * *", True),
        ("@daily", True),
        ("0 */2 * * *", False),
        ("* 2 * * *", False),
        ("@hourly", False),
    ],
)
def test_a_star_before_minute_or_hour_is_what_makes_a_wildcard(expression: str, fixed: bool) -> None:
    assert CronExpression.parse(expression).fixed is fixed


def test_a_step_over_a_range_of_one_number_stays_in_the_range() -> None:
    assert on_day("0 3-3/2 * * *", "2025-06-01") == ["03:00+02:00"]


def test_for_gocron_no_time_is_fixed() -> None:
    fire_times = FireTimes(CronExpression.for_gocron("30 2 * * *"), BERLIN)
    spring, autumn = berlin("2025-03-29 12:00"), berlin("2025-10-25 12:00")
    assert shown(fire_times.after(spring, 1)) == ["2025-03-31T02:30+02:00"]
    assert shown(fire_times.after(autumn, 2)) == [
        "2025-10-26T02:30+02:00",
        "2025-10-26T02:30+01:00",
    ]


# Exact boundaries


def test_the_next_fire_time_is_later_than_the_moment() -> None:
    fire_times = FireTimes(CronExpression.parse("0 12 * * *"), BERLIN)
    noon = berlin("2025-06-01 12:00")
    assert fire_times.after(noon, 1) == [berlin("2025-06-02 12:00")]
    assert fire_times.after(noon - timedelta.resolution, 1) == [noon]


def test_the_previous_fire_time_may_be_the_moment_itself() -> None:
    fire_times = FireTimes(CronExpression.parse("0 12 * * *"), BERLIN)
    noon = berlin("2025-06-01 12:00")
    assert fire_times.latest(noon) == noon
    assert fire_times.latest(noon - timedelta.resolution) == berlin("2025-05-31 12:00")


def test_a_range_has_its_start_and_not_its_end() -> None:
    fire_times = FireTimes(CronExpression.parse("@daily"), BERLIN)
    first, third = berlin("2025-06-01"), berlin("2025-06-03")
    assert list(fire_times.between(first, third)) == [first, berlin("2025-06-02")]
    assert list(fire_times.between(first, first)) == []
    assert list(fire_times.between(third, first)) == []


def test_the_second_of_two_equal_hours_is_later_than_the_first() -> None:
    fire_times = FireTimes(CronExpression.parse("30 2 * * *"), BERLIN)
    assert shown(fire_times.after(berlin("2025-10-26 02:10", fold=1), 1)) == ["2025-10-27T02:30+01:00"]
    again = berlin("2025-10-26 02:45", fold=1)
    assert fire_times.latest(again).isoformat() == "2025-10-26T02:30:00+02:00"


def test_a_leap_day_that_falls_on_a_sunday_is_found_decades_ahead() -> None:
    fire_times = FireTimes(CronExpression.parse("0 0 29 2 */7"), BERLIN)
    assert shown(fire_times.after(berlin("2061-01-01"), 1)) == ["2088-02-29T00:00+01:00"]
    assert shown([fire_times.latest(berlin("2059-12-31"))]) == ["2032-02-29T00:00+01:00"]


def test_fire_times_come_in_the_zone_asked_for() -> None:
    (fire,) = FireTimes(CronExpression.parse("0 12 * * *"), NEW_YORK).after(BEGIN, 1)
    assert fire.tzinfo is NEW_YORK
    assert fire.hour == 12


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2025, 1, 1)
    with pytest.raises(ValueError, match="has no zone: give an aware datetime"):
        FireTimes(CronExpression.parse("@daily"), BERLIN).after(naive, 1)


# Names, days that months have, seconds


@pytest.mark.parametrize(("nickname", "fields"), NICKNAMES.items())
def test_a_nickname_fires_as_its_five_fields(nickname: str, fields: str) -> None:
    short, long = (FireTimes(CronExpression.parse(text), BERLIN) for text in (nickname, fields))
    assert short.expression.text == nickname
    assert short.after(BEGIN, 5) == long.after(BEGIN, 5)


def test_a_day_that_no_month_has_fires_on_the_weekday_beside_it() -> None:
    fires = FireTimes(CronExpression.parse("0 0 31 2 mon"), BERLIN).after(BEGIN, 1)
    assert shown(fires) == ["2020-02-03T00:00+01:00"]


def test_seconds_fire_within_the_minute() -> None:
    fires = FireTimes(CronExpression.for_gocron("50/5 0 12 ? * *"), BERLIN).after(berlin("2025-06-01"), 3)
    assert [fire.strftime("%d %H:%M:%S") for fire in fires] == [
        "01 12:00:50",
        "01 12:00:55",
        "02 12:00:50",
    ]
