"""The use case of a run that says how long it will take: what the job's last successful runs took."""

from __future__ import annotations

from pydag.app.backends import opened_store
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State
from pydag.runs.reporter import PastRuns
from pydag.settings import Settings

_RUNS = 5
"""How many runs the medians are of."""

_MOST_TASKS = 1_000
"""Of a larger job the attempts are not read: that would take time from the run."""


def past_runs(spec: JobSpec) -> PastRuns | None:
    """How long the job's last successful runs took, and each of their tasks; None where there are none.

    Uses a store of its own, so it may be called from any thread.
    """
    from statistics import median  # it takes as long to import as a short run

    with opened_store(Settings.load(), reading=True) as store:
        runs = store.runs(spec.name, states=(State.SUCCESS,), limit=_RUNS)
        records = [store.load(run) for run in runs] if len(spec.tasks) <= _MOST_TASKS else []
    records = [
        record for record in records if all(task.reason is not Reason.LEFT_OUT for task in record.tasks.values())
    ]
    runs = [record.run for record in records] or runs
    total = [(run.ended - run.started).total_seconds() for run in runs if run.ended]
    if not total:
        return None
    seconds: dict[str, list[float]] = {}
    for record in records:
        for task in record.tasks.values():
            if task.attempts and task.attempts[-1].started and task.ended:
                took = task.ended - task.attempts[-1].started
                seconds.setdefault(task.name, []).append(took.total_seconds())
    return PastRuns(median(total), {name: median(each) for name, each in seconds.items()})
