from __future__ import annotations

import pytest

from pydag.model.run import Output
from pydag.testing import HOSTILE_NAMES
from pydag.view.output_lines import OutputLines
from pydag.view.terminal import Display
from tests.support.samples import TEST_JOB, failed, job, success

PLAIN = Display()
COLOURED = Display(colour=True, width=80)
SPEC = job("J", {"a": [], "long name": []})


def lines_of(*pieces: bytes, display: Display = PLAIN) -> list[str]:
    """What one attempt of `a` wrote, as lines, at the end of it."""
    lines = OutputLines(SPEC, display)
    shown = [line for data in pieces for line in lines.add(Output(task=0, number=1, data=data))]
    return [*shown, *lines.ended(success(0, 0, 1))]


def test_each_line_stands_behind_the_name_of_its_task() -> None:
    lines = OutputLines(SPEC, Display())
    assert list(lines.add(Output(task=0, number=1, data=b"one\n\ntwo\n"))) == [
        "a         │ one",
        "a         │ ",
        "a         │ two",
    ]
    assert list(lines.add(Output(task=1, number=1, data=b"other\n"))) == ["long name │ other"]


def test_a_line_waits_for_its_newline_or_for_the_end() -> None:
    lines = OutputLines(SPEC, Display())
    assert list(lines.add(Output(task=0, number=1, data=b"ha"))) == []
    assert list(lines.add(Output(task=1, number=1, data=b"x"))) == []
    assert list(lines.add(Output(task=0, number=1, data=b"lf\nrest"))) == ["a         │ half"]
    assert list(lines.ended(failed(0, 0, 1))) == ["a         │ rest"]
    assert list(lines.ended(failed(0, 0, 1))) == []


def test_a_character_may_come_in_two_pieces_and_a_line_need_not_end() -> None:
    assert lines_of("é".encode()[:1], "é".encode()[1:] + b"\n") == ["a         │ é"]
    assert [len(line) for line in lines_of(b"x" * 70_000, b"y\n")] == [70_012, 13]


def test_of_a_progress_bar_its_last_state_is_shown() -> None:
    assert lines_of(b"10%\r20%", b"\r100%\r\n") == ["a         │ 100%"]


def test_output_cannot_control_the_terminal() -> None:
    hostile = b"\x1b[2J\x1b]0;title\x07a\tb\x1b[31mred\x1b[0m\x08\n"
    assert lines_of(hostile) == ["a         │ a       bred�"]
    assert lines_of(hostile, display=COLOURED) == [
        "\x1b[36ma         │ \x1b[0ma       b\x1b[31mred\x1b[0m�\x1b[0m",
    ]


def test_colours_go_on_in_the_next_line_and_never_colour_the_name() -> None:
    assert lines_of(b"\x1b[1;31mone\ntwo\x1b[m\nthree\n", display=COLOURED) == [
        "\x1b[36ma         │ \x1b[0m\x1b[1;31mone\x1b[0m",
        "\x1b[36ma         │ \x1b[0m\x1b[1;31mtwo\x1b[m\x1b[0m",
        "\x1b[36ma         │ \x1b[0mthree",
    ]


def test_tabs_stop_where_they_would_without_colours() -> None:
    shown = lines_of(b"ab\x1b[32mc\td\x1b[0m\te\n", display=COLOURED)
    assert shown == ["\x1b[36ma         │ \x1b[0mab\x1b[32mc     d\x1b[0m       e\x1b[0m"]


def test_tasks_have_colours_of_their_own() -> None:
    lines = OutputLines(TEST_JOB, COLOURED)
    shown = [line for task in range(5) for line in lines.add(Output(task=task, number=1, data=b"x\n"))]
    assert len({line.split("m")[0] for line in shown}) == 5


@pytest.mark.parametrize("display", [Display(), COLOURED])
def test_names_do_no_harm(display: Display) -> None:
    spec = job("J", {name: [] for name in HOSTILE_NAMES})
    lines = OutputLines(spec, display)
    for task in range(len(spec.tasks)):
        (line,) = lines.add(Output(task=task, number=1, data=b"x\n"))
        assert "\n" not in line
        assert "\x1b[2J" not in line


def test_a_long_name_is_shortened_on_a_terminal_alone() -> None:
    spec = job("J", {"n" * 30: []})
    output = Output(task=0, number=1, data=b"x\n")
    assert list(OutputLines(spec, Display()).add(output)) == ["n" * 30 + " │ x"]
    assert list(OutputLines(spec, Display(width=80)).add(output)) == ["n" * 10 + "…" + "n" * 9 + " │ x"]
