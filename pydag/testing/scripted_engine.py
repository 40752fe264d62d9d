"""An engine that runs nothing: a test says how each attempt ends, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydag.engines.base import Ended, Engine, Event, Launch
from pydag.model.run import Output
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State
from pydag.testing.fake_clock import FakeClock

Answer = Callable[[Launch], Iterable[Event] | None]
"""What an attempt does, told when it starts; None where it goes on until it is told, stopped or out of time."""


class ScriptedEngine(Engine):
    """Answers each start as the test says. Time is the fake clock's: a `wait` in which nothing happens moves it."""

    name = "scripted"

    def __init__(self, answer: Answer, clock: FakeClock, *, slots: int | None = 2) -> None:
        self.slots = slots
        self.started: list[Launch] = []
        self.closed = False
        self._answer = answer
        self._clock = clock
        self._running: dict[int, tuple[Launch, float]] = {}
        self._events: list[Event] = []
        self._woken = False

    def prepare(self, spec: JobSpec, run_id: str) -> None:
        """Nothing to make ready."""

    def start(self, launch: Launch) -> None:
        """Note the start, and take the test's answer."""
        self.started.append(launch)
        self._running[launch.task] = (launch, self._clock.seconds + launch.timeout)
        for event in self._answer(launch) or ():
            self.say(event)

    def say(self, event: Event) -> None:
        """Let this happen now."""
        if isinstance(event, Ended):
            del self._running[event.task]
        self._events.append(event)

    def wait(self, timeout: float | None) -> list[Event]:
        """What was said; without anything, time passes to the next thing that is due."""
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
        """Let the next wait return at once."""
        self._woken = True

    def stop(self, *, force: bool) -> None:
        """End everything that runs, whichever way it was asked."""
        for launch, _ in list(self._running.values()):
            self.say(ended(launch, State.CANCELLED, signal=9 if force else 15, reason=Reason.INTERRUPTED))

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def _time_out(self) -> None:
        for launch, deadline in list(self._running.values()):
            if deadline <= self._clock.seconds:
                self.say(ended(launch, State.FAILED, signal=15, reason=Reason.TIMEOUT))


def ended(
    launch: Launch,
    state: State,
    *,
    exit_status: int | None = None,
    signal: int | None = None,
    reason: Reason | None = None,
) -> Ended:
    """The end of this attempt."""
    return Ended(
        task=launch.task, number=launch.number, state=state, exit_status=exit_status, signal=signal, reason=reason
    )


def succeed(launch: Launch) -> list[Event]:
    """An answer: it ends at once, well."""
    return [ended(launch, State.SUCCESS, exit_status=0)]


def as_shell(launch: Launch) -> list[Event] | None:
    """An answer that knows the few commands of `EngineContract`."""
    word, _, rest = launch.command.partition(" ")
    if word == "sleep":
        return None
    if word == "exit" and rest != "0":
        return [ended(launch, State.FAILED, exit_status=int(rest))]
    output = [Output(task=launch.task, number=launch.number, data=f"{rest}\n".encode())] if word == "echo" else []
    return [*output, *succeed(launch)]
