"""What the live view shows at one moment, as lines of coloured pieces. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from pydag.model.states import State
from pydag.view import tree
from pydag.view.live.board import Board
from pydag.view.live.estimate import about
from pydag.view.live.groups import Group
from pydag.view.live.rows import DIM, Piece, Row, name_columns, pieces, row_of, time_columns
from pydag.view.palette import STYLES
from pydag.view.terminal import Display
from pydag.view.text import padded, sanitized, text_width
from pydag.view.times import elapsed
from pydag.view.wording import STOPPING

Line = list[Piece]

_BAR = 16  # columns at most
_MIN_BAR = 4  # a shorter one shows nothing
_INDENT = 2  # columns a level
_MANY = 300  # of so many tasks that are in no group, only those are looked at that do something
_COUNTED = (State.RUNNING, State.FAILED, State.LOST, State.SKIPPED, State.CANCELLED)
_BAD = (State.FAILED, State.LOST)


class _Unit(NamedTuple):
    """What may have a line of a large job: units of a lower rank come first where there is no room for all."""

    rank: int
    place: tuple[int, int]
    shown: Group | Row


class Frames:
    """Lays out the frames of one run.

    A job that fits on the terminal is shown as its tree. Of a larger one, tasks that run or failed are named, and each
    group of equal tasks is a line with a bar. A failed task whose output stands right above the view is not shown.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._tree: list[tree.Row] | None = None

    def frame(
        self, now: datetime, display: Display, height: int, *, left: float, stopping: bool, hook: str = ""
    ) -> list[Line]:
        """At most `height` lines. `left`: for how many seconds the run still goes on, or 0 where nobody knows.

        `hook` names the hook that runs, once all tasks have ended.
        """
        most = height - 1
        lines = self._whole(now, display) if len(self._board.states) <= most else self._folded(now, display, most)
        return [*lines, self._last_line(now, display, left=left, stopping=stopping, hook=hook)]

    def _whole(self, now: datetime, display: Display) -> list[Line]:
        if self._tree is None:
            self._tree = list(tree.rows(self._board.spec))
        width = display.width or 80
        rows = [
            row_of(self._board, row.task, now, display, indent=min(_INDENT * row.depth, width // 4))
            for row in self._tree
            if not self._is_above(row.task)
        ]
        names, times = name_columns(rows, width), time_columns(rows)
        return [pieces(row, names, times, display) for row in rows]

    def _is_above(self, task: int) -> bool:
        """Whether a failed task stands above the view. Between lines of output it is soon out of sight."""
        return task in self._board.blocks and not self._board.show_output

    def _folded(self, now: datetime, display: Display, most: int) -> list[Line]:
        board = self._board
        units = sorted(self._units(now, display, most), key=lambda unit: unit.rank)
        named = sum(unit.rank == _Rank.RUNNING for unit in units[:most])
        if named < board.counts[State.RUNNING]:
            units = units[: most - 1]
            named = sum(unit.rank == _Rank.RUNNING for unit in units)
        units = sorted(units[:most], key=lambda unit: unit.place)
        width = display.width or 80
        rows = [unit.shown for unit in units if isinstance(unit.shown, Row)]
        groups = [unit.shown for unit in units if isinstance(unit.shown, Group)]
        names = name_columns([*rows, *(Row(0, group.name, "", "") for group in groups)], width)
        times = time_columns(rows)
        lines = [
            pieces(unit.shown, names, times, display)
            if isinstance(unit.shown, Row)
            else _group_line(unit.shown, names, display)
            for unit in units
        ]
        more = board.counts[State.RUNNING] - named
        return [*lines, [(f"  and {more:,} more running", STYLES[State.RUNNING].terminal)]] if more > 0 else lines

    def _units(self, now: datetime, display: Display, most: int) -> Iterator[_Unit]:
        """All that may have a line; of what there can be very many, no more than fits."""
        board, groups = self._board, self._board.groups
        failed = [task for task in board.failed if not self._is_above(task)]
        for task in failed[-max(most // 3, 1) :]:
            yield self._unit(_Rank.FAILED, task, now, display)
        for group in groups.all:
            yield _Unit(_Rank.of(group), (group.first, -1), group)
        for task in islice(board.running, most):
            yield self._unit(_Rank.RUNNING, task, now, display)
        for task in islice(board.waiting, most):
            yield self._unit(_Rank.WAITING, task, now, display)
        if len(groups.singles) > _MANY:
            return
        for task in groups.singles:
            if task in board.running or task in board.waiting or task in board.failed:
                continue
            rank = _Rank.ENDED if board.states[task].final else _Rank.PENDING
            yield self._unit(rank, task, now, display)

    def _unit(self, rank: int, task: int, now: datetime, display: Display) -> _Unit:
        group = self._board.groups.of(task)
        row = row_of(self._board, task, now, display, indent=_INDENT if group else 0)
        return _Unit(rank, (group.first, task) if group else (task, 0), row)

    def _last_line(self, now: datetime, display: Display, *, left: float, stopping: bool, hook: str) -> Line:
        board, width = self._board, display.width or 80
        total, done = len(board.states), board.done
        name = display.fit(sanitized(board.spec.name), max(width // 3, 8))
        counts = _counts({**board.counts, State.SKIPPED: board.counts[State.SKIPPED] - board.left_out})
        if board.left_out:
            counts.append((f"{board.left_out:,} left out", DIM))
        progress: Line = [(f"{done:,}/{total:,}", ""), (elapsed(board.run.started, now), "")]
        if hook:
            return _spaced([(name, ""), (f"`{hook}` runs", STYLES[State.RUNNING].terminal), *progress, *counts])
        if stopping:
            return _spaced([(name, ""), (STOPPING, STYLES[State.FAILED].terminal), *progress, *counts])
        words = [(name, ""), *progress, *([(about(left), DIM)] if about(left) else []), *counts]
        columns = min(_BAR, width // 4)
        if _width(words) + 2 + min(columns, _MIN_BAR) > width:
            words = [(name, ""), *progress, *counts]
        columns = min(columns, width - _width(words) - 2)
        if columns >= _MIN_BAR:
            bad = any(board.counts[state] for state in _BAD)
            style = STYLES[State.FAILED if bad else State.RUNNING].terminal
            words.insert(1, (_bar(done, total, columns, display), style))
        return _spaced(words)


class _Rank:
    """What is shown first where there is no room for all."""

    FAILED, ACTIVE, RUNNING, WAITING, PENDING_GROUP, PENDING, ENDED = range(7)

    @classmethod
    def of(cls, group: Group) -> int:
        """That of a group."""
        if group.done == group.size:
            return cls.ENDED
        return cls.ACTIVE if group.done or group.counts[State.RUNNING] else cls.PENDING_GROUP


def _group_line(group: Group, names: int, display: Display) -> Line:
    """`● part  ████░░░░ 346/498  8 running  1 failed`."""
    state, width = _state_of(group), display.width or 80
    style = DIM if state is State.PENDING else STYLES[state].terminal
    start = f"{display.sign(state)} {padded(display.fit(group.name, names), names)}"
    words = [(start, style), (f"{group.done:,}/{group.size:,}", style), *_counts(group.counts)]
    columns = min(_BAR, width // 5, width - _width(words) - 2)
    if columns >= _MIN_BAR:
        words[1] = (f"{_bar(group.done, group.size, columns, display)} {words[1][0]}", style)
    return _spaced(words)


def _counts(counts: Mapping[State, int]) -> list[Piece]:
    """`8 running`, `1 failed` and so on, each in its colour."""
    return [(f"{counts[state]:,} {state.value}", STYLES[state].terminal) for state in _COUNTED if counts[state]]


def _state_of(group: Group) -> State:
    """The state whose sign the group has."""
    if group.done == group.size:
        return next((state for state in (*_BAD, State.CANCELLED) if group.counts[state]), State.SUCCESS)
    return State.RUNNING if group.done or group.counts[State.RUNNING] else State.PENDING


def _bar(done: int, total: int, columns: int, display: Display) -> str:
    full = columns * done // total if total else columns
    return display.graphics("█" * full + "░" * (columns - full))


def _spaced(words: Sequence[Piece]) -> Line:
    """The words with two spaces between them."""
    return [(f"  {text}" if place else text, style) for place, (text, style) in enumerate(words)]


def _width(words: Sequence[Piece]) -> int:
    return sum(text_width(text) + 2 for text, _ in words) - 2
