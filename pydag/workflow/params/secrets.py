"""Keeps secrets out of what is stored, shown and drawn of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydag.errors import InvalidJob
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec

_SHORTEST = 6
"""Characters of a secret that is searched for; a shorter one may be part of any word."""


def refuse_secrets_in(spec: JobSpec, secrets: Mapping[str, str]) -> None:
    """Raise `InvalidJob` where a text of the job holds one of these values: the history would keep it."""
    searched = {name: text for name, text in secrets.items() if len(text) >= _SHORTEST}
    if not searched:
        return
    for place, text in _texts(spec):
        for name, secret in searched.items():
            if secret in text:
                raise InvalidJob(
                    f"{place} holds the value of the secret parameter {name}, and the history would keep that: "
                    f"write ${name}, which every command gets as an environment variable"
                )


def _texts(spec: JobSpec) -> Iterator[tuple[str, str]]:
    """Every text of a job that is stored, and what it belongs to."""
    yield "the name of a job", spec.name
    yield f"job {spec.name!r}: its description", spec.description
    for number, task in enumerate(spec.entries, start=1):
        yield f"the name of task {number}", task.name
        yield f"task {task.name!r}: its command", task.action.text
        if isinstance(task.action, Shell):
            yield f"task {task.name!r}: its cwd", task.action.cwd or ""
            for name, value in task.action.env:
                yield f"task {task.name!r}: its env[{name!r}]", value
    for param in spec.params:
        for text in (param.help, param.default or "", *param.choices):
            yield f"the parameter {param.name}", text
