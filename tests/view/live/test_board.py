from __future__ import annotations

from pydag.model.run import Attempt, Output
from pydag.model.states import State
from pydag.view.live.board import MAX_BLOCKS
from tests.support.frames import board_of
from tests.support.samples import TEST_JOB, failed, fan, job, running, success

LINES = b"".join(b"line %d\n" % number for number in range(9))


def test_a_failed_task_is_shown_once_with_its_last_five_lines() -> None:
    board = board_of(TEST_JOB, [running(0, 0), Output(0, 1, LINES), failed(0, 0, 1)])
    assert list(board.above()) == [
        "✗ Sync Data             1.0s  exit 1",
        "  │ line 4",
        "  │ line 5",
        "  │ line 6",
        "  │ line 7",
        "  │ line 8",
    ]
    assert list(board.above()) == []


def test_an_attempt_that_is_followed_by_another_is_no_failure() -> None:
    spec = job("J", {"a": []}, retries=1)
    board = board_of(spec, [running(0, 0), Output(0, 1, LINES), failed(0, 0, 1)])
    assert list(board.above()) == []
    assert (board.states, board.counts[State.PENDING]) == ([State.PENDING], 1)
    board.update([([running(0, 2, number=2)], []), ([failed(0, 2, 3, number=2)], [])], now=board.run.started)
    assert list(board.above()) == ["✗ a  1.0s  exit 1"]


def test_asked_for_output_stands_above_and_a_failed_task_does_not_repeat_it() -> None:
    changes: list[Attempt | Output] = [running(0, 0), Output(0, 1, b"one\ntwo"), failed(0, 0, 1)]
    assert list(board_of(TEST_JOB, changes, show_output=True).above()) == [
        "Sync Data            │ one",
        "Sync Data            │ two",
        "✗ Sync Data             1.0s  exit 1",
    ]


def test_after_many_failures_no_more_are_shown_above() -> None:
    board = board_of(fan(1000), [failed(number, 0, 1) for number in range(1, 900)])
    assert len(list(board.above())) == MAX_BLOCKS
    assert len(board.failed) == 899


def test_output_for_a_terminal_that_takes_none_is_bounded_and_what_is_left_out_is_counted() -> None:
    changes: list[Attempt | Output] = [running(0, 0), *(Output(0, 1, b"x\n" * 1000) for _ in range(50))]
    lines = list(board_of(TEST_JOB, changes, show_output=True).above())
    assert 5_000 <= len(lines) <= 10_001
    assert lines[0].startswith(f"({50_000 - len(lines) + 1:,} lines of output are not shown")


def test_counts_are_those_of_the_states() -> None:
    board = board_of(fan(3), [success(0, 0, 1), running(1, 1), failed(2, 1, 2), running(3, 1)])
    assert board.groups.all[0].counts[State.RUNNING] == 2
    board.update([([success(1, 1, 2)], [])], now=board.run.started)
    assert board.groups.all[0].counts[State.RUNNING] == 1
    assert board.ended_before[4] == 2
    board.update([([success(3, 1, 2)], [])], now=board.run.started)
    assert (board.ended_before[4], board.done, board.groups.all[0].done) == (3, 4, 3)
