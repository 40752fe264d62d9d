"""Settings: the only reader of the environment variables that steer pydag."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydag.errors import InvalidSetting

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. `task_timeout` is in seconds, `output_limit` in bytes for each attempt."""

    home: Path
    task_timeout: float
    output_limit: int

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment. Raises `InvalidSetting`, naming the variable, its value and what it takes."""
        return cls(
            home=_home(environ),
            task_timeout=_seconds(environ, "PYDAG_TASK_TIMEOUT", default=3600.0),
            output_limit=_size(environ, "PYDAG_OUTPUT_LIMIT", default=64 * MIB),
        )


def _home(environ: Mapping[str, str]) -> Path:
    """Empty counts as unset, as it does for every variable here."""
    given = environ.get("PYDAG_HOME")
    try:
        return Path(given).expanduser().absolute() if given else Path.home() / ".pydag"
    except RuntimeError:
        what = f"PYDAG_HOME={given!r} leads to no home directory" if given else "there is no home directory"
        raise InvalidSetting(f"{what} to keep the history in: set PYDAG_HOME to a directory of yours") from None


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    given = environ.get(name)
    if not given:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 < value <= 365 * 86400:
        raise InvalidSetting(f"{name}={given!r} is not a number of seconds above 0 and up to a year: set it to one")
    return value


_UNITS = {"": 1, "B": 1, "K": 1024, "KIB": 1024, "M": MIB, "MIB": MIB, "G": 1024 * MIB, "GIB": 1024 * MIB}


def _size(environ: Mapping[str, str], name: str, default: int) -> int:
    given = environ.get(name)
    if not given:
        return default
    digits = given.strip().rstrip("BbKkMmGgIi ")
    unit = _UNITS.get(given.strip()[len(digits) :].strip().upper())
    if unit is None or not digits.isascii() or not digits.isdigit():
        raise InvalidSetting(f"{name}={given!r} is not a size: set it to a number of bytes, or one such as 64MiB")
    return int(digits) * unit
