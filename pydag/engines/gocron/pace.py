"""Pace: when the next round is due. A round is one status check of a gocron server.

Pure: the time, in seconds, comes in as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass

_FIRST_ROUND = 0.01  # seconds until the first round after something happened
_BACKOFF = 1.7  # each round without news is so many times longer: 17 requests in the first minute of a long run
_SHARE = 2.0  # a round that took long is followed by a pause so many times as long


@dataclass(slots=True)
class Pace:
    """Rounds come soon after something happened, then less and less often, down to one every `longest` seconds.

    `due` is the time of the next round, by the clock that the caller reads.
    """

    longest: float
    due: float = 0.0
    _delay: float = _FIRST_ROUND

    def news(self, now: float) -> None:
        """Something was started, stopped or ended."""
        self._delay = _FIRST_ROUND
        self.due = min(self.due, now + self._delay)

    def round_done(self, now: float, took: float, *, news: bool) -> None:
        """A round is over. It took `took` seconds, and found `news` or not."""
        self._delay = _FIRST_ROUND if news else self._delay * _BACKOFF
        self._delay = min(max(self._delay, took * _SHARE), self.longest)
        self.due = now + self._delay
