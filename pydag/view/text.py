"""How pydag writes on a screen: signs, colours, times, widths. Knows the words of a run, but no run as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """For people: `7ms`, `0.4s`, `12s`, `3m 05s`, `2h 03m`, `3d 04h`. Cut, not rounded; below zero is zero."""
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


def between(started: datetime, ended: datetime) -> str:
    """`duration` of the time between two moments."""
    return duration((ended - started).total_seconds())


def moment(time: datetime) -> str:
    """Local date and time to the second: `2022-12-26 15:28:01`. In UTC where TZ is a day or more away from it."""
    try:
        local = time.astimezone()
    except ValueError:  # the C library takes such a TZ, Python does not
        local = time.astimezone(UTC)
    return local.isoformat(" ", "seconds")[:19]


def fire_time(time: datetime) -> str:
    """A time on the clock of its own zone, which is named: `2025-10-26 02:30:00+02:00 Europe/Berlin`."""
    zone = getattr(time.tzinfo, "key", "")
    return f"{time.isoformat(' ', 'seconds')} {zone}".rstrip()


def count(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def cells(text: str) -> int:
    """How many columns a terminal gives the text: 2 for wide characters, 0 for marks that join the one before."""
    if text.isascii():
        return len(text)
    return sum(_widths(text))


def head(text: str, columns: int) -> str:
    """As much of the start as fits."""
    if text.isascii():
        return text[:columns]
    used = 0
    for place, width in enumerate(_widths(text)):
        used += width
        if used > columns:
            return text[:place]
    return text


def padded(text: str, columns: int) -> str:
    """The text with spaces up to so many columns."""
    return text + " " * (columns - cells(text))


def _widths(text: str) -> Iterator[int]:
    from unicodedata import category, east_asian_width  # most names need neither

    joined = False
    for character in text:
        if joined or category(character) in ("Mn", "Me", "Cf"):
            yield 0
        else:
            yield 2 if east_asian_width(character) in "WF" else 1
        joined = character == "\u200d"


# CSI and OSC sequences, other two-character escapes; then whatever else moves the cursor or turns the text around.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|$)|[ -/]*[0-~])", re.DOTALL)
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """One line of foreign text that cannot steer a terminal: escape sequences go, other controls become `�`."""
    return _CONTROLS.sub("\ufffd", _ESCAPES.sub("", text)).expandtabs()
