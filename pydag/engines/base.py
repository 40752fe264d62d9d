"""The seam Engine: what the tracker asks of whatever executes attempts.

Time, retries and the order of tasks are the tracker's; how a command runs, its timeout and its end are the engine's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

from pydag.model.run import Output, Usage
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State


class Launch(NamedTuple):
    """What an engine needs to start an attempt. `timeout` is in seconds, `cwd` absolute or None for the engine's own.

    `env` holds what is added to the engine's environment: the task's variables and pydag's own.
    """

    task: int
    number: int
    command: str
    timeout: float
    env: Mapping[str, str]
    cwd: str | None = None


class Ended(NamedTuple):
    """An attempt ended: `state` is success, failed, cancelled or lost, never a guess.

    Exactly one of `exit_status` and `signal` is set where the engine saw the end of the process.
    """

    task: int
    number: int
    state: State
    exit_status: int | None = None
    signal: int | None = None
    reason: Reason | None = None
    detail: str = ""
    output_dropped: int = 0
    host: str = ""
    usage: Usage | None = None


Event = Output | Ended


class Engine(ABC):
    """Executes attempts. One tracker uses it, from one thread; an engine serves one run and is then closed.

    Events of one attempt come in order: its output as it was written, then exactly one `Ended`. Events of different
    attempts come in any order. No event comes for an attempt that was not started.
    """

    name: str
    """How the history names this engine."""

    slots: int | None
    """How many attempts run at once unless the job says otherwise; None: the engine queues by itself."""

    room: int | None = None
    """How many attempts can run at once, whatever the job says; None: no bound of its own."""

    @abstractmethod
    def prepare(self, spec: JobSpec, run_id: str) -> None:
        """Make ready for a run; called once, before any `start`.

        Raises `InvalidJob` where this engine cannot run the job as it is, `EngineError` where it is out of order.
        Nothing of the job executes here.
        """

    @abstractmethod
    def start(self, launch: Launch) -> None:
        """Start an attempt and return at once.

        An attempt that cannot be started is no exception: it ends as `failed` (or `lost`, where the engine cannot know
        whether it started) with `Reason.NOT_STARTED` and a detail that says why. Never repeats a start by itself.
        """

    @abstractmethod
    def wait(self, timeout: float | None) -> list[Event]:
        """Events since the last call; blocks until there is one, or until `timeout` seconds are over (None: for ever).

        May return [] early. Raises nothing on account of an attempt: a check that fails is not an end.
        """

    @abstractmethod
    def stop(self, *, force: bool) -> None:
        """Ask every running attempt to end, or with `force` make it end now. Their `Ended` (cancelled) still follow.

        May be called again; attempts that have ended by themselves are left alone.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make the `wait` that goes on, or else the next one, return early. Safe in a signal handler and any thread."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the engine holds; may be called again.

        No attempt that this engine started goes on, where it has the power.
        """
