"""The seam Store: what is asked of whatever keeps the history of runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydag.errors import NotFound, StillRunning, StoreError, StoreFormatError, TakenOver
from pydag.model.run import Attempt, JobEntry, Output, Run, RunRecord
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State


class RunHandle(ABC):
    """One run of a history, to be written by whoever executes it. It is used in the thread of its `Store`.

    Once another process has taken the run over, every write through this handle raises `TakenOver` and changes nothing:
    the run's fence is compared in the step that writes. If the run was deleted, it raises `NotFound`.
    """

    @abstractmethod
    def write(
        self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = (), *, heard: datetime | None = None
    ) -> None:
        """Write attempts and output, all or nothing.

        An attempt replaces what was written of the same task and number. Output is appended to what its attempt has
        already. `heard` says that the run's tracker lives at this time; None leaves what was said before.
        """

    @abstractmethod
    def finish(self, state: State, ended: datetime) -> None:
        """Write the run's final state and when it ended. Atomic; a run that has ended already is left as it is."""


class Store(ABC):
    """A history. Many processes may use one at the same time, each with its own `Store`, which it uses in one thread.

    Every later call, of any process, sees what a call has written. A call that raises has written nothing. Names may
    contain any character that the name of a job or task may contain. All methods may raise `StoreUnreachable`, and
    `StoreFormatError` if what is stored was not written by pydag or is in a format that this version does not know.
    """

    @abstractmethod
    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        """Make this the job's current definition. Earlier runs keep the definition they ran with."""

    @abstractmethod
    def job(self, name: str) -> JobSpec:
        """The job's current definition. Raises `NotFound`."""

    @abstractmethod
    def jobs(self) -> list[JobEntry]:
        """Every job. The one saved last comes first; jobs saved at the same time are sorted by name."""

    @abstractmethod
    def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
        """Add a new run, and save its job as `save_job` does, in one step.

        Run ids are unique over all jobs. Raises `StoreError` if the history already has a run with that id.

        With `gone`, the job must have no other run that goes on, or this raises `StillRunning`, in the same step: of
        several processes that begin a run at once, one succeeds. `gone` has the ids of runs that the history calls
        running and whose process has ended.
        """

    @abstractmethod
    def reopen(self, run_id: str) -> RunHandle:
        """The handle of a run that was begun earlier, by any process. Raises `NotFound`."""

    @abstractmethod
    def take_over(self, run: Run, owner: str, heard: datetime) -> RunHandle:
        """Make `owner` the tracker of this run, in one step; whoever tracked it before is refused from then on.

        The run goes on: it is running, also where it had ended. Raises `TakenOver` if somebody took it over after `run`
        was read, so that of several processes one succeeds, and `NotFound`.
        """

    @abstractmethod
    def runs(
        self,
        job: str | None = None,
        *,
        states: Collection[State] = (),
        scheduled_for: datetime | None = None,
        before: Run | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Runs, newest first, at most `limit`. Each argument that is given narrows them down.

        `states`: those in one of these states. `scheduled_for`: those of this logical date. `before`: those older than
        this run, so that the last run of one page leads to the next page; if it was deleted meanwhile, those that
        started at an earlier time.

        Of runs that started at the same time, the one begun last is the newest. A job that does not exist has no runs.
        """

    @abstractmethod
    def load(self, run: Run) -> RunRecord:
        """A run with its job as it was then, and all its attempts. Raises `NotFound`."""

    @abstractmethod
    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """The stored output of an attempt from byte `start` on, in pieces; nothing if there is none.

        A negative `start` counts from the end: -1000 gives the last 1000 bytes, or all if there are fewer.
        """

    @abstractmethod
    def output_size(self, run_id: str, task: int, number: int) -> int:
        """How many bytes of an attempt's output are stored; 0 if there are none."""

    @abstractmethod
    def delete(self, job: str, runs: Collection[str] | None = None, *, only_output: bool = False) -> None:
        """Remove a job with all its runs and their output; or, with `runs`, those of its runs that have these ids.

        With `only_output` these runs stay, and lose their output: each attempt counts the bytes of it as dropped. An id
        that is not that of a run of the job is passed over. Raises `NotFound` where there is no such job.

        If it is interrupted, a part may be gone; calling it again removes the rest. Others can write meanwhile.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what the store holds. Its handles cannot be used afterwards."""


# What all stores do in the same way.

Word = TypeVar("Word")
Meaning = TypeVar("Meaning")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_STATES = {state.value: state for state in State}
_REASONS = {reason.value: reason for reason in Reason}


def to_microseconds(time: datetime) -> int:
    """How a time is stored: whole microseconds since 1970 in UTC, exact."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(stored: int) -> datetime:
    """The time that was stored."""
    return _EPOCH + timedelta(microseconds=stored)


def state_from(word: str) -> State:
    """The state that was stored as this word. Raises `StoreFormatError`."""
    return _meaning_of(word, _STATES, "a state")


def reason_from(word: str) -> Reason:
    """The reason that was stored as this word. Raises `StoreFormatError`."""
    return _meaning_of(word, _REASONS, "a reason")


def _meaning_of(word: Word, meanings: Mapping[Word, Meaning], kind: str) -> Meaning:
    try:
        return meanings[word]
    except (KeyError, TypeError):  # the latter where not even text was stored
        raise StoreFormatError(
            f"the history says {word!r} where {kind} belongs: it is damaged, or a newer pydag wrote it; "
            "use that one, or choose another history with PYDAG_HOME (on Redis PYDAG_LOG_PREFIX)"
        ) from None


def no_job(name: str) -> NotFound:
    """What `job` and `delete` raise."""
    return NotFound(f"the history knows no job named {name!r}")


def no_run(run_id: str) -> NotFound:
    """What `reopen`, `take_over`, `write`, `finish` and `load` raise."""
    return NotFound(f"the history knows no run {run_id!r}; it may have been deleted")


def taken_over(run_id: str) -> TakenOver:
    """What `take_over`, `write` and `finish` raise."""
    return TakenOver(f"run {run_id} is tracked by another process now: `pydag status` shows it")


def still_running(job: str, run_id: str) -> StillRunning:
    """What `begin` raises."""
    return StillRunning(f"job {job!r} runs now (run {run_id}): wait for its end, or stop it")


def run_exists(run_id: str) -> StoreError:
    """What `begin` raises."""
    return StoreError(f"the history has a run {run_id!r} already: give each run an id of its own")
