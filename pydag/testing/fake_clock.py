"""A clock that moves only when a test moves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydag.runs.tracker import Clock
from pydag.testing.records import START


@dataclass(slots=True)
class FakeClock:
    """Seconds since `START`, seen both as a date and as a monotonic time."""

    seconds: float = 0.0

    def advance(self, seconds: float) -> None:
        """Let this many seconds pass."""
        self.seconds += seconds

    def now(self) -> datetime:
        """The moment."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """The seconds."""
        return self.seconds

    @property
    def for_tracker(self) -> Clock:
        """The clock as the tracker takes it."""
        return Clock(self.now, self.monotonic)
