"""The environment of commands, as the operating system has it: bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable


def encoded_variables(variables: Iterable[tuple[str, str]]) -> dict[bytes, bytes]:
    """These variables as the operating system wants them."""
    return {encoded(name): encoded(value) for name, value in variables}


def encoded(text: str) -> bytes:
    """In the encoding of the locale; what that cannot encode, as where a minimal one is set, is UTF-8."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode()


def as_argument(text: str) -> str:
    """The text that Python encodes to `encoded` of this one."""
    return os.fsdecode(encoded(text))
