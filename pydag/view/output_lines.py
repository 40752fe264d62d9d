"""Tasks' output while they run, as lines that a person reads: each behind the name of its task."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec
from pydag.view.terminal import RESET, Display
from pydag.view.text import coloured, overwritten, padded, sanitized, text_width

_COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")
"""What tells tasks apart, as SGR parameters; red stays with what failed."""

_NAME = 20
"""Columns up to which names are padded; on a terminal a longer one is shortened."""

_LONG = 64 * 1024
"""Bytes that wait for the end of their line; more are a line."""

_SGR = re.compile(r"\x1b\[[0-9;:]*m")
_LEFT_ON = 100  # characters of colours that go on in the next line: nobody means more
_TAB = 8


class OutputLines:
    """Makes lines of `Output` events. What has no newline yet waits for it, or for the end of the attempt.

    A line holds nothing that controls a terminal, except colours where the display has them. What carriage returns
    overwrite is left out.
    """

    def __init__(self, spec: JobSpec, display: Display) -> None:
        self._spec = spec
        self._display = display
        self._width = min(max(text_width(task.name) for task in spec.tasks), _NAME) if spec.tasks else 0
        self._waiting: dict[int, bytes] = {}
        self._styles: dict[int, str] = {}

    def add(self, output: Output) -> Iterator[str]:
        """The lines that more output of a running attempt completes."""
        task = output.task
        *lines, rest = (self._waiting.pop(task, b"") + output.data).split(b"\n")
        if len(rest) > _LONG:
            lines, rest = [*lines, rest], b""
        if rest:
            self._waiting[task] = rest
        for line in lines:
            yield self._line(task, line)

    def ended(self, attempt: Attempt) -> Iterator[str]:
        """The last line of an attempt that ended, where it has no newline."""
        rest = self._waiting.pop(attempt.task, None)
        if rest:
            yield self._line(attempt.task, rest)
        self._styles.pop(attempt.task, None)

    def _line(self, task: int, data: bytes) -> str:
        text = overwritten(data.decode(errors="replace"))
        return self._prefix(task) + (self._styled(task, text) if self._display.colour else sanitized(text))

    def _prefix(self, task: int) -> str:
        name = sanitized(self._spec.tasks[task].name)
        if self._display.width is not None:
            name = self._display.fit(name, _NAME)
        text = f"{padded(name, self._width)} {self._display.graphics('│')} "
        return f"\x1b[{_COLOURS[task % len(_COLOURS)]}m{text}{RESET}" if self._display.colour else text

    def _styled(self, task: int, text: str) -> str:
        """The text with its colours, and with those that earlier lines of the task left on; they end with the line."""
        text = _expanded(coloured(text))
        before = self._styles.pop(task, "")
        if not before and "\x1b" not in text:
            return text
        left_on = ""
        for found in _SGR.findall(before + text):
            left_on = "" if found in ("\x1b[m", RESET) else left_on + found
        if 0 < len(left_on) <= _LEFT_ON:
            self._styles[task] = left_on
        return before + text + RESET


def _expanded(text: str) -> str:
    """The text with spaces for its tabs; colours have no width."""
    if "\t" not in text:
        return text
    pieces, column = [], 0
    for piece in _SGR.split(text):
        spaces = " " * (column % _TAB)
        pieces.append((spaces + piece).expandtabs(_TAB)[len(spaces) :])
        column += len(pieces[-1])
    return "".join(map(str.__add__, pieces, [*_SGR.findall(text), ""]))
