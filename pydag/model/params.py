"""Parameters: what a workflow file takes from whoever runs it.

The record of a job keeps how they are declared, and the record of a run their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple, Self


class ParamType(Enum):
    """What the text of a value stands for."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    DATE = "date"
    PATH = "path"


class ParamSpec(NamedTuple):
    """A parameter as its file declares it.

    `default` and `choices` are texts as they were declared: `today` stays a word, which each run reads anew. `default`
    is None where a value must be given. The value of a secret one comes from the environment, and no record has it.
    """

    name: str
    type: ParamType = ParamType.TEXT
    default: str | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    secret: bool = False

    def document(self) -> dict[str, object]:
        """Its stored form, without what it does not set."""
        document: dict[str, object] = {"name": self.name, "type": self.type.value}
        if self.default is not None:
            document["default"] = self.default
        if self.choices:
            document["choices"] = self.choices
        if self.help:
            document["help"] = self.help
        if self.secret:
            document["secret"] = True
        return document

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read `document` back; `KeyError`, `TypeError` or `ValueError` where it has another form."""
        options = dict(document)
        options["type"] = ParamType(options["type"])
        if "choices" in options:
            options["choices"] = tuple(options["choices"])
        return cls(**options)
