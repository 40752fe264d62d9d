from __future__ import annotations

import pytest

from pydag.testing import START, at
from pydag.view.times import duration, relative


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, "0ms"),
        (0, "0ms"),
        (0.0079, "7ms"),
        (0.45, "0.4s"),
        (9.99, "9.9s"),
        (10, "10s"),
        (59.9, "59s"),
        (60, "1m 00s"),
        (185, "3m 05s"),
        (3599.9, "59m 59s"),
        (3600, "1h 00m"),
        (7380, "2h 03m"),
        (86399, "23h 59m"),
        (86400, "1d 00h"),
        (273600, "3d 04h"),
    ],
)
def test_durations_are_for_people(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "just now"),
        (59.9, "just now"),
        (60, "1 min ago"),
        (3600, "1 h ago"),
        (2 * 86400 - 1, "47 h ago"),
        (2 * 86400, "2 days ago"),
        (400 * 86400, "400 days ago"),
        (-300, "in 5 min"),
        (-40, "in 40 s"),
    ],
)
def test_how_long_ago_is_rough(seconds: float, expected: str) -> None:
    assert relative(START, at(seconds)) == expected
