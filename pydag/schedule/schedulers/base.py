"""The seam of the clocks: a place where an entry for each job says when pydag is called for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydag.errors import NotFound
from pydag.schedule.expression import Schedule
from pydag.schedule.submission import Submission, home_of

Undo = Callable[[], None]
"""Brings back what was there before a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a clock has of a job. One that is not `enabled`, which people set in gocron's pages, does not fire."""

    schedule: str
    command: str
    node: int | None = None
    enabled: bool = True

    def __str__(self) -> str:
        on = f" on node {self.node}" if self.node is not None else ""
        return f"{self.schedule} {self.command}{on}"

    def belongs_to(self, home: Path) -> bool:
        """Whether it runs a job of that PYDAG_HOME; one whose command was rewritten by hand may."""
        return home_of(self.command) in (home, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstarted:
    """A fire time at which the clock could not even call pydag: when it tried, and why that failed."""

    due: datetime
    tried: datetime
    cause: str


class Clock(ABC):
    """Entries, at most one for a job. Whoever changes them holds the lock of the crontab.

    All methods may raise the clock's own error: `CrontabError`, `EngineError`.
    """

    place: str
    """Its name in messages."""

    @abstractmethod
    def read(self, expression: str) -> Schedule:
        """Check an expression as this clock understands it. Raises `InvalidSetting`."""

    @abstractmethod
    def zone(self, job: str) -> str | None:
        """The zone in which an entry of the job fires, None for the machine's. Raises `InvalidSetting`."""

    @abstractmethod
    def line(self, submission: Submission) -> str:
        """The entry of a submission, as it is shown. Raises `InvalidSetting`, `NotFound` where it cannot be put."""

    @abstractmethod
    def entries(self) -> Mapping[str, Entry]:
        """What is there, by the ids of the submissions, of every PYDAG_HOME."""

    @abstractmethod
    def put(self, submission: Submission) -> Undo:
        """Put its entry in the place of the one that is there, whose ever that is; all or nothing."""

    @abstractmethod
    def take(self, job: str) -> bool:
        """Take the entry of a job away; False where there is none.

        Raises `NotFound` where it is one of another PYDAG_HOME.
        """

    @abstractmethod
    def unstarted(self, submission: Submission) -> Sequence[Unstarted]:
        """The fire times since the submission at which this clock knows that it could not call pydag, newest first."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the clock holds."""


def refuse_another(command: str, job: str, home: Path, place: str) -> None:
    """Raise `NotFound` where the entry of this command is of another PYDAG_HOME."""
    other = home_of(command)
    if other not in (home, None):
        raise NotFound(f"job {job!r} is on {place} for another history: set PYDAG_HOME to {other}")
