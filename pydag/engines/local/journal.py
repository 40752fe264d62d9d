"""The journal of a run: the sessions of its attempts on this machine, for whoever comes after a tracker that died.

It is a file in PYDAG_HOME that gets a line at each start, and goes when the engine closes. Where it cannot be written,
the run goes on without: the environment of its processes names their attempts too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydag import processes
from pydag.engines.local.environment import encoded

_FORMAT = 1

AttemptKey = tuple[bytes, int]
"""The name of a task as it is in an environment, and the number of its attempt."""


class Started(NamedTuple):
    """The session of an attempt. Its leader has started at `ticks` at the latest, as starts of processes are counted.

    A process that has the leader's pid and started later is another one.
    """

    session: int
    ticks: int


class Journal:
    """The journal that an engine writes in this directory. `owner` names the process that tracks the run."""

    def __init__(self, directory: Path, owner: str) -> None:
        self._directory = directory
        self._owner = owner
        self._path: Path | None = None
        self._file: int | None = None
        self._given_up = False

    def add(self, env: Mapping[str, str], number: int, session: int) -> None:
        """Note that this attempt was started. `env` has the variables that name its task, its run and its job."""
        if self._file is None:
            if self._given_up:
                return
            self._open(env)
        self._write(b"%d %d %d %b\n" % (number, session, processes.ticks(), encoded(env.get("PYDAG_TASK", ""))))

    def _open(self, env: Mapping[str, str]) -> None:
        run, job = env.get("PYDAG_RUN_ID", ""), env.get("PYDAG_JOB", "")
        path = self._directory / f"{run}.{os.getpid()}"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_APPEND
            self._file = os.open(path, flags, 0o600)
        except (OSError, ValueError):  # ValueError: the id cannot name a file
            self._given_up = True
            return
        self._path = path
        head = {"format": _FORMAT, "run": run, "job": job, "owner": self._owner}
        self._write(json.dumps(head).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, line)
        except OSError:  # as on a full disk
            os.close(self._file)
            self._file, self._given_up = None, True

    def close(self) -> None:
        """Remove it: nothing that it names is left. May be called again."""
        if self._file is not None:
            os.close(self._file)
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
        self._file, self._path, self._given_up = None, None, True


@dataclass(frozen=True, slots=True)
class Kept:
    """A journal that is there: that of a run which goes on, or whose tracker died."""

    path: Path
    run: str
    job: str
    owner: str

    def started(self) -> dict[AttemptKey, Started]:
        """The sessions of the attempts."""
        found = {}
        for line in _lines(self.path)[1:]:
            *figures, task = line.split(b" ", 3)
            if len(figures) == 3 and all(figure.isdigit() for figure in figures):
                number, session, ticks = map(int, figures)
                found[task, number] = Started(session, ticks)
        return found

    def remove(self) -> None:
        """Remove it, once nothing that it names is left."""
        with suppress(OSError):
            self.path.unlink()


def kept(directory: Path) -> Iterator[Kept]:
    """Every journal in this directory that can be read."""
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        head = _head(directory / name)
        if head is not None:
            yield Kept(directory / name, *head)


def _head(path: Path) -> tuple[str, str, str] | None:
    try:
        head = json.loads((_lines(path) or [b""])[0])
        return (str(head["run"]), str(head["job"]), str(head["owner"])) if head["format"] == _FORMAT else None
    except (ValueError, LookupError, TypeError):
        return None


def _lines(path: Path) -> list[bytes]:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read().split(b"\n")
    except OSError:
        return []
