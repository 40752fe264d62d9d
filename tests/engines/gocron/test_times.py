"""The times of an attempt: gocron's own, corrected by the difference of the clocks, within what pydag saw."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest

from pydag.engines.gocron.attempt import RunningAttempt
from pydag.engines.gocron.times import times
from pydag.gocron.clock import ServerClock, Span
from pydag.gocron.forms import Protocol
from pydag.gocron.records import LogRow, LogStatus

BOOT = 1_764_000_000.0  # when the monotonic clock of these tests began
UNKNOWN = ServerClock().ahead


def row(start: float, end: float, *, ahead: float = 0.0, zone: float = 0.0) -> LogRow:
    """As a server writes it whose clock is `ahead`, in a zone so many hours ahead of UTC."""

    def local(moment: float) -> datetime:
        there = datetime.fromtimestamp(BOOT + moment + ahead, timezone(timedelta(hours=zone)))
        return there.replace(microsecond=0, tzinfo=None)

    return LogRow(
        id=1,
        task_id=1,
        name="",
        protocol=Protocol.SHELL,
        status=LogStatus.FINISHED,
        result="",
        started=local(start),
        ended=local(end),
        hosts=(),
        schedule="",
    )


def attempt(*, sent: float, row_seen: float, alive: float) -> RunningAttempt:
    made = RunningAttempt(task=0, number=1, task_id=1, timeout=60.0)
    made.sent, made.row_seen, made.alive = sent, row_seen, alive
    return made


def exactly(ahead: float) -> Span:
    return Span(BOOT + ahead, BOOT + ahead)


@pytest.mark.parametrize("ahead", [0.0, 7.4, -300.0])
@pytest.mark.parametrize("zone", [0.0, 8.0, -3.5, 5.75])
def test_an_end_is_gocrons_own_to_half_a_second_in_any_zone_and_whatever_its_clock_says(
    ahead: float, zone: float
) -> None:
    seen_late = attempt(sent=100.0, row_seen=100.02, alive=120.0)
    start, end = times(row(100.01, 125.3, ahead=ahead, zone=zone), seen_late, 130.0, exactly(ahead))
    assert start == pytest.approx(100.01, abs=0.02)
    assert end == pytest.approx(125.3, abs=0.5)


def test_what_was_seen_narrows_what_the_row_says() -> None:
    _, end = times(row(100.01, 103.0), attempt(sent=100.0, row_seen=100.02, alive=102.95), 103.1, exactly(0.0))
    assert 102.95 < end < 103.1


def test_a_row_that_came_late_starts_when_it_came() -> None:
    start, _ = times(row(107.5, 109.0), attempt(sent=100.0, row_seen=108.0, alive=108.0), 109.5, exactly(0.0))
    assert 107.0 <= start <= 107.5


def test_without_the_servers_clock_only_what_was_seen_counts() -> None:
    start, end = times(row(100.01, 103.0, zone=8), attempt(sent=100.0, row_seen=100.02, alive=102.0), 104.0, UNKNOWN)
    assert (start, end) == (100.0, 103.0)


def test_a_clock_that_was_set_meanwhile_moves_nothing_beyond_what_was_seen() -> None:
    watched = attempt(sent=100.0, row_seen=100.02, alive=120.0)
    start, end = times(row(100.01, 125.0, ahead=86_400.0), watched, 130.0, exactly(0.0))
    assert 100.0 <= start <= 100.02
    assert 120.0 <= end <= 130.0


def test_an_end_is_never_before_its_start() -> None:
    quick = attempt(sent=100.0, row_seen=100.5, alive=0.0)
    start, end = times(row(100.4, 100.4), quick, 100.5, exactly(0.0))
    assert 100.0 <= start <= end <= 100.5


def test_random_attempts_keep_their_order_and_their_bounds() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        sent, took = chance.uniform(0, 1000), chance.uniform(0, 100)
        real_start = sent + chance.uniform(0, 0.1)
        real_end = real_start + took
        alive = chance.choice([0.0, chance.uniform(real_start, real_end)])
        seen = real_end + chance.uniform(0, 0.1 * took + 0.05)
        ahead, zone = chance.uniform(-400, 400), chance.randrange(-48, 48) / 4
        row_seen = min(real_start + chance.uniform(0, 0.1), seen)
        watched = attempt(sent=sent, row_seen=row_seen, alive=alive)
        width = chance.uniform(0, 0.5)
        clock = Span(BOOT + ahead - width, BOOT + ahead + width)
        start, end = times(row(real_start, real_end, ahead=ahead, zone=zone), watched, seen, clock)
        assert sent - 1e-6 <= start <= end <= seen + 1e-6
        assert abs(start - real_start) <= 0.1 + 1e-6
        assert abs(end - real_end) <= 0.5 + width + 1e-6
