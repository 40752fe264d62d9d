"""The contract that every engine keeps, as tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from pydag.engines.base import Engine, Event
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State

OpenEngine = Callable[[], Engine]


class EngineContract:
    """What every engine must do.

    Subclass it in a test module (as `class TestMyEngine(EngineContract)`) with a fixture `open_engine`: a function that
    makes a new engine, which the fixture closes after the test. The jobs bear the name `job`, an attribute or a
    property: override it where a name must not be used twice.
    """

    job = "contract"

    def test_a_command_that_exits_with_0_ends_as_success(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, "exit 0")
        end = one_end(collect(engine, 1))
        assert (end.task, end.number, end.state, end.exit_status) == (0, 1, State.SUCCESS, 0)
        assert (end.signal, end.reason) == (None, None)

    def test_a_command_that_exits_with_another_status_ends_as_failed_with_that_status(
        self, open_engine: OpenEngine
    ) -> None:
        engine = open_engine()
        self._start(engine, "exit 3")
        end = one_end(collect(engine, 1))
        assert (end.state, end.exit_status, end.signal) == (State.FAILED, 3, None)

    def test_an_end_has_both_times_in_order_or_none(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        before = datetime.now(UTC)
        self._start(engine, "exit 0")
        end = one_end(collect(engine, 1))
        if end.started is None or end.ended is None:
            assert end.started is end.ended
        else:
            assert before <= end.started <= end.ended <= datetime.now(UTC)

    def test_output_comes_whole_and_before_the_end(self, open_engine: OpenEngine) -> None:
        """An engine may strip blanks and newlines at the end of an output, and nothing else."""
        engine = open_engine()
        self._start(engine, "echo some words")
        events = collect(engine, 1)
        assert isinstance(events[-1], Attempt)
        assert output_of(events, 0).rstrip() == b"some words"

    def test_each_attempt_ends_once_and_keeps_its_own_output(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, *(f"echo task {task}" for task in range(8)))
        events = collect(engine, 8)
        ends = [event for event in events if isinstance(event, Attempt)]
        assert sorted((end.task, end.number) for end in ends) == [(task, 1) for task in range(8)]
        assert [output_of(events, task).rstrip() for task in range(8)] == [f"task {n}".encode() for n in range(8)]

    def test_a_strict_command_fails_where_a_part_of_it_fails_and_a_plain_one_ends_as_its_last_part(
        self, open_engine: OpenEngine
    ) -> None:
        """In a pipe, in a list, and on each of several lines, under a comment and around a here-document."""
        engine = open_engine()
        document = "# a comment\ncat <<'END' | cat\n$1 'text'\nEND\nfalse\necho on"
        commands = ("false | true", "cd /no/such/directory; echo on", document)
        self._start_actions(
            engine, *(Shell(command, strict=strict) for strict in (True, False) for command in commands)
        )
        events = collect(engine, 6)
        ends = {event.task: event for event in events if isinstance(event, Attempt)}
        assert [(ends[task].state, ends[task].exit_status) for task in range(3)] == [(State.FAILED, 1)] * 3
        assert [(ends[task].state, ends[task].exit_status) for task in range(3, 6)] == [(State.SUCCESS, 0)] * 3
        assert output_of(events, 2).rstrip() == b"$1 'text'"
        assert output_of(events, 5).rstrip() == b"$1 'text'\non"

    def test_a_strict_command_without_a_fault_ends_as_success(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start_actions(engine, Shell("exit 0", strict=True), Shell("echo some words", strict=True))
        events = collect(engine, 2)
        assert {event.state for event in events if isinstance(event, Attempt)} == {State.SUCCESS}
        assert output_of(events, 1).rstrip() == b"some words"

    def test_a_second_attempt_of_a_task_has_its_own_number(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, "exit 3")
        collect(engine, 1)
        engine.start(0, 2, {})
        end = one_end(collect(engine, 1))
        assert (end.number, end.exit_status) == (2, 3)

    def test_an_attempt_over_its_timeout_is_ended_and_fails_for_that_reason(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, "sleep 600", timeout=1.0)
        end = one_end(collect(engine, 1))
        assert (end.state, end.reason) == (State.FAILED, Reason.TIMEOUT)

    def test_stopped_attempts_end_as_cancelled(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, "sleep 600", "sleep 600")
        let_begin(engine)
        engine.stop(force=False)
        ends = [event for event in collect(engine, 2) if isinstance(event, Attempt)]
        assert {(end.state, end.reason) for end in ends} == {(State.CANCELLED, Reason.INTERRUPTED)}

    def test_a_forced_stop_ends_every_attempt(self, open_engine: OpenEngine) -> None:
        """As cancelled, or as lost where the engine cannot know so soon that it ended."""
        engine = open_engine()
        self._start(engine, "sleep 600", "sleep 600")
        let_begin(engine)
        engine.stop(force=False)
        engine.stop(force=True)
        ends = [event for event in collect(engine, 2) if isinstance(event, Attempt)]
        assert {end.state for end in ends} <= {State.CANCELLED, State.LOST}

    def test_stopping_what_has_ended_changes_nothing(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, "exit 0")
        collect(engine, 1)
        engine.stop(force=False)
        engine.stop(force=True)
        assert [event for event in engine.wait(0.0) if isinstance(event, Attempt)] == []

    def test_a_wait_in_which_nothing_happens_returns_an_empty_list_after_its_timeout(
        self, open_engine: OpenEngine
    ) -> None:
        engine = open_engine()
        self._start(engine)
        assert engine.wait(0.01) == []

    def test_a_wait_without_a_timeout_returns_when_it_was_woken(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, "sleep 600")
        engine.wake()
        assert engine.wait(None) == []

    def test_a_wait_of_a_year_returns_with_the_first_event(self, open_engine: OpenEngine) -> None:
        """A retry may be that far away."""
        engine = open_engine()
        self._start(engine, "exit 0")
        events: list[Event] = []
        while not events:
            events = engine.wait(31_536_000.0)
        assert events

    def test_an_engine_can_be_closed_while_an_attempt_runs_and_again(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        self._start(engine, "sleep 600")
        let_begin(engine)
        engine.close()
        engine.close()

    def _start(self, engine: Engine, *commands: str, timeout: float | None = 60.0) -> None:
        """Prepare the engine for a job of these commands, and start the first attempt of each."""
        self._start_actions(engine, *map(Shell, commands), timeout=timeout)

    def _start_actions(self, engine: Engine, *actions: Shell, timeout: float | None = 60.0) -> None:
        tasks = (TaskSpec(name=f"t{n}", action=action, timeout=timeout) for n, action in enumerate(actions))
        # An engine is never given a job without tasks.
        engine.prepare(JobSpec(name=self.job, tasks=tuple(tasks) or (TaskSpec(name="t0", action=Shell("exit 0")),)))
        for task in range(len(actions)):
            engine.start(task, 1, {})


def let_begin(engine: Engine) -> None:
    """Give the started attempts time to begin: some engines cannot stop what their server has not begun."""
    assert [event for event in engine.wait(0.5) if isinstance(event, Attempt)] == []


def collect(engine: Engine, ends: int) -> list[Event]:
    """All events until this many attempts have ended."""
    events: list[Event] = []
    while len(ends_in(events)) < ends:
        events += engine.wait(60.0)
    return events


def ends_in(events: Iterable[Event]) -> list[Attempt]:
    """The ends among these events, without what was said of running attempts."""
    return [event for event in events if isinstance(event, Attempt) and event.state.final]


def one_end(events: Iterable[Event]) -> Attempt:
    """The only end among these events."""
    (end,) = ends_in(events)
    return end


def output_of(events: Iterable[Event], task: int) -> bytes:
    """What a task wrote."""
    return b"".join(event.data for event in events if isinstance(event, Output) and event.task == task)
