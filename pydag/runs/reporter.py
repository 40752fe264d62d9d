"""The seam Reporter: who is told what a run does while it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pydag.model.run import Attempt, Output, Run, RunRecord
from pydag.model.spec import JobSpec


class PastRuns(NamedTuple):
    """A job's last successful runs: medians in seconds of a whole run, and of each task by its name.

    `tasks` is empty for a large job, whose attempts would take too long to read.
    """

    total: float
    tasks: Mapping[str, float]


class Reporter(Protocol):
    """Told by the tracker, in order, from one thread. A reporter must not block and must not raise: it only shows.

    `run_started` comes first and once; `stopping` and `run_ended` at most once, as a run may break off; `hook_started`
    after the last change and before `run_ended`; `close` last, in any case.
    """

    def run_started(self, run: Run, spec: JobSpec) -> None:
        """The run is in the history; nothing of it has started."""

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        """These attempts started or ended since the last call, and this output came, before any of the ends."""

    def stopping(self, at: datetime) -> None:
        """Somebody asked the run to stop, for the first time: nothing new starts, and what runs is asked to end."""

    def hook_started(self, name: str, at: datetime) -> None:
        """Every task has its final state, and this hook of the job runs now."""

    def run_ended(self, record: RunRecord) -> None:
        """Every task has its final state, and the history has all of it."""

    def close(self) -> None:
        """Nothing more is shown after it returns. May be called again, and without a run."""


class Silent:
    """Shows nothing."""

    def run_started(self, run: Run, spec: JobSpec) -> None:
        """Nothing."""

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        """Nothing."""

    def stopping(self, at: datetime) -> None:
        """Nothing."""

    def hook_started(self, name: str, at: datetime) -> None:
        """Nothing."""

    def run_ended(self, record: RunRecord) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
