"""Reads the text of a value as its parameter declares it. What it does not take is `InvalidSetting`."""

from __future__ import annotations

from pydag.errors import InvalidSetting, nearest, shown
from pydag.model.params import ParamSpec
from pydag.workflow.params.values import KINDS, Days, Value
from pydag.workflow.tasks.checks import NOT_FOR_A_PROGRAM

MAX_VALUE = 100_000
"""Bytes of one value: Linux takes no variable of 128 KiB."""


def read(spec: ParamSpec, text: str, days: Days) -> Value:
    """The value that the text stands for. No message shows the value of a secret."""
    named = spec.name if spec.secret else f"{spec.name}={shown(text)}"
    if found := NOT_FOR_A_PROGRAM.search(text):
        raise InvalidSetting(f"{named} holds {found[0]!r}, which cannot be passed to a program: take it out")
    if len(text.encode()) > MAX_VALUE:
        raise InvalidSetting(
            f"{named} is longer than {MAX_VALUE} bytes: write it into a file, and give the path of that"
        )
    kind = KINDS[spec.type]
    try:
        value = kind.read(text, days)
    except ValueError as error:
        if isinstance(error, InvalidSetting):  # the scheduled day is not to be read
            raise
        raise InvalidSetting(f"{named} is not {kind.noun}: give {kind.takes}") from None
    if spec.choices and value not in [kind.read(choice, days) for choice in spec.choices]:
        near = nearest(text, spec.choices)
        hint = f": did you mean {near!r}?" if near else ": choose one of them"
        raise InvalidSetting(f"{named} is not one of {', '.join(map(repr, spec.choices))}{hint}")
    return value
