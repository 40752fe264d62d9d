"""What the end of a process, or an error that kept it from starting, means for its attempt."""

from __future__ import annotations

import errno

from pydag.engines.local.process import ProcessEnd
from pydag.model.run import Attempt
from pydag.model.states import Reason, State

_RAISED_BY = {errno.EMFILE: "ulimit -n", errno.EAGAIN: "ulimit -u"}  # how to raise the limit that was met, in bash


def ended(task: int, number: int, end: ProcessEnd | None, stopped_for: Reason | None) -> Attempt:
    """The end of an attempt whose process ended so; None where something else in this process has reaped it.

    `stopped_for` is why the engine stopped it, None where it ended by itself.
    """
    reason, detail = stopped_for, ""
    if reason is Reason.INTERRUPTED:
        state = State.CANCELLED
    elif reason is Reason.TIMEOUT:
        state = State.FAILED
    elif end is None:
        state, reason, detail = State.LOST, Reason.UNKNOWN, "something else in this process waited for it"
    else:
        state = State.SUCCESS if end.returncode == 0 else State.FAILED
    return Attempt(
        task=task,
        number=number,
        state=state,
        exit_status=end.returncode if end and end.returncode >= 0 else None,
        signal=-end.returncode if end and end.returncode < 0 else None,
        reason=reason,
        detail=detail,
        usage=end.usage if end else None,
    )


def not_started(task: int, number: int, error: OSError) -> Attempt:
    """The end of an attempt that the system could not start."""
    if error.errno in _RAISED_BY:
        what = f": lower max_parallel, or raise `{_RAISED_BY[error.errno]}`"
    else:
        what = f": {error.filename!r}" if error.filename else ""
    return Attempt(
        task=task,
        number=number,
        state=State.FAILED,
        reason=Reason.NOT_STARTED,
        detail=f"{error.strerror or error}{what}",
    )
