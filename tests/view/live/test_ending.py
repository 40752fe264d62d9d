from __future__ import annotations

from collections.abc import Sequence

from pydag.model.run import Attempt
from pydag.model.states import State
from pydag.testing import at
from pydag.view.live.ending import ending
from pydag.view.terminal import Display
from tests.support.frames import SIZE_80, board_of
from tests.support.samples import STORY, STORY_ENDS, TEST_JOB, failed, fan, job, run_of, success


def lines_of(
    board_changes: Sequence[Attempt], state: State, width: int | None = 80, *, fan_of: int | None = None
) -> list[str]:
    spec = fan(fan_of) if fan_of else TEST_JOB
    board = board_of(spec, board_changes)
    return list(ending(board, run_of(spec, board_changes, state), at(42), Display(width=width)))


def test_a_run_leaves_its_tree_the_next_command_and_the_summary() -> None:
    board = board_of(TEST_JOB, [change for changes in STORY for change in changes])
    assert list(ending(board, STORY_ENDS, at(20), SIZE_80)) == [
        "✓ Sync Data               0.4s",
        "✗   Feature Engineering1  2.0s  exit 1",
        "✓   Feature Engineering2  12s",
        "·     Machine Learning    upstream did not succeed",
        "·       Send Email        upstream did not succeed",
        "next: pydag log TestJob --task-name 'Feature Engineering1' -n 1",
        "TestJob: failed after 13s; 2 success, 1 failed, 2 skipped",
    ]


def test_where_there_is_room_the_next_command_says_what_it_shows() -> None:
    assert lines_of([success(number, 0, 1) for number in range(5)], State.SUCCESS)[-2:] == [
        "next: pydag log TestJob  # this run and those before it",
        "TestJob: success after 42s; 5 success",
    ]
    ends = [failed(number, 0, 1) for number in range(5)]
    assert lines_of(ends, State.FAILED, 100)[-2] == (
        "next: pydag log TestJob --failed -n 1  # what failed, with its output; their ends are above"
    )
    assert lines_of(ends[:1], State.FAILED, 100)[-2] == (
        "next: pydag log TestJob --task-name 'Sync Data' -n 1  # all of its output; its end is above"
    )


def test_a_large_job_leaves_its_failures_and_its_slowest_tasks() -> None:
    ends = [success(0, 0, 1), *(failed(number, 1, 2 + number) for number in range(1, 13))]
    ends += [success(number, 2, 4) for number in range(13, 101)]
    lines = lines_of(ends, State.FAILED, fan_of=100)
    assert lines[:2] == ["✗ t1   2.0s  exit 1", "✗ t2   3.0s  exit 1"]
    assert lines[10] == "  and 2 more failed"
    assert lines[11] == "the 5 slowest tasks:"
    assert [line.split()[1] for line in lines[12:17]] == ["t12", "t11", "t10", "t9", "t8"]
    assert len(lines) == 19


def test_no_line_is_wider_than_the_terminal() -> None:
    spec = job("工" * 9, {f"{'漢' * 30}{number}": [] for number in range(5)})
    board = board_of(spec, [failed(0, 0, 1)])
    lines = list(ending(board, run_of(spec, [failed(0, 0, 1)], State.FAILED), at(42), Display(width=40)))
    assert lines[0] == "✗ 漢漢漢漢漢…漢漢漢漢0  1.0s  exit 1"
