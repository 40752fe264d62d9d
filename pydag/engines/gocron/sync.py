"""Synchronizes a gocron server with a job: creates, updates, finds, lists and deletes the job's tasks there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydag.engines.gocron.forms import JobForms
from pydag.engines.gocron.names import is_of_a_job, job_of, tag_of
from pydag.engines.gocron.threads import for_each
from pydag.errors import EngineRefused, StillRunning, count
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import Protocol, TaskForm, seconds_allowed
from pydag.gocron.records import RemoteTask
from pydag.settings import RunNew

LATE = timedelta(seconds=60)
"""So long after its timeout, which gocron enforces, no command runs any more, whatever its row says."""


def synchronize(client: GoCronClient, job: JobForms, run_new: RunNew) -> list[RemoteTask]:
    """Make the tasks on gocron what the job says, as far as `run_new` allows, and return them in the job's order.

    Raises `EngineRefused` where it does not allow what is needed. After an error, what this call created is deleted.
    """
    existing = _by_name(client, job.tag)
    missing = [form for form in job.forms if form.name not in existing]
    if run_new is RunNew.YES and existing:
        raise EngineRefused(
            f"job {job.job!r} exists on gocron ({count(len(existing), 'task')}): "
            "set PYDAG_RUN_NEW=no to run it as it is there, =auto to make it agree with the file, or delete it first"
        )
    if run_new is RunNew.NO and missing:
        raise EngineRefused(
            f"gocron has no task {missing[0].name!r}, which job {job.job!r} needs ({len(missing)} of "
            f"{count(len(job.forms), 'task')} missing): set PYDAG_RUN_NEW=auto to have it made, or =yes for a new job"
        )
    if run_new is RunNew.NO and job.of_one_run:
        _refuse_other_values(job, existing)
    changed = run_new is RunNew.AUTO and _delete_and_update(client, job, existing)
    if missing:
        _create(client, missing, job.tag)
    if missing or changed:
        existing = _by_name(client, job.tag)
    return [existing[form.name] for form in job.forms]


def _refuse_other_values(job: JobForms, existing: Mapping[str, RemoteTask]) -> None:
    """A run must not be recorded with values that its commands do not have."""
    for form in job.forms:
        if existing[form.name].form.command.strip() != form.command.strip():
            raise EngineRefused(
                f"the command of {form.name!r} on gocron is not that of this run's parameters: "
                "set PYDAG_RUN_NEW=auto to change it there, or give the values with which it was made"
            )


def _by_name(client: GoCronClient, tag: str) -> dict[str, RemoteTask]:
    return {task.form.name: task for task in tasks_of(client, tag)}


def _delete_and_update(client: GoCronClient, job: JobForms, existing: Mapping[str, RemoteTask]) -> bool:
    """Delete the tasks that the job no longer has, update those that changed, and return whether any did."""
    names = {form.name for form in job.forms}
    old = [task.id for name, task in existing.items() if name not in names]
    changed = [
        (existing[form.name].id, form)
        for form in job.forms
        if form.name in existing and _differ(existing[form.name].form, form)
    ]
    for_each(old, client.delete_task)
    for_each(changed, lambda change: client.update_task(*change))
    return bool(changed)


def _differ(one: TaskForm, other: TaskForm) -> bool:
    """Whether tasks of these forms would run differently; remarks, and blanks around a command, change nothing."""
    if _what_runs(one) != _what_runs(other):
        return True
    return other.protocol is Protocol.HTTP and one.http_method is not other.http_method


def _what_runs(form: TaskForm) -> tuple[str, Protocol, int, list[int]]:
    return form.command.strip(), form.protocol, form.timeout, sorted(form.node_ids)


def _create(client: GoCronClient, forms: Sequence[TaskForm], tag: str) -> None:
    try:
        for_each(forms, client.store_task)
    except BaseException:
        names = {form.name for form in forms}
        for_each([task.id for task in tasks_of(client, tag) if task.form.name in names], client.delete_task)
        raise


def delete_job(
    client: GoCronClient, job: str, *, force: bool = False, now: datetime, ended: datetime | None = None
) -> int:
    """Delete all tasks of a job and return how many there were. Raises `StillRunning` unless `force`.

    `ended` is when the job's last run ended, by its history: gocron may call a row of a lost run running for ever.
    """
    tasks = {task.id: task for task in tasks_of(client, tag_of(job))}
    if tasks and not force:
        _refuse_if_running(client, job, tasks, now, ended)
    for_each(tasks, client.delete_task)
    return len(tasks)


def _refuse_if_running(
    client: GoCronClient, job: str, tasks: Mapping[int, RemoteTask], now: datetime, ended: datetime | None
) -> None:
    """Raise `StillRunning` for a row that may really run: after the last known end, and within its timeout."""
    rows = [row for row in client.running() if row.task_id in tasks]
    offset = client.utc_offset(now) if rows else timedelta()
    for row in rows:
        started = now if row.started is None else row.started.replace(tzinfo=UTC) - offset
        allowed = timedelta(seconds=seconds_allowed(tasks[row.task_id].form)) + LATE
        if (ended is None or started > ended) and now - started < allowed:
            name = tasks[row.task_id].form.name
            raise StillRunning(
                f"gocron says that job {job!r} runs now ({name!r} since {started:%H:%M:%S} UTC, row {row.id} of its "
                "log): wait for its end, or stop it in gocron's pages; if it cannot end, as gocron or its node was "
                "restarted, delete it with --force"
            )


def job_names(client: GoCronClient) -> list[str]:
    """The jobs on gocron, the newest first."""
    newest: dict[str, TaskForm] = {}
    for task in client.tasks():
        if is_of_a_job(task.form):
            newest.setdefault(task.form.tag, task.form)
    return [job_of(form) for form in newest.values()]


def tasks_of(client: GoCronClient, tag: str) -> list[RemoteTask]:
    """The tasks of a job, the newest first, without those that people gave the same tag in gocron's pages."""
    return [task for task in client.tasks(tag=tag) if is_of_a_job(task.form)]
