"""Rows on gocron of a run whose tracker died: what runs is stopped where it is certainly the run's own, else named.

The history does not have the numbers of rows, so a row is known by its task and by its start.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydag.engines.gocron.names import tag_of, task_names
from pydag.engines.gocron.sync import LATE, tasks_of
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import seconds_allowed
from pydag.gocron.records import LogRow, RemoteTask
from pydag.model.spec import JobSpec

STOP_WITHIN = 10.0
"""Seconds in which a row must end that gocron was asked to stop."""

_BEFORE, _AFTER = timedelta(seconds=2), timedelta(seconds=30)
"""How far a row may start from its attempt: gocron counts full seconds, and a trigger takes a while."""

_ROUND = 0.3  # seconds between two looks at rows that are to end


class _Started(NamedTuple):
    task: RemoteTask
    at: datetime


def stop_left(client: GoCronClient, spec: JobSpec, attempts: Mapping[int, datetime]) -> list[str]:
    """Stop the rows of these attempts: the start of each, by the number of its task. Returns what may go on, named.

    A row over its timeout does not run, whatever it says. Raises `EngineError`.
    """
    names, tasks = task_names(spec), {task.form.name: task for task in tasks_of(client, tag_of(spec.name))}
    started = {
        tasks[names[place]].id: _Started(tasks[names[place]], at)
        for place, at in attempts.items()
        if names[place] in tasks
    }
    own, foreign = _told_apart(client, started)
    until = time.monotonic() + STOP_WITHIN
    while own:
        for row in own:
            client.stop_task(row.id, row.task_id)
        if time.monotonic() >= until:
            break
        time.sleep(_ROUND)
        running = {row.id for row in client.running()}
        own = [row for row in own if row.id in running]
    return [
        *(f"{_named(row, started)} does not end" for row in own),
        *(f"{_named(row, started)} may be somebody else's" for row in foreign),
    ]


def _told_apart(client: GoCronClient, started: Mapping[int, _Started]) -> tuple[list[LogRow], list[LogRow]]:
    """The rows that run and are certainly those of the attempts, and those of the same tasks that may be others'."""
    rows = [row for row in client.running() if row.task_id in started]
    now = datetime.now(UTC)
    offset = client.utc_offset(now) if rows else timedelta()
    own: dict[int, LogRow] = {}
    foreign = []
    for row in sorted(rows, key=lambda row: row.id):
        task, at = started[row.task_id]
        begun = row.started.replace(tzinfo=UTC) - offset if row.started else None
        if begun and now - begun > timedelta(seconds=seconds_allowed(task.form)) + LATE:
            continue
        if begun and at - _BEFORE <= begun <= at + _AFTER and row.task_id not in own:
            own[row.task_id] = row
        else:
            foreign.append(row)
    return list(own.values()), foreign


def _named(row: LogRow, started: Mapping[int, _Started]) -> str:
    return f"{started[row.task_id].task.form.name!r} on gocron (row {row.id} of its log)"
