from __future__ import annotations

import re

import pytest

from pydag.testing import HOSTILE_NAMES, at
from pydag.view.live.painter import Painter
from pydag.view.terminal import Display
from pydag.view.text import text_width
from tests.support.frames import board_of
from tests.support.samples import TEST_JOB, job, running

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def drawn(painter: Painter, display: Display, height: int = 50, seconds: float = 5) -> str:
    return painter.redrawn(at(seconds), display, height, stopping=False)


@pytest.mark.parametrize("width", [1, 10, 24, 40, 80])
@pytest.mark.parametrize("colour", [True, False])
def test_no_line_is_wider_than_the_screen(width: int, colour: bool) -> None:
    spec = job("工作" * 40, {name: [] for name in [*HOSTILE_NAMES, "漢" * 150, "[red]markup[/]"]})
    board = board_of(spec, [running(number, 0) for number in range(len(spec.tasks))])
    frame = drawn(Painter(board), Display(colour=colour, width=width))
    lines = _ESCAPE.sub("", frame).replace("\r", "").split("\n")
    assert len(lines) == len(spec.tasks) + 2
    assert all(text_width(line) <= width for line in lines)


def test_names_are_not_markup() -> None:
    board = board_of(job("J", {"[red]a[/red] :smile:": []}), [])
    assert "[red]a[/red] :smile:" in drawn(Painter(board), Display(colour=True, width=80))


def test_colours_are_those_of_the_palette() -> None:
    frame = drawn(Painter(board_of(TEST_JOB, [running(0, 0)])), Display(colour=True, width=80))
    assert "\x1b[34m● Sync Data               5.0s\x1b[0m" in frame
    assert "\x1b[2m○   Feature Engineering1\x1b[0m" in frame


def test_without_colours_the_view_is_the_same() -> None:
    board = board_of(TEST_JOB, [running(0, 0)])
    plain, coloured = (drawn(Painter(board), Display(colour=colour, width=80)) for colour in (False, True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert "m" not in "".join(_ESCAPE.findall(plain))


def test_a_frame_that_is_the_same_is_not_drawn() -> None:
    painter = Painter(board_of(TEST_JOB, [running(0, 0)]))
    display = Display(width=80)
    assert drawn(painter, display)
    assert not drawn(painter, display)
    assert drawn(painter, display, seconds=6).startswith("\r\x1b[6A")


def test_a_terminal_that_was_made_narrower_has_wrapped_the_lines() -> None:
    painter = Painter(board_of(TEST_JOB, [running(0, 0)]))
    drawn(painter, Display(width=80))
    assert drawn(painter, Display(width=20), seconds=6).startswith("\r\x1b[14A")
    painter.forget()
    assert drawn(painter, Display(width=80), seconds=7).startswith("\r\x1b[?7l")
    assert painter.erased(Display(width=80)) == "\r\x1b[6A\x1b[J"
    assert painter.erased(Display(width=80)) == ""


def test_no_sequence_is_left_open_in_any_line() -> None:
    frame = drawn(Painter(board_of(TEST_JOB, [running(0, 0)])), Display(colour=True, width=30))
    assert "\x1b[?25l" not in frame
    for line in frame.split("\r\n"):
        assert line.count("\x1b[?7l") == line.count("\x1b[?7h")
