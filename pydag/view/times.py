"""Times as people read them: how long something took, and when it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """`7ms`, `0.4s`, `12s`, `3m 05s`, `2h 03m`, `3d 04h`. Cut, not rounded; below zero is zero."""
    if seconds < 0.1:
        return f"{int(max(seconds, 0) * 1000)}ms"
    whole = int(seconds)
    if whole < 10:
        return f"{int(seconds * 10) / 10:.1f}s"
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole // 60 % 60:02}m"
    return f"{whole // 86400}d {whole // 3600 % 24:02}h"


def elapsed(started: datetime, ended: datetime) -> str:
    """`duration` from one time to the other."""
    return duration((ended - started).total_seconds())


def local_time(time: datetime) -> str:
    """Date and time here, to the second: `2022-12-26 15:28:01`. In UTC where TZ is a day or more away from it."""
    try:
        local = time.astimezone()
    except ValueError:  # the C library accepts such a TZ, Python does not
        local = time.astimezone(UTC)
    return local.isoformat(" ", "seconds")[:19]


def fire_time(time: datetime) -> str:
    """A time in its own zone, with the zone's name: `2025-10-26 02:30:00+02:00 Europe/Berlin`."""
    zone = getattr(time.tzinfo, "key", "")
    return f"{time.isoformat(' ', 'seconds')} {zone}".rstrip()


def relative(time: datetime, now: datetime) -> str:
    """How far away it is, roughly: `just now`, `2 min ago`, `5 h ago`, `12 days ago`; `in 40 s`, `in 5 min`."""
    seconds = int((now - time).total_seconds())
    if 0 <= seconds < 60:
        return "just now"
    size = abs(seconds)
    far = next((f"{size // length} {unit}" for unit, length, end in _UNITS if size < end), f"{size // _DAY} days")
    return f"{far} ago" if seconds > 0 else f"in {far}"


_DAY = 86400
_UNITS = (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 2 * _DAY))
"""A unit, its seconds, and from how many seconds on the next one is used."""


def zone_name(times: Iterable[datetime]) -> str:
    """The zone in which `local_time` gives these times: `UTC`, `CET (UTC+01:00)`; two where clocks changed between."""
    return " and ".join(dict.fromkeys(map(_zone, times)))


def _zone(time: datetime) -> str:
    try:
        local = time.astimezone()
    except ValueError:  # as in `local_time`
        return "UTC"
    offset = f"UTC{local.isoformat()[-6:]}" if local.utcoffset() else "UTC"
    name = local.tzname() or ""
    return f"{name} ({offset})" if name.isalpha() and name != "UTC" else offset
