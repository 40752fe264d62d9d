"""An engine that runs nothing: a test says how each attempt ends, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pydag.engines.base import Engine, Event
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.testing.fake_clock import FakeClock


class Start(NamedTuple):
    """A call of `start`. `spec` is the task as the job has it."""

    task: int
    number: int
    env: Mapping[str, str]
    spec: TaskSpec


Answer = Callable[[Start], Iterable[Event] | None]
"""What an attempt does when it starts: its events, or None where it goes on until it ends some other way."""


class ScriptedEngine(Engine):
    """Answers each start as the test says. Time is the fake clock's: a `wait` in which nothing happens moves it."""

    name = "scripted"

    def __init__(
        self, answer: Answer, clock: FakeClock, *, slots: int | None = 2, task_timeout: float = 3600.0
    ) -> None:
        self.slots = slots
        self.answer = answer
        self.started: list[Start] = []
        self.stops: list[bool] = []
        """Each call of `stop`: whether it was forced."""
        self.closed = False
        self._clock = clock
        self._task_timeout = task_timeout
        self._tasks: tuple[TaskSpec, ...] = ()
        self._running: dict[int, tuple[Start, float]] = {}
        self._events: list[Event] = []
        self._woken = False

    def prepare(self, spec: JobSpec) -> None:
        self._tasks = spec.tasks

    def start(self, task: int, number: int, env: Mapping[str, str]) -> None:
        start = Start(task, number, env, self._tasks[task])
        self.started.append(start)
        timeout = self._task_timeout if start.spec.timeout is None else start.spec.timeout
        self._running[task] = (start, self._clock.seconds + timeout)
        for event in self.answer(start) or ():
            self.say(event)

    def say(self, event: Event) -> None:
        """Let this happen now."""
        if isinstance(event, Attempt):
            del self._running[event.task]
        self._events.append(event)

    def mention(self, start: Start, detail: str) -> None:
        """Say this of a running attempt now."""
        self._events.append(Attempt(task=start.task, number=start.number, state=State.RUNNING, detail=detail))

    def wait(self, timeout: float | None) -> list[Event]:
        if not self._events and not self._woken:
            due = [deadline for _, deadline in self._running.values()]
            due += [] if timeout is None else [self._clock.seconds + timeout]
            if not due:
                raise AssertionError("the tracker waits for ever: nothing runs and nothing is due")
            self._clock.seconds = max(self._clock.seconds, min(due))
            self._time_out()
        self._woken = False
        events, self._events = self._events, []
        return events

    def wake(self) -> None:
        self._woken = True

    def stop(self, *, force: bool) -> None:
        self.stops.append(force)
        for start, _ in list(self._running.values()):
            self.say(ended(start, State.CANCELLED, signal=9 if force else 15, reason=Reason.INTERRUPTED))

    def close(self) -> None:
        self.closed = True

    def _time_out(self) -> None:
        for start, deadline in list(self._running.values()):
            if deadline <= self._clock.seconds:
                self.say(ended(start, State.FAILED, signal=15, reason=Reason.TIMEOUT))


def ended(
    start: Start,
    state: State,
    *,
    exit_status: int | None = None,
    signal: int | None = None,
    reason: Reason | None = None,
) -> Attempt:
    """The end of this attempt."""
    return Attempt(
        task=start.task, number=start.number, state=state, exit_status=exit_status, signal=signal, reason=reason
    )


def succeed(start: Start) -> list[Event]:
    """An answer: the attempt ends at once, with success."""
    return [ended(start, State.SUCCESS, exit_status=0)]


def as_shell(start: Start) -> list[Event] | None:
    """An answer that knows the few commands of `EngineContract`."""
    action = start.spec.action
    word, _, rest = action.text.partition(" ")
    if word in ("false", "cd", "#"):  # a part of it fails
        strict = isinstance(action, Shell) and action.strict
        document = ["$1 'text'\n", "" if strict else "on\n"] if word == "#" else []
        output = [Output(task=start.task, number=start.number, data=text.encode()) for text in document]
        return [*output, *([ended(start, State.FAILED, exit_status=1)] if strict else succeed(start))]
    if word == "sleep":
        return None
    if word == "exit" and rest != "0":
        return [ended(start, State.FAILED, exit_status=int(rest))]
    output = [Output(task=start.task, number=start.number, data=f"{rest}\n".encode())] if word == "echo" else []
    return [*output, *succeed(start)]
