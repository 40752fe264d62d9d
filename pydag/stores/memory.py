"""The reference for every store: the history as plain dictionaries, gone with the process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydag.model.run import Attempt, JobEntry, Output, Run, RunRecord, record_of
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.stores.base import RunHandle, Store, no_job, no_run, run_exists


@dataclass(slots=True, kw_only=True)
class _StoredRun:
    run: Run
    spec: JobSpec
    attempts: dict[tuple[int, int], Attempt] = field(default_factory=dict)
    outputs: dict[tuple[int, int], bytes] = field(default_factory=dict)


class MemoryStore(Store):
    """A history that lives as long as this object; sharing it is sharing the history."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[JobSpec, datetime]] = {}
        self._runs: dict[str, _StoredRun] = {}

    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        """Keep it under its name."""
        self._jobs[spec.name] = (spec, saved)

    def job(self, name: str) -> JobSpec:
        """Look it up."""
        if name not in self._jobs:
            raise no_job(name)
        return self._jobs[name][0]

    def jobs(self) -> list[JobEntry]:
        """Sort by name first: a sort keeps the order of equals."""
        by_name = [
            JobEntry(name=name, saved=saved, tasks=len(spec.tasks), last_run=next(iter(self.runs(name)), None))
            for name, (spec, saved) in sorted(self._jobs.items())
        ]
        return sorted(by_name, key=lambda entry: entry.saved, reverse=True)

    def begin(self, run: Run, spec: JobSpec) -> RunHandle:
        if run.id in self._runs:
            raise run_exists(run.id)
        self._runs[run.id] = _StoredRun(run=run, spec=spec)
        self.save_job(spec, run.started)
        return self.reopen(run.id)

    def reopen(self, run_id: str) -> RunHandle:
        return _MemoryRunHandle(self._runs, self._stored_run(run_id))

    def runs(
        self,
        job: str | None = None,
        *,
        state: State | None = None,
        scheduled_for: datetime | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Reverse first: of two runs that started together the one begun last is the newer."""
        # Of two equal times in zones of their own Python says that they differ, in an hour that comes twice.
        date = scheduled_for and scheduled_for.astimezone(UTC)
        found = [
            stored.run
            for stored in reversed(self._runs.values())
            if job in (None, stored.run.job)
            and state in (None, stored.run.state)
            and date in (None, stored.run.scheduled_for)
        ]
        return sorted(found, key=lambda run: run.started, reverse=True)[:limit]

    def load(self, run: Run) -> RunRecord:
        """Join what is stored."""
        stored = self._stored_run(run.id)
        return record_of(stored.run, stored.spec, stored.attempts.values())

    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """One piece at most."""
        stored = self._runs.get(run_id)
        rest = stored.outputs.get((task, number), b"")[start:] if stored else b""
        if rest:
            yield rest

    def delete(self, job: str) -> None:
        """Forget the job and its runs."""
        self.job(job)
        del self._jobs[job]
        for run in self.runs(job):
            del self._runs[run.id]

    def close(self) -> None:
        """Nothing to give back."""

    def _stored_run(self, run_id: str) -> _StoredRun:
        if run_id not in self._runs:
            raise no_run(run_id)
        return self._runs[run_id]


class _MemoryRunHandle(RunHandle):
    def __init__(self, runs: Mapping[str, _StoredRun], stored: _StoredRun) -> None:
        self._runs = runs
        self._stored = stored

    def write(self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = ()) -> None:
        self._check()
        attempts, outputs = list(attempts), list(outputs)  # a sequence that raises changes nothing
        for attempt in attempts:
            self._stored.attempts[attempt.task, attempt.number] = attempt
        for output in outputs:
            key = (output.task, output.number)
            self._stored.outputs[key] = self._stored.outputs.get(key, b"") + output.data

    def finish(self, state: State, ended: datetime) -> None:
        self._check()
        if not self._stored.run.state.final:
            self._stored.run = self._stored.run._replace(state=state, ended=ended)

    def _check(self) -> None:
        """Raise `NotFound` if the run was deleted."""
        run_id = self._stored.run.id
        if self._runs.get(run_id) is not self._stored:
            raise no_run(run_id)
