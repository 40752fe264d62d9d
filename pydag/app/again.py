"""The use cases of a run that is done again: `retry` begins a new one, `resume` goes on with the old one.

Neither runs a command out of the history. The run keeps its file, its directory and its parameters: the file is read
again, and has to define the same job.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydag.app.backends import checked, opened_store
from pydag.app.lookup import found_run
from pydag.app.run import resume_job, retry_job
from pydag.errors import EngineError, InvalidSetting, LoadError, NotFound, StillRunning
from pydag.model.run import Run, RunRecord
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.runs.earlier import Earlier, both, done_by_another_run, left_out, of_resumed
from pydag.runs.owner import actual_run, is_gone, is_here, named
from pydag.runs.plan import Plan
from pydag.runs.reporter import Reporter
from pydag.runs.selection import ALL, Selection, reached
from pydag.settings import SCHEDULED_FOR, RunNew, Settings
from pydag.workflow.job import Job
from pydag.workflow.loader import load_job

_BAD = (State.FAILED, State.LOST, State.CANCELLED, State.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """What a retry will do: the tasks that run, those that an earlier run has done, and those that stay out."""

    job: Job
    spec: JobSpec
    run: Run
    start: Sequence[int]
    done: Sequence[int]
    left_out: Sequence[int]

    def earlier(self, at: datetime) -> Earlier:
        """The same as the tracker takes it."""
        return both(done_by_another_run(self.done, at), left_out(self.left_out, at))


def plan_retry(job: str, run: str | None = None, *, selection: Selection = ALL, changed: bool = False) -> Retry:
    """What did not succeed in a run, and all that depends on it; or the tasks that are selected.

    `changed` allows a file that defines another job than the one that ran. Reading the file changes the working
    directory to that of the run. Raises `NotFound`, `StillRunning` while the run goes on, `LoadError` where the file
    differs or is not known, and `InvalidSetting` where nothing is left to do.
    """
    record = _record(job, run)
    if not actual_run(record.run).state.final:
        raise StillRunning(f"run {record.id} of {record.run.job!r} goes on: wait for its end, or `pydag stop` it first")
    again, spec = _read_again(record, changed=changed)
    states = {task.name: task for task in record.tasks.values()}
    before = [states.get(task.name) for task in spec.tasks]
    done = {number for number, task in enumerate(before) if task and task.state is State.SUCCESS}
    out = {number for number, task in enumerate(before) if task and task.reason is Reason.LEFT_OUT}
    if selection == ALL:
        bad = {number for number, task in enumerate(before) if task is None or task.state in _BAD}
        start = reached(bad, spec.downstream().__getitem__) - out
        if not bad:
            raise InvalidSetting(
                f"every task of run {record.id} that was to run did: --from TASK or --only TASK runs some of them again"
            )
        rest = out
    else:
        start = set(range(len(spec.tasks))) - set(selection.left_out(spec))
        rest = set(range(len(spec.tasks))) - start - done
    return Retry(
        job=again,
        spec=spec,
        run=record.run,
        start=sorted(start),
        done=sorted(done - start),
        left_out=sorted(rest - start),
    )


def retry(planned: Retry, reporter: Reporter, *, max_parallel: int | None = None) -> RunRecord:
    """Do it, as a new run that points to the old one. Raises what `run_job` raises."""
    return retry_job(planned.job, reporter, planned.run, planned.earlier, max_parallel=max_parallel)


def resume(
    job: str, run: str | None, reporter: Reporter, *, take_over: bool = False, max_parallel: int | None = None
) -> RunRecord:
    """Go on with a run that was lost or stopped: what succeeded does not run again, nor does what failed.

    An attempt that ran when its tracker ended is lost, and its task starts anew. `take_over` also takes a run whose
    tracker cannot be seen from here, and with it the risk that it lives: what it then writes is refused, and it ends
    what it runs.
    """
    record = _record(job, run)
    done = partial(_done, take_over=take_over)
    done(record)
    again, _ = _read_again(record, changed=False)
    return resume_job(again, reporter, record.run, done, max_parallel=max_parallel)


def _done(record: RunRecord, *, take_over: bool) -> Earlier:
    """What the run has done. Raises where it cannot be resumed, or nothing is left to do."""
    _refuse_unless_resumable(record, take_over=take_over)
    earlier = of_resumed(record, f"pydag ({named(record.run.owner) or 'an unknown process'}) ended before it")
    if Plan(record.spec, earlier.ended).done:
        raise InvalidSetting(
            f"nothing of run {record.id} is left to do: `pydag retry {record.id}` runs again what did not succeed"
        )
    return earlier


def _refuse_unless_resumable(record: RunRecord, *, take_over: bool) -> None:
    run = record.run
    if run.engine != "local":
        raise EngineError(
            f"run {run.id} ran on {run.engine}, where it cannot be resumed: `pydag retry {run.id}` runs the rest"
        )
    if run.state is State.SUCCESS:
        raise InvalidSetting(f"run {run.id} of {run.job!r} has succeeded: there is nothing to resume")
    if run.state.final or is_gone(run.owner):
        return
    if is_here(run.owner):
        raise StillRunning(
            f"run {run.id} of {run.job!r} goes on ({named(run.owner)}): wait for its end, or stop it first"
        )
    if not take_over:
        raise StillRunning(
            f"run {run.id} of {run.job!r} was last heard of at {(run.heard or run.started):%Y-%m-%d %H:%M:%S} UTC "
            f"({named(run.owner)}, which cannot be seen from here): if it has ended, give --take-over"
        )


def _record(job: str, run: str | None) -> RunRecord:
    with opened_store(Settings.load(), reading=True) as store:
        record = store.load(found_run(store, job, run))
    if record.run.never_started:
        raise NotFound(
            f"run {record.id} never started: run the job anew, with `pydag run {record.run.origin.file or 'FILE'}`"
        )
    return record


def _read_again(record: RunRecord, *, changed: bool) -> tuple[Job, JobSpec]:
    """The job as its file defines it now, with the parameters and the logical date of the run."""
    run = record.run
    origin = run.origin
    if not origin.file:
        raise LoadError(f"run {run.id} has no file to read again: it was started in a notebook, or by an earlier pydag")
    try:
        os.chdir(origin.directory or ".")
    except OSError as error:
        raise NotFound(
            f"the working directory {origin.directory} of run {run.id} cannot be used ({error.strerror}): make it again"
        ) from None
    if run.scheduled_for:
        os.environ[SCHEDULED_FOR] = run.scheduled_for.isoformat()
    os.environ.setdefault("PYDAG_RUN_NEW", RunNew.AUTO.value)  # the job's tasks on gocron are there already
    job = load_job(origin.file, run.job, dict(run.params))
    spec = checked(job, Settings.load())
    if not changed and (differences := list(_differences(record.spec, spec))):
        shown = "; ".join(differences[:3]) + ("; ..." if len(differences) > 3 else "")
        raise LoadError(
            f"{origin.file} differs from what run {run.id} ran: {shown}. Give --changed to take it as it is now"
        )
    return job, spec


def _differences(before: JobSpec, now: JobSpec) -> Iterable[str]:
    """In words, what is not as it was."""
    old = {task.name: _named(before, task) for task in before.tasks}
    new = {task.name: _named(now, task) for task in now.tasks}
    yield from (f"task {name!r} is gone" for name in old if name not in new)
    yield from (f"task {name!r} is new" for name in new if name not in old)
    for name, (task, upstream) in old.items():
        if name not in new:
            continue
        task_now, upstream_now = new[name]
        if task.action != task_now.action:
            yield f"task {name!r} runs something else"
        elif upstream != upstream_now:
            yield f"task {name!r} comes after other tasks"
        elif task != task_now:
            yield f"task {name!r} has other options"


def _named(spec: JobSpec, task: TaskSpec) -> tuple[TaskSpec, list[str]]:
    """The task without the numbers of others, which say nothing in another definition, and the names in their place."""
    return task._replace(upstream=()), sorted(spec.tasks[number].name for number in task.upstream)
