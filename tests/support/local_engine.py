"""The embedded engine with a job of these tasks, as fixtures of tests/engines/local give it."""

from __future__ import annotations

from typing import Protocol

from pydag.engines.local.engine import LocalEngine
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec

TIMEOUT = 3600.0
"""Seconds, of tasks that set none."""


class MakeEngine(Protocol):
    """Makes an engine for a job of these tasks (a text is a command), which the test's end closes."""

    def __call__(self, *tasks: str | TaskSpec, environ: dict[str, str] | None = None) -> LocalEngine: ...


def job_of_commands(*tasks: str | TaskSpec) -> JobSpec:
    """A job of these tasks, none after another; a text is a command."""
    given = [
        task if isinstance(task, TaskSpec) else TaskSpec(name=f"t{n}", action=Shell(task))
        for n, task in enumerate(tasks)
    ]
    return JobSpec(name="job", tasks=tuple(given))


def start_all(engine: LocalEngine, count: int) -> None:
    """Start the first attempt of each of the first tasks."""
    for task in range(count):
        engine.start(task, 1, {})
