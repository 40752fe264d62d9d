"""Painter: draws the frames of the live view in place. rich cuts and colours their lines."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NamedTuple

from rich.color import Color, ColorSystem
from rich.console import Console
from rich.style import Style
from rich.text import Text

from pydag.runs.reporter import PastRuns
from pydag.view.live.board import Board
from pydag.view.live.estimate import Estimate
from pydag.view.live.frame import Frames, Line
from pydag.view.terminal import Display

_CONSOLE = Console()  # nothing is printed with it: a Text asks it for styles

_GUESS_AGAIN = 1.0
"""Seconds for which an estimate of the time left holds, so that it costs little and can be read."""


class _Drawn(NamedTuple):
    """A line as it goes to the terminal, and how many columns of it are visible."""

    text: str
    columns: int


class Painter:
    """The frame that stands on the terminal, and what replaces it.

    The cursor is never hidden and stays below the frame, and each line leaves the terminal as it was, so that nothing
    has to be restored where a run breaks off.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self._frames = Frames(board)
        self._drawn: list[_Drawn] = []
        self._estimate: Estimate | None = None
        self._left = 0.0
        self._guessed: datetime | None = None

    def expect(self, past: PastRuns | None) -> None:
        """How long the job's earlier runs took."""
        self._estimate = Estimate(self.board.spec, past) if past else None

    def redrawn(self, now: datetime, display: Display, height: int, *, stopping: bool, hook: str = "") -> str:
        """What replaces the frame by the next one, below new lines above it; empty where nothing would change."""
        left = self._seconds_left(now)
        frame = self._frames.frame(now, display, height, left=left, stopping=stopping, hook=hook)
        drawn = [_drawn(line, display) for line in frame]
        above = "".join(f"{line}\r\n" for line in self.board.above())
        if not above and drawn == self._drawn:
            return ""
        up = self._up(display)
        self._drawn = drawn
        # A line of the frame is erased before it is written: behind a full one the cursor stands on its last character,
        # which would go too. A line above may be wrapped by the terminal, over what stood there.
        erase = "\x1b[J" if above else ""
        return up + erase + above + "".join(map(_written, drawn)) + "\x1b[J"

    def erased(self, display: Display) -> str:
        """What removes the frame, and leaves the cursor where it began."""
        up = f"{self._up(display)}\x1b[J" if self._drawn else ""
        self._drawn = []
        return up

    def forget(self) -> None:
        """Somebody else has written below the frame: the next one starts there."""
        self._drawn = []

    def _up(self, display: Display) -> str:
        """To the first line of the frame. A terminal that was made narrower has wrapped its lines."""
        rows = sum(max(1, -(-line.columns // (display.width or 80))) for line in self._drawn)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _seconds_left(self, now: datetime) -> float:
        if not self._estimate:
            return 0.0
        passed = (now - self._guessed).total_seconds() if self._guessed else _GUESS_AGAIN
        if not 0 <= passed < _GUESS_AGAIN:
            self._guessed, self._left, passed = now, self._estimate.seconds_left(self.board, now), 0.0
        return self._left - passed


def _written(line: _Drawn) -> str:
    """Wrapping is off meanwhile: where a terminal finds a character wider than we do, a line still stays one line."""
    return f"\x1b[?7l\x1b[K{line.text}\x1b[?7h\r\n"


def _drawn(line: Line, display: Display) -> _Drawn:
    """The line cut to the terminal's width. A `Text` takes names as they are: it knows no markup."""
    text = Text.assemble(*((piece, _style(style) if display.colour else "") for piece, style in line), end="")
    text.truncate(display.width or 80, overflow="crop" if display.ascii else "ellipsis")
    pieces = (
        segment.style.render(segment.text, color_system=ColorSystem.STANDARD) if segment.style else segment.text
        for segment in text.render(_CONSOLE)
    )
    return _Drawn("".join(pieces), text.cell_len)


@cache
def _style(parameters: str) -> Style:
    """The style that these SGR parameters stand for: bold, dim and the eight colours, as the palette has them."""
    numbers = [int(number) for number in parameters.split(";") if number]
    colour = next((Color.from_ansi(number - 30) for number in numbers if 30 <= number < 38), None)
    return Style.from_color(colour) + Style(bold=1 in numbers or None, dim=2 in numbers or None)
