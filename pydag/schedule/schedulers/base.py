"""The seam of the schedulers: what starts jobs when their time comes holds an entry for each, and calls pydag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydag.errors import NotFound
from pydag.schedule.expression import CronExpression
from pydag.schedule.submission import Submission, home_of

Undo = Callable[[], None]
"""Brings back what was there before a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """What a scheduler holds of a job.

    `expression` is text, as people may have changed it by hand into anything. `node` is gocron's. An entry that is not
    `enabled`, which people can do in gocron's pages, does not fire.
    """

    expression: str
    command: str
    node: int | None = None
    enabled: bool = True

    def __str__(self) -> str:
        on = f" on node {self.node}" if self.node is not None else ""
        return f"{self.expression} {self.command}{on}"

    def belongs_to(self, home: Path) -> bool:
        """Whether it runs a job of that PYDAG_HOME. One whose command was rewritten by hand may."""
        return home_of(self.command) in (home, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """How a job is scheduled: the expression as its scheduler has it, and the next fire time in the zone that counts.

    `scheduler` is the scheduler's name, `node` gocron's node. `detail` says why `next` is None: it will not fire, or
    nobody knows; else it is empty.
    """

    expression: str
    scheduler: str
    next: datetime | None
    node: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedStart:
    """A fire time at which the scheduler could not even call pydag: when it tried, and why it failed.

    `engine` is what the history names as the engine of such a run.
    """

    job: str
    due: datetime
    tried: datetime
    cause: str
    engine: str


class Scheduler(ABC):
    """Starts jobs when their time comes. It has at most one entry for each job.

    Whoever changes entries holds the lock of the crontab. All methods may raise the scheduler's own error:
    `CrontabError`, `EngineError`.
    """

    name: str
    """As the option `--on` and programs know it."""

    title: str
    """As messages name it."""

    unreadable: str
    """What a message says where its entries cannot be read."""

    @abstractmethod
    def parse(self, text: str) -> CronExpression:
        """Check an expression as this scheduler understands it. Raises `InvalidSetting`."""

    @abstractmethod
    def zone_name(self, job: str) -> str | None:
        """The zone in which an entry of the job fires, None for this machine's. Raises `InvalidSetting`."""

    @abstractmethod
    def line(self, submission: Submission) -> str:
        """The entry of a submission, as text to show. Raises `InvalidSetting`, `NotFound` where it cannot be made."""

    @abstractmethod
    def entries(self) -> Mapping[str, ScheduleEntry]:
        """The entries of every PYDAG_HOME, by the ids of their submissions."""

    @abstractmethod
    def put(self, submission: Submission) -> Undo:
        """Put its entry in the place of the one that is there, even of another PYDAG_HOME; all or nothing."""

    @abstractmethod
    def remove(self, job: str) -> bool:
        """Remove the entry of a job; False where there is none.

        Raises `NotFound` where the entry is one of another PYDAG_HOME.
        """

    @abstractmethod
    def failed_starts(self, submission: Submission) -> Sequence[FailedStart]:
        """The fire times since the submission at which it knows that it could not call pydag, newest first."""

    @abstractmethod
    def close(self) -> None:
        """Release what it holds."""


def refuse_another_home(command: str, job: str, home: Path, title: str) -> None:
    """Raise `NotFound` where the entry of this command is one of another PYDAG_HOME."""
    other = home_of(command)
    if other not in (home, None):
        raise NotFound(f"job {job!r} is on {title} for another history: set PYDAG_HOME to {other}")
