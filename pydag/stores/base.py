"""The seam Store: what is asked of whatever keeps the history of runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pydag.errors import NotFound, StoreError
from pydag.model.run import Attempt, JobEntry, Output, Run, RunRecord
from pydag.model.spec import JobSpec
from pydag.model.states import State


class RunHandle(ABC):
    """One run of a history, to be written by whoever executes it. It is used in the thread of its `Store`."""

    @abstractmethod
    def write(self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = ()) -> None:
        """Write attempts and output, all or nothing.

        An attempt replaces what was written of the same task and number. Output is appended to what its attempt has
        already. Raises `NotFound` if the run was deleted.
        """

    @abstractmethod
    def finish(self, state: State, ended: datetime) -> None:
        """Write the run's final state and when it ended. Atomic; a run that has ended already is left as it is.

        Raises `NotFound` if the run was deleted.
        """


class Store(ABC):
    """A history. Many processes may use one at the same time, each with its own `Store`; a `Store` has one thread.

    What a call wrote is seen by every later call, of any process. A call that raises has written nothing. Names may
    hold any character that a job's or task's name may hold. All methods may raise `StoreUnreachable`, and
    `StoreFormatError` where what is stored is not pydag's or of another version.
    """

    @abstractmethod
    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        """Make this the job's current definition. Earlier runs keep the definition they ran with."""

    @abstractmethod
    def job(self, name: str) -> JobSpec:
        """The job's current definition. Raises `NotFound`."""

    @abstractmethod
    def jobs(self) -> list[JobEntry]:
        """Every job, the one saved last first; of those saved at one time, by name."""

    @abstractmethod
    def begin(self, run: Run, spec: JobSpec) -> RunHandle:
        """Add a new run, and save its job as `save_job` does, in one step.

        Run ids are unique over all jobs. Raises `StoreError` if the history already has a run with that id.
        """

    @abstractmethod
    def reopen(self, run_id: str) -> RunHandle:
        """The handle of a run that was begun earlier, by any process. Raises `NotFound`."""

    @abstractmethod
    def runs(
        self,
        job: str | None = None,
        *,
        state: State | None = None,
        scheduled_for: datetime | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Runs, newest first: of one job or of all, in one state or any, of one logical date or any; at most `limit`.

        Of runs that started at one time the one begun last is the newest. A job that is not there has none.
        """

    @abstractmethod
    def load(self, run: Run) -> RunRecord:
        """A run with its job as it was then, and all its attempts. Raises `NotFound`."""

    @abstractmethod
    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """The kept output of an attempt from byte `start` on, in pieces; nothing where there is none."""

    @abstractmethod
    def delete(self, job: str) -> None:
        """Take a job with all its runs and their output out. Raises `NotFound`.

        Where it is broken off, a part may be gone; doing it again takes the rest.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what the store holds."""


# What every store says and does alike.

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(time: datetime) -> int:
    """How a time is stored: whole microseconds since 1970 in UTC, exact."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(stored: int) -> datetime:
    """The time that was stored."""
    return _EPOCH + timedelta(microseconds=stored)


def no_job(name: str) -> NotFound:
    """What `job` and `delete` raise."""
    return NotFound(f"the history knows no job named {name!r}")


def no_run(run_id: str) -> NotFound:
    """What `reopen`, `write`, `finish` and `load` raise."""
    return NotFound(f"the history knows no run {run_id!r}; it may have been deleted")


def run_exists(run_id: str) -> StoreError:
    """What `begin` raises."""
    return StoreError(f"the history has a run {run_id!r} already: give each run an id of its own")
