"""What `list` shows: names, one a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydag.model.run import JobEntry
from pydag.model.spec import JobSpec

NO_JOBS = "No jobs yet. `pydag run FILE` runs the job in a file, and it will be listed here."
"""What is said where the history has no job."""


def jobs(entries: Sequence[JobEntry]) -> Iterator[str]:
    """One name a line, in the order given (newest first), and nothing else: programs read this."""
    for entry in entries:
        yield entry.name


def tasks(spec: JobSpec) -> Iterator[str]:
    """One name a line, in the job's order."""
    for task in spec.tasks:
        yield task.name
