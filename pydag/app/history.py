"""The use cases of the past: the last runs of a job, the output of a task, and a run while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO

from pydag.app.backends import opened_store
from pydag.app.jobs import job_spec, spec_in, unknown_task
from pydag.model.run import AttemptOutput, RunRecord
from pydag.model.spec import TaskSpec
from pydag.runs import follow
from pydag.runs.owner import actual_record
from pydag.runs.reporter import Reporter
from pydag.settings import Settings
from pydag.stores.base import Store


def records(job: str, count: int) -> list[RunRecord]:
    """The newest runs of a job, newest first. Raises `NotFound`."""
    with opened_store(Settings.load(), reading=True) as store:
        spec_in(store, job)
        return [actual_record(store.load(run)) for run in store.runs(job, limit=count)]


def task_outputs(job: str, task: str, count: int) -> tuple[TaskSpec, Iterator[AttemptOutput]]:
    """A task, and its newest attempts with their output, newest first, over all runs. Raises `NotFound`.

    The history is open until the iterator is at its end; the output of each is read before the next is asked for.
    """
    spec = job_spec(job)
    newest = next(_attempts_of(job, task), None)
    number = spec.number(task)
    if newest is not None:
        return newest[0], (found for _, found in islice(_attempts_of(job, task), count))
    if number is None:
        raise unknown_task(spec, task)
    return spec.tasks[number], iter(())


def _attempts_of(job: str, task: str) -> Iterator[tuple[TaskSpec, AttemptOutput]]:
    with opened_store(Settings.load(), reading=True) as store:
        for run in store.runs(job):
            record = actual_record(store.load(run))
            number = record.spec.number(task)
            if number is None:
                continue
            for attempt in reversed(record.tasks[task].attempts):
                output = store.output(run.id, number, attempt.number)
                yield record.spec.tasks[number], AttemptOutput(run=run, attempt=attempt, output=output)


def follow_run(job: str, reporter: Reporter) -> bool:
    """Tell a reporter of the job's newest run, to its end. False where it never ran. Raises `NotFound`."""
    with _newest_run(job) as found:
        if found:
            store, read = found
            follow.report_run(read, _pause, store, reporter)
        return found is not None


def follow_output(job: str, task: str, stream: BinaryIO) -> bool:
    """Copy the task's output in the job's newest run to a stream, to its end. False where the job never ran.

    Raises `NotFound`.
    """
    with _newest_run(job) as found:
        if found is None:
            return False
        store, read = found
        spec = read().spec
        number = spec.number(task)
        if number is None:
            raise unknown_task(spec, task)
        follow.copy_output(read, _pause, store, number, stream)
        return True


@contextmanager
def _newest_run(job: str) -> Iterator[tuple[Store, Callable[[], RunRecord]] | None]:
    """The store, and a function that reads the job's newest run; None where there is no run."""
    with opened_store(Settings.load(), reading=True) as store:
        spec_in(store, job)
        runs = store.runs(job, limit=1)
        yield (store, lambda: actual_record(store.load(runs[0]))) if runs else None


def _pause() -> None:
    """Wait between two readings of a run. Only a person waits for what comes next."""
    time.sleep(0.2)
