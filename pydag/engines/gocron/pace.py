"""Pace: when the next round is due. A round is one status check of a gocron server.

An end is seen at the next round, so the pauses grow with what has passed: nobody waits for a short task as long as for
a long one, and a long one costs few requests. Pure: the time, in seconds, comes in as an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FIRST = 0.02
"""Seconds from a start to its first round: what the shortest command takes on gocron."""

_SHARE = 0.1  # of the age of the youngest attempt: its end is seen at most so late
_LEAST = 0.04  # seconds more, which leaves 10 ms to read the end and to start what follows
_MINUTE = 59.0  # seconds from an attempt's start to the end of its run's first minute, which the preparation shortens
_LATER: float = (100 / _MINUTE) ** (
    1 / 5
) - 1  # 0.111, so that the second minute has six rounds; from 100 s on each 10 s
_BREATH = 2.0  # a round that took long is followed by a pause so many times as long


def interval(age: float, longest: float) -> float:
    """Seconds from one round to the next, where the youngest attempt that runs started `age` seconds before the first.

    A run whose attempts start together has 53 rounds in its first minute and 6 in its second, and from then on one
    every `longest` seconds.
    """
    if age >= _MINUTE:
        return min(_LATER * age, longest)
    return min(_SHARE * age + _LEAST, _MINUTE - age + 0.001, longest)


@dataclass(slots=True)
class Pace:
    """Plans the rounds of one run, at least one every `longest` seconds.

    `due` is the time of the next round, by the clock that the caller reads; none is due while nothing runs.
    """

    longest: float
    due: float = math.inf

    def started(self, at: float) -> None:
        """Something was started or stopped then: its end may come soon."""
        self.due = min(self.due, at + FIRST)

    def round_done(self, began: float, took: float, age: float | None) -> None:
        """A round is over; when it began, the youngest attempt that still runs, if any, had this age."""
        self.due = math.inf
        if age is not None:
            self.due = began + took + min(max(interval(age, self.longest) - took, took * _BREATH), self.longest)
