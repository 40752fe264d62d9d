"""Task: one step of a job, and the ways to say which step comes after which."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping

from pydag.errors import InvalidJob, shown
from pydag.model.states import When

MAX_NAME = 200
MAX_SECONDS = 365 * 86400.0
MAX_RETRIES = 1_000_000
# Linux takes no single argument of 128 KiB or more (MAX_ARG_STRLEN in execve(2)).
MAX_COMMAND = 128 * 1024 - 1

# Control characters, the two separators that end a line too, and halves of surrogate pairs, which have no UTF-8.
_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What neither a program nor the history, which is UTF-8, can be given.
NOT_FOR_A_PROGRAM = re.compile("[\x00\ud800-\udfff]")


def checked_name(name: object, of: str) -> str:
    """The name, or `InvalidJob`: names are what people see in terminals, files, tables and pictures."""
    if not isinstance(name, str):
        raise InvalidJob(f"the name of a {of} must be text, not {shown(name)}")
    if not name.strip():
        raise InvalidJob(f"the name of a {of} is empty ({name!r}): give it one")
    if len(name) > MAX_NAME:
        raise InvalidJob(
            f"the name of a {of} has {len(name)} characters, at most {MAX_NAME} are allowed: {name[:40]!r}..."
        )
    found = _NOT_IN_A_NAME.search(name)
    if found:
        raise InvalidJob(
            f"the name {name!r} of a {of} holds the control character {found[0]!r}: take it out, a name is one line"
        )
    return name


def _checked_command(command: object, name: str) -> str:
    if not isinstance(command, str):
        raise InvalidJob(f"task {name!r}: the command must be text, not {shown(command)}")
    if not command.strip():
        raise InvalidJob(f"task {name!r}: the command is empty ({command!r}); `true` does nothing")
    found = NOT_FOR_A_PROGRAM.search(command)
    if found:
        raise InvalidJob(f"task {name!r}: the command holds {found[0]!r}, which no program can be given")
    if len(command) * 4 > MAX_COMMAND and len(command.encode()) > MAX_COMMAND:
        raise InvalidJob(
            f"task {name!r}: the command is longer than {MAX_COMMAND} bytes; write it into a file and run that"
        )
    return command


def _checked_seconds(value: object, name: str, option: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # NaN
        raise InvalidJob(f"task {name!r}: {option}={shown(value)} is not a number of seconds")
    if not 0 <= value <= MAX_SECONDS:
        raise InvalidJob(
            f"task {name!r}: {option}={shown(value)} must lie between 0 and {MAX_SECONDS:.0f} seconds (a year)"
        )
    return float(value)


def _checked_retries(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_RETRIES:
        raise InvalidJob(f"task {name!r}: retries={shown(value)} must be a whole number, from 0 to {MAX_RETRIES}")
    return value


def _checked_env(env: Mapping[str, str], name: str) -> dict[str, str]:
    if not isinstance(env, Mapping):
        raise InvalidJob(f"task {name!r}: env={shown(env)} is no dict; write it as env={{'NAME': 'value'}}")
    for key, value in env.items():
        if not isinstance(key, str) or not key or "=" in key or NOT_FOR_A_PROGRAM.search(key):
            raise InvalidJob(f"task {name!r}: env has the name {shown(key)}; use a variable's name, without '='")
        # The values themselves are where people put what nobody should read.
        if not isinstance(value, str):
            raise InvalidJob(f"task {name!r}: env[{key!r}] is of type {type(value).__name__}, not text; use str(...)")
        found = NOT_FOR_A_PROGRAM.search(value)
        if found:
            raise InvalidJob(f"task {name!r}: env[{key!r}] holds {found[0]!r}, which no program can be given")
    return dict(env)


def _checked_cwd(cwd: str | os.PathLike[str], name: str) -> str:
    path = os.fspath(cwd) if isinstance(cwd, os.PathLike) else cwd
    if not isinstance(path, str) or not path or NOT_FOR_A_PROGRAM.search(path):
        raise InvalidJob(
            f"task {name!r}: cwd={shown(cwd)} is not the path of a directory; give one as text or as a Path"
        )
    return path


def _checked_when(when: object, name: str) -> When:
    try:
        return When(when)
    except ValueError:
        known = ", ".join(repr(each.value) for each in When)
        raise InvalidJob(f"task {name!r}: when={shown(when)} is unknown; use one of {known}") from None


def _checked_nodes(node_id: object, node: object, name: str) -> tuple[int | str, ...]:
    """The nodes, ids before aliases."""
    ids = () if node_id is None else (node_id,) if not isinstance(node_id, Iterable) else tuple(node_id)
    aliases = (
        () if node is None else (node,) if not isinstance(node, Iterable) or isinstance(node, str) else tuple(node)
    )
    for each in ids:
        if type(each) is not int or not 1 <= each <= sys.maxsize:
            raise InvalidJob(f"task {name!r}: node_id={shown(each)} is no id of a node; `pydag nodes` lists them")
    for each in aliases:
        if not isinstance(each, str) or not each:
            raise InvalidJob(f"task {name!r}: node={shown(each)} is no alias of a node; `pydag nodes` lists them")
    return (*ids, *aliases)
