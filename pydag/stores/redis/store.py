"""The history on a Redis server, for many processes on many machines.

Every change is one Lua script, which Redis runs as one step; `pydag.stores.redis.scripts` holds them. A script finds
its keys by itself, so Redis Cluster is out. Nothing expires: a server that evicts keys forgets runs.

The keys, with P the prefix (PYDAG_LOG_PREFIX; its `/` written as %2F, its `%` as %25). The names of jobs and tasks
stand in fields and values alone, never in a key. N is the number of a job, R that of a run (16 digits, so that their
order is that of the text); A is an attempt as TASK.NUMBER. Times are microseconds since 1970 in UTC.

    P/format            string  the version of this layout: 1
    P/next              hash    job, run: the number given last
    P/jobs              hash    name of a job: JSON with saved, tasks (how many), spec (digest)
    P/numbers           hash    name of a job: N
    P/job/N/specs       hash    digest: the JSON of a definition
    P/job/N/uses        hash    digest: how many runs ran with it
    P/ids               hash    id of a run: R
    P/runs              zset    R, by its start; P/runs/STATE those in a state
    P/job/N/runs        zset    the same for one job; P/job/N/runs/STATE
    P/run/R             hash    run: JSON of what stays; state, ended, id, job, spec; A: JSON of the attempt;
                                begun, "writer NAME": what was written last, so that repeating it does nothing
    P/run/R/output      hash    A: the length of its output; A.K: its Kth full MiB, compressed by zlib
    P/run/R/tail/A      string  what follows the last full MiB
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydag.errors import StoreFormatError
from pydag.model.run import Attempt, JobEntry, Output, Run, RunRecord, record_of
from pydag.model.spec import JobSpec, digest
from pydag.model.states import Reason, State
from pydag.stores.base import RunHandle, Store, from_microseconds, no_job, no_run, run_exists, to_microseconds
from pydag.stores.redis import scripts
from pydag.stores.redis.connection import Server

FORMAT = b"1"
PIECE = 1024 * 1024


class RedisStore(Store):
    """The history under `prefix` on a server. Opening it asks for its version and writes nothing.

    Where the line breaks after a change was sent, it is sent once more, and done once. Where it breaks again, or no
    answer comes in time, the call raises and nobody can know whether the change was made; no other store leaves that
    open.
    """

    def __init__(self, server: Server, prefix: str = "Pydag") -> None:
        self._server = server
        # The first slash of a key ends its prefix, so that no history lies inside another.
        self._prefix = _bytes(prefix.replace("%", "%25").replace("/", "%2F"))
        (version,) = server.ask([("GET", self._key("format"))])
        if version not in (None, FORMAT):
            raise StoreFormatError(
                f"the history under {prefix!r} on the Redis server {server.name} is in format "
                f"{version.decode(errors='replace')!r}, this pydag knows {FORMAT.decode()}: "
                "use the pydag that wrote it or a newer one, or set PYDAG_LOG_PREFIX to another prefix"
            )

    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        """Write the job, and drop the definition before it where no run needs it."""
        self._run(scripts.SAVE_JOB, *_job_values(spec, saved))

    def job(self, name: str) -> JobSpec:
        """Read the current definition."""
        document = self._run(scripts.JOB, _bytes(name))
        if document is None:
            raise no_job(name)
        return JobSpec.from_json(document.decode())

    def jobs(self) -> list[JobEntry]:
        """Read the jobs, then the newest run of each; no definition is read."""
        found, numbers = self._server.ask([("HGETALL", self._key("jobs")), ("HGETALL", self._key("numbers"))])
        names = sorted(found.keys() & numbers.keys())
        newest = self._server.ask([("ZREVRANGE", self._index(numbers[name], None), 0, 0) for name in names])
        runs = self._runs([number for numbers in newest for number in numbers])
        entries = [
            _job_entry(name, found[name], runs.get(number[0]) if number else None)
            for name, number in zip(names, newest, strict=True)
        ]
        return sorted(entries, key=lambda entry: entry.saved, reverse=True)

    def begin(self, run: Run, spec: JobSpec) -> RunHandle:
        document = _document(_run_document(run))
        values = (_bytes(run.id), document, run.state.value, _or_empty(run.ended), to_microseconds(run.started))
        token = uuid4().hex
        number = self._run(scripts.BEGIN, *_job_values(spec, run.started), *values, token)
        if number == b"taken":
            raise run_exists(run.id)
        return _RedisRunHandle(self._server, self._prefix, number, run.id)

    def reopen(self, run_id: str) -> RunHandle:
        (number,) = self._server.ask([("HGET", self._key("ids"), _bytes(run_id))])
        if number is None:
            raise no_run(run_id)
        return _RedisRunHandle(self._server, self._prefix, number, run_id)

    def runs(
        self,
        job: str | None = None,
        *,
        state: State | None = None,
        scheduled_for: datetime | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Read an index, then its runs; one that was deleted or changed its state in between is left out.

        Logical dates have no index: all the runs are read to find those of one.
        """
        number = None
        if job is not None:
            (number,) = self._server.ask([("HGET", self._key("numbers"), _bytes(job))])
        if (job is not None and number is None) or limit == 0:
            return []
        date = None if scheduled_for is None else scheduled_for.astimezone(UTC)
        last = -1 if limit is None or date else limit - 1
        (found,) = self._server.ask([("ZREVRANGE", self._index(number, state), 0, last)])
        runs = self._runs(found).values()
        return [run for run in runs if state in (None, run.state) and date in (None, run.scheduled_for)][:limit]

    def load(self, run: Run) -> RunRecord:
        """Read the run, its definition and its attempts in one step."""
        answer = self._run(scripts.LOAD, _bytes(run.id))
        if answer == b"no run":
            raise no_run(run.id)
        document, values = answer
        fields = dict(zip(values[::2], values[1::2], strict=True))
        attempts = [_attempt(field, value) for field, value in fields.items() if field[:1].isdigit()]
        found = _run([fields.get(name) for name in _RUN_FIELDS])
        return record_of(found, JobSpec.from_json(document.decode()), attempts)

    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """Read piece by piece."""
        while True:
            answer = self._run(scripts.READ_OUTPUT, _bytes(run_id), f"{task}.{number}", start, PIECE)
            if answer in (b"no run", b"end"):
                return
            kind, data = answer
            piece = _decompressed(data)[start % PIECE :] if kind == b"full" else data
            yield piece
            start += len(piece)

    def delete(self, job: str) -> None:
        """Take the job and all its keys out in one step. Not tried twice: the second try would find no job."""
        if self._server.run(scripts.DELETE, self._prefix, _bytes(job), again=False) == b"no job":
            raise no_job(job)

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def _key(self, *parts: bytes | str) -> bytes:
        return b"/".join((self._prefix, *map(_bytes, parts)))

    def _index(self, job: bytes | None, state: State | None) -> bytes:
        of_job = () if job is None else (b"job", job)
        in_state = () if state is None else (state.value,)
        return self._key(*of_job, "runs", *in_state)

    def _run(self, script: str, *values: bytes | str | int) -> Any:
        return self._server.run(script, self._prefix, *values)

    def _runs(self, numbers: list[bytes]) -> dict[bytes, Run]:
        """By their numbers, in the order of these."""
        answers = self._server.ask([("HMGET", self._key("run", number), *_RUN_FIELDS) for number in numbers])
        return {number: _run(answer) for number, answer in zip(numbers, answers, strict=True) if answer[0] is not None}


class _RedisRunHandle(RunHandle):
    """Knows how long each output is, so that a write need not ask for it first."""

    def __init__(self, server: Server, prefix: bytes, number: bytes, run_id: str) -> None:
        self._server = server
        self._prefix = prefix
        self._number = number
        self._run_id = run_id
        self._name = uuid4().hex
        self._writes = 0
        self._lengths: dict[str, int] = {}

    def write(self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = ()) -> None:
        """Write in one step, which first makes sure that every output ends where this one begins."""
        fields: dict[str, bytes] = {_field(each): _document(_attempt_document(each)) for each in attempts}
        added: dict[str, bytearray] = {}
        for output in outputs:
            added.setdefault(_field(output), bytearray()).extend(output.data)
        self._writes += 1
        written = [each for pair in fields.items() for each in pair]
        answer = b"moved"
        while answer == b"moved":
            changes = [each for field, data in added.items() for each in self._added(field, data)]
            answer = self._call(scripts.WRITE, self._name, self._writes, len(fields), *written, *changes)
            for field, data in added.items():
                if answer == b"moved":
                    self._lengths[field] = self._end_of_output(field)[0]
                else:
                    self._lengths[field] = self._lengths.get(field, 0) + len(data)
        for attempt in attempts:
            if attempt.state.final:
                self._lengths.pop(_field(attempt), None)

    def finish(self, state: State, ended: datetime) -> None:
        self._call(scripts.FINISH, state.value, to_microseconds(ended))

    def _call(self, script: str, *values: bytes | str | int) -> Any:
        answer = self._server.run(script, self._prefix, self._number, *values)
        if answer == b"no run":
            raise no_run(self._run_id)
        return answer

    def _end_of_output(self, field: str) -> tuple[int, bytes]:
        length, tail = self._call(scripts.END_OF_OUTPUT, field)
        return int(length), tail

    def _added(self, field: str, data: bytearray) -> list[bytes | str | int]:
        """What the script WRITE takes of one output: a few bytes more for its tail, or full pieces and a new tail."""
        length = self._lengths.get(field, 0)
        if length % PIECE + len(data) < PIECE:
            return [field, length, len(data), "APPEND", bytes(data), 0, 0]
        length, tail = self._end_of_output(field) if length % PIECE else (length, b"")
        self._lengths[field] = length
        whole = tail + data
        full = len(whole) // PIECE
        pieces = [zlib.compress(whole[each * PIECE : (each + 1) * PIECE], 1) for each in range(full)]
        return [field, length, len(data), "SET", whole[full * PIECE :], length // PIECE, full, *pieces]


_RUN_FIELDS = (b"id", b"run", b"state", b"ended")


def _run_document(run: Run) -> dict[str, object]:
    """Of a run what never changes. What it does not say is left out."""
    values = {
        "job": run.job,
        "engine": run.engine,
        "started": to_microseconds(run.started),
        "owner": run.owner,
        "scheduled_for": None if run.scheduled_for is None else to_microseconds(run.scheduled_for),
        "detail": run.start_failure or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _run(fields: Sequence[bytes | None]) -> Run:
    run_id, document, state, ended = (each or b"" for each in fields)
    values = _read(document)
    scheduled_for = values.get("scheduled_for")
    return Run(
        id=run_id.decode(),
        job=values["job"],
        engine=values["engine"],
        state=State(state.decode()),
        started=from_microseconds(values["started"]),
        ended=from_microseconds(int(ended)) if ended else None,
        owner=values["owner"],
        scheduled_for=None if scheduled_for is None else from_microseconds(scheduled_for),
        start_failure=values.get("detail", ""),
    )


def _job_values(spec: JobSpec, saved: datetime) -> tuple[bytes, bytes, str, str]:
    """What the scripts that save a job take of it."""
    document = spec.to_json()
    name = digest(document)
    entry = _document({"saved": to_microseconds(saved), "tasks": len(spec.tasks), "spec": name})
    return _bytes(spec.name), entry, name, document


def _job_entry(name: bytes, entry: bytes, last_run: Run | None) -> JobEntry:
    values = _read(entry)
    return JobEntry(
        name=name.decode(), saved=from_microseconds(values["saved"]), tasks=values["tasks"], last_run=last_run
    )


# What an attempt does not say is left out.


def _field(change: Attempt | Output) -> str:
    return f"{change.task}.{change.number}"


def _attempt_document(attempt: Attempt) -> dict[str, object]:
    values = {
        "state": attempt.state.value,
        "started": None if attempt.started is None else to_microseconds(attempt.started),
        "ended": None if attempt.ended is None else to_microseconds(attempt.ended),
        "exit_status": attempt.exit_status,
        "signal": attempt.signal,
        "reason": None if attempt.reason is None else attempt.reason.value,
        "detail": attempt.detail or None,
        "output_dropped": attempt.output_dropped or None,
        "host": attempt.host or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _attempt(field: bytes, document: bytes) -> Attempt:
    task, number = field.split(b".")
    values = _read(document)
    started, ended, reason = values.get("started"), values.get("ended"), values.get("reason")
    return Attempt(
        task=int(task),
        number=int(number),
        state=State(values["state"]),
        started=None if started is None else from_microseconds(started),
        ended=None if ended is None else from_microseconds(ended),
        exit_status=values.get("exit_status"),
        signal=values.get("signal"),
        reason=None if reason is None else Reason(reason),
        detail=values.get("detail", ""),
        output_dropped=values.get("output_dropped", 0),
        host=values.get("host", ""),
    )


def _document(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()


def _read(document: bytes) -> dict[str, Any]:
    try:
        values = json.loads(document)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise StoreFormatError(f"the history on the Redis server holds a record that is none: {document[:60]!r}")
    return values


def _decompressed(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise StoreFormatError(f"the history on the Redis server holds a damaged piece of output ({error})") from None


def _bytes(text: str | bytes) -> bytes:
    """Half a surrogate pair, which has no UTF-8, becomes bytes that no name has."""
    return text if isinstance(text, bytes) else text.encode(errors="surrogatepass")


def _or_empty(time: datetime | None) -> int | str:
    return "" if time is None else to_microseconds(time)
