"""Settings: the only reader of the environment variables that steer pydag."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TypeVar

from pydag.errors import InvalidSetting, shown

Word = TypeVar("Word", bound=Enum)

MIB = 1024 * 1024
SCHEDULES = "schedules"
"""The directory in PYDAG_HOME that holds what was submitted."""
RUNNING = "running"
"""The directory in PYDAG_HOME that holds the journals of the runs on this machine."""

SCHEDULED_FOR = "PYDAG_SCHEDULED_FOR"
"""The variable in which a run's file and tasks find its logical date: ISO 8601 with the zone's offset."""


class RunNew(Enum):
    """What a run does with the job's tasks on gocron, whether they exist there or not."""

    YES = "yes"  # create them all; one that exists is an error
    NO = "no"  # run those that exist; one that is missing is an error
    AUTO = "auto"  # make them agree with the file


class Strict(Enum):
    """How commands run where neither their task nor its job says it."""

    YES = "yes"  # after `set -eo pipefail`
    NO = "no"  # as plain `bash -c`


class ShowOutput(Enum):
    """Whether a run shows what its tasks write, while they write it."""

    YES = "1"
    NO = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What stays of each job's history: at most so many runs, and none that started longer ago than `age`.

    None sets no such limit.
    """

    runs: int | None = None
    age: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoCronSettings:
    """The gocron server. `address` is empty where none is named."""

    address: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    run_new: RunNew = RunNew.YES


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """The Redis server of the history, by `url` or by the rest."""

    host: str = ""
    port: int = 6379
    database: int = 0
    password: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    prefix: str = "Pydag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. Times are in seconds, `output_limit` in bytes for each attempt.

    `redis` is None where the history is the embedded one, `keep` where nothing is pruned unasked.
    """

    home: Path
    task_timeout: float
    output_limit: int
    strict: bool = True
    show_output: bool = False
    rounds_time: float = 10.0
    gocron: GoCronSettings = GoCronSettings()
    redis: RedisSettings | None = None
    keep: Keep | None = None

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment. Raises `InvalidSetting`, naming the variable, its value and what it takes."""
        return cls(
            home=_home(environ),
            task_timeout=_seconds(environ, "PYDAG_TASK_TIMEOUT", default=3600.0),
            output_limit=_size(environ, "PYDAG_OUTPUT_LIMIT", default=64 * MIB),
            strict=_word(environ, "PYDAG_STRICT", Strict.YES) is Strict.YES,
            show_output=_word(environ, "PYDAG_SHOW_OUTPUT", ShowOutput.NO) is ShowOutput.YES,
            rounds_time=_seconds(environ, "PYDAG_ROUNDS_TIME", default=10.0),
            gocron=_gocron(environ),
            redis=_redis(environ),
            keep=_keep(environ),
        )


def _gocron(environ: Mapping[str, str]) -> GoCronSettings:
    address = environ.get("GOCRON_ADDRESS", "")
    if address and not address.startswith(("http://", "https://")):
        raise InvalidSetting(f"GOCRON_ADDRESS={address!r} is not an address: write it as http://host:5920")
    return GoCronSettings(
        address=address,
        user=environ.get("GOCRON_ADMIN_USER", ""),
        password=environ.get("GOCRON_ADMIN_PASSWORD", ""),
        run_new=_word(environ, "PYDAG_RUN_NEW", RunNew.YES),
    )


def _word(environ: Mapping[str, str], name: str, default: Word) -> Word:
    """The word that the variable has, in upper or lower case, as the member that stands for it."""
    given = environ.get(name) or default.value
    words = type(default)
    try:
        return words(given.lower())
    except ValueError:
        known = ", ".join(each.value for each in words)
        raise InvalidSetting(f"{name}={given!r} is unknown: set it to one of {known}") from None


def _redis(environ: Mapping[str, str]) -> RedisSettings | None:
    host, url = environ.get("PYDAG_LOG_STORE_HOST", ""), environ.get("PYDAG_LOG_STORE_URL")
    if not host and not url:
        return None
    return RedisSettings(
        host=host,
        port=_number(environ, "PYDAG_LOG_STORE_PORT", default=6379, largest=65535),
        database=_number(environ, "PYDAG_LOG_STORE_DATABASE", default=0, largest=1_000_000),
        password=environ.get("PYDAG_LOG_STORE_PASSWORD") or None,
        url=url or None,
        prefix=environ.get("PYDAG_LOG_PREFIX") or "Pydag",
    )


def age_from(text: str) -> timedelta | None:
    """The time that `90d`, `12h` or `8w` says; None where it says none."""
    match = re.fullmatch(r"(\d{1,6}) ?(h|d|w|y)", text.strip().lower(), re.ASCII)
    return int(match[1]) * _AGES[match[2]] if match and int(match[1]) else None


_AGES = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "y": timedelta(days=365)}


def _keep(environ: Mapping[str, str]) -> Keep | None:
    given = environ.get("PYDAG_KEEP")
    if not given:
        return None
    runs: int | None = None
    age: timedelta | None = None
    for part in given.split(","):
        count = re.fullmatch(r"\s*(\d{1,9}) ?runs?\s*", part, re.ASCII)
        if count and int(count[1]) and runs is None:
            runs = int(count[1])
        elif (limit := age_from(part)) and age is None:
            age = limit
        else:
            raise InvalidSetting(
                f"PYDAG_KEEP={shown(given)} says nothing that pydag knows: write it as '200 runs', '90d' (h, d, w, y), "
                "or both with a comma between them"
            )
    return Keep(runs=runs, age=age)


def _number(environ: Mapping[str, str], name: str, default: int, largest: int) -> int:
    given = environ.get(name)
    if not given:
        return default
    value = _whole(given)
    if value is None or value > largest:
        raise InvalidSetting(f"{name}={shown(given)} is not a whole number from 0 to {largest}: set it to one")
    return value


def _whole(digits: str) -> int | None:
    """The number; None where there is none, or more digits than Python reads."""
    try:
        return int(digits) if digits.isascii() and digits.isdigit() else None
    except ValueError:
        return None


def _home(environ: Mapping[str, str]) -> Path:
    """Where the history is. An empty variable counts as unset, as everywhere here."""
    given = environ.get("PYDAG_HOME")
    try:
        return Path(given).expanduser().absolute() if given else Path.home() / ".pydag"
    except RuntimeError:
        what = f"PYDAG_HOME={given!r} names an unknown user" if given else "no home directory is known for the history"
        raise InvalidSetting(f"{what}: set PYDAG_HOME to a directory of yours") from None
    except FileNotFoundError:
        raise InvalidSetting(
            f"PYDAG_HOME={given!r} lies in the working directory, which was removed: change to one that exists"
        ) from None


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    given = environ.get(name)
    if not given:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 < value <= 365 * 86400:
        raise InvalidSetting(
            f"{name}={shown(given)} is not a number of seconds above 0 and up to a year: set it to one"
        )
    return value


_UNITS = {"": 1, "B": 1, "K": 1024, "KIB": 1024, "M": MIB, "MIB": MIB, "G": 1024 * MIB, "GIB": 1024 * MIB}


def _size(environ: Mapping[str, str], name: str, default: int) -> int:
    given = environ.get(name)
    if not given:
        return default
    digits = given.strip().rstrip("BbKkMmGgIi ")
    unit = _UNITS.get(given.strip()[len(digits) :].strip().upper())
    value = _whole(digits)
    if unit is None or value is None:
        raise InvalidSetting(f"{name}={shown(given)} is not a size: set it to a number of bytes, or one such as 64MiB")
    return value * unit
