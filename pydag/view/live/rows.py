"""What the live view, and the tree that it leaves, say of a task: its sign, its time, and a few words."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from pydag.model.run import Attempt
from pydag.model.states import Reason, State, When
from pydag.view.live.board import Board
from pydag.view.palette import RETRY, STYLES
from pydag.view.terminal import Display
from pydag.view.text import padded, sanitized, text_width
from pydag.view.times import duration, elapsed
from pydag.view.wording import failure, which_attempt, why_skipped

Piece = tuple[str, str]
"""A part of a line: its text, and its colours as SGR parameters."""

DIM = "2"
SILENCE = timedelta(seconds=60)
"""After so long without output a running task says so."""

_NAMES = 60  # columns at most for a name and what it is indented by, so that the times stay near the names
_FEW = 3  # so many tasks that a pending one waits for are named
_BAD = (State.FAILED, State.LOST)


class Row(NamedTuple):
    """What is said of one task. `extra` is dim, whatever the colour of the rest."""

    indent: int
    name: str
    sign: str
    style: str
    took: str = ""
    words: str = ""
    extra: str = ""


def row_of(board: Board, task: int, now: datetime, display: Display, *, indent: int = 0) -> Row:
    """The row of a task as it is now."""
    state, attempt = board.states[task], board.newest.get(task)
    row = Row(indent, board.name(task), display.sign(state), STYLES[state].terminal)
    if state is State.RUNNING and attempt and attempt.started:
        words, extra = _running(board, attempt, now, display)
        extra = sanitized(attempt.detail) or extra  # what the engine waits for
        return row._replace(took=elapsed(attempt.started, now), words=words, extra=extra)
    if state is State.PENDING:
        waiting = board.waiting.get(task)
        if waiting:
            words = _again(board, waiting, now)
            return row._replace(sign=display.sign(state, retry=True), style=RETRY.terminal, words=words)
        if board.spec.tasks[task].when is When.FAILURE and not _needed(board, task):
            return row._replace(sign=display.sign(State.SKIPPED), style=DIM, words="only on failure")
        return row._replace(style=DIM, words=_before(board, task))
    return _ended(board, attempt, row, state) if attempt else row


def pieces(row: Row, names: int, times: int, display: Display) -> list[Piece]:
    """A line of a task, with so many columns for its name and its time."""
    name = display.fit(row.name, max(names - row.indent, 4))
    start = f"{row.sign} {' ' * row.indent}{padded(name, names - row.indent)}"
    if row.took:
        start += f"  {row.took:<{times}}"
    if row.words:
        start += f"  {row.words}"
    extra = f"  {display.graphics('│')} {row.extra}" if row.extra else ""
    return [(start if extra else start.rstrip(), row.style), *([(extra, DIM)] if extra else [])]


def name_columns(rows: list[Row], width: int) -> int:
    """The columns that the names and their indentation get, on a terminal so wide."""
    return min(max((row.indent + text_width(row.name) for row in rows), default=0), _NAMES, max(width // 2, 8))


def time_columns(rows: list[Row]) -> int:
    """The columns that the times get."""
    return max((len(row.took) for row in rows), default=0)


def _running(board: Board, attempt: Attempt, now: datetime, display: Display) -> tuple[str, str]:
    task = attempt.task
    words = [which_attempt(board.spec.tasks[task], attempt)] if attempt.number > 1 else []
    heard = board.heard.get(task, attempt.started)
    if heard and now - heard > SILENCE:
        words.append(f"no output for {elapsed(heard, now)}")
    tail = board.tails.get(task)
    return ", ".join(words), tail.last_line() if tail and not board.show_output else ""


def _again(board: Board, attempt: Attempt, now: datetime) -> str:
    """Of a task that waits for its next attempt: why, and when."""
    task = board.spec.tasks[attempt.task]
    left = task.retry_delay - (now - attempt.ended).total_seconds() if attempt.ended else 0
    when = f"again in {duration(ceil(left)) if left >= 10 else f'{ceil(left)}s'}" if left > 0 else "again soon"
    return f"{failure(task, attempt)}, {which_attempt(task, attempt)}, {when}"


def _before(board: Board, task: int) -> str:
    """Of a pending task: how many of its upstream tasks have ended, and the last few that have not."""
    upstream = board.spec.tasks[task].upstream
    if len(upstream) < 2:
        return ""
    ended = board.ended_before[task]
    left = len(upstream) - ended
    if not 0 < left <= _FEW:
        return f"{ended} of {len(upstream)} done"
    names = ", ".join(board.name(each) for each in upstream if not board.states[each].final)
    return f"{ended} of {len(upstream)} done, waits: {names}"


def _needed(board: Board, task: int) -> bool:
    """Whether something failed that a task for failures waits for, or was skipped because something failed."""
    upstream = board.spec.tasks[task].upstream
    ends = [board.newest[each] for each in upstream if board.states[each] in (*_BAD, State.SKIPPED)]
    return any(end.reason is not Reason.LEFT_OUT for end in ends)


def _ended(board: Board, attempt: Attempt, row: Row, state: State) -> Row:
    task = board.spec.tasks[attempt.task]
    if not attempt.attempted:
        if state is State.SKIPPED:
            alarm = task.when is When.FAILURE and attempt.reason is not Reason.LEFT_OUT
            why = "only on failure" if alarm else why_skipped(task, attempt.reason)
            return row._replace(style=DIM, words=why.removeprefix("skipped: "))
        return row._replace(words="cancelled before it started" if state is State.CANCELLED else state.value)
    took = elapsed(attempt.started, attempt.ended) if attempt.started and attempt.ended else ""
    words = [] if state is State.SUCCESS else [failure(task, attempt)]
    if attempt.number > 1 or (attempt.state in _BAD and task.retries):
        words.append(which_attempt(task, attempt))
    if state is State.CANCELLED and attempt.state is State.FAILED:
        words.append("cancelled before the next")
    return row._replace(took=took, words=", ".join(words))
