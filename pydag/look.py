"""How pydag writes on a screen: signs, colours, times, widths. Knows the words of a run, but no run as a whole."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from pydag.state import State

# A state is told by its sign as well as by its colour. The second sign is for an output that has ASCII alone.
_SIGNS = {
    State.PENDING: ("○", "."),
    State.RUNNING: ("●", ">"),
    State.SUCCESS: ("✓", "+"),
    State.FAILED: ("✗", "x"),
    State.SKIPPED: ("↷", "-"),
    State.CANCELLED: ("■", "!"),
    State.LOST: ("?", "?"),
}
_CODES = {
    State.PENDING: "33",  # yellow
    State.RUNNING: "34",  # blue
    State.SUCCESS: "32",  # green
    State.FAILED: "31",  # red
    State.SKIPPED: "36",  # cyan
    State.CANCELLED: "35",  # magenta
    State.LOST: "1;31",  # bold red
}
_FRAME = "34"  # blue, as title, separator and end of a log have always been
_ASCII = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "█": "#", "░": ".", "…": "~"})
RESET = "\x1b[0m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What an output can show. `width` is a terminal's columns; None is no terminal, and nothing is shortened."""

    colour: bool = False
    ascii: bool = False
    width: int | None = None

    def sign(self, state: State) -> str:
        """One column that tells the state."""
        return _SIGNS[state][self.ascii]

    def paint(self, text: str, state: State) -> str:
        """The text in the state's colour."""
        return f"\x1b[{_CODES[state]}m{text}{RESET}" if self.colour else text

    def frame(self, text: str) -> str:
        """A title, separator or end."""
        return f"\x1b[{_FRAME}m{text}{RESET}" if self.colour else text

    def drawn(self, text: str) -> str:
        """Lines and blocks as this output has them. Only for text that holds no name."""
        return text.translate(_ASCII) if self.ascii else text

    def fit(self, text: str, columns: int) -> str:
        """The text in at most so many columns; what is too long loses its middle, as names differ at their ends."""
        if cells(text) <= columns:
            return text
        keep = max(columns - 1, 0)
        return head(text, keep - keep // 2) + self.drawn("…") * (columns > 0) + head(text[::-1], keep // 2)[::-1]

    def cut(self, text: str, columns: int) -> str:
        """The text in at most so many columns; what is too long loses its end."""
        if cells(text) <= columns:
            return text
        return head(text, max(columns - 1, 0)) + self.drawn("…") * (columns > 0)


def look_for(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Look:
    """What this output can show.

    Colours are for terminals; NO_COLOR and TERM=dumb turn them off, FORCE_COLOR gives them to a pipe.
    """
    terminal = is_terminal(stream)
    plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    forced = environ.get("FORCE_COLOR", "") not in ("", "0")
    return Look(
        colour=(terminal or forced) and not plain,
        ascii=not _can_encode(stream),
        width=screen(stream)[0] if terminal else None,
    )


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at this output now; a closed one is none."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def screen(stream: TextIO) -> tuple[int, int]:
    """Columns and lines of the terminal, as they are now."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24


def _can_encode(stream: TextIO) -> bool:
    signs = "├└│─█░…" + "".join(sign for sign, _ in _SIGNS.values())
    try:
        signs.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def encodable(text: str, stream: TextIO) -> str:
    """The text without what the stream's encoding lacks: that is written as a backslash and its number."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text if text.isascii() else text.encode(encoding, "backslashreplace").decode(encoding)


def say(lines: Iterable[str], stream: TextIO) -> None:
    """Print lines, whatever their names hold. A pipe that nobody reads raises `BrokenPipeError`, as ever."""
    stream.writelines(encodable(line, stream) + "\n" for line in lines)
    stream.flush()


def tell(message: str) -> None:
    """Print a line on stderr. Where that takes nothing there is nobody to tell, and nothing else changes."""
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


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
