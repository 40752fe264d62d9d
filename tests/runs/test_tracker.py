"""The loop: what it starts, records and reports, in which order; with a scripted engine and a fake clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from pydag.engines.base import Event
from pydag.errors import StoreError, StoreUnreachable
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output, Run, RunRecord
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State, When
from pydag.runs.tracker import OUTPUT_BATCH, OUTPUT_DELAY, Tracker
from pydag.stores.base import RunHandle
from pydag.stores.memory import MemoryStore
from pydag.testing.fake_clock import FakeClock
from pydag.testing.records import START, at, job_of
from pydag.testing.scripted_engine import Answer, ScriptedEngine, Start, ended, succeed


@dataclass
class Recorder:
    """A reporter that keeps what it is told."""

    told: list[str] = field(default_factory=list)

    def run_started(self, run: Run, spec: JobSpec) -> None:
        self.told.append("run started")

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        self.told += [f"{output.task}.{output.number} {output.data.decode()}" for output in outputs]
        self.told += [f"{attempt.task}.{attempt.number} {attempt.state.value}" for attempt in attempts]

    def stopping(self, at: datetime) -> None:
        self.told.append("stopping")

    def run_ended(self, record: RunRecord) -> None:
        self.told.append(f"run {record.state.value}")

    def close(self) -> None:
        """There is nothing to free."""


class Scene:
    """A tracker on a scripted engine, a memory store and a fake clock."""

    def __init__(
        self,
        spec: JobSpec,
        answer: Answer,
        *,
        slots: int = 2,
        max_parallel: int | None = None,
        room: int | None = None,
        output_limit: int = 2 * OUTPUT_BATCH,
        store: MemoryStore | None = None,
        engine: type[ScriptedEngine] = ScriptedEngine,
    ) -> None:
        self.clock = FakeClock()
        self.store = store or MemoryStore()
        self.engine = engine(answer, self.clock, slots=slots)
        self.engine.room = room
        self.engine.prepare(spec)
        self.reporter = Recorder()
        self.run = Run(id="r", job=spec.name, engine="scripted", state=State.RUNNING, started=START)
        self.tracker = Tracker(
            spec,
            self.run,
            engine=self.engine,
            store=self.store,
            reporter=self.reporter,
            output_limit=output_limit,
            max_parallel=max_parallel,
            clock=self.clock.for_tracker,
        )

    @property
    def record(self) -> RunRecord:
        return self.store.load(self.run)


class Handle(RunHandle):
    """A run in the store whose writing or finishing a test has replaced."""

    def __init__(self, *, write: Callable[..., None], finish: Callable[[State, datetime], None]) -> None:
        self._write = write
        self._finish = finish

    def write(self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = ()) -> None:
        self._write(attempts, outputs)

    def finish(self, state: State, ended: datetime) -> None:
        self._finish(state, ended)


def spec_of(*tasks: TaskSpec, max_parallel: int | None = None) -> JobSpec:
    return JobSpec(name="job", tasks=tasks, max_parallel=max_parallel)


def free(count: int) -> JobSpec:
    """A job of tasks that wait for nothing."""
    return spec_of(*(TaskSpec(name=f"t{number}", action=Shell("true")) for number in range(count)))


def goes_on(start: Start) -> None:
    return None


def fails_until(attempt: int) -> Callable[[Start], list[Event]]:
    def answer(start: Start) -> list[Event]:
        if start.number >= attempt:
            return succeed(start)
        return [ended(start, State.FAILED, exit_status=start.number)]

    return answer


def test_a_chain_runs_in_order_and_is_told_in_order() -> None:
    scene = Scene(job_of("job", tasks=2), succeed)
    record = scene.tracker.track()
    assert record.state is State.SUCCESS
    assert scene.reporter.told == [
        "run started",
        "0.1 running",
        "0.1 success",
        "1.1 running",
        "1.1 success",
        "run success",
    ]


def test_an_attempt_is_in_the_history_before_it_starts_and_its_end_before_its_successors_start() -> None:
    seen = []

    def answer(start: Start) -> list[Event]:
        seen.append([task.state for task in scene.record.tasks.values()])
        return succeed(start)

    scene = Scene(job_of("job", tasks=2), answer)
    scene.tracker.track()
    assert seen == [[State.RUNNING, State.PENDING], [State.SUCCESS, State.RUNNING]]


@pytest.mark.parametrize(
    ("of_job", "of_call", "room", "expected"),
    [(None, None, None, 3), (2, None, None, 2), (2, 5, None, 5), (2, 5, 4, 4), (None, None, 4, 3)],
)
def test_at_most_so_many_attempts_run_at_once(
    of_job: int | None, of_call: int | None, room: int | None, expected: int
) -> None:
    spec = spec_of(*free(9).tasks, max_parallel=of_job)
    scene = Scene(spec, goes_on, slots=3, max_parallel=of_call, room=room)
    scene.tracker.begin()
    scene.tracker.start_ready()
    scene.tracker.start_ready()
    assert len(scene.engine.started) == expected
    scene.engine.say(ended(scene.engine.started[0], State.SUCCESS))
    scene.tracker.turn()
    scene.tracker.start_ready()
    assert len(scene.engine.started) == expected + 1


def test_the_task_is_told_who_it_is() -> None:
    scene = Scene(spec_of(TaskSpec(name="t", action=Shell("true"))), succeed)
    scene.tracker.track()
    (start,) = scene.engine.started
    assert start.env == {"PYDAG_JOB": "job", "PYDAG_RUN_ID": "r", "PYDAG_TASK": "t", "PYDAG_ATTEMPT": "1"}


def test_a_failed_task_is_tried_again_after_its_delay_and_may_still_succeed() -> None:
    scene = Scene(spec_of(TaskSpec(name="t", action=Shell("true"), retries=3, retry_delay=10.0)), fails_until(3))
    record = scene.tracker.track()
    attempts = record.tasks["t"].attempts
    assert [(each.number, each.state, each.started) for each in attempts] == [
        (1, State.FAILED, at(0)),
        (2, State.FAILED, at(10)),
        (3, State.SUCCESS, at(20)),
    ]
    assert record.state is State.SUCCESS


def test_after_the_last_retry_the_task_has_failed() -> None:
    scene = Scene(spec_of(TaskSpec(name="t", action=Shell("true"), retries=2)), fails_until(99))
    record = scene.tracker.track()
    assert [each.exit_status for each in record.tasks["t"].attempts] == [1, 2, 3]
    assert record.state is State.FAILED


def test_a_task_that_waits_for_its_retry_holds_no_slot() -> None:
    tasks = (TaskSpec(name="bad", action=Shell("true"), retries=1, retry_delay=1000.0), *free(3).tasks)

    def answer(start: Start) -> list[Event]:
        return succeed(start) if start.task else [ended(start, State.FAILED, exit_status=1)]

    scene = Scene(spec_of(*tasks), answer, slots=1)
    scene.tracker.track()
    assert [(each.task, each.number) for each in scene.engine.started] == [(0, 1), (1, 1), (2, 1), (3, 1), (0, 2)]


def test_what_is_lost_is_not_tried_again() -> None:
    spec = spec_of(TaskSpec(name="t", action=Shell("true"), retries=5))
    scene = Scene(spec, lambda start: [ended(start, State.LOST, reason=Reason.UNKNOWN)])
    record = scene.tracker.track()
    assert len(record.tasks["t"].attempts) == 1
    assert record.state is State.LOST


def test_a_failure_skips_what_depends_on_it_and_nothing_else() -> None:
    spec = spec_of(
        TaskSpec(name="bad", action=Shell("true")),
        TaskSpec(name="after bad", action=Shell("true"), upstream=(0,)),
        TaskSpec(name="good", action=Shell("true")),
        TaskSpec(name="after good", action=Shell("true"), upstream=(2,)),
        TaskSpec(name="alarm", action=Shell("true"), upstream=(1,), when=When.FAILURE),
        TaskSpec(name="tidy", action=Shell("true"), upstream=(1, 3), when=When.ALWAYS),
    )

    def answer(start: Start) -> list[Event]:
        return succeed(start) if start.task else [ended(start, State.FAILED, exit_status=1)]

    scene = Scene(spec, answer)
    record = scene.tracker.track()
    states = {name: task.state.value for name, task in record.tasks.items()}
    assert states == {
        "bad": "failed",
        "after bad": "skipped",
        "good": "success",
        "after good": "success",
        "alarm": "success",
        "tidy": "success",
    }
    assert record.tasks["after bad"].reason is Reason.UPSTREAM
    assert record.tasks["after bad"].attempts == ()
    assert record.state is State.FAILED


def test_one_interrupt_stops_what_runs_and_cancels_what_waits() -> None:
    spec = spec_of(*free(3).tasks, TaskSpec(name="retrying", action=Shell("true"), retries=1, retry_delay=50.0))

    def answer(start: Start) -> list[Event] | None:
        return [ended(start, State.FAILED, exit_status=1)] if start.task == 3 else None

    scene = Scene(spec, answer, slots=4)
    scene.tracker.begin()
    scene.tracker.turn()
    scene.tracker.turn()
    scene.tracker.interrupt()
    scene.tracker.turn()
    while not scene.tracker.done:
        scene.tracker.turn()
    scene.tracker.end()
    tasks = scene.record.tasks
    assert [task.state for task in tasks.values()] == [State.CANCELLED] * 4
    assert [len(task.attempts) for task in tasks.values()] == [1, 1, 1, 1]
    assert tasks["retrying"].attempts[0].state is State.FAILED
    assert scene.tracker.interrupted


def test_nothing_starts_after_an_interrupt() -> None:
    scene = Scene(free(5), goes_on, slots=2)
    interrupting = iter([True])

    def answer(start: Start) -> None:
        if next(interrupting, False):
            scene.tracker.interrupt()

    scene.engine.answer = answer
    record = scene.tracker.track()
    assert len(scene.engine.started) == 2
    assert record.state is State.CANCELLED
    assert [task.reason for task in record.tasks.values()] == [Reason.INTERRUPTED] * 5


def test_a_second_interrupt_forces_the_stop() -> None:
    forced = []

    class Stubborn(ScriptedEngine):
        def stop(self, *, force: bool) -> None:
            forced.append(force)
            if force:
                super().stop(force=True)

    scene = Scene(free(1), goes_on, engine=Stubborn)
    scene.tracker.begin()
    scene.tracker.start_ready()
    scene.tracker.interrupt()
    scene.engine.wake()
    scene.tracker.turn()
    assert forced == [False]
    scene.tracker.interrupt()
    scene.tracker.turn()
    assert forced == [False, True]
    scene.tracker.end()
    assert scene.record.state is State.CANCELLED
    assert scene.reporter.told[:3] == ["run started", "0.1 running", "stopping"]


def test_output_of_a_running_attempt_is_written_after_a_moment_and_together() -> None:
    scene = Scene(free(1), goes_on)
    scene.tracker.begin()
    scene.tracker.start_ready()
    for word in (b"one ", b"two "):
        scene.engine.say(Output(task=0, number=1, data=word))
        scene.tracker.turn()
    assert list(scene.store.output("r", 0, 1)) == []
    scene.clock.advance(OUTPUT_DELAY)
    scene.tracker.start_ready()
    assert list(scene.store.output("r", 0, 1)) == [b"one two "]
    assert scene.reporter.told[-1] == "0.1 one two "


def test_much_output_is_written_at_once() -> None:
    scene = Scene(free(1), goes_on)
    scene.tracker.begin()
    scene.tracker.start_ready()
    scene.engine.say(Output(task=0, number=1, data=b"x" * OUTPUT_BATCH))
    scene.tracker.turn()
    scene.tracker.start_ready()
    assert sum(map(len, scene.store.output("r", 0, 1))) == OUTPUT_BATCH


@pytest.mark.parametrize(("limit", "kept", "dropped"), [(0, "", 9), (5, "one t", 4), (9, "one two 3", 0)])
def test_output_over_the_limit_is_cut_and_counted_for_each_attempt(limit: int, kept: str, dropped: int) -> None:
    def answer(start: Start) -> list[Event]:
        words = [Output(task=start.task, number=start.number, data=word) for word in (b"one ", b"two ", b"3")]
        return [*words, ended(start, State.FAILED, exit_status=1)]

    spec = spec_of(TaskSpec(name="t", action=Shell("true"), retries=1))
    scene = Scene(spec, answer, output_limit=limit)
    record = scene.tracker.track()
    assert [attempt.output_dropped for attempt in record.tasks["t"].attempts] == [dropped, dropped]
    for number in (1, 2):
        assert b"".join(scene.store.output("r", 0, number)).decode() == kept


def test_output_is_told_before_the_end_of_its_attempt() -> None:
    def answer(start: Start) -> list[Event]:
        return [Output(task=start.task, number=start.number, data=b"words"), *succeed(start)]

    scene = Scene(free(1), answer)
    scene.tracker.track()
    assert scene.reporter.told == ["run started", "0.1 running", "0.1 words", "0.1 success", "run success"]


def test_a_store_that_fails_ends_the_tracking_with_its_error() -> None:
    def full(*_: object) -> None:
        raise StoreUnreachable("the disk is full")

    class Full(MemoryStore):
        def begin(self, run: Run, spec: JobSpec) -> RunHandle:
            return Handle(write=full, finish=super().begin(run, spec).finish)

    scene = Scene(free(2), succeed, store=Full())
    with pytest.raises(StoreUnreachable, match="the disk is full"):
        scene.tracker.track()
    assert scene.engine.started == []
    assert scene.record.state is State.LOST


@pytest.mark.parametrize("error", [TimeoutError, KeyboardInterrupt])
def test_a_run_that_an_error_breaks_off_is_lost_with_what_ran_and_says_by_what(error: type[BaseException]) -> None:
    def answer(start: Start) -> list[Event] | None:
        if start.task == 0:
            return succeed(start)
        if start.task == 2:
            raise error("enough")
        return None

    scene = Scene(spec_of(*free(4).tasks), answer, slots=2)
    with pytest.raises(error, match="enough"):
        scene.tracker.track()
    assert scene.record.state is State.LOST
    assert scene.record.run.ended is not None
    tasks = list(scene.record.tasks.values())
    assert [task.state for task in tasks] == [State.SUCCESS, State.LOST, State.LOST, State.CANCELLED]
    assert tasks[1].attempts[0].detail == f"the run was broken off by {error.__name__}"


def test_a_run_that_ended_keeps_its_end_although_its_writing_is_broken_off() -> None:
    late = iter([True])

    class Late(MemoryStore):
        def begin(self, run: Run, spec: JobSpec) -> RunHandle:
            handle = super().begin(run, spec)

            def finish(state: State, ended: datetime) -> None:
                handle.finish(state, ended)
                if next(late, False):
                    raise TimeoutError

            return Handle(write=handle.write, finish=finish)

    scene = Scene(free(1), succeed, store=Late())
    with pytest.raises(TimeoutError):
        scene.tracker.track()
    assert scene.record.state is State.SUCCESS


def test_a_run_whose_id_is_taken_leaves_the_other_as_it_is() -> None:
    scene = Scene(free(1), succeed)
    scene.store.begin(scene.run, free(1))
    with pytest.raises(StoreError, match="already"):
        scene.tracker.track()
    assert scene.record.run == scene.run


def test_an_interrupt_while_the_run_is_begun_leaves_it_lost() -> None:
    class Interrupted(MemoryStore):
        def begin(self, run: Run, spec: JobSpec) -> RunHandle:
            super().begin(run, spec)
            raise KeyboardInterrupt

    scene = Scene(free(1), succeed, store=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        scene.tracker.track()
    assert scene.record.state is State.LOST
