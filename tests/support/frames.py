"""Boards and frames of the live view, from what a tracker would tell."""

from __future__ import annotations

from collections.abc import Sequence

from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec
from pydag.testing import at
from pydag.view.live.board import Board
from pydag.view.live.frame import Frames
from pydag.view.terminal import Display
from tests.support.samples import run_of

SIZE_80 = Display(width=80)


def board_of(
    spec: JobSpec,
    changes: Sequence[Attempt | Output],
    seconds: float = 20,
    *,
    display: Display = SIZE_80,
    show_output: bool = False,
) -> Board:
    """A board that was told of these changes in order, the outputs at this time."""
    board = Board(run_of(spec, []).run, spec, display, show_output=show_output)
    for each in changes:
        board.update([([], [each]) if isinstance(each, Output) else ([each], [])], at(seconds))
    return board


def frame_of(
    board: Board, height: int = 23, seconds: float = 20, *, display: Display = SIZE_80, left: float = 0
) -> list[str]:
    """The lines of a frame as they are before they are cut."""
    lines = Frames(board).frame(at(seconds), display, height, left=left, stopping=False)
    return ["".join(text for text, _ in line) for line in lines]
