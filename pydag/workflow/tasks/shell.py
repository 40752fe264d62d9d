"""The action of a task that is a shell command: its checks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from pydag.errors import InvalidJob, shown
from pydag.model.actions import Shell
from pydag.workflow.tasks.checks import NOT_FOR_A_PROGRAM

# Linux takes no single argument of 128 KiB or more (MAX_ARG_STRLEN in execve(2)).
MAX_COMMAND = 128 * 1024 - 1


def shell(
    name: str,
    command: str,
    env: Mapping[str, str] | None,
    cwd: str | os.PathLike[str] | None,
    node_id: int | Iterable[int] | None,
    node: str | Iterable[str] | None,
    strict: bool,
) -> Shell:
    """The checked action of the task of that name. Raises `InvalidJob`."""
    return Shell(
        command=checked_command(command, name),
        env=tuple(_checked_env(env, name).items()) if env else (),
        cwd=None if cwd is None else _checked_cwd(cwd, name),
        nodes=_checked_nodes(node_id, node, name),
        strict=strict,
    )


def checked_command(command: object, name: str) -> str:
    """Text that a program can be given. Raises `InvalidJob`."""
    if not isinstance(command, str):
        raise InvalidJob(f"task {name!r}: the command must be text, not {shown(command)}")
    if not command.strip():
        raise InvalidJob(f"task {name!r}: the command is empty ({command!r}); `true` does nothing")
    found = NOT_FOR_A_PROGRAM.search(command)
    if found:
        raise InvalidJob(f"task {name!r}: the command holds {found[0]!r}, which cannot be passed to a program")
    if len(command) * 4 > MAX_COMMAND and len(command.encode()) > MAX_COMMAND:
        raise InvalidJob(
            f"task {name!r}: the command is longer than {MAX_COMMAND} bytes; write it into a file and run that"
        )
    return command


def _checked_env(env: Mapping[str, str], name: str) -> dict[str, str]:
    if not isinstance(env, Mapping):
        raise InvalidJob(f"task {name!r}: env={shown(env)} is not a dict; write it as env={{'NAME': 'value'}}")
    for key, value in env.items():
        if not isinstance(key, str) or not key or "=" in key or NOT_FOR_A_PROGRAM.search(key):
            raise InvalidJob(f"task {name!r}: env has the name {shown(key)}; use a variable's name, without '='")
        # The values themselves are where people put what nobody should read.
        if not isinstance(value, str):
            raise InvalidJob(f"task {name!r}: env[{key!r}] is of type {type(value).__name__}, not text; use str(...)")
        found = NOT_FOR_A_PROGRAM.search(value)
        if found:
            raise InvalidJob(f"task {name!r}: env[{key!r}] holds {found[0]!r}, which cannot be passed to a program")
    return dict(env)


def _checked_cwd(cwd: str | os.PathLike[str], name: str) -> str:
    path = os.fspath(cwd) if isinstance(cwd, os.PathLike) else cwd
    if not isinstance(path, str) or not path or NOT_FOR_A_PROGRAM.search(path):
        raise InvalidJob(
            f"task {name!r}: cwd={shown(cwd)} is not the path of a directory; give one as text or as a Path"
        )
    return path


def _checked_nodes(node_id: object, node: object, name: str) -> tuple[int | str, ...]:
    """The nodes, ids before aliases."""
    ids = () if node_id is None else (node_id,) if not isinstance(node_id, Iterable) else tuple(node_id)
    aliases = (
        () if node is None else (node,) if not isinstance(node, Iterable) or isinstance(node, str) else tuple(node)
    )
    for each in ids:
        if type(each) is not int or not 1 <= each <= sys.maxsize:
            raise InvalidJob(f"task {name!r}: node_id={shown(each)} is not the id of a node; `pydag nodes` lists them")
    for each in aliases:
        if not isinstance(each, str) or not each:
            raise InvalidJob(f"task {name!r}: node={shown(each)} is not the alias of a node; `pydag nodes` lists them")
    return (*ids, *aliases)
