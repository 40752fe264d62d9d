"""Long lines, wrapped between words for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pydag.model.states import State
from pydag.view.terminal import Display
from pydag.view.text import text_width

if TYPE_CHECKING:
    from rich.console import Console

_HANGING = "  "  # the next lines stand below what follows the sign
_MIN_COLUMNS = 8  # a terminal narrower than this and the branches wraps by itself


def wrapped(
    text: str, display: Display, *, guide: str = "", rest: str = "", state: State | None = None
) -> Iterator[str]:
    """The text behind its `guide`, in lines of the terminal's width; the next lines stand behind `rest`, indented.

    The text gets the colour of `state`, the branches keep the terminal's own. Not on a terminal it is one line.
    """
    columns = None if display.width is None else display.width - len(guide)
    for place, piece in enumerate(_pieces(text, columns)):
        before = display.graphics(rest) + _HANGING if place else display.graphics(guide)
        yield before + (display.paint(piece, state) if state else piece)


def _pieces(text: str, columns: int | None) -> list[str]:
    if columns is None or text_width(text) <= columns:
        return [text]
    from rich.text import Text  # only long lines need it

    lines = Text(text).wrap(_console(), max(columns - len(_HANGING), _MIN_COLUMNS), overflow="fold")
    return [line.plain.rstrip() for line in lines]


@cache
def _console() -> Console:
    from rich.console import Console  # as above

    return Console()
