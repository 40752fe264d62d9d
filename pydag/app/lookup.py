"""Which run is meant: by the name of its job, by its id, or by the beginning of its id."""

from __future__ import annotations

from pydag.app.jobs import spec_in
from pydag.errors import NotFound
from pydag.model.run import Run
from pydag.stores.base import Store


def found_run(store: Store, job: str, run: str | None = None) -> Run:
    """The run of that id, or else the newest run of the job. Either may be given in place of the job.

    An id may be shortened where only one run of the job, or of the history, begins like that. Raises `NotFound`.
    """
    if run is not None:
        spec_in(store, job)
        return _of_id(store.runs(job), run, f"the job {job!r} has no run {run!r}: `pydag log {job} --json` has the ids")
    for newest in store.runs(job, limit=1):
        return newest
    if not job[:8].isdecimal():  # no id begins like that
        spec_in(store, job)
        raise NotFound(f"the job {job!r} has not run yet: `pydag run FILE` runs it")
    return _of_id(store.runs(), job, f"there is no job and no run {job!r} in the history: `pydag list` shows the jobs")


def _of_id(runs: list[Run], beginning: str, missing: str) -> Run:
    found = [run for run in runs if run.id.startswith(beginning)]
    exact = [run for run in found if run.id == beginning]
    if len(found) > 1 and not exact:
        raise NotFound(
            f"{len(found)} runs begin with {beginning!r}, such as {found[0].id} and {found[1].id}: add more of it"
        )
    if not found:
        raise NotFound(missing)
    return (exact or found)[0]
