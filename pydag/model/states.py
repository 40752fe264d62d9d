"""The states of tasks and runs, and which of them are final."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class State(Enum):
    """The state of a task, an attempt or a run. The values are stored: never change one."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"  # an upstream task did not end as this task's `when` asks
    CANCELLED = "cancelled"
    LOST = "lost"  # its outcome cannot be known

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self not in (State.PENDING, State.RUNNING)


def worst(states: Iterable[State]) -> State:
    """What a run ended as whose tasks ended so. Skipped tasks alone fail no run."""
    found = set(states)
    return next((bad for bad in (State.CANCELLED, State.FAILED, State.LOST) if bad in found), State.SUCCESS)


UNSUCCESSFUL = (State.FAILED, State.LOST, State.CANCELLED)
"""How what was to run can end, if not as a success."""


class When(Enum):
    """How a task's upstream tasks must have ended for it to start."""

    SUCCESS = "success"  # every one of them succeeded
    FAILURE = "failure"  # at least one failed, or was skipped because one did
    ALWAYS = "always"  # all of them ended, whatever way


class Overlap(Enum):
    """Whether two runs of one job may go on at once."""

    ALLOW = "allow"
    FORBID = "forbid"


class Reason(Enum):
    """Why an attempt did not simply end by itself. The values are stored: never change one."""

    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"  # Ctrl-C, SIGTERM, or a stop that somebody asked for
    NOT_STARTED = "not started"  # the engine could not start it
    UPSTREAM = "upstream"  # skipped: an upstream task ended otherwise than `when` asks
    LEFT_OUT = "left out"  # skipped: the run was asked for other tasks; it counts as a success for those after it
    EARLIER = "earlier"  # success: an earlier run has done it, and this one does not do it again
    UNKNOWN = "unknown"  # the engine cannot say how it ended
