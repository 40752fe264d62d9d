"""The times of an attempt: what its row says, by the clock of this machine. Pure.

A row has full seconds of the server's clock. What pydag saw bounds them: the command started after the trigger was sent
and before its row was seen, and it ended after it was last seen to run and before it was seen to have ended.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydag.engines.gocron.attempt import RunningAttempt
from pydag.gocron.clock import Span
from pydag.gocron.records import LogRow

_QUARTER = 900.0  # seconds: zones differ from UTC by quarters of an hour


def times(row: LogRow, attempt: RunningAttempt, seen: float, ahead: Span) -> tuple[float, float]:
    """Start and end of an attempt, in seconds of the monotonic clock, over which the server's clock is `ahead`.

    Its row was `seen` to have ended. A start is the earliest that is possible, as gocron writes the row at once; an end
    is the middle of what is possible: wrong by half a second, or half of the time between two looks, if that is less.
    """
    start, end = Span(attempt.sent, attempt.row_seen), Span(max(attempt.sent, attempt.alive), seen)
    if ahead.known and row.started and row.ended:
        zone = _zone(row.started, attempt.sent + ahead.middle)
        start = _moment(row.started, zone, ahead).within(start)
        end = _moment(row.ended, zone, ahead).within(end)
    return start.least, max(start.least, end.middle)


def wall(moment: float, now: float) -> datetime:
    """A moment of the monotonic clock, which says `now`, as a date."""
    return datetime.now(UTC) - timedelta(seconds=now - moment)


def _zone(local: datetime, utc: float) -> float:
    """Seconds by which local time is ahead of UTC, where this local time was at about this moment."""
    return round((_digits(local) - utc) / _QUARTER) * _QUARTER


def _moment(local: datetime, zone: float, ahead: Span) -> Span:
    second = _digits(local) - zone
    return Span(second - ahead.most, second + 1 - ahead.least)


def _digits(local: datetime) -> float:
    """Whatever zone a database adds to a time, its digits are those of the server's clock."""
    return local.replace(tzinfo=UTC).timestamp()
