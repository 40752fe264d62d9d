"""`param`: what a workflow file takes from whoever runs it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any, Literal, overload

from pydag.workflow.job import Job
from pydag.workflow.params.declaration import REQUIRED, declared
from pydag.workflow.params.parameters import PROGRAM


@overload
def param(
    name: str,
    *,
    default: str = ...,
    type: Literal["text"] = ...,
    choices: Iterable[str] | None = ...,
    help: str = ...,
    secret: bool = ...,
) -> str: ...


@overload
def param(
    name: str,
    *,
    default: int | str = ...,
    type: Literal["int"],
    choices: Iterable[int | str] | None = ...,
    help: str = ...,
    secret: bool = ...,
) -> int: ...


@overload
def param(
    name: str,
    *,
    default: float | str = ...,
    type: Literal["float"],
    choices: Iterable[float | str] | None = ...,
    help: str = ...,
    secret: bool = ...,
) -> float: ...


@overload
def param(
    name: str,
    *,
    default: bool | str = ...,
    type: Literal["bool"],
    choices: Iterable[bool | str] | None = ...,
    help: str = ...,
    secret: bool = ...,
) -> bool: ...


@overload
def param(
    name: str,
    *,
    default: date | str = ...,
    type: Literal["date"],
    choices: Iterable[date | str] | None = ...,
    help: str = ...,
    secret: bool = ...,
) -> date: ...


@overload
def param(
    name: str,
    *,
    default: PathLike[str] | str = ...,
    type: Literal["path"],
    choices: Iterable[PathLike[str] | str] | None = ...,
    help: str = ...,
    secret: bool = ...,
) -> Path: ...


def param(
    name: str,
    *,
    default: Any = REQUIRED,
    type: str = "text",
    choices: Iterable[Any] | None = None,
    help: str = "",
    secret: bool = False,
) -> Any:
    """The value of a parameter of this file in this run: what NAME=VALUE on the command line says, else the default.

    Without a default it must be given. `type` is "text", "int", "float", "bool", "date" or "path", and the value is of
    that type. All commands of the file's jobs get its text as the environment variable of that name. A `secret` comes
    from the environment variable of that name alone, and no record keeps it.

    Raises `InvalidJob` where the declaration cannot be right, and `InvalidSetting` where the value cannot.
    """
    parameters = Job.reader.parameters if Job.reader else PROGRAM
    return parameters.declare(declared(name, default, type, choices, help, secret))
