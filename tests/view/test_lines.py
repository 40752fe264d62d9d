from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import pytest

from pydag.model.run import Attempt, Output, RunRecord, Usage
from pydag.model.states import Reason, State
from pydag.runs.reporter import Reporter
from pydag.testing import HOSTILE_NAMES, at
from pydag.view.lines import LineReporter
from pydag.view.live.tree import LiveTree
from pydag.view.outlet import Outlet
from pydag.view.reporters import reporter_for
from pydag.view.summary import final_lines, summary
from pydag.view.tails import MAX_FAILURES, TAIL_BYTES, TAIL_LINES, OutputTails
from pydag.view.terminal import Display
from tests.support.samples import (
    STORY,
    STORY_ENDS,
    TEST_JOB,
    failed,
    fan,
    job,
    run_of,
    running,
    skipped,
    success,
    tell,
)
from tests.support.screen import Screen

pytestmark = pytest.mark.usefixtures("in_utc")

PLAIN = Display()


def lines_of(changes: Sequence[Sequence[Attempt | Output]], record: RunRecord, display: Display = PLAIN) -> str:
    stream = io.StringIO()
    tell(LineReporter(stream, display), changes, record)
    return stream.getvalue()


def test_lines_tell_a_run_in_plain_words() -> None:
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
  all of it: pydag log TestJob --task_name 'Feature Engineering1' -n 1
TestJob failed after 13s: 2 ok, 1 failed, 2 skipped
"""
    )


def test_lines_announce_the_next_attempt() -> None:
    spec = job("J", {"a": []}, retries=2)
    story = [
        [running(0, 0)],
        [failed(0, 0, 1, exit_status=None, signal=11)],
        [running(0, 1, number=2)],
        [failed(0, 1, 2, number=2)],
        [Attempt.not_attempted(0, State.CANCELLED)],
    ]
    told = lines_of(story, run_of(spec, [], State.CANCELLED)).splitlines()
    assert told[2:] == [
        "2022-12-26 15:28:02 `a` failed after 1.0s: signal 11 (SIGSEGV); attempt 1 of 3, the next now",
        "2022-12-26 15:28:02 `a` started, attempt 2 of 3",
        "2022-12-26 15:28:03 `a` failed after 1.0s: exit 1; attempt 2 of 3, the next now",
        "2022-12-26 15:28:03 `a` cancelled: nothing of it will start",
        "J was cancelled after 42s: 1 pending",
    ]


def test_what_is_cancelled_before_it_started_bears_the_time_of_that() -> None:
    cancelled = Attempt.not_attempted(1, State.CANCELLED, ended=at(20), reason=Reason.INTERRUPTED)
    told = lines_of([[running(0, 0)], [cancelled]], run_of(TEST_JOB, [], State.CANCELLED)).splitlines()
    assert told[2] == "2022-12-26 15:28:21 `Feature Engineering1` cancelled: nothing of it will start"


def test_lines_say_that_a_run_is_being_stopped() -> None:
    stream = io.StringIO()
    reporter = LineReporter(stream, PLAIN)
    reporter.run_started(STORY_ENDS.run, TEST_JOB)
    reporter.stopping(at(20))
    assert stream.getvalue().splitlines()[1] == "2022-12-26 15:28:21 stopping; Ctrl-C again kills"


def test_what_was_stopped_says_so_once() -> None:
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


def test_a_flood_of_skipped_tasks_is_one_line() -> None:
    spec = fan(10_000)
    told = lines_of([[failed(0, 0, 1), *map(skipped, range(1, 10_002))]], run_of(spec, [failed(0, 0, 1)], State.FAILED))
    assert told.splitlines()[1:3] == [
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


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_shown_as_it_is_and_quoted_where_a_shell_will_read_it(name: str) -> None:
    spec = job(name, {name: []})
    told = lines_of(
        [[running(0, 0)], [Output(task=0, number=1, data=b"x\n"), failed(0, 0, 1)]],
        run_of(spec, [failed(0, 0, 1)], State.FAILED),
    )
    assert f" `{name}` started\n" in told
    (command,) = re.findall(r"^  all of it: (.*)$", told, re.MULTILINE)
    words = subprocess.run(
        ["bash", "-c", f"pydag() {{ printf '%s\\0' \"$@\"; }}; {command}"], capture_output=True, check=True
    )
    given = words.stdout.decode().split("\0")[:-1]
    rest = (
        ["log", "--task_name", name, "-n", "1", "--", name]
        if name.startswith("-")
        else ["log", name, "--task_name", name, "-n", "1"]
    )
    assert given == rest


@pytest.mark.parametrize("environ", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_no_color_and_a_dumb_terminal_get_lines_without_an_escape_byte(environ: dict[str, str]) -> None:
    with Screen() as screen:
        reporter = reporter_for(screen.stream, environ)
        assert isinstance(reporter, LineReporter)
        if environ:
            tell(reporter, STORY, STORY_ENDS)
            assert b"\x1b" not in screen.received()


def test_a_terminal_gets_the_live_tree_and_a_pipe_lines() -> None:
    with Screen() as screen:
        assert isinstance(reporter_for(screen.stream, {"TERM": "xterm"}), LiveTree)
    assert isinstance(reporter_for(io.StringIO(), {"TERM": "xterm"}), LineReporter)


def test_the_live_tree_is_not_imported_for_a_pipe() -> None:
    code = (
        "import sys, io; from pydag.view.reporters import reporter_for; reporter_for(io.StringIO(), {});"
        "sys.exit('rich' in sys.modules or 'pydag.view.live.tree' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def tail(data: bytes, *more: bytes) -> list[str]:
    tails = OutputTails(TEST_JOB)
    for each in (data, *more):
        tails.add(Output(task=0, number=1, data=each))
    tails.ended(failed(0, 0, 1))
    return tails.failed[0][1].lines()


def test_the_last_twenty_lines_are_shown() -> None:
    assert tail(b"".join(b"%d\n" % number for number in range(50))) == [str(number) for number in range(30, 50)]
    assert tail(b"no newline at the end") == ["no newline at the end"]
    assert tail(b"") == []
    assert tail(b"\n\nafter empty ones\n\n\n") == ["", "", "after empty ones"]
    assert TAIL_LINES == 20


@pytest.mark.parametrize("piece", [1, 7, 1000, TAIL_BYTES, 10 * TAIL_BYTES])
def test_a_tail_is_the_same_however_the_output_came_and_its_memory_is_bounded(piece: int) -> None:
    data = b"x" * 100_000 + b"\nlast\n"
    tails = OutputTails(TEST_JOB)
    for start in range(0, len(data), piece):
        tails.add(Output(task=0, number=1, data=data[start : start + piece]))
        assert len(tails.running[0].data) <= 5 * TAIL_BYTES
    tails.ended(failed(0, 0, 1))
    first, last = tails.failed[0][1].lines()
    assert (first, last) == ("…" + "x" * (TAIL_BYTES - 6), "last")


def test_what_a_task_wrote_cannot_steer_the_terminal() -> None:
    shown = tail(b"\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\x07 [bold]x\n10%\r20%\r100%\r\n\xff\xfe\x00\n")
    assert shown == ["red  [bold]x", "100%", "\ufffd\ufffd\ufffd"]


def test_a_cut_inside_a_character_leaves_no_rubbish() -> None:
    (line,) = tail("é".encode() * TAIL_BYTES + b"x")
    assert line.startswith("…é")


def test_only_the_first_failures_are_kept_and_what_succeeds_or_is_tried_again_is_not() -> None:
    spec = job("J", {f"t{number}": [] for number in range(9)}, retries=1)
    tails = OutputTails(spec)
    for number in range(8):
        tails.add(Output(task=number, number=1, data=b"x"))
    tails.ended(success(0, 0, 1))
    tails.ended(failed(1, 0, 1))
    assert not tails.failed
    for task in range(2, 8):
        tails.ended(failed(task, 0, 1, number=2))
    assert list(tails.failed) == [2, 3, 4]
    assert not tails.running


def test_many_failures_are_counted_and_the_first_that_is_not_shown_is_named() -> None:
    spec = job("J", {f"t {number}": [] for number in range(9)})
    ends = [failed(number, 0, 1) for number in range(9)]
    tails = OutputTails(spec)
    for end in ends:
        tails.ended(end)
    told = list(final_lines(run_of(spec, ends, State.FAILED), tails, PLAIN))
    assert told == [
        "✗ `t 0`: exit 1; it wrote nothing",
        "✗ `t 1`: exit 1; it wrote nothing",
        "✗ `t 2`: exit 1; it wrote nothing",
        "✗ 6 more tasks failed; the first: pydag log J --task_name 't 3' -n 1",
        "J failed after 42s: 9 failed",
    ]
    assert MAX_FAILURES == 3


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.SUCCESS, "TestJob succeeded after 42s: 5 ok"),
        (State.CANCELLED, "TestJob was cancelled after 42s: 5 ok"),
        (State.LOST, "TestJob is lost after 42s: 5 ok"),
    ],
)
def test_one_line_sums_up(state: State, expected: str) -> None:
    assert summary(run_of(TEST_JOB, [success(number, 0, 1) for number in range(5)], state)) == expected


def test_the_summary_has_the_cpu_time_of_all_attempts_that_were_measured() -> None:
    attempts = [
        failed(0, 0, 1)._replace(usage=Usage(0.5, 0.25, 1)),
        success(0, 1, 2, number=2)._replace(usage=Usage(0.25, 0.25)),
        success(1, 2, 3),
    ]
    record = run_of(job("J", {"a": [], "b": ["a"]}, retries=1), attempts)
    assert summary(record) == "J succeeded after 42s: 2 ok; 1.2s CPU"


class Broken(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("make", [LineReporter, LiveTree])
def test_a_reporter_survives_an_output_that_is_gone(make: Callable[[TextIO, Display], Reporter]) -> None:
    tell(make(Broken(), PLAIN), STORY, STORY_ENDS)
    closed = io.StringIO()
    closed.close()
    tell(make(closed, PLAIN), STORY, STORY_ENDS)
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as stream:
        tell(make(stream, PLAIN), STORY, STORY_ENDS)


@pytest.mark.parametrize("make", [LineReporter, LiveTree])
def test_close_may_be_called_twice_and_without_a_run(make: Callable[[TextIO, Display], Reporter]) -> None:
    reporter = make(io.StringIO(), PLAIN)
    reporter.close()
    reporter.close()


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


def test_a_pipe_that_does_not_block_loses_nothing() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with open(write, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.extend(iter(lambda: os.read(read, 1000), b"")))
        reader.start()
        outlet.finish("x" * 500_000)
    reader.join()
    os.close(read)
    assert sum(map(len, received)) == 500_000
