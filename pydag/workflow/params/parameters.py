"""Parameters: what one file declares while it is read, and the values of this run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping

from pydag.errors import InvalidJob, InvalidSetting, nearest
from pydag.model.params import ParamSpec
from pydag.workflow.params.reading import read
from pydag.workflow.params.values import KINDS, STAND_INS, Days, Value, text_of

_GIVEN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def split_arguments(arguments: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Tell NAME=VALUE from all other arguments. Of two values of one name the last counts, as for make."""
    given, others = dict[str, str](), list[str]()
    for argument in arguments:
        if found := _GIVEN.fullmatch(argument):
            given[found[1]] = found[2]
        else:
            others.append(argument)
    return given, others


class Parameters:
    """The parameters of a file that is read with these values.

    With `stand_ins`, a parameter without a value is no error: the file is only read for what it declares.
    """

    def __init__(self, given: Mapping[str, str], *, stand_ins: bool = False) -> None:
        self.stood_in = False
        """Whether a value had to be made up."""
        self._given = given
        self._stand_ins = stand_ins
        self._days = Days()
        self._specs: dict[str, ParamSpec] = {}
        self._texts: dict[str, str] = {}

    @property
    def specs(self) -> tuple[ParamSpec, ...]:
        """What was declared, in the order of the file."""
        return tuple(self._specs.values())

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """The name and text of each value that a record may keep: without secrets."""
        return tuple(pair for pair in self._texts.items() if not self._specs[pair[0]].secret)

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The name and text of each value, as commands get them."""
        return tuple(self._texts.items())

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets by name: what no record may keep."""
        return {name: text for name, text in self._texts.items() if self._specs[name].secret}

    def declare(self, spec: ParamSpec) -> Value:
        """The value of this parameter. Raises `InvalidJob`, and `InvalidSetting` for what was given, or was not."""
        before = self._specs.setdefault(spec.name, spec)
        if before != spec:
            raise InvalidJob(
                f"param({spec.name!r}) is declared twice, and not alike: declare it in one place and import it, "
                "or rename one of them"
            )
        value = read(spec, self._text(spec), self._days)
        self._texts[spec.name] = text_of(value)
        return value

    def refuse_undeclared(self, file: str) -> None:
        """Raise `InvalidSetting` where a value was given to a name that was not declared."""
        for name in self._given:
            if name not in self._specs:
                raise InvalidSetting(f"{file!r} has no parameter {name}{self._instead_of(name)}")

    def _text(self, spec: ParamSpec) -> str:
        if spec.secret:
            return self._secret(spec)
        if spec.name in self._given:
            return self._given[spec.name]
        if spec.default is not None:
            return spec.default
        if self._stand_ins:
            return self._stand_in(spec)
        example = spec.choices[0] if spec.choices else KINDS[spec.type].example
        what = f" ({spec.help})" if spec.help else ""
        raise InvalidSetting(
            f"the parameter {spec.name}{what} has no value: add {spec.name}={example}{self._misspelt(spec.name)}"
        )

    def _secret(self, spec: ParamSpec) -> str:
        if spec.name in self._given:
            raise InvalidSetting(
                f"{spec.name} is a secret, and others can read a command line: leave it out there, "
                f"and set the environment variable {spec.name}"
            )
        # An empty variable counts as unset, as for pydag's own.
        if text := os.environ.get(spec.name):
            return text
        if self._stand_ins:
            return self._stand_in(spec)
        raise InvalidSetting(
            f"the secret parameter {spec.name} has no value: set the environment variable {spec.name} "
            f"(a scheduled job has it after `pydag submit ... --env {spec.name}`)"
        )

    def _stand_in(self, spec: ParamSpec) -> str:
        self.stood_in = True
        return spec.choices[0] if spec.choices else STAND_INS[spec.type]

    def _misspelt(self, name: str) -> str:
        """What was given in its place, perhaps."""
        near = nearest(name, [given for given in self._given if given not in self._specs])
        return f"; {near}=... was given: did you mean {name}?" if near else ""

    def _instead_of(self, name: str) -> str:
        if not self._specs:
            return f': declare it with param("{name}", ...), or leave {name}=... out'
        near = nearest(name, self._specs)
        if near:
            return f": did you mean {near}?"
        return f", only {', '.join(self._specs)}: leave {name}=... out, or declare it"


class ProgramParameters(Parameters):
    """The parameters of this program, where no command of pydag reads its file: `python load.py DAY=2026-03-01`.

    Its own command line gives the values.
    """

    def __init__(self) -> None:
        super().__init__({})

    def declare(self, spec: ParamSpec) -> Value:
        """As above. In an interactive Python or a notebook a cell may be changed and executed again."""
        if hasattr(sys, "ps1"):
            self._specs.pop(spec.name, None)
        self._given, _ = split_arguments(sys.argv[1:])
        self._days = Days()  # such a program may run for days
        return super().declare(spec)


PROGRAM = ProgramParameters()
