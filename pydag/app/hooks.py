"""The use case of hooks: run those that the end of a run asks for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pydag.model.run import RunRecord
from pydag.runs.reporter import Reporter
from pydag.settings import Settings
from pydag.stores.base import Store


def run_hooks(
    record: RunRecord,
    *,
    store: Store,
    settings: Settings,
    reporter: Reporter,
    variables: Iterable[tuple[str, str]] = (),
) -> RunRecord:
    """Run the job's hooks after this run, which is in the history, and return the record with them.

    `variables` are those of the run's parameters. Hooks change neither its state nor its exit status, and nothing is
    raised because of them.
    """
    if not record.spec.hooks:
        return record
    from pydag.runs import hooks  # for those who have some
    from pydag.view import json

    document = json.run(record, now=datetime.now(UTC))
    return hooks.run_hooks(record, document, store=store, settings=settings, reporter=reporter, variables=variables)
