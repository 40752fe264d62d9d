"""The user's own code as the place of an error: which file and line, and what was probably meant."""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
from typing import TYPE_CHECKING, NamedTuple

from pydag.errors import InvalidSetting, LoadError, PyDagException, nearest, shortest_path

if TYPE_CHECKING:
    from types import TracebackType

    from pydag.workflow.notebook import Notebook

_LONGEST_SOURCE = 80


class Place(NamedTuple):
    """A line of the user's own code: its file, where in it, and what stands there."""

    file: str
    where: str
    source: str


def described(error: BaseException, notebook: tuple[str, Notebook] | None = None) -> str | None:
    """The error in one line, with its place; None where it arose nowhere in the user's own code.

    What pydag refuses has the file and the line. Any other error also has its kind and the line's text, or says what
    was probably meant. `notebook` is the path and the content of the notebook that is being read.
    """
    if isinstance(error, (LoadError, InvalidSetting)):  # they name a file or a value themselves
        return str(error)
    place = place_of(error, notebook)
    if place is None:
        return None
    start = f"{place.file!r}, {place.where}"
    meant = str(error) if isinstance(error, PyDagException) else probably_meant(error)
    if meant:
        return f"{start}: {meant}"
    message = (error.msg if isinstance(error, SyntaxError) else str(error)) or ""
    kind = type(error).__name__
    return f"{start}{_at(place.source)}: {kind}: {message}{_which_python(error)}" if message else f"{start}: {kind}"


def place_of(error: BaseException, notebook: tuple[str, Notebook] | None = None) -> Place | None:
    """The deepest line of the user's own code. A syntax error names its own."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno and _is_own(error.filename):
        return _place(error.filename, error.lineno, notebook)
    found, frames = None, error.__traceback__
    while frames:
        if _is_own(frames.tb_frame.f_code.co_filename):
            found = frames
        frames = frames.tb_next
    return _place(found.tb_frame.f_code.co_filename, found.tb_lineno, notebook) if found else None


def passes_through(traceback: TracebackType | None, code: object) -> bool:
    """Whether a function with this code was being called."""
    while traceback:
        if traceback.tb_frame.f_code is code:
            return True
        traceback = traceback.tb_next
    return False


def _place(file: str, line: int, notebook: tuple[str, Notebook] | None) -> Place:
    where, source = f"line {line}", linecache.getline(file, line)
    if notebook and notebook[0] == file:
        where = notebook[1].place(line)
        source = "".join(notebook[1].source.splitlines()[line - 1 : line])
    return Place(shortest_path(file), where, source.strip())


def _is_own(file: str) -> bool:
    """Whether it is neither pydag's nor of Python or an installed package. `<string>` is nobody's."""
    return os.path.isfile(file) and not os.path.abspath(file).startswith(_foreign())


def _foreign() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.add(os.path.dirname(os.path.dirname(__file__)))
    return tuple(os.path.join(folder, "") for folder in folders)


def _at(source: str) -> str:
    if not source:
        return ""
    text = "".join(each if each.isprintable() else "\ufffd" for each in source)
    return f", at `{text if len(text) <= _LONGEST_SOURCE else f'{text[:_LONGEST_SOURCE]}...'}`"


def _which_python(error: BaseException) -> str:
    """A package may be there, for another Python: that of a virtual environment, where pydag is in one of its own."""
    return f" (for the Python {sys.executable})" if isinstance(error, ModuleNotFoundError) else ""


# What Python says of a call or an operator that does not fit.
_OPTION = re.compile(r"(?:(\w+)\.)?(\w+)\(\) got an unexpected keyword argument '(\w+)'")
_OPERATOR = re.compile(r"unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'")
_COMPARISON = re.compile(r"'([<>]=?)' not supported between instances of '(\w+)' and '(\w+)'")

_LISTS = {"list", "tuple", "set", "generator"}

_EDGE = "what a task waits for is written as an edge: `before >> task`"
_SCHEDULE = "when a job starts is said on the command line: `pydag submit FILE --cron EXPR`"
_ELSEWHERE = {
    **dict.fromkeys(("depends_on", "depends", "dependencies", "needs", "upstream", "after"), _EDGE),
    **dict.fromkeys(("cron", "schedule", "schedule_interval"), _SCHEDULE),
}
"""What other programs have an option for, and pydag has not."""

_SYNONYMS = {
    "bash_command": "command",
    "cmd": "command",
    "concurrency": "max_parallel",
    "dir": "cwd",
    "environment": "env",
    "task_id": "name",
    "trigger_rule": "when",
    "workdir": "cwd",
    "working_dir": "cwd",
}


def probably_meant(error: BaseException) -> str | None:
    """What is wrong with a call or an operator of pydag's, and what was probably meant; None for any other error."""
    if not isinstance(error, TypeError):
        return None
    message = str(error)
    if found := _OPTION.match(message):
        return _unknown_option(found[1], found[2], found[3])
    if found := _COMPARISON.match(message) or _OPERATOR.match(message):
        return _wrong_operator(found[1], {found[2], found[3]})
    return None


def _wrong_operator(operator: str, kinds: set[str]) -> str | None:
    if operator in (">>", "<<") and kinds <= _LISTS:
        return (
            f"two lists cannot stand beside each other around {operator}; "
            f"did you mean `for task in [...]: [...] {operator} task`?"
        )
    if not kinds & _task_classes():
        return None
    return f"{operator} connects no tasks; did you mean `a {'<<' if '<' in operator else '>>'} b`?"


def _task_classes() -> set[str]:
    from pydag.workflow.tasks.base import Task

    classes = [Task]
    for each in classes:
        classes += each.__subclasses__()
    return {each.__name__ for each in classes}


def _unknown_option(owner: str | None, function: str, option: str) -> str | None:
    from inspect import signature  # takes 10 ms, and most files are right

    import pydag

    name, method = (owner, function) if owner else (function, "__call__")
    if name not in pydag.__all__:
        return None
    called = getattr(pydag, name)
    if method not in ("__init__", "__call__"):
        called, name = getattr(called, method), f"{name}.{method}"
    if option in _ELSEWHERE:
        return f"{name}(...) has no option {option!r}: {_ELSEWHERE[option]}"
    known = [each for each in signature(called).parameters if each != "self"]
    synonym = _SYNONYMS.get(option)
    near = synonym if synonym in known else nearest(option, known)
    hint = f"; did you mean {near!r}?" if near else f": it takes {', '.join(known)}"
    return f"{name}(...) has no option {option!r}{hint}"
