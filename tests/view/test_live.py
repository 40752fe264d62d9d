from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.testing import HOSTILE_NAMES, at
from pydag.view.live.board import Board
from pydag.view.live.frame import FrameLayout
from pydag.view.live.tree import INTERVAL, LiveTree
from pydag.view.terminal import Display
from pydag.view.text import text_width
from tests.support.samples import (
    STORY,
    STORY_ENDS,
    TEST_JOB,
    change,
    failed,
    fan,
    job,
    replay,
    run_of,
    running,
    success,
)
from tests.support.screen import Screen

PLAIN = Display()


def frame_of(
    spec: JobSpec, attempts: Sequence[Attempt], room: int, display: Display = PLAIN, seconds: float = 20
) -> list[str]:
    board = Board(spec)
    board.update(attempts, [])
    layout = FrameLayout(run_of(spec, []).run, spec)
    return [line.text for line in layout.frame(board.snapshot(room), at(seconds), display, room)]


def attempts_of(story: Sequence[Sequence[Attempt | Output]]) -> list[Attempt]:
    return [change for changes in story for change in changes if isinstance(change, Attempt)]


def test_a_frame_is_the_tree_with_states_times_and_a_bar() -> None:
    assert frame_of(TEST_JOB, attempts_of(STORY[:4]), 23) == [
        "└── ✓ Sync Data                    0.4s",
        "    ├── ✗ Feature Engineering1     2.0s  exit 1",
        "    └── ● Feature Engineering2      19s",
        "        └── ○ Machine Learning",
        "            └── ○ Send Email",
        "TestJob  ████████░░░░░░░░░░░░  2/5  20s  1 running, 1 failed",
    ]


def test_of_a_tree_that_does_not_fit_running_and_failed_tasks_are_shown() -> None:
    assert [line.split("  ")[0] for line in frame_of(TEST_JOB, attempts_of(STORY[:4]), 4)] == [
        "✗ Feature Engineering1",
        "● Feature Engineering2",
        "TestJob",
    ]


@pytest.mark.parametrize("room", [2, 3, 10, 23])
def test_a_frame_never_has_more_lines_than_the_terminal(room: int) -> None:
    spec = fan(5000)
    changes = [running(number, number / 100) for number in range(1, 900)]
    ends = [failed(number, 0, 1) for number in range(100, 200)]
    shown = frame_of(spec, [*changes, *ends], room)
    assert len(shown) <= room
    assert "100/5002" in shown[-1]
    assert "799 running, 100 failed" in shown[-1]
    if room == 23:
        assert shown[0].startswith("✗ t193")
        assert shown[7].startswith("● t1 ")
        assert shown[-2] == "  and 785 more running"


def test_a_task_that_is_tried_again_waits_and_says_why() -> None:
    spec = job("J", {"a": []}, retries=1)
    assert (
        frame_of(spec, [running(0, 0), failed(0, 0, 1)], 9)[0] == "└── ○ a     1.0s  exit 1, attempt 1 of 2, again soon"
    )
    assert frame_of(spec, [running(0, 5, number=2)], 9)[0] == "└── ● a      15s  attempt 2 of 2"


def test_a_task_that_is_cancelled_before_its_next_attempt_says_so() -> None:
    spec = job("J", {"a": []}, retries=1)
    line, _ = frame_of(spec, [failed(0, 0, 1), Attempt.not_attempted(0, State.CANCELLED)], 9)
    assert line == "└── ! a     1.0s  exit 1, attempt 1 of 2, cancelled before the next"


@pytest.mark.parametrize("width", [1, 10, 24, 80])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    spec = job("工作" * 40, {name: [] for name in [*HOSTILE_NAMES, "漢" * 150]})
    board = Board(spec)
    board.update([running(number, 0) for number in range(len(spec.tasks))], [])
    lines = FrameLayout(run_of(spec, []).run, spec).frame(board.snapshot(50), at(5), Display(width=width), 50)
    assert all(text_width(line.text) == line.columns <= width for line in lines)


def test_where_words_do_not_fit_the_time_stays_whole_and_the_bar_makes_room_for_counts() -> None:
    display = Display(width=34)
    assert frame_of(TEST_JOB, attempts_of(STORY[:4]), 6, display)[:2] == [
        "└── ✓ Sync Data               0.4s",
        "    ├── ✗ Feature…eering1     2.0s",
    ]
    assert frame_of(TEST_JOB, attempts_of(STORY[:4]), 6, display)[-1] == "TestJob  2/5  20s  1 running, 1 f…"
    display = Display(width=36)
    assert frame_of(TEST_JOB, attempts_of(STORY[:2]), 6, display)[-1] == "TestJob  █░░░░░  1/5  20s  2 running"


def live(screen: Screen, clock: Callable[[], datetime] = lambda: at(20)) -> LiveTree:
    return LiveTree(screen.stream, Display(colour=True), clock=clock)


STAYS = [
    "└── ✓ Sync Data                    0.4s",
    "    ├── ✗ Feature Engineering1     2.0s  exit 1",
    "    └── ✓ Feature Engineering2      12s",
    "        └── · Machine Learning           skipped",
    "            └── · Send Email             skipped",
    "✗ `Feature Engineering1`: exit 1; its last output:",
    "  │ one",
    "  │ two and more",
    "  │ broken",
    "  all of it: pydag log TestJob --task-name 'Feature Engineering1' -n 1",
    "TestJob: failed after 13s; 2 success, 1 failed, 2 skipped",
    "",
]


def test_a_run_that_is_over_at_once_leaves_its_last_frame_the_failed_output_and_the_summary() -> None:
    with Screen() as screen:
        replay(live(screen), STORY, STORY_ENDS)
        assert screen.rows() == STAYS


def test_frames_are_drawn_over_each_other() -> None:
    with Screen() as screen:
        reporter = live(screen)
        print("before", file=screen.stream)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        screen.wait_for("0/5  20s")
        change(reporter, STORY[0])
        screen.wait_for("● Sync Data                     20s")
        for changes in STORY[1:4]:
            change(reporter, changes)
        screen.wait_for("2/5  20s  1 running, 1 failed")
        change(reporter, STORY[4])
        reporter.run_ended(STORY_ENDS)
        reporter.close()
        assert screen.rows() == ["before", *STAYS]


def test_the_last_line_says_that_a_run_is_being_stopped() -> None:
    with Screen() as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
        screen.wait_for("TestJob  ░░░░")
        reporter.stopping(at(20))
        screen.wait_for("TestJob  stopping; Ctrl-C again kills the tasks  0/5  20s  1 running")
        reporter.close()


def test_an_unchanged_frame_is_not_drawn_again() -> None:
    with Screen() as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        screen.wait_for("0/5")
        time.sleep(3 * INTERVAL)
        reporter.close()
        assert screen.received().count(b"0/5") == 1


def test_a_run_that_breaks_off_leaves_the_cursor_below_the_frame_and_the_terminal_as_it_was() -> None:
    with Screen() as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        screen.wait_for("0/5")
        reporter.close()
        screen.stream.write("Traceback")
        rows = screen.rows()
        written = screen.received()
    assert rows[-1] == "Traceback"
    assert b"\x1b[?25l" not in written
    assert written.count(b"\x1b[?7l") == written.count(b"\x1b[?7h")


def test_what_a_shell_wrote_while_the_run_was_stopped_is_not_drawn_over() -> None:
    now = at(20)
    with Screen() as screen:
        reporter = live(screen, lambda: now)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        screen.wait_for("0/5  20s")
        print("[1]+  Stopped", file=screen.stream, flush=True)
        now = at(50)
        screen.wait_for("0/5  50s")
        reporter.close()
        rows = screen.rows()
    assert [row[-3:] for row in rows if "0/5" in row] == ["20s", "50s"]
    assert rows.index("[1]+  Stopped") == (len(rows) - 2) // 2


@pytest.mark.parametrize("columns", [20, 22, 25, 40])
@pytest.mark.parametrize("name", ["Report of the whole month", "工作" * 12, "दैनिक रिपोर्ट की गणना", "🚀 " * 9])
def test_a_line_as_wide_as_the_screen_is_shown_to_its_last_column(columns: int, name: str) -> None:
    spec = job(name, {f"{name}{number}": [] for number in range(6)})
    changes = [running(number, 0) for number in range(6)]
    board = Board(spec)
    board.update(changes, [])
    layout = FrameLayout(run_of(spec, []).run, spec)
    expected = layout.frame(board.snapshot(20), at(6.7), Display(width=columns), 20)
    assert any(line.columns >= columns - 1 for line in expected)  # a wide character may not fit into the last
    with Screen(columns=columns) as screen:
        reporter = live(screen, lambda: at(6.7))
        reporter.run_started(run_of(spec, []).run, spec)
        change(reporter, changes)
        screen.wait_for(expected[-1].text)
        reporter.close()
        assert screen.rows() == [*(line.text for line in expected), ""]


def test_the_wrapped_frame_of_a_narrowed_terminal_is_erased() -> None:
    with Screen(columns=80) as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        screen.wait_for("0/5")
        screen.resize(20, 24)
        change(reporter, STORY[0])
        end = time.monotonic() + 10
        while (up := screen.last_up()) is None:
            assert time.monotonic() < end
        reporter.close()
    assert up == 11  # 6 lines, of which 5 need two rows of 20 columns


def test_many_short_tasks_do_not_get_a_frame_each() -> None:
    with Screen() as screen:
        reporter = live(screen)
        spec = fan(5_000)
        ends = [success(number, 0, 1) for number in range(len(spec.tasks))]
        record = run_of(spec, ends)
        replay(reporter, [[running(end.task, 0), end] for end in ends], record)
        assert screen.rows()[-2:] == ["Fan: success after 42s; 5002 success", ""]
        assert screen.received().count(b"\x1b[?7l") < 50
