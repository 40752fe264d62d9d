"""What was done before: tasks that are left out, an earlier run, and a run that is resumed after any turn."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from pydag.engines.base import Event
from pydag.model.actions import Shell
from pydag.model.run import Attempt
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.runs.earlier import done_by_another_run, left_out, of_resumed
from pydag.stores.memory import MemoryStore
from pydag.testing import at, job_of
from pydag.testing.scripted_engine import Start, ended, succeed
from tests.runs.test_plan import jobs
from tests.support.tracking import Scene, free, goes_on, spec_of


def test_what_is_left_out_does_not_start_and_counts_as_a_success() -> None:
    scene = Scene(job_of("job", 3), succeed, earlier=left_out([0, 2], at(0)))
    record = scene.tracker.track()
    assert [start.task for start in scene.engine.started] == [1]
    assert record == scene.record
    assert [(task.state, task.reason) for task in record.tasks.values()] == [
        (State.SKIPPED, Reason.LEFT_OUT),
        (State.SUCCESS, None),
        (State.SKIPPED, Reason.LEFT_OUT),
    ]
    assert record.state is State.SUCCESS
    assert scene.reporter.told[:2] == ["run started", "0.0 skipped"]


def test_what_an_earlier_run_did_stands_as_a_success_without_an_attempt() -> None:
    scene = Scene(job_of("job", 2), succeed, earlier=done_by_another_run([0, 1], at(0)))
    record = scene.tracker.track()
    assert scene.engine.started == []
    assert [(task.state, task.reason, task.attempts) for task in record.tasks.values()] == [
        (State.SUCCESS, Reason.EARLIER, ())
    ] * 2
    assert scene.record.state is State.SUCCESS


def resumed(scene: Scene, answer: object = succeed) -> Scene:
    """The run of a scene whose tracker is gone, taken over."""
    record = scene.record
    handle = scene.store.take_over(record.run, "other", at(100))
    earlier = of_resumed(record, "its tracker ended")
    again = Scene(record.spec, answer, store=scene.store, earlier=earlier, handle=handle)  # type: ignore[arg-type]
    again.tracker._run = scene.store.load(record.run).run
    return again


def test_an_attempt_that_ran_is_lost_and_its_task_starts_anew() -> None:
    scene = Scene(job_of("job", 3), lambda start: succeed(start) if start.task == 0 else None)
    scene.tracker.begin()
    for _ in range(2):
        scene.tracker.turn()
    again = resumed(scene)
    again.tracker.track()
    assert [(start.task, start.number) for start in again.engine.started] == [(1, 2), (2, 1)]
    record = again.record
    assert record.state is State.SUCCESS
    first, second = record.tasks["t1"].attempts
    assert (first.state, first.reason, first.detail, first.ended) == (
        State.LOST,
        Reason.UNKNOWN,
        "its tracker ended",
        None,
    )
    assert second.state is State.SUCCESS
    assert again.reporter.told[:4] == ["run started", "0.1 success", "1.1 lost", "1.2 running"]


def test_what_was_cancelled_starts_and_what_failed_stays_failed() -> None:
    spec = spec_of(
        TaskSpec(name="fails", action=Shell("false")),
        TaskSpec(name="after", action=Shell("true"), upstream=(0,)),
        TaskSpec(name="waits", action=Shell("false"), retries=1, retry_delay=9.0),
        TaskSpec(name="late", action=Shell("true"), upstream=(2,)),
        TaskSpec(name="slow", action=Shell("true")),
    )

    def answer(start: Start) -> list[Event] | None:
        return None if start.task == 4 else [ended(start, State.FAILED, exit_status=1)]

    scene = Scene(spec, answer, slots=3)
    scene.tracker.begin()
    scene.tracker.turn()
    scene.tracker.interrupt()
    while not scene.tracker.done:
        scene.tracker.turn()
    scene.tracker.end()
    assert [task.state.value for task in scene.record.tasks.values()] == [
        "failed",
        "skipped",
        "cancelled",
        "cancelled",
        "cancelled",
    ]
    again = resumed(scene)
    again.tracker.track()
    assert sorted((start.task, start.number) for start in again.engine.started) == [(2, 2), (3, 1), (4, 2)]
    assert [task.state.value for task in again.record.tasks.values()] == [
        "failed",
        "skipped",
        "success",
        "success",
        "success",
    ]
    assert again.record.state is State.FAILED


def test_an_end_that_was_taken_back_leaves_no_trace() -> None:
    store = MemoryStore()
    scene = Scene(free(1), goes_on, store=store)
    scene.tracker.begin()
    handle = store.reopen("r")
    handle.write([Attempt.not_attempted(0, State.CANCELLED, reason=Reason.INTERRUPTED)])
    handle.write([Attempt.not_attempted(0, State.PENDING)])
    assert scene.record.tasks["t0"] == scene.record.tasks["t0"]._replace(state=State.PENDING, attempts=())
    handle.write([Attempt(task=0, number=1, state=State.SUCCESS, started=at(1), ended=at(2))])
    assert scene.record.tasks["t0"].state is State.SUCCESS


@settings(max_examples=200)
@given(jobs(), st.data())
def test_a_run_that_dies_after_any_turn_ends_as_if_it_had_not(spec: JobSpec, data: st.DataObject) -> None:
    """Each task succeeds once, over all trackers; how the others end does not depend on where a tracker died."""
    fails = data.draw(st.sets(st.integers(0, len(spec.tasks) - 1)))
    succeeded: Counter[int] = Counter()

    def answer(start: Start) -> list[Event] | None:
        if start.task in fails:
            return [ended(start, State.FAILED, exit_status=1)]
        return succeed(start) if data.draw(st.booleans()) else None

    def finish(scene: Scene) -> None:
        succeeded.update(task for task, done in enumerate(scene.record.tasks.values()) if done.state is State.SUCCESS)

    whole = Scene(spec, lambda start: answer(start) or succeed(start))
    expected = [task.state for task in whole.tracker.track().tasks.values()]
    scene = Scene(spec, answer)
    scene.tracker.begin()
    for _ in range(data.draw(st.integers(0, 4))):
        turns = data.draw(st.integers(0, 3))
        while turns and not scene.tracker.done:
            scene.tracker.turn()
            turns -= 1
        scene = resumed(scene, answer)
        scene.tracker.begin()
    finish(scene)
    done_before = {task for task, count in succeeded.items() if count}
    scene = resumed(scene, lambda start: answer(start) or succeed(start))
    scene.tracker.track()
    assert not done_before.intersection(start.task for start in scene.engine.started)
    assert [task.state for task in scene.record.tasks.values()] == expected
    for task in scene.record.tasks.values():
        assert [attempt.number for attempt in task.attempts] == list(range(1, len(task.attempts) + 1))
        assert sum(attempt.state is State.SUCCESS for attempt in task.attempts) <= 1
