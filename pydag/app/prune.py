"""The use cases of a history that must not grow for ever: delete old runs, or their output, job by job."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pydag.app.backends import opened_store
from pydag.app.jobs import spec_in
from pydag.errors import InvalidSetting, NotFound, StoreError
from pydag.runs.owner import actual_run
from pydag.runs.retention import prunable
from pydag.settings import Keep, Settings
from pydag.stores.base import Store

_AFTER_A_RUN = 50  # runs that the end of a run deletes at most: the next one goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many runs of a job went, or would go, and how many stay."""

    job: str
    gone: int
    kept: int


def prune(job: str | None, keep: Keep | None, *, only_output: bool = False, dry_run: bool = False) -> list[Pruned]:
    """Prune one job or all by `keep`, or by PYDAG_KEEP where it is None. Jobs of which nothing goes are left out.

    Raises `NotFound`, and `InvalidSetting` where nothing says what to keep.
    """
    settings = Settings.load()
    keep = keep or settings.keep
    if keep is None:
        raise InvalidSetting(
            "nothing says what to keep: give --keep N or --older-than 90d, or set PYDAG_KEEP, such as '200 runs, 90d'"
        )
    with opened_store(settings, reading=dry_run) as store:
        if job is not None:
            spec_in(store, job)
        names = [entry.name for entry in store.jobs()] if job is None else [job]
        done = [_prune(store, name, keep, only_output=only_output, dry_run=dry_run) for name in names]
    return [each for each in done if each.gone]


def prune_after_run(store: Store, job: str, keep: Keep) -> None:
    """Prune the job that has just run, a little: what cannot be deleted now is left to the next run."""
    with suppress(StoreError, NotFound):
        _prune(store, job, keep, at_most=_AFTER_A_RUN)


def _prune(
    store: Store,
    job: str,
    keep: Keep,
    *,
    only_output: bool = False,
    dry_run: bool = False,
    at_most: int | None = None,
) -> Pruned:
    runs = [actual_run(run) for run in store.runs(job)]
    ids = [run.id for run in prunable(runs, keep, datetime.now(UTC))[:at_most]]
    if ids and not dry_run:
        store.delete(job, ids, only_output=only_output)
    return Pruned(job=job, gone=len(ids), kept=len(runs) - len(ids))
