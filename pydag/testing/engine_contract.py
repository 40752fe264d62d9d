"""What every Engine promises, as tests to inherit."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pydag.engines.base import Ended, Engine, Event, Launch
from pydag.run import Output
from pydag.state import Reason, State
from pydag.testing.records import job_of


class EngineContract:
    """Inherit it, and give a fixture `engine`: a new engine that nothing was started on, closed after the test."""

    @pytest.fixture
    def prepared(self, engine: Engine) -> Engine:
        """The engine, ready for a run of eight tasks."""
        engine.prepare(job_of("contract", tasks=8), "run-1")
        return engine

    def test_a_command_that_exits_with_0_ends_as_success(self, prepared: Engine) -> None:
        """The plainest attempt there is."""
        prepared.start(launch(0, "exit 0"))
        end = one_end(collect(prepared, 1))
        assert (end.task, end.number, end.state, end.exit_status) == (0, 1, State.SUCCESS, 0)
        assert (end.signal, end.reason) == (None, None)

    def test_a_command_that_exits_with_another_status_ends_as_failed_with_that_status(self, prepared: Engine) -> None:
        """The status is told as it was."""
        prepared.start(launch(0, "exit 3"))
        end = one_end(collect(prepared, 1))
        assert (end.state, end.exit_status, end.signal) == (State.FAILED, 3, None)

    def test_output_comes_whole_and_before_the_end(self, prepared: Engine) -> None:
        """An end is the last word on its attempt."""
        prepared.start(launch(0, "echo some words"))
        events = collect(prepared, 1)
        assert isinstance(events[-1], Ended)
        assert output_of(events, 0) == b"some words\n"

    def test_each_attempt_ends_once_and_keeps_its_own_output(self, prepared: Engine) -> None:
        """Eight at once."""
        for task in range(8):
            prepared.start(launch(task, f"echo task {task}", number=task + 1))
        events = collect(prepared, 8)
        ends = [event for event in events if isinstance(event, Ended)]
        assert sorted((end.task, end.number) for end in ends) == [(task, task + 1) for task in range(8)]
        assert [output_of(events, task) for task in range(8)] == [f"task {task}\n".encode() for task in range(8)]

    def test_an_attempt_over_its_timeout_is_ended_as_failed_for_that_reason(self, prepared: Engine) -> None:
        """It does not go on."""
        prepared.start(launch(0, "sleep 600", timeout=1.0))
        end = one_end(collect(prepared, 1))
        assert (end.state, end.reason) == (State.FAILED, Reason.TIMEOUT)

    @pytest.mark.parametrize("force", [False, True])
    def test_stopped_attempts_end_as_cancelled(self, prepared: Engine, force: bool) -> None:
        """All of them, either way."""
        prepared.start(launch(0, "sleep 600"))
        prepared.start(launch(1, "sleep 600"))
        prepared.stop(force=force)
        ends = [event for event in collect(prepared, 2) if isinstance(event, Ended)]
        assert {(end.state, end.reason) for end in ends} == {(State.CANCELLED, Reason.INTERRUPTED)}

    def test_stopping_what_has_ended_changes_nothing(self, prepared: Engine) -> None:
        """No second end."""
        prepared.start(launch(0, "exit 0"))
        collect(prepared, 1)
        prepared.stop(force=False)
        prepared.stop(force=True)
        assert [event for event in prepared.wait(0.0) if isinstance(event, Ended)] == []

    def test_a_wait_ends_after_its_timeout_when_nothing_happens(self, prepared: Engine) -> None:
        """And says so with an empty list."""
        assert prepared.wait(0.01) == []

    def test_a_wait_ends_when_it_was_woken(self, prepared: Engine) -> None:
        """Even one that waits for ever."""
        prepared.start(launch(0, "sleep 600"))
        prepared.wake()
        assert prepared.wait(None) == []

    def test_an_engine_can_be_closed_while_an_attempt_runs(self, prepared: Engine) -> None:
        """Closing is how a tracker that broke off gets rid of what runs."""
        prepared.start(launch(0, "sleep 600"))
        prepared.close()


def launch(task: int, command: str, *, number: int = 1, timeout: float = 60.0, **more: str) -> Launch:
    """An attempt of a task, with what else its environment holds."""
    return Launch(task=task, number=number, command=command, timeout=timeout, env=more)


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
