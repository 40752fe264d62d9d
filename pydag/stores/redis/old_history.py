"""The history that `GoCronJob` programs before this pydag left on Redis, as records.

Their keys, in database 3: `PREFIX:JOB:TIME:TASK` holds `ROW,TASK_ID,STATUS,RECORDED_AT`, both times seconds since 1970,
the row one of gocron's log. `PREFIX:JOB:META` holds the job's pickled graph. Nothing is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from pydag.model.spec import JobSpec
from pydag.stores.redis.connection import Server
from pydag.stores.redis.old_graph import read_graph

DATABASE = 3

_KEYS_AT_ONCE = 1000
_META = b":META"
_TIME = re.compile(rb":([1-9][0-9]{8,10})(?=:)")
_VALUE = re.compile(r"(\d{1,18}),(\d{1,18}),(\w+),(\d{9,11})", re.ASCII)


class OldRecord(NamedTuple):
    """What was last seen of a task in a run: its status then, and its row in gocron's log."""

    task: str
    task_id: int
    row: int
    status: str
    at: datetime


class OldRun(NamedTuple):
    """One run, and what was recorded of its tasks, in the order of time."""

    job: str
    started: datetime
    records: tuple[OldRecord, ...]


class OldHistory(NamedTuple):
    """The runs, oldest first, the graphs that can be read, by job, and the keys whose values cannot be read."""

    runs: tuple[OldRun, ...]
    graphs: dict[str, JobSpec]
    unreadable: tuple[str, ...]


def read(server: Server, prefix: str) -> OldHistory:
    """All that is there under the prefix."""
    start = prefix.encode() + b":"
    keys = sorted(_keys(server, start))
    metas = [key for key in keys if key.endswith(_META) and len(key) > len(start) + len(_META)]
    jobs = {key[: -len(_META)] for key in metas}
    split = {key: parts for key in keys if (parts := _split_key(key, start, jobs))}
    found: dict[tuple[int, str], list[OldRecord]] = {}
    unreadable = []
    for key, value in _values(server, list(split)):
        job, at, task = split[key]
        record = _record(task, value)
        if record is None:
            unreadable.append(key.decode(errors="replace"))
        else:
            found.setdefault((at, job), []).append(record)
    runs = (
        OldRun(job, datetime.fromtimestamp(at, UTC), tuple(sorted(records, key=lambda record: record.at)))
        for (at, job), records in sorted(found.items())
    )
    graphs = {}
    for key, value in _values(server, [key for key in metas if key not in split]):
        job = key[len(start) : -len(_META)].decode(errors="replace")
        graph = read_graph(job, value or b"")
        if graph:
            graphs[job] = graph
        else:
            unreadable.append(key.decode(errors="replace"))
    return OldHistory(tuple(runs), graphs, tuple(unreadable))


def _record(task: str, value: bytes | None) -> OldRecord | None:
    match = _VALUE.fullmatch((value or b"").decode(errors="replace"))
    if match is None:
        return None
    row, task_id, status, at = match.groups()
    return OldRecord(task, int(task_id), int(row), status, datetime.fromtimestamp(int(at), UTC))


def _values(server: Server, keys: list[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        chunk = keys[first : first + _KEYS_AT_ONCE]
        # For a key that does not hold text MGET answers nothing, where GET would be an error.
        yield from zip(chunk, server.ask([("MGET", *chunk)])[0], strict=True)


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
