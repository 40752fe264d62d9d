"""A script: fill the history in PYDAG_HOME with jobs that ran so many times, every task of which succeeded."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Run
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.settings import Settings
from pydag.stores.sqlite.store import SQLiteStore

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
TASK_TIME = timedelta(seconds=1)


def main(jobs: int, runs: int, tasks: int) -> None:
    """The jobs take turns, a run each, so that the runs of one job lie far apart, as time puts them."""
    store = SQLiteStore(Settings.load().home)
    specs = [_chain(f"job {number}", tasks) for number in range(jobs)]
    for round_number in range(runs):
        for number, spec in enumerate(specs):
            started = BEGIN + timedelta(hours=round_number, seconds=number)
            _add_run(store, spec, f"run-{round_number}-{number}", started)
    store.close()


def _chain(name: str, tasks: int) -> JobSpec:
    return JobSpec(
        name=name,
        tasks=tuple(
            TaskSpec(name=f"task {number}", action=Shell("true"), upstream=(number - 1,) if number else ())
            for number in range(tasks)
        ),
    )


def _add_run(store: SQLiteStore, spec: JobSpec, run_id: str, started: datetime) -> None:
    count = len(spec.tasks)
    run = Run(id=run_id, job=spec.name, engine="local", state=State.RUNNING, started=started)
    handle = store.begin(run, spec)
    handle.write(
        [
            Attempt(
                task=task,
                number=1,
                state=State.SUCCESS,
                started=started + task * TASK_TIME,
                ended=started + (task + 1) * TASK_TIME,
                exit_status=0,
            )
            for task in range(count)
        ],
    )
    handle.finish(State.SUCCESS, started + count * TASK_TIME)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
