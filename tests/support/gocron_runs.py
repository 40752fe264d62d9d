"""An engine on a gocron server of a test, and what it is given to run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydag.engines.base import Event
from pydag.engines.gocron.engine import GoCronEngine
from pydag.gocron.client import GoCronClient
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.settings import RunNew
from tests.support.fake_gocron import PASSWORD, USER
from tests.support.gocron_targets import Lab

PATIENCE = 30.0


class Ahead:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.by = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.by


@dataclass
class Runs:
    """An engine, and all the events that came of it. The job is named as the lab's prefix."""

    lab: Lab
    engine: GoCronEngine
    events: list[Event] = field(default_factory=list)

    def prepare(self, *tasks: str | TaskSpec, timeout: float | None = None) -> None:
        """Have the tasks on gocron, those given by their commands named `0`, `1` ..."""
        given = [
            task if isinstance(task, TaskSpec) else TaskSpec(name=str(number), action=Shell(task))
            for number, task in enumerate(tasks)
        ]
        given = [task._replace(timeout=timeout if task.timeout is None else task.timeout) for task in given]
        self.engine.prepare(JobSpec(name=self.lab.prefix, tasks=tuple(given)))

    def start(self, task: int = 0, *, number: int = 1) -> None:
        self.engine.start(task, number, {})

    def go(self, *tasks: str | TaskSpec, timeout: float | None = None) -> None:
        """Prepare and start them all, and have them triggered."""
        self.prepare(*tasks, timeout=timeout)
        for task in range(len(tasks)):
            self.start(task)
        self.look(0.0)

    def look(self, seconds: float) -> None:
        """Let the engine go on for so long, or until something happens."""
        self.events += self.engine.wait(seconds)

    def look_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, "it did not come to pass in time"
            self.look(0.05)

    def ends(self, count: int = 1) -> list[Attempt]:
        """The ends of so many attempts, by task."""
        until = time.monotonic() + PATIENCE
        while len(self._ends()) < count:
            assert time.monotonic() < until, f"{len(self._ends())} of {count} ended in time"
            self.look(1.0)
        assert len(self._ends()) == count
        return sorted(self._ends(), key=lambda end: end.task)

    def end(self) -> Attempt:
        return self.ends()[0]

    def nothing_ended(self) -> bool:
        return not self._ends()

    def _ends(self) -> list[Attempt]:
        return [event for event in self.events if isinstance(event, Attempt)]

    def output(self, task: int = 0) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, Output) and event.task == task)

    def task_id(self, task: int = 0) -> int:
        (found,) = self.lab.client.tasks(name=f"{self.lab.prefix}:{task}")
        return found.id


@contextmanager
def runs_on(lab: Lab, **options: Any) -> Iterator[Runs]:
    """An engine with a client of its own, as it closes that."""
    fake = lab.fake
    client = GoCronClient(fake.address, USER, PASSWORD, timeout=5) if fake else GoCronClient.adopt(lab.plain())
    values: dict[str, Any] = {
        "run_new": RunNew.AUTO,
        "rounds_time": 0.2,
        "task_timeout": 60.0,
    }
    engine = GoCronEngine(client, **(values | options))
    try:
        yield Runs(lab, engine)
    finally:
        engine.close()
