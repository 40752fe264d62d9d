"""Secrets: no text of a job that a record keeps may hold one."""

from __future__ import annotations

import pytest

from pydag.errors import InvalidJob
from pydag.model.actions import HttpRequest, Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.workflow.params.secrets import refuse_secrets_in

SECRETS = {"TOKEN": "hunter2"}


def job(task: TaskSpec, name: str = "J", description: str = "") -> JobSpec:
    return JobSpec(name=name, tasks=(task,), description=description)


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        (job(TaskSpec("t", Shell("curl -H hunter2"))), "task 't': its command"),
        (job(TaskSpec("t", HttpRequest("http://host/?t=hunter2"))), "task 't': its command"),
        (job(TaskSpec("t", Shell("true", env=(("A", "xhunter2"),)))), "task 't': its env['A']"),
        (job(TaskSpec("t", Shell("true", cwd="/hunter2"))), "task 't': its cwd"),
        (job(TaskSpec("hunter2", Shell("true"))), "the name of task 1"),
        (job(TaskSpec("t", Shell("true")), description="hunter2"), "job 'J': its description"),
        (job(TaskSpec("t", Shell("true")), name="hunter2"), "the name of a job"),
    ],
)
def test_a_text_that_holds_a_secret_is_refused(spec: JobSpec, place: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        refuse_secrets_in(spec, SECRETS)
    assert str(caught.value) == (
        f"{place} holds the value of the secret parameter TOKEN, and the history would keep that: "
        "write $TOKEN, which every command gets as an environment variable"
    )


def test_what_names_the_variable_and_what_is_too_short_to_tell_may_stand() -> None:
    refuse_secrets_in(job(TaskSpec("t", Shell("curl -H $TOKEN"))), SECRETS)
    refuse_secrets_in(job(TaskSpec("t", Shell("test 1"))), {"TOKEN": "test"})
