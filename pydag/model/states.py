"""The states of tasks and runs, and which of them are final."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a task, an attempt or a run stands. The values are stored: never change one."""

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


class When(Enum):
    """How a task's upstream tasks must have ended for it to start."""

    SUCCESS = "success"  # every one of them succeeded
    FAILURE = "failure"  # at least one failed, or was skipped because one did
    ALWAYS = "always"  # all of them ended, whatever way


class RunNew(Enum):
    """What a run does about the job's tasks that gocron has, or has not."""

    YES = "yes"  # create them all; one that exists is an error
    NO = "no"  # run those that exist; one that is missing is an error
    AUTO = "auto"  # make them agree with the file


class Reason(Enum):
    """Why an attempt did not simply end by itself. The values are stored: never change one."""

    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"  # Ctrl-C, SIGTERM, or a stop that somebody asked for
    NOT_STARTED = "not started"  # the engine could not start it
    UPSTREAM = "upstream"  # skipped: an upstream task ended otherwise than `when` asks
    UNKNOWN = "unknown"  # the engine cannot say how it ended
