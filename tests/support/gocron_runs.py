"""An engine on a gocron server of a test, and its events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydag.engines.base import Event
from pydag.engines.gocron.engine import GoCronEngine
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.settings import RunNew
from tests.support.gocron_targets import Lab

PATIENCE = 30.0
ROUNDS_TIME = 0.2


def job_of(*tasks: str | TaskSpec, name: str = "J") -> JobSpec:
    """A job of these tasks. A task given by its name has a command that prints the name."""
    given = (
        task if isinstance(task, TaskSpec) else TaskSpec(name=task, action=Shell(f"echo {task}")) for task in tasks
    )
    return JobSpec(name=name, tasks=tuple(given))


class Ahead:
    """A monotonic clock that can be put forward."""

    def __init__(self) -> None:
        self.by = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.by


@dataclass
class Runs:
    """An engine and all its events. The job's name is the lab's prefix."""

    lab: Lab
    engine: GoCronEngine
    events: list[Event] = field(default_factory=list)

    def prepare(self, *tasks: str | TaskSpec, timeout: float | None = None) -> None:
        """Make the tasks on gocron; those given by their commands are named `0`, `1` ..."""
        given = [
            task if isinstance(task, TaskSpec) else TaskSpec(name=str(number), action=Shell(task))
            for number, task in enumerate(tasks)
        ]
        given = [task._replace(timeout=timeout if task.timeout is None else task.timeout) for task in given]
        self.engine.prepare(JobSpec(name=self.lab.prefix, tasks=tuple(given)))

    def start(self, task: int = 0, *, number: int = 1) -> None:
        self.engine.start(task, number, {})

    def go(self, *tasks: str | TaskSpec, timeout: float | None = None) -> None:
        """Prepare, start and trigger them all."""
        self.prepare(*tasks, timeout=timeout)
        for task in range(len(tasks)):
            self.start(task)
        self.let_run(0.0)

    def let_run(self, seconds: float) -> None:
        """Let the engine work for so many seconds, or until there are events."""
        self.events += self.engine.wait(seconds)

    def run_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, "it did not happen in time"
            self.let_run(0.05)

    def ends(self, count: int = 1) -> list[Attempt]:
        """The ends of so many attempts, by task."""
        until = time.monotonic() + PATIENCE
        while len(self._ends()) < count:
            assert time.monotonic() < until, f"{len(self._ends())} of {count} ended in time"
            self.let_run(1.0)
        assert len(self._ends()) == count
        return sorted(self._ends(), key=lambda end: end.task)

    def end(self) -> Attempt:
        return self.ends()[0]

    def nothing_ended(self) -> bool:
        return not self._ends()

    def _ends(self) -> list[Attempt]:
        return [event for event in self.events if isinstance(event, Attempt) and event.state.final]

    def said(self, task: int = 0) -> list[str]:
        """What the engine said of a task while it ran."""
        attempts = [event for event in self.events if isinstance(event, Attempt) and event.task == task]
        return [event.detail for event in attempts if not event.state.final]

    def output(self, task: int = 0) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, Output) and event.task == task)

    def task_id(self, task: int = 0) -> int:
        (found,) = self.lab.client.tasks(name=f"{self.lab.prefix}:{task}")
        return found.id


@contextmanager
def runs_on(lab: Lab, **options: Any) -> Iterator[Runs]:
    """An engine with a client of its own, because it closes its client."""
    client = lab.new_client(token=lab.token, timeout=5 if lab.fake else 30)
    values: dict[str, Any] = {
        "run_new": RunNew.AUTO,
        "rounds_time": ROUNDS_TIME,
        "task_timeout": 60.0,
    }
    engine = GoCronEngine(client, **(values | options))
    try:
        yield Runs(lab, engine)
    finally:
        engine.close()
