"""The loop and output: when it is written, and where it is cut."""

import pytest

from pydag.engines.base import Event
from pydag.model.actions import Shell
from pydag.model.run import Output
from pydag.model.spec import TaskSpec
from pydag.model.states import State
from pydag.runs.tracker import OUTPUT_BATCH, OUTPUT_DELAY
from pydag.testing.scripted_engine import Start, ended, succeed
from tests.support.tracking import Scene, free, goes_on, spec_of


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
