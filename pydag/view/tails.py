"""The last output of running and of failed tasks, kept in little memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydag.model.run import Attempt, Output, tried_again
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view.text import overwritten, sanitized

TAIL_LINES = 20
"""How many last lines of a failed task's output are shown."""

TAIL_BYTES = 16 * 1024
"""How many last bytes of a running attempt's output are kept for them."""

_LAST_BYTES = 1024  # a line of a terminal is shorter

MAX_FAILURES = 3
"""The output of so many failed tasks is shown; the others are counted."""


@dataclass(slots=True)
class OutputTail:
    """The end of an output; `cut` where its start was dropped."""

    data: bytearray = field(default_factory=bytearray)
    cut: bool = False

    def add(self, data: bytes) -> None:
        """More output of the attempt."""
        self.data += data[-TAIL_BYTES:]
        if len(self.data) > 4 * TAIL_BYTES or len(data) > TAIL_BYTES:
            del self.data[:-TAIL_BYTES]
            self.cut = True

    def lines(self, most: int = TAIL_LINES) -> list[str]:
        """The last lines as a terminal would show them, with nothing left in them that controls one."""
        lines = self.data[-TAIL_BYTES:].decode(errors="replace").rstrip("\r\n").split("\n")
        if len(lines) == 1 and not lines[0]:
            return []
        if self.cut or len(self.data) > TAIL_BYTES:
            lines[0] = "…" + lines[0].lstrip("\ufffd")
        return [sanitized(overwritten(line)) for line in lines[-most:]]

    def last_line(self) -> str:
        """The last line that shows something."""
        lines = self.data[-_LAST_BYTES:].decode(errors="replace").lstrip("\ufffd").split("\n")
        shown = (sanitized(overwritten(line)).strip() for line in reversed(lines))
        return next(filter(None, shown), "")


class OutputTails:
    """The tails of running attempts, and of the first tasks that failed for good. Memory stays bounded."""

    def __init__(self, spec: JobSpec) -> None:
        self.running: dict[int, OutputTail] = {}
        self.failed: dict[int, tuple[Attempt, OutputTail]] = {}
        self._spec = spec

    def add(self, output: Output) -> None:
        """More output of a running attempt."""
        tail = self.running.get(output.task)
        if tail is None:
            tail = self.running[output.task] = OutputTail()
        tail.add(output.data)

    def ended(self, attempt: Attempt) -> None:
        """An attempt ended: its tail is dropped, unless it is one to show."""
        tail = self.running.pop(attempt.task, None)
        if (
            attempt.state in (State.FAILED, State.LOST)
            and len(self.failed) < MAX_FAILURES
            and not tried_again(self._spec.tasks[attempt.task], attempt)
        ):
            self.failed[attempt.task] = attempt, tail or OutputTail()
