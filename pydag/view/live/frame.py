"""Frames: from a moment of a run to the lines that a terminal shows of it. Pure; drawing them is `live`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pydag.model.run import Attempt, Run, tried_again
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view import tree
from pydag.view.live.board import View
from pydag.view.summary import STOPPING
from pydag.view.terminal import Display
from pydag.view.text import between, cells, duration, padded
from pydag.view.wording import failure, of_attempts

_BAR = 24  # columns
_NAMES = 60  # columns at most for branches and name, so that the times stay near them
_TIMES = 11  # columns for the sign and the time, which a narrow screen still shows
_COUNTED = (State.RUNNING, State.FAILED, State.LOST, State.SKIPPED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line as it goes to the terminal, and how many columns of it are seen."""

    text: str
    columns: int


class Frames:
    """Makes the frames of one run."""

    def __init__(self, run: Run, spec: JobSpec) -> None:
        self._run = run
        self._spec = spec
        self._tree: list[tree.Row] | None = None

    def frame(self, view: View, now: datetime, display: Display, room: int, *, last: bool = False) -> list[Drawn]:
        """At most `room` lines. The last frame has no bar: the summary that follows it says as much."""
        most = room if last else room - 1
        rows = self._rows(most) if view.states else None
        if rows is None:
            lines = list(self._large(view, now, display, most))[:most]
        else:
            guides = [display.drawn(row.guide) for row in rows]
            attempts = [view.newest.get(row.task) for row in rows]
            states = [view.states[row.task] for row in rows]
            lines = list(
                self._lines(zip(guides, [row.task for row in rows], states, attempts, strict=True), now, display)
            )
        return lines if last else [*lines, self._bar(view, now, display)]

    def _rows(self, most: int) -> list[tree.Row] | None:
        """The tree where it fits, else the tasks in their order, else nothing."""
        if len(self._spec.tasks) > most:
            return None
        if self._tree is None:
            self._tree = tree.rows(self._spec)
        if len(self._tree) <= most and not any(row.goes_on or row.also for row in self._tree):
            return self._tree
        return [tree.Row(guide="", task=number) for number in range(len(self._spec.tasks))]

    def _large(self, view: View, now: datetime, display: Display, most: int) -> Iterator[Drawn]:
        """The newest failures in at most a third of the lines, then what runs, the longest running first."""
        failed = view.failed[-max(most // 3, 1) :]
        running = view.running[: max(most - len(failed) - 1, 0)]
        attempts = (*failed, *running)
        yield from self._lines((("", each.task, each.state, each) for each in attempts), now, display)
        more = view.counts[State.RUNNING] - len(running)
        if more > 0:
            yield _drawn("", f"  and {more} more running", State.RUNNING, display)

    def _lines(
        self, rows: Iterable[tuple[str, int, State, Attempt | None]], now: datetime, display: Display
    ) -> Iterator[Drawn]:
        rows = list(rows)
        most = min(_NAMES, (display.width or _NAMES) - _TIMES)
        names = [display.fit(self._spec.tasks[task].name, max(most - len(guide), 4)) for guide, task, _, _ in rows]
        width = max((len(row[0]) + cells(name) for row, name in zip(rows, names, strict=True)), default=0)
        for (guide, task, state, attempt), name in zip(rows, names, strict=True):
            took, words = self._words(task, state, attempt, now)
            body = f"{display.sign(state)} {padded(name, width - len(guide))}  {took:>7}  {words}".rstrip()
            yield _drawn(guide, body, state, display)

    def _words(self, task: int, state: State, attempt: Attempt | None, now: datetime) -> tuple[str, str]:
        """How long, and what else there is to say."""
        if attempt is None or attempt.started is None:
            return "", "" if state is State.PENDING else state.value
        spec = self._spec.tasks[task]
        took = between(attempt.started, attempt.ended or now)
        words = [] if state in (State.SUCCESS, State.RUNNING) else [failure(spec, attempt)]
        if attempt.number > 1 or (words and spec.retries):
            words.append(of_attempts(spec, attempt))
        if state is State.PENDING and tried_again(spec, attempt):
            words.append(f"the next after {duration(spec.retry_delay)}" if spec.retry_delay else "again soon")
        return took, ", ".join(words)

    def _bar(self, view: View, now: datetime, display: Display) -> Drawn:
        total = len(self._spec.tasks)
        done = total - view.counts[State.PENDING] - view.counts[State.RUNNING]
        columns = min(_BAR, (display.width or 80) // 4)
        full = columns * done // total
        bar = STOPPING if view.stopping else display.drawn("█" * full + "░" * (columns - full))
        counts = [f"{view.counts[state]} {state.value}" for state in _COUNTED if view.counts[state]]
        took = between(self._run.started, now)
        words = "  ".join([display.fit(self._spec.name, 30), bar, f"{done}/{total}", took, ", ".join(counts)]).rstrip()
        bad = view.counts[State.FAILED] + view.counts[State.LOST]
        return _drawn("", words, State.FAILED if bad else State.RUNNING, display)


def _drawn(guide: str, text: str, state: State, display: Display) -> Drawn:
    """Cut to the screen. The branches keep the terminal's own colour."""
    width = display.width or 80
    guide = display.cut(guide, width)
    text = display.cut(text, width - len(guide))
    return Drawn(guide + display.paint(text, state), len(guide) + cells(text))
