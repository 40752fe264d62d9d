from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TextIO

import pytest

from pydag.runs.reporter import Reporter
from pydag.view.lines import LineReporter
from pydag.view.live.view import LiveView
from pydag.view.quiet import QuietReporter
from pydag.view.reporters import Progress, Unseen, reporter_for
from pydag.view.terminal import Display
from tests.support.samples import GOOD, STORY, STORY_ENDS, replay
from tests.support.screen import Screen

PLAIN = Display()


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {}])
def test_a_dumb_terminal_gets_lines_without_escapes(environ: dict[str, str]) -> None:
    with Screen() as screen:
        reporter = reporter_for(screen.stream, environ)
        assert isinstance(reporter, LineReporter)
        if environ:
            replay(reporter, STORY, STORY_ENDS)
            assert b"\x1b" not in screen.received()


def test_a_terminal_gets_the_live_view_and_a_pipe_lines() -> None:
    with Screen() as screen:
        assert isinstance(reporter_for(screen.stream, {"TERM": "xterm"}), LiveView)
    assert isinstance(reporter_for(io.StringIO(), {"TERM": "xterm"}), LineReporter)


def test_no_color_takes_colours_alone() -> None:
    with Screen() as screen:
        reporter = reporter_for(screen.stream, {"TERM": "xterm", "NO_COLOR": "1"})
        assert isinstance(reporter, LiveView)
        replay(reporter, STORY, STORY_ENDS)
        assert b"\x1b" not in screen.received()


def test_what_was_asked_for_is_shown_where_the_output_can_show_it() -> None:
    with Screen() as screen:
        assert isinstance(reporter_for(screen.stream, {"TERM": "dumb"}, progress=Progress.LIVE), LiveView)
        assert isinstance(reporter_for(screen.stream, {"TERM": "xterm"}, progress=Progress.PLAIN), LineReporter)
        assert isinstance(reporter_for(screen.stream, {"TERM": "xterm"}, progress=Progress.NONE), Unseen)
    assert isinstance(reporter_for(io.StringIO(), {"TERM": "xterm"}, progress=Progress.LIVE), LineReporter)


def test_the_live_view_is_not_imported_for_a_pipe() -> None:
    code = (
        "import sys, io; from pydag.view.reporters import reporter_for; reporter_for(io.StringIO(), {});"
        "sys.exit('rich' in sys.modules or 'pydag.view.live.view' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_an_output_stderr_says_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    replay(reporter_for(None), STORY, STORY_ENDS)
    assert capsys.readouterr().err == "pydag: TestJob: failed after 13s; 2 success, 1 failed, 2 skipped\n"
    replay(reporter_for(None), STORY, GOOD)
    assert capsys.readouterr().err == ""


def test_quiet_goes_before_everything_also_on_a_terminal() -> None:
    with Screen() as screen:
        reporter = reporter_for(screen.stream, {"TERM": "xterm"}, quiet=True, show_output=True)
        assert isinstance(reporter, QuietReporter)


class Broken(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("make", [LineReporter, QuietReporter, LiveView])
def test_a_reporter_survives_an_output_that_is_gone(make: Callable[[TextIO, Display], Reporter]) -> None:
    replay(make(Broken(), PLAIN), STORY, STORY_ENDS)
    closed = io.StringIO()
    closed.close()
    replay(make(closed, PLAIN), STORY, STORY_ENDS)
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as stream:
        replay(make(stream, PLAIN), STORY, STORY_ENDS)


@pytest.mark.parametrize("make", [LineReporter, QuietReporter, LiveView])
def test_close_may_be_called_twice_and_without_a_run(make: Callable[[TextIO, Display], Reporter]) -> None:
    reporter = make(io.StringIO(), PLAIN)
    reporter.close()
    reporter.close()
