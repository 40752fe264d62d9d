"""The list of a file's parameters: a table, whose lines are wrapped on a terminal."""

from __future__ import annotations

from pydag.model.params import ParamSpec, ParamType
from pydag.view.params import params
from pydag.view.terminal import Display
from pydag.view.text import text_width

SPECS = [
    ParamSpec("DAY", ParamType.DATE, default="today", help="the day to load"),
    ParamSpec("CITY", default="New York", choices=("New York", "Paris")),
    ParamSpec("N", ParamType.INT),
    ParamSpec("EMPTY", default="", help="\x1b[31mred\n"),
    ParamSpec("TOKEN", secret=True),
]


def test_each_parameter_has_a_line_below_the_headings() -> None:
    assert [" ".join(line.split()) for line in params(SPECS, Display())] == [
        "name type default choices help",
        "DAY date today the day to load",
        "CITY text 'New York' 'New York', Paris",
        "N int must be given",
        "EMPTY text '' red\ufffd",
        "TOKEN text, secret from the environment",
    ]


def test_the_columns_stand_below_each_other() -> None:
    lines = list(params(SPECS, Display()))
    assert {line.find(word) for line, word in zip(lines, ["type", "date", "text", "int", "text"], strict=False)} == {7}


def test_long_lines_are_wrapped_on_a_terminal() -> None:
    spec = SPECS[0]._replace(help="word " * 40)
    assert max(map(text_width, params([spec], Display(width=50)))) <= 50
    assert " ".join(" ".join(params([spec], Display(width=50))).split()).count("word") == 40


def test_nothing_is_listed_where_there_is_nothing() -> None:
    assert list(params([], Display())) == []
