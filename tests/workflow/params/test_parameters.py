"""Parameters of a file: where a value comes from, and which values and declarations are refused."""

from __future__ import annotations

import sys
from datetime import date
from typing import assert_type

import pytest

from pydag import InvalidJob, InvalidSetting, param
from pydag.model.params import ParamSpec, ParamType
from pydag.workflow.params import parameters as module
from pydag.workflow.params.parameters import Parameters, ProgramParameters, split_arguments

DAY = ParamSpec("DAY", ParamType.DATE, help="the day to load")
CITY = ParamSpec("CITY", default="Berlin", choices=("Berlin", "Paris"))
COUNT = ParamSpec("COUNT", ParamType.INT, default="007")
TOKEN = ParamSpec("TOKEN", secret=True)


def refused(parameters: Parameters, spec: ParamSpec) -> str:
    with pytest.raises(InvalidSetting) as caught:
        parameters.declare(spec)
    return str(caught.value)


def undeclared(parameters: Parameters) -> str:
    with pytest.raises(InvalidSetting) as caught:
        parameters.refuse_undeclared("load.py")
    return str(caught.value)


def test_name_value_is_told_from_all_other_arguments() -> None:
    given, others = split_arguments(["load.py", "A=1", "_b2=x=y", "C=", "--d=e", "1F=g", "-x", "A=2", "E=\n"])
    assert given == {"A": "2", "_b2": "x=y", "C": "", "E": "\n"}
    assert others == ["load.py", "--d=e", "1F=g", "-x"]


def test_a_given_value_comes_before_the_default() -> None:
    parameters = Parameters({"CITY": "Paris"})
    assert parameters.declare(CITY) == "Paris"
    assert parameters.declare(COUNT) == 7
    assert parameters.values == (("CITY", "Paris"), ("COUNT", "7"))
    assert parameters.specs == (CITY, COUNT)
    parameters.refuse_undeclared("load.py")


def test_an_environment_variable_of_that_name_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY", "Paris")
    monkeypatch.setenv("DAY", "2026-03-01")
    assert Parameters({}).declare(CITY) == "Berlin"
    refused(Parameters({}), DAY)


def test_a_value_that_must_be_given_is_asked_for_with_an_example() -> None:
    assert refused(Parameters({}), DAY) == ("the parameter DAY (the day to load) has no value: add DAY=2026-03-01")
    assert refused(Parameters({"DYA": "1"}), DAY).endswith("; DYA=... was given: did you mean DAY?")
    assert refused(Parameters({}), CITY._replace(default=None)).endswith("has no value: add CITY=Berlin")


def test_a_value_of_no_parameter_is_refused() -> None:
    parameters = Parameters({"CTY": "Paris"})
    assert undeclared(parameters) == (
        "'load.py' has no parameter CTY: declare it with param(\"CTY\", ...), or leave CTY=... out"
    )
    parameters.declare(CITY)
    assert undeclared(parameters) == "'load.py' has no parameter CTY: did you mean CITY?"
    other = Parameters({"X": "1"})
    other.declare(CITY)
    assert undeclared(other) == "'load.py' has no parameter X, only CITY: leave X=... out, or declare it"


def test_a_secret_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    parameters = Parameters({})
    assert parameters.declare(TOKEN) == "hunter2"
    assert parameters.values == ()
    assert parameters.variables == (("TOKEN", "hunter2"),)
    assert parameters.secrets == {"TOKEN": "hunter2"}
    told = refused(Parameters({"TOKEN": "hunter3"}), TOKEN)
    assert told == (
        "TOKEN is a secret, and others can read a command line: leave it out there, "
        "and set the environment variable TOKEN"
    )


@pytest.mark.parametrize("text", [None, ""])
def test_a_secret_that_is_not_set_says_how(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if text is not None:
        monkeypatch.setenv("TOKEN", text)
    assert refused(Parameters({}), TOKEN) == (
        "the secret parameter TOKEN has no value: set the environment variable TOKEN "
        "(a scheduled job has it after `pydag submit ... --env TOKEN`)"
    )


def test_the_same_declaration_twice_is_one_and_another_one_is_refused() -> None:
    parameters = Parameters({"CITY": "Paris"})
    assert parameters.declare(CITY) == parameters.declare(CITY._replace())
    with pytest.raises(InvalidJob, match=r"param\('CITY'\) is declared twice, and not alike"):
        parameters.declare(CITY._replace(default="Paris"))
    assert parameters.specs == (CITY,)


def test_stand_ins_take_the_place_of_what_is_missing() -> None:
    parameters = Parameters({}, stand_ins=True)
    assert parameters.declare(CITY) == "Berlin"
    assert not parameters.stood_in
    assert parameters.declare(DAY) == date.today()
    for number, type_ in enumerate(ParamType):
        parameters.declare(ParamSpec(f"P{number}", type_))
    assert parameters.declare(TOKEN) == ""
    assert parameters.stood_in


def test_a_program_reads_its_own_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["load.py", "--verbose", "CITY=Paris", "X=1"])
    program = ProgramParameters()
    assert program.declare(CITY) == "Paris"
    assert undeclared(program).startswith("'load.py' has no parameter X")
    monkeypatch.setattr(sys, "argv", ["load.py"])
    assert program.declare(CITY) == "Berlin"
    program.refuse_undeclared("load.py")


def test_in_an_interactive_python_the_newest_declaration_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [""])
    program = ProgramParameters()
    program.declare(CITY)
    with pytest.raises(InvalidJob, match="declared twice"):
        program.declare(CITY._replace(default="Paris"))
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert program.declare(CITY._replace(default="Paris")) == "Paris"


def test_the_value_has_the_type_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRAM", Parameters({}))
    monkeypatch.setattr("pydag.workflow.params.param.PROGRAM", Parameters({}))
    assert assert_type(param("A", default="x"), str) == "x"
    assert assert_type(param("B", default="x", type="text"), str) == "x"
    assert assert_type(param("C", default=3, type="int"), int) == 3
    assert assert_type(param("D", default=3, type="float"), float) == 3.0
    assert assert_type(param("E", default=True, type="bool"), bool) is True
    assert assert_type(param("F", default="2026-03-01", type="date"), date) == date(2026, 3, 1)
    assert param("G", default=".", type="path").name
