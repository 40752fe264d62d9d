from __future__ import annotations

import pytest

from pydag.model.run import Attempt
from pydag.runs.reporter import PastRuns
from pydag.testing import at
from pydag.view.live.estimate import Estimate, about
from tests.support.frames import board_of
from tests.support.samples import TEST_JOB, failed, fan, job, running, success

CHAIN = job("Chain", {"a": [], "b": ["a"], "c": ["b"]})
SECONDS = {"a": 2.0, "b": 10.0, "c": 3.0}


@pytest.mark.parametrize(
    ("changes", "seconds", "left"),
    [
        ([], 0, 15),
        ([running(0, 0)], 1, 14),
        ([success(0, 0, 1), running(1, 1)], 5, 9),
        ([success(0, 0, 1), running(1, 1)], 50, 3),
        ([success(0, 0, 1), success(1, 1, 2), success(2, 2, 3)], 3, 0),
    ],
)
def test_a_chain_takes_what_its_tasks_took(changes: list[Attempt], seconds: float, left: float) -> None:
    board = board_of(CHAIN, changes)
    assert Estimate(CHAIN, PastRuns(15, SECONDS)).seconds_left(board, at(seconds)) == pytest.approx(left)


def test_work_is_shared_as_in_the_earlier_runs() -> None:
    spec = job("J", {f"t{number}": [] for number in range(8)})
    estimate = Estimate(spec, PastRuns(20, {task.name: 5.0 for task in spec.tasks}))  # two at once
    assert estimate.seconds_left(board_of(spec, []), at(0)) == pytest.approx(20)
    done = [success(number, 0, 5) for number in range(4)]
    assert estimate.seconds_left(board_of(spec, done), at(5)) == pytest.approx(10)
    last = [success(number, 0, 5) for number in range(7)]
    assert estimate.seconds_left(board_of(spec, last), at(5)) == pytest.approx(5)  # one task alone is not shared


def test_a_wait_for_the_next_attempt_counts() -> None:
    spec = job("J", {"a": []}, retries=1)
    spec = type(spec)(name="J", tasks=(spec.tasks[0]._replace(retry_delay=30),))
    board = board_of(spec, [failed(0, 0, 1)])
    assert Estimate(spec, PastRuns(4, {"a": 4.0})).seconds_left(board, at(11)) == pytest.approx(24)


def test_of_a_large_job_the_tasks_that_are_left_are_counted() -> None:
    spec = fan(98)
    board = board_of(spec, [success(number, 0, 1) for number in range(75)])
    assert Estimate(spec, PastRuns(40, {})).seconds_left(board, at(9)) == pytest.approx(10)


def test_where_no_task_is_known_nothing_is_said() -> None:
    assert not Estimate(TEST_JOB, PastRuns(9, {"other": 1.0})).seconds_left(board_of(TEST_JOB, []), at(0))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, ""),
        (0.6, "about 1s left"),
        (4.4, "about 4s left"),
        (33, "about 35s left"),
        (58, "about 1m left"),
        (150, "about 2m left"),
        (7500, "about 2h 05m left"),
    ],
)
def test_longer_times_are_said_more_roughly(seconds: float, words: str) -> None:
    assert about(seconds) == words
