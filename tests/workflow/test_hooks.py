"""Hooks as a job takes them: what they become, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from pydag import GoCronJob, HttpTask, InvalidJob, Job, Task
from pydag.model.actions import Shell
from pydag.model.spec import TaskSpec


def job_with(kind: type[Job] = Job, **hooks: Any) -> Job:
    job = kind("J", **hooks)
    job.add_task(Task("a", "true"))
    return job


@pytest.mark.parametrize("kind", [Job, GoCronJob])
def test_a_command_or_a_task_becomes_a_record_of_the_hooks_name(kind: type[Job]) -> None:
    task = Task("mail", "mail me", env={"A": "1"}, cwd="/tmp", timeout=5, retries=2, retry_delay=1, strict=False)
    spec = job_with(kind, on_end="echo end", on_failure=task).check()
    assert spec.hooks == (
        TaskSpec(
            name="on_failure",
            action=Shell("mail me", env=(("A", "1"),), cwd="/tmp"),
            timeout=5.0,
            retries=2,
            retry_delay=1.0,
        ),
        TaskSpec(name="on_end", action=Shell("echo end", strict=True)),
    )
    assert [each.name for each in spec.tasks] == ["a"]


@pytest.mark.parametrize("hook", ["true", Task("hook", "true")])
def test_a_hook_is_as_strict_as_its_job(hook: str | Task) -> None:
    assert job_with(strict=False, on_end=hook).check().hooks[0].action == Shell("true")
    assert job_with(on_end=hook).check(strict=False).hooks[0].action == Shell("true")
    assert job_with(on_end=hook).check().hooks[0].action == Shell("true", strict=True)


def test_a_task_that_is_made_as_a_hook_is_no_task_of_the_job() -> None:
    with Job("J", on_failure=Task("hook", "true"), on_end="true") as job:
        Task("a", "true")
    assert [task.name for task in job.check().tasks] == ["a"]


def test_one_task_may_be_a_hook_of_several_jobs() -> None:
    mail = Task("mail", "true")
    for _ in range(2):
        assert [hook.name for hook in job_with(on_failure=mail, on_success=mail).check().hooks] == [
            "on_failure",
            "on_success",
        ]


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (42, "job 'J': on_end=42 must be a command or a Task"),
        (["true"], "job 'J': on_end=['true'] must be a command or a Task"),
        ("  ", "task 'on_end': the command is empty ('  '); `true` does nothing"),
    ],
)
def test_what_is_no_hook_is_refused_where_the_job_is_made(hook: object, message: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        job_with(on_end=hook)
    assert str(caught.value) == message


def _after_another() -> Task:
    hook = Task("hook", "true")
    Task("b", "true") >> hook
    return hook


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (_after_another(), "has edges or a `when`: take them out, a hook runs after the whole job"),
        (Task("hook", "true", when="always"), "has edges or a `when`: take them out, a hook runs after the whole job"),
        (
            Task("hook", "true", node_id=1),
            "is for a gocron server: give a command without a node, hooks run on this machine",
        ),
        (
            HttpTask("hook", "http://host"),
            "is for a gocron server: give a command without a node, hooks run on this machine",
        ),
    ],
)
def test_a_task_that_is_more_than_a_hook_is_refused_by_the_check(hook: Task, message: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        job_with(on_end=hook).check()
    assert str(caught.value) == f"job 'J': on_end, the task 'hook', {message}"


def test_a_task_of_a_job_is_refused_as_a_hook() -> None:
    with Job("Outer"):
        hook = Task("hook", "true")
        with Job("J", on_end=hook) as job:
            Task("a", "true")
    with pytest.raises(InvalidJob) as caught:
        job.check()
    assert str(caught.value) == (
        "job 'J': on_end, the task 'hook', is in the job 'Outer': make a task of its own, outside of `with Job(...)`"
    )


def test_a_task_cannot_have_the_name_of_a_hook_that_the_job_has() -> None:
    for given in ({"on_end": "true"}, {"on_failure": "true"}):
        job = Job("J", **given)  # type: ignore[arg-type]
        job.add_task(Task("on_end", "true"))
        if "on_end" in given:
            with pytest.raises(InvalidJob, match="job 'J' has a task named 'on_end', as its hook: rename the task"):
                job.check()
        else:
            assert job.check().tasks[0].name == "on_end"
