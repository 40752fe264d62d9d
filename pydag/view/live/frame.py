"""The lines that the live display shows at one moment. Nothing is written here: `LiveTree` does that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pydag.model.run import Attempt, Run, tried_again
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view import tree
from pydag.view.live.board import Snapshot
from pydag.view.terminal import Display
from pydag.view.text import padded, text_width
from pydag.view.times import duration, elapsed
from pydag.view.wording import STOPPING, counted_states, failure, which_attempt

_BAR = 24  # columns at most
_MIN_BAR = 4  # a shorter one shows nothing
_MIN_WORDS = 8  # columns: what is said after the time in less than this cannot be understood
_NAMES = 60  # columns at most for branches and name, so that the times stay near them
_TIMES = 11  # columns for the sign and the time, which a narrow terminal still shows
_COUNTED = (State.RUNNING, State.FAILED, State.LOST, State.SKIPPED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class FrameLine:
    """A line as it goes to the terminal, and how many columns of it are visible."""

    text: str
    columns: int


class FrameLayout:
    """Lays out the frames of one run."""

    def __init__(self, run: Run, spec: JobSpec) -> None:
        self._run = run
        self._spec = spec
        self._tree: list[tree.Row] | None = None

    def frame(
        self, snapshot: Snapshot, now: datetime, display: Display, height: int, *, last: bool = False
    ) -> list[FrameLine]:
        """At most `height` lines. The last frame has no bar, as the summary follows it."""
        most = height if last else height - 1
        rows = self._rows(most) if snapshot.states else None
        if rows is None:
            lines = list(self._large(snapshot, now, display, most))[:most]
        else:
            guides = [display.graphics(row.guide) for row in rows]
            attempts = [snapshot.newest.get(row.task) for row in rows]
            states = [snapshot.states[row.task] for row in rows]
            tasks = [row.task for row in rows]
            lines = list(self._lines(zip(guides, tasks, states, attempts, strict=True), now, display))
        return lines if last else [*lines, self._last_line(snapshot, now, display)]

    def _rows(self, most: int) -> list[tree.Row] | None:
        """The tree where it fits, else nothing."""
        if self._tree is None and len(self._spec.tasks) <= most:
            self._tree = list(tree.rows(self._spec))
        return self._tree if len(self._spec.tasks) <= most else None

    def _large(self, snapshot: Snapshot, now: datetime, display: Display, most: int) -> Iterator[FrameLine]:
        """The newest failures in at most a third of the lines, then what runs, the longest running first."""
        failed = snapshot.failed[-max(most // 3, 1) :]
        running = snapshot.running[: max(most - len(failed) - 1, 0)]
        attempts = (*failed, *running)
        yield from self._lines((("", each.task, each.state, each) for each in attempts), now, display)
        more = snapshot.counts[State.RUNNING] - len(running)
        if more > 0:
            yield _line("", f"  and {more} more running", State.RUNNING, display)

    def _lines(
        self, rows: Iterable[tuple[str, int, State, Attempt | None]], now: datetime, display: Display
    ) -> Iterator[FrameLine]:
        rows = list(rows)
        most = min(_NAMES, (display.width or _NAMES) - _TIMES)
        names = [display.fit(self._spec.tasks[task].name, max(most - len(guide), 4)) for guide, task, _, _ in rows]
        width = max((len(row[0]) + text_width(name) for row, name in zip(rows, names, strict=True)), default=0)
        for (guide, task, state, attempt), name in zip(rows, names, strict=True):
            took, words = self._words(task, state, attempt, now)
            body = f"{display.sign(state)} {padded(name, width - len(guide))}  {took:>7}"
            # Where there is no room for words, the sign and the time stay whole.
            if (display.width or 80) - len(guide) - text_width(body) > _MIN_WORDS:
                body = f"{body}  {words}"
            yield _line(guide, body.rstrip(), state, display)

    def _words(self, task: int, state: State, attempt: Attempt | None, now: datetime) -> tuple[str, str]:
        """How long it took, and how it ended."""
        if attempt is None or attempt.started is None:
            return "", "" if state is State.PENDING else state.value
        spec = self._spec.tasks[task]
        took = elapsed(attempt.started, attempt.ended or now)
        words = [] if state in (State.SUCCESS, State.RUNNING) else [failure(spec, attempt)]
        if attempt.number > 1 or (words and spec.retries):
            words.append(which_attempt(spec, attempt))
        if state is State.PENDING and tried_again(spec, attempt):
            words.append(f"again after {duration(spec.retry_delay)}" if spec.retry_delay else "again soon")
        if state is State.CANCELLED and attempt.state is State.FAILED:
            words.append("cancelled before the next")
        return took, ", ".join(words)

    def _last_line(self, snapshot: Snapshot, now: datetime, display: Display) -> FrameLine:
        total = len(self._spec.tasks)
        done = total - snapshot.counts[State.PENDING] - snapshot.counts[State.RUNNING]
        counts = counted_states({state: snapshot.counts[state] for state in _COUNTED})
        name = display.fit(self._spec.name, 30)
        words = [f"{done}/{total}", elapsed(self._run.started, now), *([counts] if counts else [])]
        if snapshot.stopping:
            words = [name, STOPPING, *words]
        else:
            words = [name, *_bar(done, total, display, text_width("  ".join([name, *words]))), *words]
        bad = snapshot.counts[State.FAILED] + snapshot.counts[State.LOST]
        return _line("", "  ".join(words), State.FAILED if bad else State.RUNNING, display)


def _bar(done: int, total: int, display: Display, used: int) -> list[str]:
    """The bar, as wide as the rest of its line allows; none where that is too little."""
    width = display.width or 80
    columns = min(_BAR, width // 4, width - used - 2)
    full = columns * done // total
    return [display.graphics("█" * full + "░" * (columns - full))] if columns >= _MIN_BAR else []


def _line(guide: str, text: str, state: State, display: Display) -> FrameLine:
    """Cut to the terminal's width. The branches keep the terminal's own colour."""
    width = display.width or 80
    guide = display.cut(guide, width)
    text = display.cut(text, width - len(guide))
    return FrameLine(guide + display.paint(text, state), len(guide) + text_width(text))
