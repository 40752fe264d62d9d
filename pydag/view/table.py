"""Rows of a state and some cells, as columns that fit the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydag.model.states import State
from pydag.view.terminal import Display
from pydag.view.text import padded, text_width

_SIGN, _GAP = 2, 2  # columns of the sign and the space behind it, and between two cells
_MIN_NAME = 8  # columns that a name keeps, however narrow the terminal is
_MIN_DETAIL = 12  # columns that the last cell keeps, however long a name is


class Row(NamedTuple):
    """A line: its state gives the sign and the colour. The first cell is a name, the last one a detail."""

    state: State
    cells: tuple[str, ...]


def table(rows: Sequence[Row], display: Display, less_important: Sequence[int] = ()) -> Iterator[str]:
    """Columns as wide as their widest cell, without those that are empty.

    On a terminal that is too narrow the `less_important` columns (their places, counted from 0) are left out in this
    order; then names are shortened, then the last column.
    """
    widths = [max(map(text_width, column)) for column in zip(*(row.cells for row in rows), strict=True)]
    shown = [place for place, width in enumerate(widths) if width]
    if display.width is not None:
        shown, widths[0] = _fitted(shown, widths, display.width, less_important)
    for row in rows:
        cells = [padded(row.cells[place], widths[place]) for place in shown[1:]]
        name = padded(display.fit(row.cells[0], widths[0]), widths[0])
        line = f"{display.sign(row.state)} {(' ' * _GAP).join([name, *cells])}".rstrip()
        yield display.paint(line if display.width is None else display.cut(line, display.width), row.state)


def _fitted(
    shown: list[int], widths: Sequence[int], columns: int, less_important: Sequence[int]
) -> tuple[list[int], int]:
    """The columns that are shown, and the width of names."""
    last = len(widths) - 1
    for dropped in (None, *less_important):
        shown = [place for place in shown if place != dropped]
        others = sum(
            _GAP + (min(widths[place], _MIN_DETAIL) if place == last else widths[place]) for place in shown[1:]
        )
        names = columns - _SIGN - others
        if names >= min(widths[0], _MIN_NAME):
            break
    return shown, min(widths[0], max(names, _MIN_NAME))
