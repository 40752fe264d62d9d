from __future__ import annotations

import pytest

from pydag.model.run import Attempt, Output, Usage
from pydag.model.states import Reason, State
from pydag.view.summary import final_lines, summary
from pydag.view.tails import MAX_FAILURES, OutputTails
from pydag.view.terminal import Display
from tests.support.samples import TEST_JOB, failed, job, run_of, success

PLAIN = Display()


def test_many_failures_are_counted_and_the_first_that_is_not_shown_is_named() -> None:
    spec = job("J", {f"t {number}": [] for number in range(9)})
    ends = [failed(number, 0, 1) for number in range(9)]
    tails = OutputTails(spec)
    for end in ends:
        tails.ended(end)
    shown = list(final_lines(run_of(spec, ends, State.FAILED), tails, PLAIN))
    assert shown == [
        "✗ `t 0`: exit 1; it wrote nothing",
        "✗ `t 1`: exit 1; it wrote nothing",
        "✗ `t 2`: exit 1; it wrote nothing",
        "✗ 6 more tasks failed; the first: pydag log J --task-name 't 3' -n 1",
        "J: failed after 42s; 9 failed",
    ]
    assert MAX_FAILURES == 3


@pytest.mark.parametrize(
    ("data", "expected"), [(b"", ""), (b"half", "; the last output that is known:")], ids=["nothing", "half"]
)
def test_of_a_task_whose_end_nobody_saw_is_said_what_is_known(data: bytes, expected: str) -> None:
    lost = failed(0, 0, 1)._replace(state=State.LOST, exit_status=None)
    on_gocron = failed(0, 0, 1, exit_status=None, reason=Reason.TIMEOUT)  # which drops the output then
    for attempt, words in ((lost, "? `Sync Data`: lost: its outcome cannot be known"), (on_gocron, "timeout")):
        tails = OutputTails(TEST_JOB)
        if data:
            tails.add(Output(0, 1, data))
        tails.ended(attempt)
        line = next(final_lines(run_of(TEST_JOB, [attempt], attempt.state), tails, PLAIN))
        assert line.endswith(words + expected)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.SUCCESS, "TestJob: success after 42s; 5 success"),
        (State.CANCELLED, "TestJob: cancelled after 42s; 5 success"),
        (State.LOST, "TestJob: lost after 42s; 5 success"),
    ],
)
def test_the_summary_says_how_the_run_ended(state: State, expected: str) -> None:
    assert summary(run_of(TEST_JOB, [success(number, 0, 1) for number in range(5)], state)) == expected


def test_the_summary_has_the_cpu_time_of_all_attempts_that_were_measured() -> None:
    attempts = [
        failed(0, 0, 1)._replace(usage=Usage(0.5, 0.25, 1)),
        success(0, 1, 2, number=2)._replace(usage=Usage(0.25, 0.25)),
        success(1, 2, 3),
    ]
    record = run_of(job("J", {"a": [], "b": ["a"]}, retries=1), attempts)
    assert summary(record) == "J: success after 42s; 2 success; 1.2s CPU"


def test_the_summary_counts_what_was_left_out_apart_from_what_was_skipped() -> None:
    out = Attempt.not_attempted(0, State.SKIPPED, reason=Reason.LEFT_OUT)
    skipped = Attempt.not_attempted(4, State.SKIPPED, reason=Reason.UPSTREAM)
    ends = [out, *(success(number, 0, 1) for number in (1, 2, 3)), skipped]
    assert summary(run_of(TEST_JOB, ends, State.SUCCESS)) == (
        "TestJob: success after 42s; 3 success, 1 skipped, 1 left out"
    )
