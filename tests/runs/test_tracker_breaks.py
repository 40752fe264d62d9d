"""The loop where it is stopped, or broken off by an error."""

from collections.abc import Callable, Collection
from datetime import datetime

import pytest

from pydag.engines.base import Event
from pydag.errors import NotFound, StoreError, StoreUnreachable, TakenOver
from pydag.model.actions import Shell
from pydag.model.run import Run, RunRecord, TaskRun
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.stores.base import RunHandle
from pydag.stores.memory import MemoryStore
from pydag.testing.scripted_engine import ScriptedEngine, Start, ended, succeed
from tests.support.tracking import Handle, Scene, free, goes_on, spec_of


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


def test_a_store_that_fails_ends_the_tracking_with_its_error() -> None:
    def full(*_: object) -> None:
        raise StoreUnreachable("the disk is full")

    class Full(MemoryStore):
        def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
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
        def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
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
        def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
            super().begin(run, spec)
            raise KeyboardInterrupt

    scene = Scene(free(1), succeed, store=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        scene.tracker.track()
    assert scene.record.state is State.LOST


# What comes afterwards.


def test_what_comes_after_a_run_sees_its_end_in_the_history_and_adds_to_the_record_that_is_reported() -> None:
    def afterwards(record: RunRecord) -> RunRecord:
        assert (scene.record.state, scene.reporter.told[-1]) == (State.SUCCESS, "1.1 success")
        return record._replace(hooks={"on_end": TaskRun("on_end", State.FAILED)})

    scene = Scene(free(2), succeed, afterwards=afterwards)
    assert list(scene.tracker.track().hooks) == ["on_end"]
    assert scene.reporter.told[-1] == "run success"


def test_it_comes_after_a_run_that_was_broken_off_too_once_nothing_of_it_runs() -> None:
    seen: list[RunRecord] = []

    def afterwards(record: RunRecord) -> RunRecord:
        assert scene.engine.closed
        seen.append(record)
        return record

    def answer(start: Start) -> list[Event] | None:
        raise TimeoutError

    scene = Scene(free(2), answer, slots=1, afterwards=afterwards)
    with pytest.raises(TimeoutError):
        scene.tracker.track()
    (record,) = seen
    assert record == scene.record
    assert record.state is State.LOST


def test_what_a_full_history_did_not_take_is_lost_in_what_comes_afterwards() -> None:
    seen: list[RunRecord] = []
    writes = iter([True, True])

    class Filling(MemoryStore):
        def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
            handle = super().begin(run, spec)

            def write(*arguments: object, **options: object) -> None:
                if not next(writes, False):
                    raise StoreUnreachable("the disk is full")
                handle.write(*arguments, **options)  # type: ignore[arg-type]

            return Handle(write=write, finish=handle.finish)

    def afterwards(record: RunRecord) -> RunRecord:
        seen.append(record)
        return record

    chain = (TaskSpec(name=f"t{n}", action=Shell("true"), upstream=(n - 1,) if n else ()) for n in range(3))
    scene = Scene(spec_of(*chain), succeed, store=Filling(), afterwards=afterwards)
    with pytest.raises(StoreUnreachable):
        scene.tracker.track()
    assert seen[0].state is State.LOST
    assert [task.state for task in seen[0].tasks.values()] == [State.SUCCESS, State.CANCELLED, State.CANCELLED]


def delete(scene: Scene) -> None:
    scene.store.delete("job")


def take_over(scene: Scene) -> None:
    scene.store.take_over(scene.run, "another", scene.run.started)


@pytest.mark.parametrize(("take", "error"), [(delete, NotFound), (take_over, TakenOver)])
def test_nothing_comes_after_a_run_that_was_deleted_or_taken_over(
    take: Callable[[Scene], None], error: type[Exception]
) -> None:
    def never(record: RunRecord) -> RunRecord:
        raise AssertionError

    def answer(start: Start) -> list[Event]:
        take(scene)
        return succeed(start)

    scene = Scene(free(1), answer, afterwards=never)
    with pytest.raises(error):
        scene.tracker.track()
