"""Hooks as a job takes them: commands, or tasks that belong to no job."""

from __future__ import annotations

from pydag.errors import InvalidJob, shown
from pydag.model.actions import HttpRequest, Shell
from pydag.model.spec import TaskSpec
from pydag.model.states import When
from pydag.workflow.tasks.base import Task
from pydag.workflow.tasks.shell import checked_command

Hook = str | Task
"""What a job runs after its run: a command, or a task with options."""


def checked_hook(given: object, name: str, job: str) -> Hook:
    """The command or the task that was given as the hook of that name. Raises `InvalidJob`."""
    if isinstance(given, Task):
        return given
    if not isinstance(given, str):
        raise InvalidJob(f"job {job!r}: {name}={shown(given)} must be a command or a Task")
    return checked_command(given, name)


def hook_spec(hook: Hook, name: str, job: str, *, job_strict: bool | None, strict: bool) -> TaskSpec:
    """A hook as a checked record. Raises `InvalidJob` where its task is more than what runs after a job."""
    if isinstance(hook, str):
        return TaskSpec(name=name, action=Shell(hook, strict=strict if job_strict is None else job_strict))
    what = f"job {job!r}: {name}, the task {hook.name!r},"
    if hook.job is not None:
        raise InvalidJob(f"{what} is in the job {hook.job.name!r}: make a task of its own, outside of `with Job(...)`")
    if hook.upstream or hook.downstream or hook.when is not When.SUCCESS:
        raise InvalidJob(f"{what} has edges or a `when`: take them out, a hook runs after the whole job")
    action = hook.final_action(job_strict=job_strict, strict=strict)
    if isinstance(action, HttpRequest) or action.nodes:
        raise InvalidJob(f"{what} is for a gocron server: give a command without a node, hooks run on this machine")
    return TaskSpec(name=name, action=action, timeout=hook.timeout, retries=hook.retries, retry_delay=hook.retry_delay)
