"""The use cases of a job's picture."""

from __future__ import annotations

from pathlib import Path

from pydag.app.history import records
from pydag.errors import InvalidJob, NotFound
from pydag.model.run import RunRecord
from pydag.model.states import State
from pydag.view import picture
from pydag.workflow.job import Job


def draw_beside(job: Job, directory: Path) -> str | None:
    """Write the picture that `print(job)` makes. Returns None, or what to tell the user where there is none."""
    try:
        spec = job.check()
    except InvalidJob as error:
        return f"no picture of {job.name!r}: {error}"
    return picture.write_beside(spec, directory, _states(job.last_run) if job.last_run else None)


def draw_file(job: Job, path: Path | None, *, with_states: bool) -> Path:
    """Write the picture of a job (default: JOB.png here) and return its path.

    `with_states` colours it by the job's newest run; raises `NotFound` where there is none.
    """
    states = None
    if with_states:
        newest = records(job.name, 1)
        if not newest:
            raise NotFound(f"job {job.name!r} has not run yet: run it first")
        states = _states(newest[0])
    return picture.write(job.check(), path or Path(picture.file_name(job.name, ".png")), states)


def _states(record: RunRecord) -> dict[str, State]:
    return {name: task.state for name, task in record.tasks.items()}
