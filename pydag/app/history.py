"""The use cases of the past: the last runs of a job, the output of a task, and a run while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from pydag.app.backends import opened_store
from pydag.app.jobs import job_spec, spec_in, unknown_task
from pydag.model.run import AttemptOutput, RunRecord
from pydag.model.spec import TaskSpec
from pydag.model.states import UNSUCCESSFUL, State
from pydag.runs import follow
from pydag.runs.owner import actual_record, actual_run
from pydag.runs.reporter import Reporter
from pydag.settings import Settings
from pydag.stores.base import Store


def records(job: str, count: int) -> list[RunRecord]:
    """The newest runs of a job, newest first. Raises `NotFound`."""
    with opened_store(Settings.load(), reading=True) as store:
        spec_in(store, job)
        return [actual_record(store.load(run)) for run in store.runs(job, limit=count)]


def failures(job: str, count: int, tail: int) -> list[tuple[RunRecord, dict[str, bytes]]]:
    """The newest runs of a job that did not succeed, newest first. Raises `NotFound`.

    With each come the last `tail` bytes of the output of each task that did not succeed, by its name.
    """
    with opened_store(Settings.load(), reading=True) as store:
        spec_in(store, job)
        found = islice(_unsuccessful(store, job), count)
        return [(record, dict(_tails(store, record, tail))) for record in found]


def _unsuccessful(store: Store, job: str) -> Iterator[RunRecord]:
    # A run that says `running` is lost where its process has ended.
    for run in map(actual_run, store.runs(job, states=[*UNSUCCESSFUL, State.RUNNING])):
        if run.state in UNSUCCESSFUL:
            yield actual_record(store.load(run))


def _tails(store: Store, record: RunRecord, tail: int) -> Iterator[tuple[str, bytes]]:
    for number, done in enumerate(record.tasks.values()):
        if done.state in UNSUCCESSFUL and done.attempts:
            yield done.name, b"".join(store.output(record.id, number, done.attempts[-1].number, -tail))


def task_outputs(job: str, task: str, count: int, *, failed: bool = False) -> tuple[TaskSpec, Iterator[AttemptOutput]]:
    """A task or a hook, and its newest attempts with their output, newest first, over all runs. Raises `NotFound`.

    With `failed`, only the attempts that did not succeed. The history is open until the iterator is at its end; the
    output of each is read before the next is asked for.
    """
    spec = job_spec(job)
    newest = next(_attempts_of(job, task), None)
    number = spec.number(task)
    if newest is not None:
        wanted = (found for _, found in _attempts_of(job, task) if not failed or found.attempt.state in UNSUCCESSFUL)
        return newest[0], islice(wanted, count)
    if number is None:
        raise unknown_task(spec, task)
    return spec.entries[number], iter(())


def _attempts_of(job: str, task: str) -> Iterator[tuple[TaskSpec, AttemptOutput]]:
    with opened_store(Settings.load(), reading=True) as store:
        for run in store.runs(job):
            record = actual_record(store.load(run))
            number = record.spec.number(task)
            if number is None:
                continue
            for attempt in reversed(record.entry(task).attempts):
                output = store.output(run.id, number, attempt.number)
                yield record.spec.entries[number], AttemptOutput(run=run, attempt=attempt, output=output)


def follow_run(job: str, reporter: Reporter) -> bool:
    """Tell a reporter of the job's newest run, to its end. False where it never ran. Raises `NotFound`."""
    with _newest_run(job) as found:
        if found:
            store, read = found
            follow.report_run(read, _pause, store, reporter)
        return found is not None


def follow_output(job: str, task: str, stream: follow.Sink) -> bool:
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
