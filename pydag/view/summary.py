"""The end of a run: that it is being stopped, what the failed tasks wrote at their end, and one line that sums up."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydag.model.run import Attempt, Output, RunRecord, tried_again
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view.terminal import Display
from pydag.view.text import between, count, harmless
from pydag.view.wording import failure, never_started

LINES = 20
"""So many last lines of a failed task's output are shown."""

TAIL = 16 * 1024
"""So many last bytes of a running attempt's output are kept for them."""

SHOWN = 3
"""Of so many failed tasks the output is shown; the others are counted."""

STOPPING = "stopping; Ctrl-C again kills"
"""What there is to say until then, once somebody asked the run to stop."""

_NAME = 60  # columns of a task's name on a terminal; the command below it has the whole
_ENDED = {State.SUCCESS: "succeeded", State.FAILED: "failed", State.CANCELLED: "was cancelled", State.LOST: "is lost"}


@dataclass(slots=True)
class Tail:
    """The end of an output; `cut` where its start is gone."""

    data: bytearray = field(default_factory=bytearray)
    cut: bool = False

    def lines(self) -> list[str]:
        """The last lines as a terminal would show them, with nothing left in them that steers one."""
        lines = self.data[-TAIL:].decode(errors="replace").rstrip("\r\n").split("\n")
        if len(lines) == 1 and not lines[0]:
            return []
        if self.cut or len(self.data) > TAIL:
            lines[0] = "…" + lines[0].lstrip("\ufffd")
        return [harmless(_overwritten(line)) for line in lines[-LINES:]]


class Tails:
    """The tails of what runs, and of the first tasks that failed for good. Memory is bounded whatever tasks write."""

    def __init__(self, spec: JobSpec) -> None:
        self.failed: dict[int, tuple[Attempt, Tail]] = {}
        self._spec = spec
        self._running: dict[int, Tail] = {}

    def add(self, output: Output) -> None:
        """More output of a running attempt."""
        tail = self._running.get(output.task)
        if tail is None:
            tail = self._running[output.task] = Tail()
        tail.data += output.data[-TAIL:]
        if len(tail.data) > 4 * TAIL or len(output.data) > TAIL:
            del tail.data[:-TAIL]
            tail.cut = True

    def ended(self, attempt: Attempt) -> None:
        """An attempt ended: its tail goes, unless it is one to show."""
        tail = self._running.pop(attempt.task, None)
        if (
            attempt.state in (State.FAILED, State.LOST)
            and len(self.failed) < SHOWN
            and not tried_again(self._spec.tasks[attempt.task], attempt)
        ):
            self.failed[attempt.task] = attempt, tail or Tail()


def closing(record: RunRecord, tails: Tails, display: Display) -> Iterator[str]:
    """The lines that stand last on screen."""
    for attempt, tail in tails.failed.values():
        yield from _failed(record, attempt, tail, display)
    yield from _others(record, tails, display)
    yield display.paint(summary(record), record.state)


def summary(record: RunRecord) -> str:
    """`TestJob failed after 3.2s: 4 ok, 1 failed, 2 skipped`."""
    if record.run.never_started:
        return f"{record.run.job} {never_started(record.run)}"
    states = [task.state for task in record.tasks.values()]
    counts = [
        f"{states.count(state)} {'ok' if state is State.SUCCESS else state.value}" for state in State if state in states
    ]
    run = record.run
    after = f" after {between(run.started, run.ended)}" if run.ended else ""
    return f"{run.job} {_ENDED.get(run.state, run.state.value)}{after}: {', '.join(counts)}"


def _failed(record: RunRecord, attempt: Attempt, tail: Tail, display: Display) -> Iterator[str]:
    task = record.spec.tasks[attempt.task]
    lines = tail.lines()
    wrote = "its last output:" if lines else "it wrote nothing"
    name = task.name if display.width is None else display.fit(task.name, _NAME)
    yield display.paint(f"{display.sign(attempt.state)} `{name}`: {failure(task, attempt)}; {wrote}", attempt.state)
    bar = display.drawn("  │ ")
    for line in lines:
        yield bar + line
    if lines:
        yield f"  all of it: {_command(record.run.job, task.name)}"


def _others(record: RunRecord, tails: Tails, display: Display) -> Iterator[str]:
    """The failed tasks whose output is not shown."""
    shown = {record.spec.tasks[number].name for number in tails.failed}
    others = [task.name for task in record.unsuccessful(State.FAILED, State.LOST) if task.name not in shown]
    if others:
        words = f"{count(len(others), 'more task')} failed; the first: {_command(record.run.job, others[0])}"
        yield display.paint(f"{display.sign(State.FAILED)} {words}", State.FAILED)


def _command(job: str, task: str) -> str:
    """How to see all of a task's output, ready to be pasted into a shell."""
    option = f"--task_name {shlex.quote(task)} -n 1"
    if job.startswith("-"):
        return f"pydag log {option} -- {shlex.quote(job)}"
    return f"pydag log {shlex.quote(job)} {option}"


def _overwritten(line: str) -> str:
    """What a carriage return leaves of a line, as progress bars write it."""
    return next((part for part in reversed(line.split("\r")) if part), "")
