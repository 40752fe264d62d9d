"""Outage: whether gocron was restarted, as far as a client can see it. Pure.

No answer of gocron says since when it runs. But nobody listens at the address of a process that has ended, and nobody
writes the end of what the process ran.
"""

from __future__ import annotations

from dataclasses import dataclass

WAIT = 60.0
"""Seconds after the end of an outage in which gocron may still say that what ran before it has ended."""


@dataclass(slots=True)
class Outage:
    """The newest one, in seconds of the monotonic clock."""

    refused: float | None = None  # when gocron last refused a connection
    over: float | None = None  # when it answered again

    def answered(self, now: float, refused: float | None) -> None:
        """Note an answer of gocron, which had last `refused` a connection then, if ever."""
        if refused is not None and refused != self.refused:
            self.refused, self.over = refused, now

    def ended(self, start: float, alive: float) -> None:
        """A row of an attempt that started at `start` and was still seen to run at `alive` has ended by itself.

        Where this spans the outage, gocron was not restarted.
        """
        if self.over is not None and start < (self.refused or 0.0) and alive >= self.over:
            self.over = None

    def orphans(self, start: float) -> float | None:
        """When an attempt that started then is given up, because of the outage."""
        if self.over is None or self.refused is None or start > self.refused:
            return None
        return self.over + WAIT
