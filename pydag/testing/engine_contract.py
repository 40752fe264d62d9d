"""What every Engine promises, as tests to inherit."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pydag.engines.base import Ended, Engine, Event, Launch
from pydag.model.actions import Shell
from pydag.model.run import Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State


class EngineContract:
    """Inherit it, and give a fixture `engine`: a new engine that nothing was started on, closed after the test.

    The jobs have the name that the fixture `job` gives; override it where names must not be used again.
    """

    @pytest.fixture
    def job(self) -> str:
        """The name of the job."""
        return "contract"

    def test_a_command_that_exits_with_0_ends_as_success(self, engine: Engine, job: str) -> None:
        """The plainest attempt there is."""
        start(engine, job, "exit 0")
        end = one_end(collect(engine, 1))
        assert (end.task, end.number, end.state, end.exit_status) == (0, 1, State.SUCCESS, 0)
        assert (end.signal, end.reason) == (None, None)

    def test_a_command_that_exits_with_another_status_ends_as_failed_with_that_status(
        self, engine: Engine, job: str
    ) -> None:
        """The status is told as it was."""
        start(engine, job, "exit 3")
        end = one_end(collect(engine, 1))
        assert (end.state, end.exit_status, end.signal) == (State.FAILED, 3, None)

    def test_output_comes_whole_and_before_the_end(self, engine: Engine, job: str) -> None:
        """An end is the last word on its attempt. One engine may strip blank ends of an output, no more."""
        start(engine, job, "echo some words")
        events = collect(engine, 1)
        assert isinstance(events[-1], Ended)
        assert output_of(events, 0).rstrip() == b"some words"

    def test_each_attempt_ends_once_and_keeps_its_own_output(self, engine: Engine, job: str) -> None:
        """Eight at once."""
        start(engine, job, *(f"echo task {task}" for task in range(8)))
        events = collect(engine, 8)
        ends = [event for event in events if isinstance(event, Ended)]
        assert sorted((end.task, end.number) for end in ends) == [(task, 1) for task in range(8)]
        assert [output_of(events, task).rstrip() for task in range(8)] == [f"task {n}".encode() for n in range(8)]

    def test_a_second_attempt_is_told_from_the_first(self, engine: Engine, job: str) -> None:
        """A retry is a new attempt with a number of its own."""
        (launch,) = start(engine, job, "exit 3")
        collect(engine, 1)
        engine.start(Launch(task=0, number=2, command=launch.command, timeout=launch.timeout, env={}))
        end = one_end(collect(engine, 1))
        assert (end.number, end.exit_status) == (2, 3)

    def test_an_attempt_over_its_timeout_is_ended_as_failed_for_that_reason(self, engine: Engine, job: str) -> None:
        """It does not go on."""
        start(engine, job, "sleep 600", timeout=1.0)
        end = one_end(collect(engine, 1))
        assert (end.state, end.reason) == (State.FAILED, Reason.TIMEOUT)

    def test_stopped_attempts_end_as_cancelled(self, engine: Engine, job: str) -> None:
        """All of them."""
        start(engine, job, "sleep 600", "sleep 600")
        let_begin(engine)
        engine.stop(force=False)
        ends = [event for event in collect(engine, 2) if isinstance(event, Ended)]
        assert {(end.state, end.reason) for end in ends} == {(State.CANCELLED, Reason.INTERRUPTED)}

    def test_a_forced_stop_ends_every_attempt(self, engine: Engine, job: str) -> None:
        """As cancelled, or as lost where nobody can tell so soon that it ended."""
        start(engine, job, "sleep 600", "sleep 600")
        let_begin(engine)
        engine.stop(force=False)
        engine.stop(force=True)
        ends = [event for event in collect(engine, 2) if isinstance(event, Ended)]
        assert {end.state for end in ends} <= {State.CANCELLED, State.LOST}

    def test_stopping_what_has_ended_changes_nothing(self, engine: Engine, job: str) -> None:
        """No second end."""
        start(engine, job, "exit 0")
        collect(engine, 1)
        engine.stop(force=False)
        engine.stop(force=True)
        assert [event for event in engine.wait(0.0) if isinstance(event, Ended)] == []

    def test_a_wait_ends_after_its_timeout_when_nothing_happens(self, engine: Engine, job: str) -> None:
        """And says so with an empty list."""
        start(engine, job)
        assert engine.wait(0.01) == []

    def test_a_wait_ends_when_it_was_woken(self, engine: Engine, job: str) -> None:
        """Even one that waits for ever."""
        start(engine, job, "sleep 600")
        engine.wake()
        assert engine.wait(None) == []

    def test_a_wait_of_a_year_ends_with_what_comes_first(self, engine: Engine, job: str) -> None:
        """A retry may be that far away."""
        start(engine, job, "exit 0")
        events: list[Event] = []
        while not events:
            events = engine.wait(31_536_000.0)
        assert events

    def test_an_engine_can_be_closed_while_an_attempt_runs(self, engine: Engine, job: str) -> None:
        """Closing is how a tracker that broke off gets rid of what runs; it may be closed again."""
        start(engine, job, "sleep 600")
        let_begin(engine)
        engine.close()


def start(engine: Engine, job: str, *commands: str, timeout: float = 60.0) -> list[Launch]:
    """Prepare the engine for a job of these commands, and start the first attempt of each."""
    tasks = (TaskSpec(name=f"t{n}", action=Shell(command), timeout=timeout) for n, command in enumerate(commands))
    # An engine is never given a job without tasks.
    spec = JobSpec(name=job, tasks=tuple(tasks) or (TaskSpec(name="t0", action=Shell("exit 0")),))
    engine.prepare(spec, "run-1")
    launches = [launch(task, command, timeout=timeout) for task, command in enumerate(commands)]
    for each in launches:
        engine.start(each)
    return launches


def launch(task: int, command: str, *, number: int = 1, timeout: float = 60.0, **more: str) -> Launch:
    """An attempt of a task, with what else its environment holds."""
    return Launch(task=task, number=number, command=command, timeout=timeout, env=more)


def let_begin(engine: Engine) -> None:
    """Give attempts that go on the time to begin: an engine may not be able to stop what its server has not begun."""
    assert [event for event in engine.wait(0.5) if isinstance(event, Ended)] == []


def collect(engine: Engine, ends: int) -> list[Event]:
    """All events until so many attempts have ended."""
    events: list[Event] = []
    while sum(isinstance(event, Ended) for event in events) < ends:
        events += engine.wait(60.0)
    return events


def one_end(events: Iterable[Event]) -> Ended:
    """The only end among these."""
    (end,) = [event for event in events if isinstance(event, Ended)]
    return end


def output_of(events: Iterable[Event], task: int) -> bytes:
    """What a task wrote."""
    return b"".join(event.data for event in events if isinstance(event, Output) and event.task == task)
