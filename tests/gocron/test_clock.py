"""What the answers of a server show of its clock."""

from __future__ import annotations

import math

import pytest

from pydag.gocron.clock import ServerClock, Span, second_of


def answers(clock: ServerClock, ahead: float, moments: list[float]) -> None:
    for moment in moments:
        clock.saw(math.floor(moment + ahead), moment - 0.005, moment + 0.005)


def test_one_answer_shows_the_difference_to_a_second() -> None:
    clock = ServerClock()
    answers(clock, 7.3, [10.0])
    assert clock.ahead.least <= 7.3 <= clock.ahead.most
    assert clock.ahead.most - clock.ahead.least == pytest.approx(1.01)


def test_many_answers_narrow_it() -> None:
    clock = ServerClock()
    answers(clock, 7.3, [10 + 0.37 * number for number in range(50)])
    assert clock.ahead.least <= 7.3 <= clock.ahead.most
    assert clock.ahead.most - clock.ahead.least < 0.06


def test_a_clock_that_was_set_is_learnt_anew() -> None:
    clock = ServerClock()
    answers(clock, 7.3, [10 + 0.37 * number for number in range(50)])
    answers(clock, -500.0, [100.0])
    assert clock.ahead.middle == pytest.approx(-500.0, abs=0.6)


def test_nothing_is_known_before_an_answer_names_the_time() -> None:
    clock = ServerClock()
    clock.saw(None, 1.0, 2.0)
    assert not clock.ahead.known


def test_the_part_of_a_span_that_lies_in_another_is_the_nearest_point_where_none_does() -> None:
    assert Span(1, 4).within(Span(3, 9)) == Span(3, 4)
    assert Span(1, 2).within(Span(3, 9)) == Span(3, 3)


@pytest.mark.parametrize("text", [None, "", "yesterday", "Thu, 99 Nov 2026 11:00:00 GMT"])
def test_a_date_that_cannot_be_read_says_nothing(text: str | None) -> None:
    assert second_of(text) is None


def test_a_date_is_read_as_http_writes_it() -> None:
    assert second_of("Thu, 01 Jan 1970 00:01:40 GMT") == 100.0
