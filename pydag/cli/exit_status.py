"""The exit status that stands for each error."""

from __future__ import annotations

from pydag import errors
from pydag.model.run import RunFailed
from pydag.model.states import Reason, State

_STATUSES: tuple[tuple[type[errors.PyDagException], int], ...] = (
    (errors.NotFound, 6),
    (errors.StillRunning, 7),
    (errors.EngineError, 5),
    (errors.CrontabError, 5),
    (errors.StoreError, 4),
    (errors.PyDagException, 2),
)
"""The first class that fits counts."""


def exit_status(error: errors.PyDagException) -> int:
    """The exit status for this error."""
    if isinstance(error, RunFailed):
        return _status_of_run(error)
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def _status_of_run(failed: RunFailed) -> int:
    """1 where a task failed by itself; 3 where every failure is a timeout or a stop that somebody asked for."""
    failures = [task for task in failed.run.unsuccessful(State.FAILED, State.LOST) if task.reason is not Reason.TIMEOUT]
    return 1 if failures else 3
