"""The clock of a gocron server, as far as its answers show it.

Each answer names the server's time in whole seconds. One answer shows the difference of the clocks to a second and the
time that the answer took; many narrow it to some hundredths of a second. Pure: times come in as arguments.
"""

from __future__ import annotations

import math
import threading
from email.utils import parsedate_to_datetime
from typing import NamedTuple


class Span(NamedTuple):
    """Between these two, in seconds; where exactly is not known."""

    least: float
    most: float

    @property
    def known(self) -> bool:
        """Whether it says anything."""
        return math.isfinite(self.least)

    @property
    def middle(self) -> float:
        """What is wrong by least, at worst."""
        return (self.least + self.most) / 2

    def within(self, other: Span) -> Span:
        """What of this lies in the other; where nothing does, the nearest point of the other."""
        least, most = (min(max(moment, other.least), other.most) for moment in self)
        return Span(least, most)


class ServerClock:
    """How far the server's clock (seconds since 1970) is ahead of the caller's, which may count from anywhere.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self.ahead = Span(-math.inf, math.inf)
        self._lock = threading.Lock()

    def saw(self, second: float | None, sent: float, received: float) -> None:
        """An answer to a request that was sent and received at these moments names this full second, if any."""
        if second is None:
            return
        new = Span(second - received, second + 1 - sent)
        with self._lock:
            known = self.ahead
            if new.least > known.most or new.most < known.least:
                self.ahead = new  # one of the clocks was set, or they went apart: what was known is over
            else:
                self.ahead = new.within(known)


def second_of(date: str | None) -> float | None:
    """The moment of a header `Date`; None without one that can be read."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None
