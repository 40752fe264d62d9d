"""The values of parameters: what each type makes of a text, and the text that commands get of a value."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydag.errors import InvalidSetting, shown
from pydag.model.params import ParamType
from pydag.settings import SCHEDULED_FOR

Value = str | int | float | bool | date | Path

_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")  # Python reads no longer ones
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


class Days:
    """The days that words stand for, the same ones as long as a file is read."""

    @cached_property
    def today(self) -> date:
        """Today, in the time zone of this process."""
        return date.today()

    @cached_property
    def scheduled(self) -> date:
        """The run's logical date, in the zone of its schedule; today where no scheduler started the run."""
        given = os.environ.get(SCHEDULED_FOR)
        try:
            return datetime.fromisoformat(given).date() if given else self.today
        except ValueError:
            raise InvalidSetting(
                f"{SCHEDULED_FOR}={shown(given)} is not a time such as 2026-03-01T06:30:00+01:00: set it to one"
            ) from None


class Kind(NamedTuple):
    """What a type is: its Python type, what it is called, what it takes, and how a text is read.

    `read` raises `ValueError` for a text that it does not take.
    """

    python: type
    noun: str
    takes: str
    example: str
    read: Callable[[str, Days], Value]


def _read_int(text: str, days: Days) -> int:
    return int(_matching(_WHOLE, text))


def _read_float(text: str, days: Days) -> float:
    value = float(_matching(_NUMBER, text))
    if math.isinf(value):
        raise ValueError(text)
    return value


def _read_bool(text: str, days: Days) -> bool:
    if text.lower() not in _BOOLS:
        raise ValueError(text)
    return _BOOLS[text.lower()]


def _read_date(text: str, days: Days) -> date:
    match text:
        case "today":
            return days.today
        case "yesterday":
            return days.today - timedelta(days=1)
        case "scheduled":
            return days.scheduled
    return date.fromisoformat(_matching(_DAY, text))


def _read_path(text: str, days: Days) -> Path:
    if not text:
        raise ValueError(text)
    try:
        return Path(os.path.abspath(Path(text).expanduser()))
    except (RuntimeError, FileNotFoundError):  # no such user; the working directory is gone
        raise ValueError(text) from None


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


KINDS: Mapping[ParamType, Kind] = {
    ParamType.TEXT: Kind(str, "text", "text", "TEXT", lambda text, days: text),
    ParamType.INT: Kind(int, "a whole number", "one such as 5", "5", _read_int),
    ParamType.FLOAT: Kind(float, "a number", "one such as 0.5 or 1e-3", "0.5", _read_float),
    ParamType.BOOL: Kind(bool, "true or false", "true or false (or yes, no, on, off, 1, 0)", "true", _read_bool),
    ParamType.DATE: Kind(
        date, "a date", "one such as 2026-03-01, or today, yesterday or scheduled", "2026-03-01", _read_date
    ),
    ParamType.PATH: Kind(type(Path()), "a path", "the path of a file or a directory", "FILE", _read_path),
}
"""Every type. Another one is added here."""

STAND_INS: Mapping[ParamType, str] = {
    ParamType.TEXT: "",
    ParamType.INT: "0",
    ParamType.FLOAT: "0",
    ParamType.BOOL: "false",
    ParamType.DATE: "today",
    ParamType.PATH: ".",
}
"""What a file is given where it is only read for its parameters."""


def text_of(value: object) -> str:
    """The text of a value, as commands get it: `true`, `2026-03-01`, `0.5`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
