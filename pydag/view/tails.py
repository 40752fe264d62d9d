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

MAX_FAILURES = 3
"""The output of so many failed tasks is shown; the others are counted."""


@dataclass(slots=True)
class OutputTail:
    """The end of an output; `cut` where its start was dropped."""

    data: bytearray = field(default_factory=bytearray)
    cut: bool = False

    def lines(self) -> list[str]:
        """The last lines as a terminal would show them, with nothing left in them that controls one."""
        lines = self.data[-TAIL_BYTES:].decode(errors="replace").rstrip("\r\n").split("\n")
        if len(lines) == 1 and not lines[0]:
            return []
        if self.cut or len(self.data) > TAIL_BYTES:
            lines[0] = "…" + lines[0].lstrip("\ufffd")
        return [sanitized(overwritten(line)) for line in lines[-TAIL_LINES:]]


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
        tail.data += output.data[-TAIL_BYTES:]
        if len(tail.data) > 4 * TAIL_BYTES or len(output.data) > TAIL_BYTES:
            del tail.data[:-TAIL_BYTES]
            tail.cut = True

    def ended(self, attempt: Attempt) -> None:
        """An attempt ended: its tail is dropped, unless it is one to show."""
        tail = self.running.pop(attempt.task, None)
        if (
            attempt.state in (State.FAILED, State.LOST)
            and len(self.failed) < MAX_FAILURES
            and not tried_again(self._spec.tasks[attempt.task], attempt)
        ):
            self.failed[attempt.task] = attempt, tail or OutputTail()
