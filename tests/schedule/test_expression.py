"""When expressions fire: against cronsim, and against cron's own loop walked minute by minute."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.errors import InvalidSetting
from pydag.schedule.expression import GOCRON_LENGTH, NICKNAMES, Schedule
from pydag.schedule.zone import local_zone
from tests.support.expressions import BEGIN, BERLIN, HAVANA, LORD_HOWE, NEW_YORK


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


def shown(fires: list[datetime]) -> list[str]:
    return [fire.isoformat(timespec="minutes") for fire in fires]


def on_day(expression: str, day: str, zone: ZoneInfo = BERLIN) -> list[str]:
    """The clock times, each with its offset, at which the expression fires on a day of the zone."""
    begin = datetime.fromisoformat(day).replace(tzinfo=zone)
    fires = Schedule.parse(expression).between(begin, begin + timedelta(days=1), zone)
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
    fires = Schedule.parse("0 12 * * *").between(begin, datetime(2012, 1, 1, tzinfo=apia), apia)
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
    assert Schedule.parse(expression).fixed is fixed


def test_a_step_over_a_range_of_one_number_stays_in_the_range() -> None:
    assert on_day("0 3-3/2 * * *", "2025-06-01") == ["03:00+02:00"]


def test_for_gocron_no_time_is_fixed() -> None:
    schedule = Schedule.for_gocron("30 2 * * *")
    spring, autumn = berlin("2025-03-29 12:00"), berlin("2025-10-25 12:00")
    assert shown(schedule.next_after(spring, 1, BERLIN)) == ["2025-03-31T02:30+02:00"]
    assert shown(schedule.next_after(autumn, 2, BERLIN)) == [
        "2025-10-26T02:30+02:00",
        "2025-10-26T02:30+01:00",
    ]


# Exact boundaries


def test_the_next_fire_time_is_later_than_the_moment() -> None:
    schedule, noon = Schedule.parse("0 12 * * *"), berlin("2025-06-01 12:00")
    assert schedule.next_after(noon, 1, BERLIN) == [berlin("2025-06-02 12:00")]
    assert schedule.next_after(noon - timedelta.resolution, 1, BERLIN) == [noon]


def test_the_previous_fire_time_may_be_the_moment_itself() -> None:
    schedule, noon = Schedule.parse("0 12 * * *"), berlin("2025-06-01 12:00")
    assert schedule.previous(noon, BERLIN) == noon
    assert schedule.previous(noon - timedelta.resolution, BERLIN) == berlin("2025-05-31 12:00")


def test_a_range_has_its_start_and_not_its_end() -> None:
    schedule, first, third = Schedule.parse("@daily"), berlin("2025-06-01"), berlin("2025-06-03")
    assert list(schedule.between(first, third, BERLIN)) == [first, berlin("2025-06-02")]
    assert list(schedule.between(first, first, BERLIN)) == []
    assert list(schedule.between(third, first, BERLIN)) == []


def test_the_second_of_two_equal_hours_is_later_than_the_first() -> None:
    schedule = Schedule.parse("30 2 * * *")
    assert shown(schedule.next_after(berlin("2025-10-26 02:10", fold=1), 1, BERLIN)) == ["2025-10-27T02:30+01:00"]
    again = berlin("2025-10-26 02:45", fold=1)
    assert schedule.previous(again, BERLIN).isoformat() == "2025-10-26T02:30:00+02:00"


def test_a_leap_day_that_falls_on_a_sunday_is_found_decades_ahead() -> None:
    schedule = Schedule.parse("0 0 29 2 */7")
    assert shown(schedule.next_after(berlin("2061-01-01"), 1, BERLIN)) == ["2088-02-29T00:00+01:00"]
    assert shown([schedule.previous(berlin("2059-12-31"), BERLIN)]) == ["2032-02-29T00:00+01:00"]


def test_fire_times_come_in_the_zone_asked_for() -> None:
    (fire,) = Schedule.parse("0 12 * * *").next_after(BEGIN, 1, NEW_YORK)
    assert fire.tzinfo is NEW_YORK
    assert fire.hour == 12


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2025, 1, 1)
    with pytest.raises(ValueError, match="has no zone: give an aware datetime"):
        Schedule.parse("@daily").next_after(naive, 1, BERLIN)


# What is no expression


@pytest.mark.parametrize(("nickname", "fields"), NICKNAMES.items())
def test_a_nickname_fires_as_its_five_fields(nickname: str, fields: str) -> None:
    short, long = Schedule.parse(nickname), Schedule.parse(fields)
    assert short.text == nickname
    assert short.next_after(BEGIN, 5, BERLIN) == long.next_after(BEGIN, 5, BERLIN)


def test_blanks_are_made_one_and_the_rest_of_the_text_is_kept() -> None:
    assert Schedule.parse("  0\t 6 * *   MON-Fri ").text == "0 6 * * MON-Fri"


def test_a_schedule_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Schedule.parse("@daily").text = ""  # type: ignore[misc]  # that is the claim


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "five fields are asked for, not 0: minute, hour, day of month, month, weekday"),
        ("* * * *", "five fields are asked for, not 4"),
        ("* * * * * * *", "five fields are asked for, not 7"),
        ("0 0 0 * * *", "six fields, with seconds, are not those of cron: leave out the first"),
        ("@reboot", "a start of the machine has no time: give five fields or one of @hourly"),
        ("@Daily", "there is no such name: give five fields or one of @hourly"),
        ("@every 1h", "there is no such name: give five fields or one of @hourly"),
        ("60 * * * *", "minute '60' is unknown: give 0 to 59"),
        ("* 24 * * *", "hour '24' is unknown: give 0 to 23"),
        ("* * 0 * *", "day of month '0' is unknown: give 1 to 31"),
        ("* * * 13 *", "month '13' is unknown: give 1 to 12 or jan to dec"),
        ("* * * * 8", "weekday '8' is unknown: give 0 to 7 or sun to sat"),
        ("* * * mon *", "month 'mon' is unknown: give 1 to 12 or jan to dec"),
        ("* * * * fri-sun", "weekday 'fri-sun' runs backwards: give the two parts as a list"),
        ("5/10 * * * *", "minute '5/10' has a step without a range: give 5-59/10"),
        ("*/0 * * * *", "minute '*/0' has a step of 0: give 1 or more"),
        ("1,,2 * * * *", "minute '' cannot be read: give 0 to 59, such as 0, * or */2"),
        ("*-5 * * * *", "minute '*-5' cannot be read"),
        ("-1 * * * *", "minute '-1' cannot be read"),
        ("0 0 ? * *", "day of month '?' cannot be read"),
        ("0 0 L * *", "day of month 'l' cannot be read"),
        ("0 0 * * 1#2", "weekday '1#2' cannot be read"),
        ("٣ * * * *", "minute '٣' cannot be read"),
        ("99999 * * * *", "minute '99999' cannot be read"),
    ],
)
def test_what_is_no_expression_is_refused_in_one_line_with_the_next_step(text: str, message: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        Schedule.parse(text)
    assert message in str(refused.value)
    assert repr(text) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 */2", "* * 31 2 */3"])
def test_an_expression_that_never_fires_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        Schedule.parse(text)
    assert str(refused.value) == (
        f"the cron expression {text!r} never fires: none of its months has one of its days; change the day or the month"
    )


def test_a_day_that_no_month_has_fires_on_the_weekday_beside_it() -> None:
    fires = Schedule.parse("0 0 31 2 mon").next_after(BEGIN, 1, BERLIN)
    assert shown(fires) == ["2020-02-03T00:00+01:00"]


@given(text=st.text(max_size=200) | st.text("*/-,0123456789 @?\n", max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for read in (Schedule.parse, Schedule.for_gocron):
        try:
            read(text)
        except InvalidSetting as refused:
            assert "\n" not in str(refused)  # noqa: PT017 - most texts are refused, some are not


# gocron's six fields


@pytest.mark.parametrize(
    ("text", "six"),
    [
        ("0 0 * * *", "0 0 0 * * *"),
        ("@hourly", "0 0 * * * *"),
        ("0 6 * * MON-Fri", "0 0 6 * * mon-fri"),
        ("0 6 * * 7", "0 0 6 * * 0"),
        ("0 6 * * 5-7", "0 0 6 * * 5,6,0"),
        ("0 6 1,*/10 * 1", "0 0 6 1,1-31/10 * 1"),
        ("*/5 30 6 ? * MON", "*/5 30 6 ? * mon"),
        ("5/20 0 0 1 1 *", "5/20 0 0 1 1 *"),
    ],
)
def test_gocron_gets_six_fields(text: str, six: str) -> None:
    assert Schedule.for_gocron(text).text == six


def test_seconds_fire_within_the_minute() -> None:
    fires = Schedule.for_gocron("50/5 0 12 ? * *").next_after(berlin("2025-06-01"), 3, BERLIN)
    assert [fire.strftime("%d %H:%M:%S") for fire in fires] == [
        "01 12:00:50",
        "01 12:00:55",
        "02 12:00:50",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 0 * * 7", "weekday '7' is unknown: give 0 to 6 or sun to sat"),
        ("60 0 0 * * *", "second '60' is unknown: give 0 to 59"),
        ("*/0 * * * * *", "second '*/0' has a step of 0: give 1 or more"),  # gocron would hang
        ("0 0 0 31 2 ?", "never fires"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 29 2 */7", "gocron looks five years ahead and then gives up"),
        ("0 0 1,27,29 1 */7", "gocron looks five years ahead and then gives up"),
        (f"{','.join(map(str, range(30)))} * * * *", f"keeps {GOCRON_LENGTH} characters of 89"),
        ("@every 1h", "there is no such name"),
        ("* * * *", "five fields are asked for, not 4"),
    ],
)
def test_what_gocron_cannot_run_as_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        Schedule.for_gocron(text)
    assert message in str(refused.value)


# The zone of this machine


def linked(etc: Path, name: str) -> Path:
    zone = etc / "zoneinfo" / name
    zone.parent.mkdir(parents=True)
    zone.write_bytes(Path("/usr/share/zoneinfo", name).read_bytes())
    (etc / "localtime").symlink_to(zone)
    return etc


def test_tz_goes_before_the_files(tmp_path: Path) -> None:
    etc = linked(tmp_path, "Europe/Berlin")
    assert local_zone("America/New_York", etc).key == "America/New_York"
    assert local_zone(":America/New_York", etc).key == "America/New_York"
    assert local_zone("/usr/share/zoneinfo/Asia/Tokyo", etc).key == "Asia/Tokyo"
    assert local_zone("", etc).key == "UTC"


def test_the_link_localtime_names_the_zone(tmp_path: Path) -> None:
    zone = local_zone(None, linked(tmp_path, "Europe/Berlin"))
    assert zone.key == "Europe/Berlin"
    assert zone.utcoffset(datetime(2025, 7, 1)) == timedelta(hours=2)


def test_the_file_timezone_names_the_zone_where_localtime_is_a_copy(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes())
    assert local_zone(None, tmp_path).utcoffset(BEGIN) == timedelta(hours=9)
    (tmp_path / "timezone").write_text("Asia/Tokyo\n")
    assert local_zone(None, tmp_path).key == "Asia/Tokyo"


def test_a_machine_without_a_zone_has_utc(tmp_path: Path) -> None:
    assert local_zone(None, tmp_path).key == "UTC"


@pytest.mark.parametrize("tz", ["Mars/Olympus", "CET-1CEST", "../../etc/passwd", "/nowhere", "Europe", "a\nb"])
def test_a_tz_that_is_no_zone_is_refused_by_name(tz: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting) as refused:
        local_zone(tz, tmp_path)
    assert str(refused.value) == (
        f"{tz!r} is no time zone that this machine knows: set TZ to one such as Europe/Berlin, or unset it"
    )
