"""What stays of the live view when a run has ended: its tree, or what matters of a large one, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import nlargest

from pydag.errors import count
from pydag.model.run import Attempt, RunRecord
from pydag.model.states import State
from pydag.view import tree
from pydag.view.live.board import Board
from pydag.view.live.rows import Row, name_columns, pieces, row_of, time_columns
from pydag.view.summary import failed_hooks, next_command, summary
from pydag.view.terminal import Display
from pydag.view.text import text_width

MAX_TREE = 40
"""Of a larger job the failed and the slowest tasks are shown."""

_FAILED = 10
_SLOWEST = 5


def ending(board: Board, record: RunRecord, now: datetime, display: Display) -> Iterator[str]:
    """The last lines of a run on a terminal."""
    if len(record.spec.tasks) <= MAX_TREE:
        yield from _lines(
            [row_of(board, row.task, now, display, indent=2 * row.depth) for row in tree.rows(record.spec)], display
        )
    else:
        yield from _large(board, now, display)
    for line in failed_hooks(record):
        yield display.paint(f"{display.sign(State.FAILED)} {line}", State.FAILED)
    yield from _next(board, record, display)
    yield display.paint(summary(record), record.state)


def _large(board: Board, now: datetime, display: Display) -> Iterator[str]:
    failed = list(board.failed)
    if failed:
        yield from _lines([row_of(board, task, now, display) for task in failed[:_FAILED]], display)
        if len(failed) > _FAILED:
            yield display.paint(f"  and {len(failed) - _FAILED:,} more failed", State.FAILED)
    slowest = nlargest(_SLOWEST, (each for each in board.newest.values() if each.ended and each.started), key=_seconds)
    if slowest:
        yield f"the {count(len(slowest), 'slowest task')}:"
        yield from _lines([row_of(board, each.task, now, display) for each in slowest], display)


def _seconds(attempt: Attempt) -> float:
    return (attempt.ended - attempt.started).total_seconds() if attempt.started and attempt.ended else 0.0


def _next(board: Board, record: RunRecord, display: Display) -> Iterator[str]:
    """The next command; as a comment of the shell, what it shows, where there is room for it."""
    command, why = next_command(record)
    above = "its end is" if len(board.failed) == 1 else "their ends are"
    lines = [f"next: {command}  # {why}", f"next: {command}"]
    if board.blocks:
        lines.insert(0, f"next: {command}  # {why}; {above} above")
    yield next((line for line in lines if text_width(line) <= (display.width or 80)), lines[-1])


def _lines(rows: list[Row], display: Display) -> Iterator[str]:
    width = display.width or 80
    names, times = name_columns(rows, width), time_columns(rows)
    for row in rows:
        left, shown = width, ""
        for text, style in pieces(row, names, times, display):
            kept = text if text_width(text) <= left else display.cut(text, left)
            left -= text_width(kept)
            shown += display.styled(kept, style)
        yield shown
