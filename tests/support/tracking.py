"""A tracker to test: on a scripted engine, a memory store and a fake clock, with a reporter that remembers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydag.engines.base import Event
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output, Run, RunRecord
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.runs.earlier import NOTHING, Earlier
from pydag.runs.tracker import OUTPUT_BATCH, Tracker
from pydag.stores.base import RunHandle
from pydag.stores.memory import MemoryStore
from pydag.testing.fake_clock import FakeClock
from pydag.testing.records import START
from pydag.testing.scripted_engine import Answer, ScriptedEngine, Start, ended, succeed


@dataclass
class Recorder:
    """A reporter that keeps what it is told."""

    told: list[str] = field(default_factory=list)

    def run_started(self, run: Run, spec: JobSpec) -> None:
        self.told.append("run started")

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        self.told += [f"{output.task}.{output.number} {output.data.decode()}" for output in outputs]
        self.told += [f"{attempt.task}.{attempt.number} {attempt.state.value}" for attempt in attempts]

    def stopping(self, at: datetime) -> None:
        self.told.append("stopping")

    def hook_started(self, name: str, at: datetime) -> None:
        self.told.append(f"{name} started")

    def run_ended(self, record: RunRecord) -> None:
        self.told.append(f"run {record.state.value}")

    def close(self) -> None:
        """There is nothing to free."""


class Scene:
    """A tracker on a scripted engine, a memory store and a fake clock."""

    def __init__(
        self,
        spec: JobSpec,
        answer: Answer,
        *,
        slots: int = 2,
        max_parallel: int | None = None,
        room: int | None = None,
        output_limit: int = 2 * OUTPUT_BATCH,
        store: MemoryStore | None = None,
        engine: type[ScriptedEngine] = ScriptedEngine,
        earlier: Earlier = NOTHING,
        handle: RunHandle | None = None,
        afterwards: Callable[[RunRecord], RunRecord] = lambda record: record,
    ) -> None:
        self.clock = FakeClock()
        self.store = store or MemoryStore()
        self.engine = engine(answer, self.clock, slots=slots)
        self.engine.room = room
        self.engine.prepare(spec)
        self.reporter = Recorder()
        self.run = Run(id="r", job=spec.name, engine="scripted", state=State.RUNNING, started=START)
        self.tracker = Tracker(
            spec,
            self.run,
            engine=self.engine,
            store=self.store,
            reporter=self.reporter,
            output_limit=output_limit,
            max_parallel=max_parallel,
            earlier=earlier,
            handle=handle,
            clock=self.clock.for_tracker,
            afterwards=afterwards,
        )

    @property
    def record(self) -> RunRecord:
        return self.store.load(self.run)


class Handle(RunHandle):
    """A run in the store whose writing or finishing a test has replaced."""

    def __init__(self, *, write: Callable[..., None], finish: Callable[[State, datetime], None]) -> None:
        self._write = write
        self._finish = finish

    def write(
        self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = (), *, heard: datetime | None = None
    ) -> None:
        self._write(attempts, outputs)

    def finish(self, state: State, ended: datetime) -> None:
        self._finish(state, ended)


def spec_of(*tasks: TaskSpec, max_parallel: int | None = None) -> JobSpec:
    return JobSpec(name="job", tasks=tasks, max_parallel=max_parallel)


def free(count: int) -> JobSpec:
    """A job of tasks that wait for nothing."""
    return spec_of(*(TaskSpec(name=f"t{number}", action=Shell("true")) for number in range(count)))


def goes_on(start: Start) -> None:
    return None


def fails_until(attempt: int) -> Callable[[Start], list[Event]]:
    def answer(start: Start) -> list[Event]:
        if start.number >= attempt:
            return succeed(start)
        return [ended(start, State.FAILED, exit_status=start.number)]

    return answer
