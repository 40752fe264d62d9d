"""The loop: what it starts, records and reports, in which order."""

import pytest

from pydag.engines.base import Event
from pydag.errors import TakenOver
from pydag.model.actions import Shell
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State, When
from pydag.runs.tracker import HEARTBEAT
from pydag.testing.records import at, job_of
from pydag.testing.scripted_engine import Start, ended, succeed
from tests.support.tracking import Scene, fails_until, free, goes_on, spec_of


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


def test_a_tracker_that_has_nothing_to_write_says_now_and_then_that_it_lives() -> None:
    scene = Scene(free(1), goes_on)
    scene.tracker.begin()
    heard = []
    for _ in range(4):
        scene.tracker.turn()
        heard.append(scene.record.run.heard)
    assert heard == [None, at(HEARTBEAT), at(2 * HEARTBEAT), at(3 * HEARTBEAT)]


def test_a_tracker_whose_run_was_taken_over_stops_and_changes_nothing() -> None:
    scene = Scene(free(1), goes_on)
    scene.tracker.begin()
    scene.tracker.turn()  # the fake clock goes on to the next sign of life
    other = scene.store.take_over(scene.record.run, "other", at(1))
    with pytest.raises(TakenOver):
        scene.tracker.turn()
    other.finish(State.SUCCESS, at(50))
    assert scene.record.run == scene.run._replace(
        state=State.SUCCESS, ended=at(50), owner="other", heard=at(1), fence=1
    )


def timed(start: Start, begun: float, over: float) -> list[Event]:
    """An end with times, in seconds after the start of the run."""
    return [ended(start, State.SUCCESS, exit_status=0)._replace(started=at(begun), ended=at(over))]


def test_an_attempt_has_the_times_that_its_engine_knows() -> None:
    scene = Scene(free(1), goes_on)
    scene.tracker.begin()
    scene.tracker.start_ready()
    scene.clock.advance(9.0)
    for event in timed(scene.engine.started[0], 1.0, 4.0):
        scene.engine.say(event)
    scene.tracker.turn()
    scene.tracker.end()
    (attempt,) = scene.record.tasks["t0"].attempts
    assert (attempt.started, attempt.ended) == (at(1.0), at(4.0))


def test_no_time_of_an_engine_is_before_the_attempt_or_in_the_future() -> None:
    def answer(start: Start) -> list[Event]:
        return timed(start, -50.0, 50.0)

    scene = Scene(job_of("job", tasks=2), answer)
    scene.tracker.track()
    first, second = (task.attempts[0] for task in scene.record.tasks.values())
    assert first.started == first.ended == second.started == second.ended == at(0.0)


def test_what_an_engine_says_of_a_running_attempt_is_recorded_and_reported() -> None:
    scene = Scene(free(1), goes_on)
    scene.tracker.begin()
    scene.tracker.start_ready()
    scene.engine.mention(scene.engine.started[0], "waits for the server")
    scene.tracker.turn()
    scene.tracker.start_ready()
    (attempt,) = scene.record.tasks["t0"].attempts
    assert (attempt.state, attempt.started, attempt.detail) == (State.RUNNING, at(0.0), "waits for the server")
    assert scene.reporter.told[-2:] == ["0.1 running", "0.1 running"]
    scene.engine.say(succeed(scene.engine.started[0])[0])
    scene.tracker.turn()
    scene.tracker.end()
    assert scene.record.tasks["t0"].attempts[0].detail == ""
