"""Two runs of one job at once: who may begin is decided in one step of the history."""

from __future__ import annotations

from pydag.errors import NotFound
from pydag.model.run import Run
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.runs.owner import is_gone
from pydag.stores.base import RunHandle, Store


def begin_alone(store: Store, run: Run, spec: JobSpec) -> RunHandle:
    """Begin a run only if no other run of its job goes on. Raises `StillRunning`.

    A run whose process has ended does not count: the right to run alone dies with its owner.
    """
    gone = [other.id for other in store.runs(run.job, states=[State.RUNNING]) if is_gone(other.owner)]
    return store.begin(run, spec, gone=gone)


def is_known(store: Store, job: str) -> bool:
    """Whether the history has the job."""
    try:
        store.job(job)
    except NotFound:
        return False
    return True
