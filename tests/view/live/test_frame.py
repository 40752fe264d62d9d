from __future__ import annotations

import pytest

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State, When
from pydag.view.terminal import Display
from tests.support.frames import SIZE_80, board_of, frame_of
from tests.support.samples import STORY, TEST_JOB, failed, fan, job, running, skipped, success

CHANGES = [change for changes in STORY[:4] for change in changes]

ETL = JobSpec(
    name="etl",
    tasks=(
        TaskSpec("extract fx", Shell("false")),
        TaskSpec("extract orders", Shell("true")),
        TaskSpec("extract weather", Shell("true")),
        TaskSpec("extract stock", Shell("true"), retries=2, retry_delay=3),
        TaskSpec("join", Shell("true"), upstream=(0, 1, 2, 3)),
        TaskSpec("report", Shell("true"), upstream=(4,)),
        TaskSpec("mail", Shell("true"), upstream=(5,), when=When.FAILURE),
    ),
)


def test_a_job_that_fits_is_its_tree_without_what_stands_above() -> None:
    board = board_of(
        ETL,
        [
            failed(0, 0, 0.4),
            success(1, 0, 0.8),
            running(2, 0),
            Output(2, 1, b"1 row\n4,812 rows written\n"),
            failed(3, 0, 0.5, exit_status=7),
        ],
        seconds=2.9,
    )
    assert frame_of(board, seconds=2.9, left=4.2) == [
        "✓ extract orders   0.8s",
        "● extract weather  2.9s  │ 4,812 rows written",
        "↻ extract stock    exit 7, attempt 1 of 3, again in 1s",
        "○   join           2 of 4 done, waits: extract weather, extract stock",
        "○     report",
        "·       mail       only on failure",
        "etl  ████░░░░░░░░░░░░  2/7  2.9s  about 4s left  1 running  1 failed",
    ]
    assert list(board.above()) == ["✗ extract fx       0.4s  exit 1"]


def test_between_lines_of_output_a_failed_task_keeps_its_line() -> None:
    board = board_of(TEST_JOB, CHANGES, show_output=True)
    assert frame_of(board)[1] == "✗   Feature Engineering1  2.0s  exit 1"


@pytest.mark.parametrize(("seconds", "words"), [(1.5, "again in 3s"), (3.9, "again in 1s"), (4.5, "again soon")])
def test_what_waits_for_its_next_attempt_counts_down(seconds: float, words: str) -> None:
    board = board_of(ETL, [running(3, 0), failed(3, 0, 1)])
    assert frame_of(board, seconds=seconds)[3] == f"↻ extract stock    exit 1, attempt 1 of 3, {words}"


def test_the_next_attempt_is_counted() -> None:
    board = board_of(ETL, [running(3, 0), failed(3, 0, 1), running(3, 5, number=2)])
    assert frame_of(board)[3] == "● extract stock    15s  attempt 2 of 3"


def test_a_task_that_is_silent_for_a_minute_says_so() -> None:
    board = board_of(ETL, [running(1, 0), running(2, 0), Output(2, 1, b"working\n")], seconds=30)
    assert frame_of(board, seconds=91)[1:3] == [
        "● extract orders   1m 31s  no output for 1m 31s",
        "● extract weather  1m 31s  no output for 1m 01s  │ working",
    ]
    assert "no output" not in "".join(frame_of(board, seconds=59))


def test_what_will_not_run_says_why() -> None:
    board = board_of(ETL, [failed(3, 0, 1, number=3), skipped(4), skipped(5), running(6, 3)])
    assert frame_of(board)[3:6] == [
        "·   join           upstream did not succeed",
        "·     report       upstream did not succeed",
        "●       mail       17s",
    ]
    cancelled = [failed(3, 0, 1), Attempt.not_attempted(3, State.CANCELLED), Attempt.not_attempted(1, State.CANCELLED)]
    lines = frame_of(board_of(ETL, cancelled))
    assert lines[1] == "! extract orders   cancelled before it started"
    assert lines[3] == "! extract stock    1.0s  exit 1, attempt 1 of 3, cancelled before the next"


def test_what_was_left_out_is_no_reason_for_a_task_on_failure() -> None:
    left_out = [Attempt.not_attempted(task, State.SKIPPED, reason=Reason.LEFT_OUT) for task in range(4)]
    board = board_of(ETL, [*left_out, Attempt.not_attempted(5, State.SKIPPED, reason=Reason.LEFT_OUT), running(4, 0)])
    lines = frame_of(board)
    assert lines[-2] == "·       mail       only on failure"
    assert lines[-1] == "etl  ███████████░░░░░  5/7  20s  1 running  5 left out"


def test_a_large_job_folds_what_is_equal_and_names_what_runs() -> None:
    spec = fan(498)
    changes = [success(0, 0, 1)]
    changes += [success(number, 1, 2) for number in range(1, 338)]
    changes += [failed(number, 1, 2) for number in range(338, 347)]
    changes += [running(number, 3) for number in range(347, 350)]
    assert frame_of(board_of(spec, changes), 9) == [
        "✓ root    1.0s",
        "● t       ███████████░░░░░ 346/498  3 running  9 failed",
        "●   t347  17s",
        "●   t348  17s",
        "●   t349  17s",
        "○ sink    346 of 498 done",
        "Fan  ███████████░░░░░  347/500  20s  3 running  9 failed",
    ]


def test_failures_beyond_those_above_are_named_in_the_view() -> None:
    lines = frame_of(board_of(fan(100), [failed(number, 0, 1) for number in range(1, 40)]), 12)
    assert [line.split()[1] for line in lines[:5]] == ["root", "t", "t37", "t38", "t39"]


@pytest.mark.parametrize("height", [2, 3, 10, 23, 60])
def test_a_frame_never_has_more_lines_than_the_terminal(height: int) -> None:
    board = board_of(fan(5000), [running(number, number / 100) for number in range(1, 900)])
    lines = frame_of(board, height)
    assert len(lines) <= height
    assert "0/5,002" in lines[-1]
    assert lines[-1].endswith("899 running")
    if height == 23:
        assert lines[0] == "● t      ░░░░░░░░░░░░░░░░ 0/5,000  899 running"
        assert lines[1].startswith("●   t1  ")
        assert lines[-2] == "  and 879 more running"


def test_tasks_of_no_group_that_do_not_fit_give_way_to_what_runs() -> None:
    letters = [f"{first}{second}" for first in "abcdefghij" for second in "abcdefghij"]
    board = board_of(job("J", {name: [] for name in letters}), [success(0, 0, 1), running(99, 0)])
    lines = frame_of(board, 5)
    assert lines == ["○ ab", "○ ac", "○ ad", "● jj  20s", "J  ░░░░░░░░░░░░░░░░  1/100  20s  1 running"]


@pytest.mark.parametrize(
    ("width", "last"),
    [
        (80, "TestJob  ██████░░░░░░░░░░  2/5  20s  about 1m left  1 running  1 failed"),
        (60, "TestJob  ██░░░  2/5  20s  about 1m left  1 running  1 failed"),
        (50, "TestJob  ████░░░░░░  2/5  20s  1 running  1 failed"),
        (40, "TestJob  2/5  20s  1 running  1 failed"),
    ],
)
def test_the_last_line_makes_room_for_counts(width: int, last: str) -> None:
    display = Display(width=width)
    assert frame_of(board_of(TEST_JOB, CHANGES), display=display, left=60)[-1] == last


def test_long_names_leave_room_for_the_time() -> None:
    spec = job("J", {"a very long name of a task that goes on and on and ends with 17": []})
    assert frame_of(board_of(spec, [running(0, 0)]), display=Display(width=40))[0] == "● a very lon…s with 17  20s"
    assert frame_of(board_of(spec, [running(0, 0)]), display=SIZE_80)[0].endswith("ends with 17  20s")


def test_an_output_without_graphics_gets_ascii() -> None:
    lines = frame_of(board_of(TEST_JOB, CHANGES), display=Display(width=80, ascii=True))
    assert all(line.isascii() for line in lines)
