from __future__ import annotations

import io
import os
import re
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from pydag.model.run import Attempt, Output, RunRecord
from pydag.model.states import Reason, State
from pydag.testing import HOSTILE_NAMES, at
from pydag.view.lines import LineReporter
from pydag.view.terminal import Display
from tests.support.samples import (
    STORY,
    STORY_ENDS,
    TEST_JOB,
    failed,
    fan,
    job,
    replay,
    run_of,
    running,
    skipped,
    success,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("in_utc")

PLAIN = Display()


def lines_of(changes: Sequence[Sequence[Attempt | Output]], record: RunRecord, display: Display = PLAIN) -> str:
    stream = io.StringIO()
    replay(LineReporter(stream, display), changes, record)
    return stream.getvalue()


def test_a_run_has_a_line_for_each_event() -> None:
    assert (
        lines_of(STORY, STORY_ENDS)
        == """\
2022-12-26 15:28:01 TestJob started: 5 tasks, run r1
2022-12-26 15:28:01 `Sync Data` started
2022-12-26 15:28:01 `Sync Data` success after 0.4s
2022-12-26 15:28:02 `Feature Engineering1` started
2022-12-26 15:28:02 `Feature Engineering2` started
2022-12-26 15:28:04 `Feature Engineering1` failed after 2.0s: exit 1
2022-12-26 15:28:14 `Feature Engineering2` success after 12s
2022-12-26 15:28:14 `Machine Learning` skipped: upstream did not succeed
2022-12-26 15:28:14 `Send Email` skipped: upstream did not succeed
✗ `Feature Engineering1`: exit 1; its last output:
  │ one
  │ two and more
  │ broken
  all of it: pydag log TestJob --task-name 'Feature Engineering1' -n 1
TestJob: failed after 13s; 2 success, 1 failed, 2 skipped
"""
    )


def test_what_an_engine_waits_for_has_a_line_with_the_time_at_which_it_was_said() -> None:
    stream = io.StringIO()
    waits = running(0, 0)._replace(detail="gocron is away")
    reporter = LineReporter(stream, PLAIN, clock=lambda: at(40))
    replay(reporter, [[running(0, 0)], [waits]], STORY_ENDS)
    assert stream.getvalue().splitlines()[1:3] == [
        "2022-12-26 15:28:01 `Sync Data` started",
        "2022-12-26 15:28:41 `Sync Data` still running: gocron is away",
    ]


def test_output_that_was_asked_for_comes_between_start_and_end_of_its_task() -> None:
    stream = io.StringIO()
    replay(LineReporter(stream, PLAIN, show_output=True), STORY, STORY_ENDS)
    lines = stream.getvalue().splitlines()
    place = lines.index("Feature Engineering1 │ one")
    assert lines[place - 1 : place + 5] == [
        "2022-12-26 15:28:02 `Feature Engineering2` started",
        "Feature Engineering1 │ one",
        "Feature Engineering2 │ other",
        "Feature Engineering1 │ two and more",
        "Feature Engineering1 │ broken",
        "2022-12-26 15:28:04 `Feature Engineering1` failed after 2.0s: exit 1",
    ]


def test_lines_announce_the_next_attempt() -> None:
    spec = job("J", {"a": []}, retries=2)
    story = [
        [running(0, 0)],
        [failed(0, 0, 1, exit_status=None, signal=11)],
        [running(0, 1, number=2)],
        [failed(0, 1, 2, number=2)],
        [Attempt.not_attempted(0, State.CANCELLED)],
    ]
    shown = lines_of(story, run_of(spec, [], State.CANCELLED)).splitlines()
    assert shown[2:] == [
        "2022-12-26 15:28:02 `a` failed after 1.0s: signal 11 (SIGSEGV); attempt 1 of 3, the next now",
        "2022-12-26 15:28:02 `a` started, attempt 2 of 3",
        "2022-12-26 15:28:03 `a` failed after 1.0s: exit 1; attempt 2 of 3, the next now",
        "2022-12-26 15:28:03 `a` cancelled while waiting",
        "J: cancelled after 42s; 1 pending",
    ]


def test_a_task_cancelled_before_it_started_has_the_time_of_the_cancellation() -> None:
    cancelled = Attempt.not_attempted(1, State.CANCELLED, ended=at(20), reason=Reason.INTERRUPTED)
    shown = lines_of([[running(0, 0)], [cancelled]], run_of(TEST_JOB, [], State.CANCELLED)).splitlines()
    assert shown[2] == "2022-12-26 15:28:21 `Feature Engineering1` cancelled while waiting"


def test_lines_say_that_a_run_is_being_stopped() -> None:
    stream = io.StringIO()
    reporter = LineReporter(stream, PLAIN)
    reporter.run_started(STORY_ENDS.run, TEST_JOB)
    reporter.stopping(at(20))
    assert stream.getvalue().splitlines()[1] == "2022-12-26 15:28:21 stopping; Ctrl-C again kills the tasks"


def test_a_stopped_task_says_so_once() -> None:
    stopped = Attempt(
        task=0,
        number=1,
        state=State.CANCELLED,
        started=at(0),
        ended=at(2),
        signal=15,
        reason=Reason.INTERRUPTED,
    )
    assert "`Sync Data` cancelled after 2.0s\n" in lines_of([[stopped]], run_of(TEST_JOB, [stopped], State.CANCELLED))


def test_many_skipped_tasks_share_a_line() -> None:
    spec = fan(10_000)
    shown = lines_of(
        [[failed(0, 0, 1), *map(skipped, range(1, 10_002))]], run_of(spec, [failed(0, 0, 1)], State.FAILED)
    )
    assert shown.splitlines()[1:3] == [
        "2022-12-26 15:28:02 `root` failed after 1.0s: exit 1",
        "2022-12-26 15:28:02 `t1`, `t2`, `t3` and 9998 more skipped: upstream did not succeed",
    ]


def test_a_line_is_there_as_soon_as_the_call_returns(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        reporter = LineReporter(stream, PLAIN)
        reporter.run_started(STORY_ENDS.run, TEST_JOB)
        reporter.changed([running(0, 0)], [])
        assert path.read_text(encoding="utf-8").endswith("`Sync Data` started\n")
        reporter.close()


def test_after_a_silence_a_line_says_what_runs_and_since_when() -> None:
    stream = io.StringIO()
    reporter = LineReporter(stream, PLAIN, silence=0.001, clock=lambda: at(130))
    reporter.run_started(STORY_ENDS.run, fan(9))
    eventually(
        lambda: "2022-12-26 15:30:11 nothing runs: a failed task waits for its next attempt\n" in stream.getvalue()
    )
    reporter.changed([success(0, 0, 1), *(running(number, 10 * number) for number in range(1, 6))], [])
    line = "2022-12-26 15:30:11 still running: `t1` for 2m 00s, `t2` for 1m 50s, `t3` for 1m 40s and 2 more\n"
    eventually(lambda: line in stream.getvalue())
    reporter.changed([success(number, 10, 11) for number in range(1, 5)], [])
    eventually(lambda: "still running: `t5` for 1m 20s\n" in stream.getvalue())
    reporter.hook_started("on_end", at(130))
    assert "2022-12-26 15:30:11 `on_end` started\n" in stream.getvalue()
    eventually(lambda: "still running: `on_end`\n" in stream.getvalue())
    reporter.close()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_shown_as_it_is_and_quoted_in_a_command(name: str) -> None:
    spec = job(name, {name: []})
    shown = lines_of(
        [[running(0, 0)], [Output(task=0, number=1, data=b"x\n"), failed(0, 0, 1)]],
        run_of(spec, [failed(0, 0, 1)], State.FAILED),
    )
    assert f" `{name}` started\n" in shown
    (command,) = re.findall(r"^  all of it: (.*)$", shown, re.MULTILINE)
    words = subprocess.run(
        ["bash", "-c", f"pydag() {{ printf '%s\\0' \"$@\"; }}; {command}"], capture_output=True, check=True
    )
    given = words.stdout.decode().split("\0")[:-1]
    rest = (
        ["log", "--task-name", name, "-n", "1", "--", name]
        if name.startswith("-")
        else ["log", name, "--task-name", name, "-n", "1"]
    )
    assert given == rest


def test_a_reader_that_stops_does_not_stop_the_run_and_gets_everything_later() -> None:
    read, write = os.pipe()
    with open(write, "w", encoding="utf-8") as stream:
        reporter = LineReporter(stream, PLAIN)
        spec = fan(10_000)
        reporter.run_started(STORY_ENDS.run, spec)
        for number in range(10_000):
            reporter.changed([running(number, number)], [])
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.extend(iter(lambda: os.read(read, 65536), b"")))
        reader.start()
        reporter.close()
    reader.join()
    os.close(read)
    lines = b"".join(received).decode().splitlines()
    assert len(lines) == 10_001
    assert lines[-1].endswith(" `t9999` started")
