"""Small jobs, runs and attempts to test with, and names that have broken programs before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Run
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State

START = datetime(2022, 12, 26, 15, 28, 1, 123457, tzinfo=UTC)

HOSTILE_NAMES = (
    "a b",
    "../../etc/passwd",
    "%",
    "_",
    "*",
    "?",
    "[red]bold[/red]",
    "a:b",
    "a",
    "A",
    "it's",
    '"quoted"',
    "; DROP TABLE run; --",
    "$(reboot)",
    "`id`",
    "{curly}",
    "back\\slash",
    "\\ud83d",
    "\N{ROCKET}\N{SNOWMAN}",
    "é",
    "e\N{COMBINING ACUTE ACCENT}",
    " padded ",
    "n" * 200,
    "\N{ROCKET}" * 200,
)


def at(seconds: float) -> datetime:
    """A moment, so many seconds after `START`."""
    return START + timedelta(seconds=seconds)


def job_of(name: str, tasks: int = 2, command: str = "true") -> JobSpec:
    """A job of so many tasks, each after the one before."""
    return JobSpec(
        name=name,
        tasks=tuple(
            TaskSpec(name=f"t{number}", action=Shell(command), upstream=(number - 1,) if number else ())
            for number in range(tasks)
        ),
    )


def run_of(job: str, run_id: str, seconds: float = 0, state: State = State.RUNNING) -> Run:
    """A run that started so many seconds after `START`."""
    return Run(id=run_id, job=job, engine="local", state=state, started=at(seconds), owner="host:1:2")


def attempt_of(task: int, number: int = 1, state: State = State.RUNNING) -> Attempt:
    """An attempt that started at `START`."""
    return Attempt(task=task, number=number, state=state, started=START)
