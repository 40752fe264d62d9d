"""Reads the history that GoCronJob programs before this pydag left on Redis, into any store.

Their keys, in database 3: `PREFIX:JOB:TIME:TASK` holds `LOG_ID,TASK_ID,STATUS,RECORDED_AT`, both times seconds since
1970. `PREFIX:JOB:META` holds a pickled graph, which is never read: unpickling runs whatever code it contains. The graph
comes from the caller, who may ask gocron for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Run
from pydag.model.spec import JobSpec, TaskSpec, digest
from pydag.model.states import Reason, State, worst
from pydag.stores.base import RunHandle, Store
from pydag.stores.redis.connection import Server

DATABASE = 3
ENGINE = "gocron"
# Stands for a command that nobody knows any more; bash does nothing with it.
UNKNOWN_COMMAND = ": not known, the task comes from an older history"

_KEYS_AT_ONCE = 1000
_STATES = {"success": State.SUCCESS, "failed": State.FAILED}
_TIME = re.compile(rb":([1-9][0-9]{8,10})(?=:)")
_VALUE = re.compile(r"(\d+),(\d+),(\w+),(\d{9,11})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """How many runs were copied now, how many had been copied before, and the keys whose values cannot be read."""

    runs: int
    present: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    task: str
    state: State
    at: datetime
    detail: str


def migrate(server: Server, prefix: str, store: Store, graph_of: Callable[[str], JobSpec | None]) -> Migrated:
    """Copy every old run into `store`, and change nothing on the old server. Repeating it adds nothing.

    `graph_of` gives a job as it is now, or None: then its tasks have no order. A task that is in the history but no
    longer in the job is added behind the others. What was still running is `lost`: nobody watches it any more.
    """
    found: dict[tuple[str, int], list[_Record]] = {}
    unreadable = []
    for key, job, started, task, value in _values(server, prefix):
        record = _record(task, value)
        if record is None:
            unreadable.append(key)
        else:
            found.setdefault((job, started), []).append(record)
    written = 0
    for (job, started), records in sorted(found.items(), key=lambda item: item[0][1]):
        graph = graph_of(job) or JobSpec(name=job, tasks=())
        written += _write(store, graph, started, sorted(records, key=lambda record: record.at))
    return Migrated(runs=written, present=len(found) - written, unreadable=tuple(unreadable))


def _write(store: Store, graph: JobSpec, started: int, records: list[_Record]) -> bool:
    """Write one run; False if the store has it already."""
    run_id = f"old-{digest(graph.name, 12)}-{started}"
    run = Run(id=run_id, job=graph.name, engine=ENGINE, state=State.RUNNING, started=_moment(started))
    known = {each.id: each for each in store.runs(graph.name)}
    if run_id in known and known[run_id].state.final:
        return False
    spec = _with_tasks(graph, [record.task for record in records])
    # If the store has it without an end, an earlier migration stopped between its begin and its finish.
    handle = store.reopen(run_id) if run_id in known else _begin(store, run, spec)
    attempts = [_attempt(spec.number(record.task) or 0, record) for record in records]
    handle.write(attempts)
    handle.finish(worst(attempt.state for attempt in attempts), max(record.at for record in records))
    return True


def _begin(store: Store, run: Run, spec: JobSpec) -> RunHandle:
    """Beginning a run saves its job: restore the definition that was current, if it is newer."""
    current = next((entry for entry in store.jobs() if entry.name == run.job), None)
    newer = store.job(run.job) if current and current.saved > run.started else None
    handle = store.begin(run, spec)
    if current and newer:
        store.save_job(newer, current.saved)
    return handle


def _with_tasks(graph: JobSpec, names: list[str]) -> JobSpec:
    missing = [TaskSpec(name=name, action=Shell(UNKNOWN_COMMAND)) for name in names if graph.number(name) is None]
    return replace(graph, tasks=(*graph.tasks, *missing))


def _attempt(task: int, record: _Record) -> Attempt:
    lost = record.state is State.LOST
    return Attempt(
        task=task,
        number=1,
        state=record.state,
        ended=record.at,
        reason=Reason.UNKNOWN if lost else None,
        detail=record.detail,
    )


def _record(task: str, value: bytes | None) -> _Record | None:
    read = _VALUE.fullmatch((value or b"").decode(errors="replace"))
    if read is None:
        return None
    log_id, task_id, status, at = read.groups()
    detail = f"task {task_id} of gocron, row {log_id} of its log"
    return _Record(task=task, state=_STATES.get(status, State.LOST), at=_moment(int(at)), detail=detail)


def _values(server: Server, prefix: str) -> Iterator[tuple[str, str, int, str, bytes | None]]:
    """Key, job, start, task and value of every record."""
    start = prefix.encode() + b":"
    keys = sorted(_keys(server, start))
    jobs = {key[: -len(b":META")] for key in keys if key.endswith(b":META")}
    records = [(key, parts) for key in keys if (parts := _split_key(key, start, jobs))]
    for first in range(0, len(records), _KEYS_AT_ONCE):
        chunk = records[first : first + _KEYS_AT_ONCE]
        # For a key that does not hold text MGET answers nothing, where GET would be an error.
        values = server.ask([("MGET", *(key for key, _ in chunk))])[0]
        for (key, (job, at, task)), value in zip(chunk, values, strict=True):
            yield key.decode(errors="replace"), job, at, task, value


def _keys(server: Server, start: bytes) -> set[bytes]:
    """A scan may name a key twice."""
    pattern = re.sub(rb"([][*?\\^-])", rb"\\\1", start) + b"*"
    cursor, keys = 0, set()
    while True:
        ((cursor, page),) = server.ask([("SCAN", cursor, "MATCH", pattern, "COUNT", _KEYS_AT_ONCE)])
        keys.update(page)
        if cursor == 0:
            return keys


def _split_key(key: bytes, start: bytes, jobs: set[bytes]) -> tuple[str, int, str] | None:
    """Job, start and task of a key. Names may contain colons and numbers: then a job that has a META key decides."""
    cuts = [cut for cut in _TIME.finditer(key) if cut.start() > len(start)]
    if not cuts:
        return None
    cut = next((cut for cut in cuts if key[: cut.start()] in jobs), cuts[0])
    job, task = key[len(start) : cut.start()], key[cut.end() + 1 :]
    return job.decode(errors="replace"), int(cut[1]), task.decode(errors="replace")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
