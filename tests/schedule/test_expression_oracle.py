"""Expressions at random: against cronsim, against cron's loop minute by minute, and gocron."""

from __future__ import annotations

import subprocess
from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, takewhile, zip_longest
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from pydag.errors import InvalidSetting
from pydag.schedule.expression import NICKNAMES, CronExpression
from pydag.schedule.fire_times import FireTimes
from tests.support.expressions import (
    BEGIN,
    BERLIN,
    DAY_MINUTES,
    END,
    HAVANA,
    LORD_HOWE,
    MINUTE,
    MONTHS,
    NEW_YORK,
    QUICK,
    WEEKDAYS,
    Expression,
    expressions,
    parsed,
    sparse,
)


@cache
def wall_minutes(zone: ZoneInfo, begin: datetime, end: datetime) -> array[int]:
    """For each minute from `begin` to `end` what the wall clock shows, as minutes of 1970."""
    walls = array("l")
    for start in range(int(begin.timestamp()), int(end.timestamp()), 900):
        offset = datetime.fromtimestamp(start, zone).utcoffset()
        assert offset is not None
        first = (start + int(offset.total_seconds())) // 60
        walls.extend(range(first, first + 15))
    return walls


def fired_by_cron(expression: Expression, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """What a cron daemon that runs from `begin` to `end` starts: its main loop, a turn a minute."""
    walls = wall_minutes(zone, begin, end)
    first_day = walls[0] // DAY_MINUTES - 2
    due_on = [
        expression.due_on(datetime.fromtimestamp((first_day + n) * 86400, UTC))
        for n in range((walls[-1] - walls[0]) // DAY_MINUTES + 6)
    ]
    minutes, hours = expression.matches[:2]
    due_at = [n % 60 in minutes and n // 60 in hours for n in range(DAY_MINUTES)]

    def due(wall: int) -> bool:
        return due_at[wall % DAY_MINUTES] and due_on[wall // DAY_MINUTES - first_day]

    fixed, virtual, fires = expression.fixed, walls[0] - 1, []
    for turn, wall in enumerate(walls):
        ahead = wall - virtual
        if ahead == 1:
            virtual, fire = wall, due(wall)
        elif 5 < ahead <= 180:  # the clock went forward
            fire = any(map(due, range(virtual + 1, wall + 1))) if fixed else due(wall)
            virtual = wall
        elif -180 < ahead <= 0:  # the clock went back, and has not caught up
            fire = not fixed and due(wall)
        else:
            raise AssertionError(f"no zone of these tests jumps by {ahead} minutes")
        if fire:
            fires.append(begin + turn * MINUTE)
    return fires


def first_difference(
    found: Iterable[datetime], expected: Iterable[datetime]
) -> tuple[datetime | None, datetime | None] | None:
    """The first two fire times that are not one moment, or None where all are."""
    for one, other in zip_longest(found, expected):
        if one is None or other is None or one.timestamp() != other.timestamp():
            return one, other
    return None


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, HAVANA], ids=str)
@settings(max_examples=4, deadline=None, phases=[Phase.generate])  # a turn takes seconds
@given(expression=expressions(minutes=sparse(0, 59)))
def test_ten_years_of_an_expression_fire_as_crons_loop_does(zone: ZoneInfo, expression: Expression) -> None:
    cron = parsed(expression)
    expected = fired_by_cron(expression, zone, BEGIN, END)
    found = FireTimes(cron, zone).between(BEGIN, END) if cron else iter(())
    assert first_difference(found, expected) is None


@QUICK
@given(
    expression=expressions(),
    zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, HAVANA]),
    shift=st.sampled_from([(2025, 3, 9), (2025, 3, 30), (2025, 4, 6), (2025, 10, 5), (2025, 10, 26), (2025, 11, 2)]),
)
def test_the_days_around_a_shift_fire_as_crons_loop_does(
    expression: Expression, zone: ZoneInfo, shift: tuple[int, int, int]
) -> None:
    begin = datetime(*shift, tzinfo=UTC) - timedelta(days=2)
    end = begin + timedelta(days=4)
    cron = parsed(expression)
    expected = fired_by_cron(expression, zone, begin, end)
    found = FireTimes(cron, zone).between(begin, end) if cron else iter(())
    assert first_difference(found, expected) is None


@settings(max_examples=150, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    expression=expressions(),
    zone=st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("UTC")]),
    day=st.integers(0, 3600),
)
@example(Expression(("0", "0", "31", "2", "*"), ()), BERLIN, 0)
@example(Expression(("0", "0", "30,31", "feb", "*/2"), ()), BERLIN, 0)
def test_the_fire_times_within_ten_years_are_those_of_cronsim(expression: Expression, zone: ZoneInfo, day: int) -> None:
    start = datetime(2020, 1, 1, 12, tzinfo=zone) + timedelta(days=day)
    until = start + timedelta(days=3653)
    cron = parsed(expression)
    try:
        simulated: Iterator[datetime] = CronSim(expression.text, start)
    except CronSimError:
        simulated = iter(())
    expected = list(islice(takewhile(lambda fire: fire < until, simulated), 200))
    found = FireTimes(cron, zone).between(start + MINUTE, until) if cron else iter(())
    assert first_difference(islice(found, 200), expected) is None


@QUICK
@given(
    expression=expressions(),
    minutes=st.integers(0, 5_000_000),
    zone=st.sampled_from([BERLIN, HAVANA]),
)
def test_the_latest_fire_time_is_the_one_before_the_next(expression: Expression, minutes: int, zone: ZoneInfo) -> None:
    cron = parsed(expression)
    if cron:
        fire_times = FireTimes(cron, zone)
        first, second = fire_times.after(BEGIN + minutes * MINUTE, 2)
        before = second.astimezone(UTC) - timedelta.resolution
        assert fire_times.latest(before).isoformat() == first.isoformat()
        assert fire_times.latest(second).isoformat() == second.isoformat()


@settings(max_examples=20, deadline=None)
@given(expressions=st.lists(expressions(), min_size=1, max_size=50))
def test_cron_takes_every_expression_that_is_accepted(expressions: list[Expression]) -> None:
    texts = [*NICKNAMES, *(known.text for each in expressions if (known := parsed(each)))]
    lines = "".join(f"{text} true\n" for text in texts)
    check = subprocess.run(["crontab", "-n", "-"], input=lines, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr


def gocron_reads(part: str, low: int, high: int) -> tuple[frozenset[int], bool]:
    """What gocron's parser makes of one field: the numbers, and whether it holds a star."""
    numbers: set[int] = set()
    for term in part.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        if first in ("*", "?"):
            begin, end = low, high
        else:
            begin = _gocron_number(first)
            end = _gocron_number(last) if last else high if step else begin
        assert low <= begin <= end <= high
        numbers.update(range(begin, end + 1, int(step or 1)))
    return frozenset(numbers), any(term[0] in "*?" for term in part.split(","))


def _gocron_number(word: str) -> int:
    if word in MONTHS:
        return MONTHS.index(word) + 1
    return WEEKDAYS.index(word) if word in WEEKDAYS else int(word)


@given(expression=expressions())
@example(
    Expression(
        ("0", "0", "1,*/10", "*", "mon"),
        (
            frozenset({0}),
            frozenset({0}),
            frozenset({1, 11, 21, 31}),
            frozenset(range(1, 13)),
            frozenset({1}),
        ),
    )
)
@example(
    Expression(
        ("0", "0", "1", "*", "5-7,*/3"),
        (
            frozenset({0}),
            frozenset({0}),
            frozenset({1}),
            frozenset(range(1, 13)),
            frozenset({5, 6, 7, 0, 3}),
        ),
    )
)
def test_five_fields_mean_the_same_days_to_gocron(expression: Expression) -> None:
    try:
        fields = CronExpression.for_gocron(expression.text).text.split()
    except InvalidSetting as refused:
        assert any(why in str(refused) for why in ("never", "characters", "years ahead"))  # noqa: PT017 - most are taken
        return
    bounds = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    read = [gocron_reads(part, *bound) for part, bound in zip(fields, bounds, strict=True)]
    numbers = [each for each, _ in read]
    assert numbers[0] == {0}
    assert tuple(numbers[1:5]) == expression.matches[:4]
    assert numbers[5] == {day % 7 for day in expression.matches[4]}
    both = expression.fields[2].startswith("*") or expression.fields[4].startswith("*")
    assert (read[3][1] or read[5][1]) is both
