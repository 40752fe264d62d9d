"""What an output can show, and writing lines to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from pydag.model.states import State
from pydag.view.palette import RETRY, STYLES
from pydag.view.text import head, text_width

RESET = "\x1b[0m"
_HEADING = "34"  # blue
_GRAPHICS = {"├": "|", "└": "`", "│": "|", "─": "-", "█": "#", "░": ".", "…": "~"}
_ASCII = str.maketrans(_GRAPHICS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What an output can show. `width` is a terminal's columns; None: not a terminal, and nothing is shortened."""

    colour: bool = False
    ascii: bool = False
    width: int | None = None

    def sign(self, state: State, *, retry: bool = False) -> str:
        """The state's sign, one column wide; `retry` is that of a task that waits for its next attempt."""
        style = RETRY if retry else STYLES[state]
        return style.ascii_sign if self.ascii else style.sign

    def paint(self, text: str, state: State) -> str:
        """The text in the state's colour."""
        return self.styled(text, STYLES[state].terminal)

    def styled(self, text: str, style: str) -> str:
        """The text in colours that are given as SGR parameters; an empty `style` leaves it as it is."""
        return f"\x1b[{style}m{text}{RESET}" if self.colour and style else text

    def heading(self, text: str) -> str:
        """The title, a separator or the end of a list."""
        return f"\x1b[{_HEADING}m{text}{RESET}" if self.colour else text

    def graphics(self, text: str) -> str:
        """Lines and blocks, in ASCII where the output has nothing else. Only for text without names."""
        return text.translate(_ASCII) if self.ascii else text

    def fit(self, text: str, columns: int) -> str:
        """The text in at most so many columns; what is too long loses its middle, as names differ at their ends."""
        if text_width(text) <= columns:
            return text
        keep = max(columns - 1, 0)
        return head(text, keep - keep // 2) + self.graphics("…") * (columns > 0) + head(text[::-1], keep // 2)[::-1]

    def cut(self, text: str, columns: int) -> str:
        """The text in at most so many columns; what is too long loses its end."""
        if text_width(text) <= columns:
            return text
        return head(text, max(columns - 1, 0)) + self.graphics("…") * (columns > 0)


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


def encodable(text: str, stream: TextIO) -> str:
    """The text, with backslash escapes for the characters that the stream's encoding does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text if text.isascii() else text.encode(encoding, "backslashreplace").decode(encoding)


def print_lines(lines: Iterable[str], stream: TextIO) -> None:
    """Print lines, in any encoding. Raises `OSError`, `BrokenPipeError` for a pipe that nobody reads among them."""
    stream.writelines(encodable(line, stream) + "\n" for line in lines)
    stream.flush()


def print_stderr(message: str) -> None:
    """Print a line on stderr. Where that fails, nothing happens."""
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


def _can_encode(stream: TextIO) -> bool:
    signs = "".join(_GRAPHICS) + "".join(style.sign for style in (*STYLES.values(), RETRY))
    try:
        signs.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
