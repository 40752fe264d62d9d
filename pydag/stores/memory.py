"""The reference for every store: the history as plain dictionaries, gone with the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydag.model.run import Attempt, JobEntry, Output, Run, RunRecord, record_of
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.stores.base import Store, no_job, no_run, run_exists


@dataclass(slots=True, kw_only=True)
class _Kept:
    run: Run
    spec: JobSpec
    attempts: dict[tuple[int, int], Attempt] = field(default_factory=dict)
    outputs: dict[tuple[int, int], bytes] = field(default_factory=dict)


class MemoryStore(Store):
    """A history that lives as long as this object; sharing it is sharing the history."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[JobSpec, datetime]] = {}
        self._runs: dict[str, _Kept] = {}

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

    def begin(self, run: Run, spec: JobSpec) -> None:
        """Keep the run and its job."""
        if run.id in self._runs:
            raise run_exists(run.id)
        self._runs[run.id] = _Kept(run=run, spec=spec)
        self.save_job(spec, run.started)

    def write(self, run_id: str, changes: Iterable[Attempt | Output]) -> None:
        """Take all the changes before the first is made, so that an iterable that raises changes nothing."""
        kept = self._kept(run_id)
        for change in list(changes):
            key = (change.task, change.number)
            if isinstance(change, Attempt):
                kept.attempts[key] = change
            else:
                kept.outputs[key] = kept.outputs.get(key, b"") + change.data

    def finish(self, run: Run) -> None:
        """Set the end, unless there is one."""
        kept = self._kept(run.id)
        if not kept.run.state.final:
            kept.run = kept.run._replace(state=run.state, ended=run.ended)

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
            kept.run
            for kept in reversed(self._runs.values())
            if job in (None, kept.run.job)
            and state in (None, kept.run.state)
            and date in (None, kept.run.scheduled_for)
        ]
        return sorted(found, key=lambda run: run.started, reverse=True)[:limit]

    def load(self, run: Run) -> RunRecord:
        """Join what is kept."""
        kept = self._kept(run.id)
        return record_of(kept.run, kept.spec, kept.attempts.values())

    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """One piece at most."""
        kept = self._runs.get(run_id)
        rest = kept.outputs.get((task, number), b"")[start:] if kept else b""
        if rest:
            yield rest

    def delete(self, job: str) -> None:
        """Forget the job and its runs."""
        self.job(job)
        del self._jobs[job]
        self._runs = {run_id: kept for run_id, kept in self._runs.items() if kept.run.job != job}

    def close(self) -> None:
        """Nothing to give back."""

    def _kept(self, run_id: str) -> _Kept:
        if run_id not in self._runs:
            raise no_run(run_id)
        return self._runs[run_id]
