"""Every error that pydag raises on purpose. A message names the offending value and the next step.

PyDagException
├── InvalidJob            a job, task or edge that cannot work
│   └── CycleError        tasks that wait for each other; `path` holds the whole circle
├── InvalidSetting        an environment variable or option with a value that means nothing
├── LoadError             a workflow file that cannot be read as one
├── NotFound              a job, task or run that is not there
├── StillRunning          a job that cannot be touched while it runs
├── PictureError          a picture that cannot be drawn or written
├── CrontabError          the user's crontab cannot be read, changed or trusted
├── RunFailed             a run that ended without success; `run` holds its record
├── EngineError           where attempts execute
│   ├── EngineUnreachable no answer, or the answer of another program
│   └── EngineRefused     it answered, and refused
└── StoreError            where the history lives
    ├── StoreUnreachable  it cannot be opened, read or written
    ├── TakenOver         another process tracks the run now
    └── StoreFormatError  it is not a history, or its version is unknown to this pydag
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

_LONGEST_SHOWN = 80


def shown(value: object) -> str:
    """A value as a message names it: within quotes where it is text, and cut to a readable length."""
    try:
        text = repr(value)
    except ValueError:  # a number of more digits than Python writes down
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def shortest_path(file: str) -> str:
    """A file as a message names it: from the working directory on, where it is below that."""
    try:
        relative = os.path.relpath(file)
    except OSError:  # there is no working directory any more
        return file
    return file if relative.startswith(os.pardir) else relative


def count(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, for "did you mean"; None where none is like it."""
    from difflib import get_close_matches  # 5 ms, which only a message needs

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), None)


class PyDagException(Exception):
    """The root: `except PyDagException` catches whatever pydag raises on purpose."""


class InvalidJob(PyDagException, ValueError):
    """Found while a job is built or checked: nothing was run."""


class CycleError(InvalidJob):
    """Tasks that wait for each other. `path` starts and ends with the same name."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        circle = " -> ".join(self.path)
        super().__init__(f"the tasks wait for each other: {circle}; take one of these edges out")

    def __reduce__(self) -> tuple[type[CycleError], tuple[Sequence[str]]]:
        return type(self), (self.path,)


class InvalidSetting(PyDagException, ValueError):
    """An environment variable or option whose value cannot be used."""


class LoadError(PyDagException):
    """A file that is not there, does not import, or has no job to choose."""


class NotFound(PyDagException, LookupError):
    """A name that the history, or a workflow file, does not know."""


class StillRunning(PyDagException):
    """What was asked would change or delete a job while a run of it goes on."""


class PictureError(PyDagException):
    """Graphviz's `dot` is missing, failed or took too long, or the file cannot be written."""


class CrontabError(PyDagException):
    """The user's crontab could not be read or changed. Unless the message says otherwise, it is unchanged."""


class EngineError(PyDagException):
    """The engine could not do what it was asked."""


class EngineUnreachable(EngineError):
    """No answer came, or one that cannot be from the engine's server."""


class EngineRefused(EngineError):
    """The engine's server understood the request and declined it."""


class StoreError(PyDagException):
    """The history could not be read or written."""


class StoreUnreachable(StoreError):
    """The history cannot be opened where the settings say it is."""


class TakenOver(StoreError):
    """Another process has become the tracker of this run: what the old one writes is refused."""


class StoreFormatError(StoreError):
    """What is stored there is not a history of pydag, or one of another version."""
