"""The use case of a dry run: say what a run would do. Nothing runs, nothing is written, no server is asked."""

from __future__ import annotations

from pydag.app.backends import checked, engine_name
from pydag.runs.selection import Selection
from pydag.settings import Settings
from pydag.view.dry_run import DryRun
from pydag.workflow.job import Job


def dry_run(job: Job, selection: Selection, *, max_parallel: int | None = None) -> DryRun:
    """What `run_job` would do. Raises what it raises before anything runs, without what only a server can say."""
    settings = Settings.load()
    spec = checked(job, settings)
    return DryRun(
        spec=spec,
        engine=engine_name(job, settings),
        left_out=frozenset(selection.left_out(spec)),
        params=job.parameters.values,
        max_parallel=max_parallel or spec.max_parallel,
        task_timeout=settings.task_timeout,
    )
