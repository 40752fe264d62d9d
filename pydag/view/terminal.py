"""How pydag writes on a screen: signs, colours, times, widths. Knows the words of a run, but no run as a whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from pydag.model.states import State
from pydag.view.text import cells, head

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
class Display:
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


def display_for(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Display:
    """What this output can show.

    Colours are for terminals; NO_COLOR and TERM=dumb turn them off, FORCE_COLOR gives them to a pipe.
    """
    terminal = is_terminal(stream)
    plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    forced = environ.get("FORCE_COLOR", "") not in ("", "0")
    return Display(
        colour=(terminal or forced) and not plain,
        ascii=not _can_encode(stream),
        width=terminal_size(stream)[0] if terminal else None,
    )


def is_terminal(stream: TextIO) -> bool:
    """Whether the output is a terminal; a closed one is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def terminal_size(stream: TextIO) -> tuple[int, int]:
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


def print_lines(lines: Iterable[str], stream: TextIO) -> None:
    """Print lines, whatever their names hold. A pipe that nobody reads raises `BrokenPipeError`, as ever."""
    stream.writelines(encodable(line, stream) + "\n" for line in lines)
    stream.flush()


def print_stderr(message: str) -> None:
    """Print a line on stderr. Where that takes nothing there is nobody to tell, and nothing else changes."""
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
