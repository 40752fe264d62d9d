from __future__ import annotations

import io

import pytest

from pydag.model.states import State
from pydag.view.terminal import Display, display_for, print_lines
from pydag.view.text import text_width


def test_every_state_has_a_sign_and_a_colour_of_its_own() -> None:
    display = Display(colour=True)
    assert len({display.sign(state) for state in State}) == len(State)
    assert len({Display(ascii=True).sign(state) for state in State}) == len(State)
    assert len({display.paint("", state) for state in State}) == len(State)


def test_characters_that_the_encoding_lacks_are_printed_as_numbers() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_lines(["🚀 ok"], stream)
    assert raw.getvalue() == b"\\U0001f680 ok\n"


@pytest.mark.parametrize("text", ["abcdefghij", "漢字漢字漢", "🚀" * 5, "é" * 10])
@pytest.mark.parametrize("columns", range(12))
def test_text_that_does_not_fit_is_shortened(text: str, columns: int) -> None:
    for short in (Display().fit(text, columns), Display().cut(text, columns)):
        assert text_width(short) <= columns
        assert short == text or text_width(text) > columns


def test_a_long_name_keeps_its_start_and_its_end() -> None:
    assert Display().fit("train-model-2022-12-26", 11) == "train…12-26"
    assert Display(ascii=True).fit("train-model-2022-12-26", 11) == "train~12-26"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "environ", "colour"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {"TERM": "xterm"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "0"}, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, {"FORCE_COLOR": "1", "TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(terminal: bool, environ: dict[str, str], colour: bool) -> None:
    display = display_for(Terminal() if terminal else io.StringIO(), environ)
    assert display.colour is colour
    assert (display.width is not None) is terminal


def test_a_closed_output_is_not_a_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert display_for(stream, {}) == Display()
