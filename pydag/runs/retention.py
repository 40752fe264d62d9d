"""Which runs of a job may be pruned. A decision alone: nothing is read or deleted here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydag.model.run import Run
from pydag.model.states import State
from pydag.settings import Keep


def prunable(runs: Iterable[Run], keep: Keep, now: datetime) -> list[Run]:
    """Of all runs of one job, newest first, those that `keep` does not ask for, oldest first.

    Never one that goes on, nor the newest that succeeded, nor the newest that failed or was lost.
    """
    found = []
    protected = {State.SUCCESS, State.FAILED}
    for place, run in enumerate(runs):
        kind = State.FAILED if run.state is State.LOST else run.state
        newest_of_its_kind = kind in protected
        protected.discard(kind)
        too_many = keep.runs is not None and place >= keep.runs
        too_old = keep.age is not None and now - run.started > keep.age
        if run.state.final and not newest_of_its_kind and (too_many or too_old):
            found.append(run)
    return found[::-1]
