"""Lines: one plain line an event, for pipes, CI and screens that cannot redraw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from pydag.model.run import Attempt, Output, Run, RunRecord, tried_again
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.view.outlet import Outlet
from pydag.view.summary import STOPPING, Tails, closing
from pydag.view.terminal import Display
from pydag.view.text import between, count, duration, moment
from pydag.view.wording import failure, of_attempts, why_skipped

FLOOD = 10
"""More tasks than this that end together without having started share a line."""


class Lines:
    """A Reporter. Each call writes its lines at once, in one write; a `strict` one raises what that meets."""

    def __init__(self, stream: TextIO, display: Display, *, strict: bool = False) -> None:
        self._out = Outlet(stream, strict=strict)
        self._display = display
        self._second: tuple[float, str] = (0.0, "")

    def run_started(self, run: Run, spec: JobSpec) -> None:
        """The first line names the job, its size and the run."""
        self._spec = spec
        self._tails = Tails(spec)
        self._last = run.started
        self._out.write(
            f"{self._time(run.started)} {spec.name} started: {count(len(spec.tasks), 'task')}, run {run.id}\n"
        )

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        """A line for each attempt; output is kept for the end, in case its task fails."""
        for output in outputs:
            self._tails.add(output)
        lines = []
        never: dict[tuple[State, str], list[str]] = {}
        for change in attempts:
            if change.state.final:
                self._tails.ended(change)
            task = self._spec.tasks[change.task]
            self._last = change.ended or change.started or self._last
            if change.attempted:
                lines.append(self._line(f"`{task.name}` {_event(self._spec, task, change)}", change.state))
            else:
                never.setdefault((change.state, _note(task, change.state)), []).append(f"`{task.name}`")
        for (state, words), names in never.items():
            lines += [self._line(f"{each} {words}", state) for each in _grouped(names)]
        if lines:
            self._out.write("".join(lines))

    def stopping(self, at: datetime) -> None:
        """A line that says so, as what runs may take a while to end."""
        self._out.write(f"{self._time(at)} {STOPPING}\n")

    def run_ended(self, record: RunRecord) -> None:
        """The ends of failed outputs, and the summary."""
        self._out.finish("".join(f"{line}\n" for line in closing(record, self._tails, self._display)))

    def close(self) -> None:
        """What a stopped reader did not take yet goes out."""
        self._out.finish()

    def _line(self, words: str, state: State) -> str:
        # Of a task that never started, a history read anew has no time: it was decided by what ended just before.
        return f"{self._time(self._last)} {self._display.paint(words, state)}\n"

    def _time(self, time: datetime) -> str:
        """`moment`, worked out once a second: it is dearer than all the rest of a line."""
        second = time.timestamp() // 1
        if self._second[0] != second:
            self._second = second, moment(time)
        return self._second[1]


def _event(spec: JobSpec, task: TaskSpec, attempt: Attempt) -> str:
    state = attempt.state
    if state is State.RUNNING:
        return f"started, {of_attempts(task, attempt)}" if attempt.number > 1 else "started"
    took = f" after {between(attempt.started, attempt.ended)}" if attempt.started and attempt.ended else ""
    if state is State.SUCCESS:
        return f"{state.value}{took}"
    why = failure(task, attempt)
    words = f"{state.value}{took}" + (f": {why}" if why != state.value else "")
    if tried_again(task, attempt):
        wait = f"in {duration(task.retry_delay)}" if task.retry_delay else "now"
        words += f"; {of_attempts(task, attempt)}, the next {wait}"
    return words


def _note(task: TaskSpec, state: State) -> str:
    """Of a task that ends without an attempt, or without a further one."""
    return why_skipped(task) if state is State.SKIPPED else f"{state.value}: nothing of it will start"


def _grouped(names: list[str]) -> list[str]:
    """Each name, or all in one where it is a flood: the failure of one task can skip 10,000."""
    if len(names) <= FLOOD:
        return names
    return [f"{', '.join(names[:3])} and {len(names) - 3} more"]
