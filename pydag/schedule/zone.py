"""Time zones: the one of this machine's wall clock, and where a zone's offset shifts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydag.errors import InvalidSetting, shown


def local_zone(tz: str | None, etc: Path = Path("/etc")) -> ZoneInfo:
    """The zone of this machine's wall clock; its `key` is the name to show.

    `tz` is the variable TZ; None ignores it, as the cron daemon does, which does not see what a user sets. Raises
    `InvalidSetting` where no zone has that name.
    """
    if tz is not None:
        return _named_zone(tz.removeprefix(":") or "UTC")
    link, name = etc / "localtime", etc / "timezone"
    if link.is_symlink():
        return _zone_file(link)
    if name.is_file():
        return _named_zone(name.read_text(encoding="utf-8", errors="replace").strip())
    return _zone_file(link) if link.is_file() else ZoneInfo("UTC")


def _named_zone(name: str) -> ZoneInfo:
    try:
        return _zone_file(Path(name)) if name.startswith("/") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSetting(
            f"this machine does not know the time zone {shown(name)}: set TZ to one such as Europe/Berlin, or unset it"
        ) from None


def _zone_file(path: Path) -> ZoneInfo:
    file = path.resolve()
    _, found, name = str(file).rpartition("/zoneinfo/")
    with file.open("rb") as data:
        return ZoneInfo.from_file(data, key=name if found else str(path))


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC. Raises `ValueError` where it has no zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no zone: give an aware datetime")
    return moment.astimezone(UTC)


def wall_clock(moment: datetime, offset: timedelta) -> datetime:
    """What the wall clock shows at a moment in UTC, without a zone."""
    return moment.replace(tzinfo=None) + offset


def stretches(start: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The time from `start` on, without end, in pieces of at most a day that have one offset each."""
    offset = _offset(start, zone)
    while True:
        end = start + timedelta(days=1)
        after = _offset(end, zone)
        if after != offset:
            end = _shift(start, end, zone)
            after = _offset(end, zone)
        yield start, end, offset
        start, offset = end, after


def _shift(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """The first second whose offset is not that at `low`; that at `high` is another."""
    offset = _offset(low, zone)
    seconds = range(1, int((high - low).total_seconds()) + 1)
    changed = bisect_left(seconds, True, key=lambda second: _offset(low + timedelta(seconds=second), zone) != offset)
    return low + timedelta(seconds=seconds[changed])


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
