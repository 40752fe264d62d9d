"""When a cron expression fires: its times in a zone, over the shifts of daylight saving time.

Nothing here reads the time: moments come in as arguments. The rules of the shifts are those of Debian's cron(8).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile

from pydag.schedule.expression import CronExpression
from pydag.schedule.zone import as_utc, stretches, wall_clock

_SHIFT_LIMIT = timedelta(hours=3)  # cron takes a larger jump for a correction of the clock


@dataclass(frozen=True, slots=True)
class FireTimes:
    """The fire times of an expression on the wall clock of a zone, in that zone.

    Compare two of them as UTC: of two times in one zone Python compares the wall clocks, and so takes the two 02:30 of
    an autumn night for equal.
    """

    expression: CronExpression
    zone: tzinfo

    def after(self, moment: datetime, count: int) -> list[datetime]:
        """The first `count` fire times later than `moment`."""
        start = as_utc(moment)
        fires = (fire for fire in self._from(start) if fire > start)
        return [fire.astimezone(self.zone) for fire in islice(fires, count)]

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The fire times from `start` on, which is included, up to `end`, which is not."""
        until = as_utc(end)
        fires = takewhile(lambda fire: fire < until, self._from(as_utc(start)))
        return (fire.astimezone(self.zone) for fire in fires)

    def latest(self, moment: datetime) -> datetime:
        """The last fire time not later than `moment`: the one for which cron starts a job at that moment."""
        until = as_utc(moment) + timedelta.resolution
        back = timedelta(hours=1)
        while True:  # it ends: what never fires is not an expression
            found = deque(self.between(until - back, until), maxlen=1)
            if found:
                return found[0]
            back *= 8

    def _from(self, start: datetime) -> Iterator[datetime]:
        """Every fire time from `start` on as UTC, in order, without end.

        `reached` is the wall clock up to which cron has run the fixed times. A shift does not move it: what the clock
        skips is due at the shift, and what it repeats has been run.
        """
        reached, last = None, None
        for begins, ends, offset in stretches(start - _SHIFT_LIMIT - timedelta(hours=1), self.zone):
            wall_begins, wall_ends = wall_clock(begins, offset), wall_clock(ends, offset)
            due = wall_begins
            if self.expression.fixed and reached and -_SHIFT_LIMIT <= wall_begins - reached < _SHIFT_LIMIT:
                due = reached
            reached = max(due, wall_ends)
            for wall in self.expression.matching(due, wall_ends):
                fire = max(begins, (wall - offset).replace(tzinfo=UTC))
                if fire >= start and fire != last:
                    yield fire
                    last = fire
