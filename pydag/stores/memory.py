"""The reference for every store: the history as plain dictionaries, gone with the process."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydag.model.run import Attempt, JobEntry, Output, Run, RunRecord, record_of
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.stores.base import RunHandle, Store, no_job, no_run, run_exists, still_running, taken_over


@dataclass(slots=True, kw_only=True)
class _StoredRun:
    run: Run
    spec: JobSpec
    begun: int  # counts the runs of this history
    attempts: dict[tuple[int, int], Attempt] = field(default_factory=dict)
    outputs: dict[tuple[int, int], bytes] = field(default_factory=dict)

    @property
    def age(self) -> tuple[datetime, int]:
        """Larger for the newer of two runs."""
        return self.run.started, self.begun

    def drop_output(self) -> None:
        """Lose all output; each attempt counts it as dropped."""
        for key, data in self.outputs.items():
            if key in self.attempts:
                attempt = self.attempts[key]
                self.attempts[key] = attempt._replace(output_dropped=attempt.output_dropped + len(data))
        self.outputs.clear()


class MemoryStore(Store):
    """A history that lives as long as this object; sharing it is sharing the history."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[JobSpec, datetime]] = {}
        self._runs: dict[str, _StoredRun] = {}
        self._begun = 0

    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        self._jobs[spec.name] = (spec, saved)

    def job(self, name: str) -> JobSpec:
        if name not in self._jobs:
            raise no_job(name)
        return self._jobs[name][0]

    def jobs(self) -> list[JobEntry]:
        by_name = [
            JobEntry(name=name, saved=saved, tasks=len(spec.tasks), last_run=next(iter(self.runs(name)), None))
            for name, (spec, saved) in sorted(self._jobs.items())
        ]
        return sorted(by_name, key=lambda entry: entry.saved, reverse=True)  # a sort keeps the order of equals

    def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
        if run.id in self._runs:
            raise run_exists(run.id)
        if gone is not None:
            for other in self.runs(run.job, states=[State.RUNNING]):
                if other.id not in gone:
                    raise still_running(run.job, other.id)
        self._begun += 1
        self._runs[run.id] = _StoredRun(run=run, spec=spec, begun=self._begun)
        self.save_job(spec, run.started)
        return self.reopen(run.id)

    def reopen(self, run_id: str) -> RunHandle:
        return _MemoryRunHandle(self._runs, self._stored_run(run_id))

    def take_over(self, run: Run, owner: str, heard: datetime) -> RunHandle:
        stored = self._stored_run(run.id)
        if stored.run.fence != run.fence:
            raise taken_over(run.id)
        stored.run = stored.run._replace(state=State.RUNNING, ended=None, owner=owner, heard=heard, fence=run.fence + 1)
        return self.reopen(run.id)

    def runs(
        self,
        job: str | None = None,
        *,
        states: Collection[State] = (),
        scheduled_for: datetime | None = None,
        before: Run | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        # In an hour that comes twice, Python says of two equal times in different zones that they differ.
        date = scheduled_for and scheduled_for.astimezone(UTC)
        cursor = before and (before.started, self._runs[before.id].begun if before.id in self._runs else 0)
        found = [
            stored
            for stored in self._runs.values()
            if job in (None, stored.run.job)
            and (not states or stored.run.state in states)
            and date in (None, stored.run.scheduled_for)
            and (cursor is None or stored.age < cursor)
        ]
        return [stored.run for stored in sorted(found, key=lambda stored: stored.age, reverse=True)[:limit]]

    def load(self, run: Run) -> RunRecord:
        stored = self._stored_run(run.id)
        return record_of(stored.run, stored.spec, stored.attempts.values())

    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        stored = self._runs.get(run_id)
        rest = stored.outputs.get((task, number), b"")[start:] if stored else b""
        if rest:
            yield rest

    def output_size(self, run_id: str, task: int, number: int) -> int:
        return sum(map(len, self.output(run_id, task, number)))

    def delete(self, job: str, runs: Collection[str] | None = None, *, only_output: bool = False) -> None:
        self.job(job)
        for run in self.runs(job):
            if runs is None or run.id in runs:
                if only_output:
                    self._runs[run.id].drop_output()
                else:
                    del self._runs[run.id]
        if runs is None:
            del self._jobs[job]

    def close(self) -> None:
        """The history goes with the object."""

    def _stored_run(self, run_id: str) -> _StoredRun:
        if run_id not in self._runs:
            raise no_run(run_id)
        return self._runs[run_id]


class _MemoryRunHandle(RunHandle):
    def __init__(self, runs: Mapping[str, _StoredRun], stored: _StoredRun) -> None:
        self._runs = runs
        self._stored = stored
        self._fence = stored.run.fence

    def write(
        self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = (), *, heard: datetime | None = None
    ) -> None:
        self._check()
        attempts, outputs = list(attempts), list(outputs)  # a sequence that raises changes nothing
        for attempt in attempts:
            self._stored.attempts[attempt.task, attempt.number] = attempt
        for output in outputs:
            key = (output.task, output.number)
            self._stored.outputs[key] = self._stored.outputs.get(key, b"") + output.data
        if heard is not None:
            self._stored.run = self._stored.run._replace(heard=heard)

    def finish(self, state: State, ended: datetime) -> None:
        self._check()
        if not self._stored.run.state.final:
            self._stored.run = self._stored.run._replace(state=state, ended=ended)

    def _check(self) -> None:
        """Raise `NotFound` if the run was deleted, `TakenOver` if another process tracks it."""
        run_id = self._stored.run.id
        if self._runs.get(run_id) is not self._stored:
            raise no_run(run_id)
        if self._stored.run.fence != self._fence:
            raise taken_over(run_id)
