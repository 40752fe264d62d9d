"""A run as plain lines, one for each event: for pipes, CI, and terminals that cannot redraw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from threading import Lock
from typing import TextIO

from pydag.errors import count
from pydag.model.run import Attempt, Output, Run, RunRecord, tried_again
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.view.heartbeat import Heartbeat
from pydag.view.outlet import Outlet
from pydag.view.output_lines import OutputLines
from pydag.view.summary import final_lines, finish
from pydag.view.tails import OutputTails
from pydag.view.terminal import Display
from pydag.view.text import sanitized
from pydag.view.times import duration, elapsed, local_time
from pydag.view.wording import MAX_NAMES, STOPPING, failure, task_names, which_attempt, why_skipped

_MAX_LINES = 10  # more tasks than this that end together without having started share a line


def _now() -> datetime:
    return datetime.now(UTC)


class LineReporter:
    """A Reporter. Each call writes its lines at once, in one write. `strict` is as in `Outlet`.

    With `show_output`, what tasks write is shown too. After `silence` seconds without a line, one says what runs.
    """

    def __init__(
        self,
        stream: TextIO,
        display: Display,
        *,
        strict: bool = False,
        show_output: bool = False,
        silence: float = 60,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._out = Outlet(stream, strict=strict)
        # An error of a strict outlet must reach the caller, not a thread.
        self._silence = None if strict else silence
        self._heartbeat: Heartbeat | None = None
        self._lock = Lock()  # of what the heartbeat's thread touches: the outlet, and the running attempts
        self._running: dict[int, Attempt] = {}
        self._clock = clock
        self._display = display
        self._show_output = show_output
        self._hook = ""  # the one that runs
        self._second: tuple[float, str] = (0.0, "")

    def run_started(self, run: Run, spec: JobSpec) -> None:
        self._spec = spec
        self._tails = OutputTails(spec)
        self._output = OutputLines(spec, self._display) if self._show_output else None
        self._last = run.started
        tasks = count(len(spec.tasks), "task")
        self._write(f"{self._time(run.started)} {sanitized(spec.name)} started: {tasks}, run {run.id}\n")
        if self._silence is not None:
            self._heartbeat = Heartbeat(self._silence, self._beat)

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        """A line for each attempt; output is kept for the end, in case its task fails."""
        lines = []
        for output in outputs:
            self._tails.add(output)
            if self._output:
                lines += [f"{line}\n" for line in self._output.add(output)]
        not_attempted: dict[tuple[State, str], list[str]] = {}
        for attempt in attempts:
            if attempt.state.final:
                self._tails.ended(attempt)
                if self._output:
                    lines += [f"{line}\n" for line in self._output.ended(attempt)]
            task = self._spec.tasks[attempt.task]
            waits = attempt.state is State.RUNNING and attempt.detail
            self._last = self._clock() if waits else attempt.ended or attempt.started or self._last
            if attempt.attempted:
                lines.append(self._line(f"`{sanitized(task.name)}` {_attempt(task, attempt)}", attempt.state))
            else:
                not_attempted.setdefault((attempt.state, _not_attempted(task, attempt)), []).append(task.name)
        for (state, words), names in not_attempted.items():
            lines += [self._line(f"{each} {words}", state) for each in _grouped(names)]
        if lines:
            self._write("".join(lines), attempts)

    def stopping(self, at: datetime) -> None:
        """A line that says so, as it may take a while until everything has ended."""
        self._write(f"{self._time(at)} {STOPPING}\n")

    def hook_started(self, name: str, at: datetime) -> None:
        """A line, as a hook may take a while."""
        self._hook = name
        self._write(f"{self._time(at)} `{name}` started\n")

    def run_ended(self, record: RunRecord) -> None:
        self._silent()
        finish(self._out, "".join(f"{line}\n" for line in final_lines(record, self._tails, self._display)), record)

    def close(self) -> None:
        """Waits until a reader that had stopped has read everything."""
        self._silent()
        self._out.finish()

    def _write(self, text: str, attempts: Sequence[Attempt] = ()) -> None:
        """Write what these attempts, among others, gave."""
        with self._lock:
            for attempt in attempts:
                if attempt.state is State.RUNNING:
                    self._running[attempt.task] = attempt
                else:
                    self._running.pop(attempt.task, None)
            self._out.write(text)
        if self._heartbeat:
            self._heartbeat.heard()

    def _beat(self) -> None:
        with self._lock:
            self._out.write(f"{local_time(self._clock())} {self._still()}\n")

    def _still(self) -> str:
        """What runs, the longest running first; where nothing does, an attempt waits for its time."""
        if self._hook:
            return f"still running: `{self._hook}`"
        now = self._clock()
        names = [sanitized(self._spec.tasks[number].name) for number in islice(self._running, MAX_NAMES)]
        since = [elapsed(each.started or now, now) for each in islice(self._running.values(), MAX_NAMES)]
        named = ", ".join(f"`{name}` for {time}" for name, time in zip(names, since, strict=True))
        more = f" and {len(self._running) - MAX_NAMES} more" if len(self._running) > MAX_NAMES else ""
        return f"still running: {named}{more}" if named else "nothing runs: a failed task waits for its next attempt"

    def _silent(self) -> None:
        if self._heartbeat:
            self._heartbeat.stop()

    def _line(self, words: str, state: State) -> str:
        # A history has no time of the end of a task that was not attempted: it followed from what ended just before.
        return f"{self._time(self._last)} {self._display.paint(words, state)}\n"

    def _time(self, time: datetime) -> str:
        """`local_time`, computed once a second: it costs more than the rest of a line."""
        second = time.timestamp() // 1
        if self._second[0] != second:
            self._second = second, local_time(time)
        return self._second[1]


def _attempt(task: TaskSpec, attempt: Attempt) -> str:
    state = attempt.state
    if state is State.RUNNING and attempt.detail:
        return f"still running: {sanitized(attempt.detail)}"
    if state is State.RUNNING:
        return f"started, {which_attempt(task, attempt)}" if attempt.number > 1 else "started"
    took = f" after {elapsed(attempt.started, attempt.ended)}" if attempt.started and attempt.ended else ""
    if state is State.SUCCESS:
        return f"{state.value}{took}"
    why = failure(task, attempt)
    words = f"{state.value}{took}" + (f": {why}" if why != state.value else "")
    if tried_again(task, attempt):
        wait = f"in {duration(task.retry_delay)}" if task.retry_delay else "now"
        words += f"; {which_attempt(task, attempt)}, the next {wait}"
    return words


def _not_attempted(task: TaskSpec, end: Attempt) -> str:
    """Of a task that ended without an attempt, or without a further one."""
    return why_skipped(task, end.reason) if end.state is State.SKIPPED else f"{end.state.value} while waiting"


def _grouped(names: list[str]) -> list[str]:
    """Each name, or all in one: the failure of one task can skip 10,000."""
    return [task_names(names)] if len(names) > _MAX_LINES else [f"`{sanitized(name)}`" for name in names]
