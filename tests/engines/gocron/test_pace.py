"""When the rounds come: how late an end is seen, and how many requests it costs. With a clock of the test's own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import pytest

from pydag.engines.gocron.pace import FIRST, Pace

ROUND = 0.005  # seconds of a round, as measured on both gocrons
START = 0.005  # from the end of the round that saw an end to the start of what follows


def rounds(until: float, *, longest: float = 10.0, took: float = ROUND) -> Iterator[float]:
    """When the rounds over one attempt begin, in seconds after its start."""
    pace = Pace(longest)
    pace.started(0.0)
    while pace.due < until:
        yield pace.due
        pace.round_done(pace.due, took, pace.due)


def lateness(duration: float, *, longest: float = 10.0) -> float:
    """From the end of an attempt to the start of its successor."""
    for begun in rounds(math.inf, longest=longest):
        if begun >= duration:
            return begun + ROUND + START - duration
    raise AssertionError


DURATIONS = [0.001 * 1.013**step for step in range(1100)]  # from a millisecond to 25 minutes


def test_a_successor_starts_at_most_a_tenth_of_the_duration_and_50_ms_late() -> None:
    for duration in DURATIONS:
        if not 59 < duration < 100:
            assert lateness(duration) <= 0.1 * duration + 0.05, duration


def test_between_one_and_two_minutes_six_rounds_leave_an_eighth() -> None:
    """Six requests in the second minute, and a tenth at most between two of them, cannot be had together."""
    assert 60 * 1.1**7 < 120
    for duration in DURATIONS:
        if 59 < duration < 100:
            assert lateness(duration) <= duration / 9 + 0.05, duration


@pytest.mark.parametrize("prepared", [0.05, 0.3, 0.9])
def test_a_run_has_at_most_53_rounds_in_its_first_minute_and_6_in_each_later_one(prepared: float) -> None:
    moments = [moment + prepared for moment in rounds(3600.0)]
    minutes = [sum(1 for moment in moments if minute <= moment / 60 < minute + 1) for minute in range(59)]
    assert minutes[0] <= 53
    assert max(minutes[1:]) <= 6


@pytest.mark.parametrize("longest", [0.5, 10.0, 60.0])
def test_two_rounds_are_never_further_apart_than_the_user_asked(longest: float) -> None:
    moments = list(rounds(3600.0, longest=longest))
    assert max(after - before for before, after in pairwise(moments)) <= longest + ROUND + 1e-9


def test_a_round_that_took_long_is_followed_by_a_pause_twice_as_long() -> None:
    pace = Pace(10.0)
    pace.round_done(1.0, 0.5, 0.1)
    assert pace.due == 2.5


def test_a_later_start_is_looked_at_as_soon_as_the_first() -> None:
    pace = Pace(10.0)
    pace.round_done(1000.0, ROUND, 1000.0)
    assert pace.due == pytest.approx(1010.0)
    pace.started(1001.0)
    assert pace.due == 1001.0 + FIRST
    pace.round_done(1001.02, ROUND, 0.02)
    assert pace.due < 1001.07


def test_while_nothing_runs_no_round_is_due() -> None:
    pace = Pace(10.0)
    assert pace.due == math.inf
    pace.started(0.0)
    pace.round_done(0.1, ROUND, None)
    assert pace.due == math.inf
