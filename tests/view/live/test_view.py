from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from pydag.model.run import Output
from pydag.model.spec import JobSpec
from pydag.runs.reporter import PastRuns
from pydag.testing import at
from pydag.view.live.view import INTERVAL, LiveView
from pydag.view.terminal import Display
from tests.support.frames import board_of, frame_of
from tests.support.samples import (
    STORY,
    STORY_ENDS,
    TEST_JOB,
    change,
    fan,
    job,
    replay,
    run_of,
    running,
    success,
)
from tests.support.screen import Screen


def live(screen: Screen, clock: Callable[[], datetime] = lambda: at(20), *, show_output: bool = False) -> LiveView:
    return LiveView(screen.stream, Display(colour=True), show_output=show_output, clock=clock)


ABOVE = [
    "✗ Feature Engineering1  2.0s  exit 1",
    "  │ one",
    "  │ two and more",
    "  │ broken",
]
STAYS = [
    "✓ Sync Data               0.4s",
    "✗   Feature Engineering1  2.0s  exit 1",
    "✓   Feature Engineering2  12s",
    "·     Machine Learning    upstream did not succeed",
    "·       Send Email        upstream did not succeed",
    "next: pydag log TestJob --task-name 'Feature Engineering1' -n 1",
    "TestJob: failed after 13s; 2 success, 1 failed, 2 skipped",
    "",
]


def test_a_run_that_is_over_at_once_shows_what_failed_its_tree_and_the_summary() -> None:
    with Screen() as screen:
        replay(live(screen), STORY, STORY_ENDS)
        assert screen.rows() == [*ABOVE, *STAYS]
        assert b"\x1b[?7l" not in screen.received()


def test_frames_are_drawn_over_each_other_and_failures_stay_above() -> None:
    with Screen() as screen:
        reporter = live(screen)
        print("before", file=screen.stream)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        change(reporter, STORY[0])
        screen.wait_for("● Sync Data               20s")
        for changes in STORY[1:4]:
            change(reporter, changes)
        screen.wait_for("2/5  20s  1 running  1 failed")
        screen.wait_for("  │ broken")
        change(reporter, STORY[4])
        reporter.run_ended(STORY_ENDS)
        reporter.close()
        assert screen.rows() == ["before", *ABOVE, *STAYS]


def test_output_that_was_asked_for_stays_above_the_view() -> None:
    with Screen() as screen:
        reporter = live(screen, show_output=True)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        for changes in STORY[:3]:
            change(reporter, changes)
        screen.wait_for("Feature Engineering2 │ other")
        screen.wait_for("1/5  20s  2 running")
        for changes in STORY[3:]:
            change(reporter, changes)
        reporter.run_ended(STORY_ENDS)
        reporter.close()
        assert screen.rows() == [
            "Feature Engineering1 │ one",
            "Feature Engineering2 │ other",
            "Feature Engineering1 │ two and more",
            "Feature Engineering1 │ broken",
            ABOVE[0],
            *STAYS,
        ]


def test_the_last_line_says_that_a_run_is_being_stopped() -> None:
    with Screen() as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
        screen.wait_for("TestJob  ░░░░")
        reporter.stopping(at(20))
        screen.wait_for("TestJob  stopping; Ctrl-C again kills the tasks  0/5  20s  1 running")
        reporter.close()


def test_the_last_line_names_the_hook_that_runs() -> None:
    with Screen() as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([success(0, 0, 1)], [])
        reporter.hook_started("on_end", at(19))
        screen.wait_for("TestJob  `on_end` runs  1/5  20s")
        reporter.close()


def test_the_time_left_is_that_of_earlier_runs() -> None:
    def past(spec: JobSpec) -> PastRuns:
        return PastRuns(25, {"Sync Data": 25})

    with Screen() as screen:
        reporter = LiveView(screen.stream, Display(), past=past, clock=lambda: at(20))
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
        screen.wait_for("0/5  20s  about 5s left  1 running")
        reporter.close()


def test_a_history_that_cannot_be_read_costs_the_time_left_alone() -> None:
    def past(spec: JobSpec) -> PastRuns:
        raise OSError("gone")

    with Screen() as screen:
        reporter = LiveView(screen.stream, Display(), past=past, clock=lambda: at(20))
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
        screen.wait_for("0/5  20s  1 running")
        reporter.changed([success(0, 0, 1)], [])
        screen.wait_for("1/5  20s")
        reporter.close()


def test_an_unchanged_frame_is_not_drawn_again() -> None:
    with Screen() as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
        screen.wait_for("0/5")
        time.sleep(3 * INTERVAL)
        reporter.close()
        assert screen.received().count(b"0/5") == 1


def test_a_run_that_breaks_off_leaves_the_cursor_below_the_frame_and_the_terminal_as_it_was() -> None:
    with Screen() as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
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
        reporter.changed([running(0, 0)], [])
        screen.wait_for("0/5  20s")
        print("[1]+  Stopped", file=screen.stream, flush=True)
        now = at(50)
        screen.wait_for("0/5  50s")
        reporter.close()
        rows = screen.rows()
    assert [row.split("  ")[3] for row in rows if "0/5" in row] == ["20s", "50s"]
    assert rows.index("[1]+  Stopped") == (len(rows) - 2) // 2


@pytest.mark.parametrize("columns", [20, 25, 40])
@pytest.mark.parametrize("name", ["Report of the whole month", "工作" * 12, "🚀 " * 9])
def test_a_line_as_wide_as_the_screen_is_shown_to_its_last_column(columns: int, name: str) -> None:
    spec = job("J", {f"{name}{number}": [] for number in range(6)})
    changes = [running(number, 0) for number in range(6)]
    outputs = [Output(number, 1, b"x" * 99) for number in range(6)]
    with Screen(columns=columns) as screen:
        reporter = live(screen, lambda: at(6.7))
        reporter.run_started(run_of(spec, []).run, spec)
        reporter.changed(changes, outputs)
        screen.wait_for("J  ")
        reporter.close()
        rows = screen.rows()
    whole = frame_of(board_of(spec, [*changes, *outputs], 6.7), seconds=6.7, display=Display(width=columns))
    assert [row[:10] for row in rows] == [line[:10] for line in [*whole, ""]]
    assert all(row.endswith("…") for row in rows[:6])


def test_the_wrapped_frame_of_a_narrowed_terminal_is_erased() -> None:
    with Screen(columns=80) as screen:
        reporter = live(screen)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
        screen.wait_for("0/5")
        screen.resize(20, 24)
        change(reporter, [Output(0, 1, b"x\n")])
        end = time.monotonic() + 10
        while (up := screen.last_up()) is None:
            assert time.monotonic() < end
        reporter.close()
    assert up == 14  # 6 lines, of which 5 need two rows of 20 columns, and one four


def test_many_short_tasks_do_not_get_a_frame_each() -> None:
    with Screen() as screen:
        reporter = live(screen)
        spec = fan(5_000)
        ends = [success(number, 0, 1) for number in range(len(spec.tasks))]
        record = run_of(spec, ends)
        replay(reporter, [[running(end.task, 0), end] for end in ends], record)
        assert screen.rows()[-2:] == ["Fan: success after 42s; 5002 success", ""]
        assert screen.received().count(b"\x1b[?7l") < 500


def test_nothing_that_draws_is_imported_before_the_first_task_has_started() -> None:
    code = (
        "import sys, io; from pydag.view.live.view import LiveView; from pydag.view.terminal import Display;"
        "from tests.support.samples import STORY_ENDS, TEST_JOB;"
        "LiveView(io.StringIO(), Display()).run_started(STORY_ENDS.run, TEST_JOB);"
        "sys.exit('rich' in sys.modules or 'pydag.view.live.board' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_that_is_over_at_once_does_not_import_rich() -> None:
    code = (
        "import sys, io; from pydag.view.live.view import LiveView; from pydag.view.terminal import Display;"
        "from tests.support.samples import STORY, STORY_ENDS, replay;"
        "replay(LiveView(io.StringIO(), Display()), STORY, STORY_ENDS);"
        "sys.exit('rich' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
