"""Declarations of parameters: what cannot be right is one line that says what to write instead."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pydag import InvalidJob
from pydag.model.params import ParamSpec, ParamType
from pydag.workflow.params.declaration import REQUIRED, declared


def declare(name: Any = "P", **options: Any) -> ParamSpec:
    given = {"default": REQUIRED, "type": "text", "choices": None, "help": "", "secret": False, **options}
    return declared(name, given["default"], given["type"], given["choices"], given["help"], given["secret"])


def error(name: Any = "P", **options: Any) -> str:
    with pytest.raises(InvalidJob) as caught:
        declare(name, **options)
    return str(caught.value)


def test_a_declaration_keeps_texts_as_they_were_written() -> None:
    assert declare("DAY", default="today", type="date", help="the day") == ParamSpec(
        "DAY", ParamType.DATE, default="today", help="the day"
    )
    assert declare(choices=["a", "b"]).choices == ("a", "b")
    assert declare(secret=True).secret


@pytest.mark.parametrize(
    ("type_", "default", "text"),
    [
        ("int", 3, "3"),
        ("float", 0.5, "0.5"),
        ("float", 2, "2"),
        ("bool", True, "true"),
        ("date", date(2026, 3, 1), "2026-03-01"),
        ("path", Path("data/x.csv"), "data/x.csv"),
        ("path", "~/x", "~/x"),
    ],
)
def test_a_default_may_be_a_value_of_python(type_: str, default: object, text: str) -> None:
    assert declare(type=type_, default=default).default == text


@pytest.mark.parametrize("name", ["1A", "A-B", "", "Ä", "A B", "A=B", "A\n", 7, None])
def test_a_name_that_is_no_variable_is_refused(name: object) -> None:
    assert "has letters of ASCII, digits and _" in error(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "IFS", "LANG", "LC_ALL", "TZ", "LD_PRELOAD", "BASH_ENV", "ENV", "PS4", "SHELLOPTS"),
        *("PYTHONPATH", "PYDAG_HOME", "GOCRON_ADDRESS", "http_proxy", "_"),
    ],
)
def test_a_name_that_means_something_to_programs_is_refused(name: str) -> None:
    assert error(name) == (
        f"param({name!r}): the environment variable {name} already means something to the shell, to programs or to "
        "pydag, so commands cannot get a parameter by that name: rename it"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "string"}, "type='string' is unknown: did you mean"),
        ({"type": str}, "type=<class 'str'> is unknown: did you mean type=\"text\"?"),
        ({"type": int}, "type=<class 'int'> is unknown: did you mean type=\"int\"?"),
        ({"type": "x"}, "use one of 'text', 'int', 'float', 'bool', 'date', 'path'"),
        ({"default": None}, "default=None is not text: leave it out where a value must be given"),
        ({"default": 3}, 'default=3 is not text: write it as text, or add type="int"'),
        ({"default": 3.0, "type": "int"}, "default=3.0 is not a whole number: write it as one such as 5"),
        ({"default": True, "type": "int"}, "default=True is not a whole number"),
        ({"default": 1, "type": "bool"}, "default=1 is not true or false: write it as"),
        (
            {"default": datetime(2026, 3, 1), "type": "date"},
            "default=datetime.datetime(2026, 3, 1, 0, 0) is not a date",
        ),
        ({"default": "1.5", "type": "int"}, "the default is wrong: P='1.5' is not a whole number: give one such as 5"),
        ({"default": "c", "choices": ["a", "b"]}, "the default is wrong: P='c' is not one of 'a', 'b'"),
        ({"choices": "ab"}, "choices='ab' is not a list: write it as [..., ...]"),
        ({"choices": []}, "choices has nothing to choose from: leave it out to allow any value"),
        ({"choices": [1]}, "choices=1 is not text"),
        ({"help": 3}, "help=3 is not text"),
        ({"secret": "yes"}, "secret='yes' must be True or False"),
        ({"secret": True, "default": "x"}, "a secret has neither default nor choices, which would stand in the file"),
        ({"secret": True, "choices": ["x"]}, "its value is that of the environment variable P"),
    ],
)
def test_what_cannot_be_right_says_what_to_write(options: dict[str, Any], message: str) -> None:
    told = error(**options)
    assert message in told
    assert told.startswith("param('P'")
    assert "\n" not in told
