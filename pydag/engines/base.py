"""The seam Engine: what the tracker asks of whatever executes attempts.

The tracker decides when a task starts, retries it and limits its output. The engine runs it, ends it at its timeout and
reports how it ended.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec

Event = Output | Attempt
"""More output of a running attempt; or, as an `Attempt`, how an attempt ended, or what is to say of a running one.

The state of an end is success, failed, cancelled or lost, never a guess. Exactly one of `exit_status` and `signal` is
set where the engine saw the end of the process. An engine that knows when its server started and ended the attempt
gives both times, by the clock of this machine; the tracker holds them between the attempt's first record and now. Else
they are None: the attempt ended now. The tracker adds `output_dropped`.

An `Attempt` in the state running changes nothing but the attempt's `detail`: what the engine waits for.
"""


class Engine(ABC):
    """Executes attempts. One tracker uses it, from one thread; an engine serves one run and is then closed.

    Events of one attempt come in order: its output as it was written, details while it runs, then exactly one end.
    Events of different attempts come in any order. No event comes for an attempt that was not started. An engine passes
    all output on: the tracker limits what is kept.
    """

    name: str
    """How the history names this engine."""

    slots: int | None
    """How many attempts run at once unless the job says otherwise; None: the engine queues by itself."""

    room: int | None = None
    """How many attempts can run at once, whatever the job says; None: no bound of its own."""

    shares_tasks: bool = False
    """Whether two runs of one job would use the same tasks of the engine, so that only one may run at a time."""

    task_ids: Sequence[int] = ()
    """Once prepared: the ids that the job's tasks have on the engine's server, in the job's order, if it has them."""

    @abstractmethod
    def prepare(self, spec: JobSpec) -> None:
        """Get ready to run this job; called once, before any `start`. Nothing of the job executes here.

        Raises `InvalidJob` where this engine cannot run the job as it is, and `EngineError` where the engine itself
        does not work.
        """

    @abstractmethod
    def start(self, task: int, number: int, env: Mapping[str, str]) -> None:
        """Start attempt `number` of this task of the prepared job, and return at once.

        The command, its directory, its timeout (else the engine's default) and its variables are in the job. `env`
        holds pydag's own variables for this attempt, which go before those of the task.

        An attempt that cannot be started does not raise: it ends as `failed` (or `lost`, where the engine cannot know
        whether it started) with `Reason.NOT_STARTED` and a detail that says why. The engine never repeats a start.
        """

    @abstractmethod
    def wait(self, timeout: float | None) -> list[Event]:
        """The events since the last call. Blocks until there is one, at most `timeout` seconds (None: for ever).

        May return [] early. Never raises because of an attempt: a check that fails does not mean that it ended.
        """

    @abstractmethod
    def stop(self, *, force: bool) -> None:
        """Ask every running attempt to end, or with `force` make it end now. Their ends (cancelled) still follow.

        May be called again. Attempts that have ended by themselves are left alone.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make the current `wait`, or else the next one, return early. Safe in a signal handler and in any thread."""

    @abstractmethod
    def close(self) -> None:
        """Free what the engine holds, and end what still runs where the engine can. May be called again."""
