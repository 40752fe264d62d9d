"""The texts of values: what each type takes, strictly, and the text that commands get of it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pydag import InvalidSetting
from pydag.model.params import ParamSpec, ParamType
from pydag.workflow.params.reading import read
from pydag.workflow.params.values import Days, text_of

SCHEDULED = "PYDAG_SCHEDULED_FOR"


def value(type_: str, text: str, *choices: str) -> object:
    return read(ParamSpec("P", ParamType(type_), choices=choices), text, Days())


def error(type_: str, text: str, *choices: str, secret: bool = False) -> str:
    with pytest.raises(InvalidSetting) as caught:
        read(ParamSpec("P", ParamType(type_), choices=choices, secret=secret), text, Days())
    return str(caught.value)


@pytest.mark.parametrize(
    ("type_", "text", "expected", "canonical"),
    [
        ("text", "", "", ""),
        ("text", " a=b\n", " a=b\n", " a=b\n"),
        ("int", "007", 7, "7"),
        ("int", "-3", -3, "-3"),
        ("int", "+3", 3, "3"),
        ("float", "1e-3", 0.001, "0.001"),
        ("float", ".5", 0.5, "0.5"),
        ("float", "2", 2.0, "2.0"),
        ("bool", "YES", True, "true"),
        ("bool", "off", False, "false"),
        ("bool", "1", True, "true"),
        ("date", "2026-02-28", date(2026, 2, 28), "2026-02-28"),
    ],
)
def test_a_text_becomes_a_value_and_commands_get_its_plain_text(
    type_: str, text: str, expected: object, canonical: str
) -> None:
    got = value(type_, text)
    assert (got, type(got), text_of(got)) == (expected, type(expected), canonical)
    assert value(type_, text_of(got)) == got


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        *[("int", text) for text in ("", "1.0", "1_000", " 1", "1\n", "0x10", "١", "9" * 5000, "--1")],
        *[("float", text) for text in ("", "nan", "inf", "1e999", "1,5", "1_0", ".", "e5", "1.5 ")],
        *[("bool", text) for text in ("", "y", "2", "maybe", "true ")],
        *[("date", text) for text in ("", "20260301", "2026-W09-1", "2026-02-30", "tomorrow", "Today", "2026-3-1")],
        *[("path", text) for text in ("", "~no_such_user_here/x")],
    ],
)
def test_what_a_type_does_not_take_is_refused_and_said(type_: str, text: str) -> None:
    told = error(type_, text)
    assert told.startswith("P=")
    assert ": give " in told
    assert "\n" not in told


def test_words_for_days() -> None:
    today = date.today()
    assert value("date", "today") == today
    assert value("date", "yesterday") == today - timedelta(days=1)
    assert value("date", "scheduled") == today


def test_the_scheduled_day_is_that_of_the_logical_dates_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCHEDULED, "2026-03-01T00:30:00+14:00")
    assert value("date", "scheduled") == date(2026, 3, 1)
    assert value("date", "today") == date.today()
    monkeypatch.setenv(SCHEDULED, "noon")
    assert error("date", "scheduled").startswith("PYDAG_SCHEDULED_FOR='noon' is not a time such as")
    assert value("date", "today") == date.today()


def test_a_path_is_whole_and_seen_from_the_working_directory(directory: Path) -> None:
    assert value("path", "data/../x.csv") == directory / "x.csv"
    assert value("path", "~/x") == Path("~/x").expanduser()
    assert value("path", "/a/./b") == Path("/a/b")


def test_choices_are_compared_as_values() -> None:
    assert value("int", "03", "1", "3") == 3
    assert value("date", "today", "today", "2026-03-01") == date.today()
    assert error("text", "Pris", "Berlin", "Paris") == (
        "P='Pris' is not one of 'Berlin', 'Paris': did you mean 'Paris'?"
    )
    assert error("int", "4", "1", "3") == "P='4' is not one of '1', '3': choose one of them"


@pytest.mark.parametrize("text", ["a\0b", "\udc80"])
def test_what_no_program_can_be_given_is_refused(text: str) -> None:
    assert "cannot be passed to a program" in error("text", text)


def test_a_value_that_is_too_long_for_a_variable_is_refused() -> None:
    assert value("text", "ä" * 50_000)
    assert "is longer than 100000 bytes: write it into a file" in error("text", "ä" * 50_001)


def test_no_message_shows_a_secret() -> None:
    for type_, text in (("int", "hunter2"), ("text", "hunter2\0"), ("text", "hunter2" * 20_000)):
        told = error(type_, text, secret=True)
        assert "hunter2" not in told
        assert told.startswith("P ")
