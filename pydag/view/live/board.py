"""Board: what the live view knows of a run. It is made and read by the drawing thread alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property

from pydag.model.run import Attempt, Output, Run, tried_again
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State
from pydag.view.live.groups import Groups
from pydag.view.output_lines import OutputLines
from pydag.view.summary import failure_block
from pydag.view.tails import OutputTail
from pydag.view.terminal import Display
from pydag.view.text import sanitized, text_width

Change = tuple[Sequence[Attempt], Sequence[Output]]
"""The arguments of one call of `Reporter.changed`."""

MAX_BLOCKS = 20
"""The output of so many failed tasks is shown when they fail; the others are counted."""

BLOCK_LINES = 5
"""How many lines of a failed task's output are shown."""

_NAMES = 40  # columns at most for the names of failed tasks, so that they stand below each other
_MAX_ABOVE = 5_000
"""Lines that wait for a terminal that takes none; what comes before them is left out and counted."""


class Board:
    """The states of all tasks, and the lines that are still to be written above the view.

    With `show_output` these are what tasks write; in any case the last lines of what a failed task wrote.
    """

    def __init__(self, run: Run, spec: JobSpec, display: Display, *, show_output: bool) -> None:
        self.run = run
        self.spec = spec
        self.show_output = show_output
        self.states = [State.PENDING] * len(spec.tasks)
        self.counts = dict.fromkeys(State, 0)
        self.counts[State.PENDING] = len(spec.tasks)
        self.left_out = 0  # of those that are skipped: the run was asked for other tasks
        self.newest: dict[int, Attempt] = {}
        self.running: dict[int, Attempt] = {}
        self.waiting: dict[int, Attempt] = {}  # the last attempt of what waits for its next one
        self.failed: dict[int, Attempt] = {}
        self.blocks: set[int] = set()  # failed tasks whose output was shown
        self.tails: dict[int, OutputTail] = {}
        self.heard: dict[int, datetime] = {}  # when a running task wrote last
        self._display = display
        self._output = OutputLines(spec, display) if show_output else None
        self._above: list[str] = []
        self._left_out = 0

    def update(self, changes: Iterable[Change], now: datetime) -> None:
        """What the tracker has told since the last call."""
        for attempts, outputs in changes:
            for output in outputs:
                self._write(output, now)
            for attempt in attempts:
                self._take(attempt)

    def above(self) -> Iterator[str]:
        """The lines for above the view that came since the last call."""
        lines, self._above = self._above, []
        if self._left_out:
            yield f"({self._left_out:,} lines of output are not shown: the terminal was too slow; the history has them)"
            self._left_out = 0
        yield from lines

    @property
    def done(self) -> int:
        """How many tasks have ended."""
        return len(self.states) - self.counts[State.PENDING] - self.counts[State.RUNNING]

    @cached_property
    def _names(self) -> int:
        """The columns of the names above the view."""
        return min(max(text_width(task.name) for task in self.spec.tasks), _NAMES, (self._display.width or 80) // 2)

    @cached_property
    def groups(self) -> Groups:
        """The groups of equal tasks; a job that fits on its terminal needs none."""
        return Groups(self.spec, self.states)

    @cached_property
    def after(self) -> list[list[int]]:
        """For each task the numbers of the tasks right after it."""
        return self.spec.downstream()

    @cached_property
    def ended_before(self) -> list[int]:
        """For each task how many of its upstream tasks have ended."""
        ended = [0] * len(self.states)
        for task, state in enumerate(self.states):
            if state.final:
                for following in self.after[task]:
                    ended[following] += 1
        return ended

    def name(self, task: int) -> str:
        """The task's name, safe to show."""
        return sanitized(self.spec.tasks[task].name)

    def _write(self, output: Output, now: datetime) -> None:
        tail = self.tails.get(output.task)
        if tail is None:
            tail = self.tails[output.task] = OutputTail()
        tail.add(output.data)
        self.heard[output.task] = now
        if self._output:
            self._show(self._output.add(output))

    def _take(self, attempt: Attempt) -> None:
        task, state = attempt.task, attempt.state
        if attempt.attempted or task not in self.newest:
            self.newest[task] = attempt
        self.left_out += attempt.reason is Reason.LEFT_OUT
        self.waiting.pop(task, None)
        if state is State.RUNNING:
            self.running[task] = attempt
        else:
            self.running.pop(task, None)
            self.heard.pop(task, None)
            tail = self.tails.pop(task, None)
            if self._output:
                self._show(self._output.ended(attempt))
            if tried_again(self.spec.tasks[task], attempt):
                state = State.PENDING
                self.waiting[task] = attempt
            elif state is State.FAILED or state is State.LOST:
                self._fail(attempt, tail or OutputTail())
        self._move(task, state)

    def _fail(self, attempt: Attempt, tail: OutputTail) -> None:
        task = attempt.task
        self.failed[task] = attempt
        if len(self.blocks) < MAX_BLOCKS:
            self.blocks.add(task)
            lines = [] if self._output else tail.lines(BLOCK_LINES)  # with `show_output` it stands above already
            self._show(failure_block(self.spec.tasks[task], attempt, lines, self._names, self._display))

    def _show(self, lines: Iterable[str]) -> None:
        self._above += lines
        if len(self._above) > 2 * _MAX_ABOVE:
            self._left_out += len(self._above) - _MAX_ABOVE
            del self._above[:-_MAX_ABOVE]

    def _move(self, task: int, state: State) -> None:
        before = self.states[task]
        self.counts[before] -= 1
        self.counts[state] += 1
        self.states[task] = state
        made = self.__dict__  # nothing is counted for what no frame has asked for
        if "groups" in made:
            self.groups.moved(task, before, state)
        if "ended_before" in made and state.final and not before.final:
            for following in self.after[task]:
                self.ended_before[following] += 1
