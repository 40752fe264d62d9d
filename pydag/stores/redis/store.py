"""The history on a Redis server, for many processes on many machines.

Every change is one Lua script, which Redis runs as one step; they are in `pydag.stores.redis.scripts`. A script finds
its keys by itself, so Redis Cluster cannot be used. Nothing expires: a server that evicts keys forgets runs.

The keys, with P the prefix (PYDAG_LOG_PREFIX; its `/` written as %2F, its `%` as %25). The names of jobs and tasks are
only in fields and values, never in a key. N is the number of a job, R the number of a run (16 digits, so that numbers
sort as text); A is an attempt as TASK.NUMBER. Times are microseconds since 1970 in UTC.

    P/format            string  the version of this layout: 1
    P/next              hash    job, run: the number given last
    P/jobs              hash    name of a job: JSON with saved, tasks (how many), spec (digest)
    P/numbers           hash    name of a job: N
    P/job/N/specs       hash    digest: the JSON of a definition
    P/job/N/uses        hash    digest: how many runs ran with it
    P/ids               hash    id of a run: R
    P/runs              zset    R, by its start; P/runs/STATE those in a state
    P/job/N/runs        zset    the same for one job; P/job/N/runs/STATE
    P/run/R             hash    run: JSON of what was known at its begin; state, ended, id, job, spec; A: JSON of the
                                attempt; heard; owner and fence, once it was taken over; begun, taken, "writer NAME":
                                what was written last, so that repeating it does nothing
    P/run/R/output      hash    A: the length of its output; A.K: its Kth full MiB, compressed by zlib
    P/run/R/tail/A      string  what follows the last full MiB
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydag.errors import StoreFormatError
from pydag.model.run import JobEntry, Run, RunRecord, record_of
from pydag.model.spec import JobSpec, digest
from pydag.model.states import State
from pydag.stores.base import (
    RunHandle,
    Store,
    no_job,
    no_run,
    run_exists,
    still_running,
    taken_over,
    to_microseconds,
)
from pydag.stores.redis import scripts
from pydag.stores.redis.connection import Server
from pydag.stores.redis.documents import (
    RUN_FIELDS,
    attempt_document,
    attempt_from,
    job_entry_document,
    job_entry_from,
    run_document,
    run_from,
)
from pydag.stores.redis.run_handle import RedisRunHandle

FORMAT = b"1"


class RedisStore(Store):
    """The history under `prefix` on a server. Opening it asks for its version and writes nothing.

    If the connection breaks after a change was sent, the change is sent once more, and takes effect once. If it breaks
    again, or no answer comes in time, the call raises and nobody can know whether the change was made. No other store
    leaves that open.
    """

    piece_size = 1024 * 1024  # bytes of output that are compressed as one; the same for all who use a history

    def __init__(self, server: Server, prefix: str = "Pydag") -> None:
        self._server = server
        # The first slash of a key ends its prefix, so that no history can be inside another one.
        self._prefix = _bytes(prefix.replace("%", "%25").replace("/", "%2F"))
        (version,) = server.ask([("GET", self._key("format"))])
        if version not in (None, FORMAT):
            raise StoreFormatError(
                f"the history under {prefix!r} on the Redis server {server.name} is in format "
                f"{version.decode(errors='replace')!r}, this pydag knows {FORMAT.decode()}: "
                "use the pydag that wrote it or a newer one, or set PYDAG_LOG_PREFIX to another prefix"
            )

    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        """Write the job, and drop its previous definition if no run needs it."""
        self._call(scripts.SAVE_JOB, *_job_values(spec, saved))

    def job(self, name: str) -> JobSpec:
        document = self._call(scripts.JOB, _bytes(name))
        if document is None:
            raise no_job(name)
        return _spec(document)

    def jobs(self) -> list[JobEntry]:
        """Read the jobs, then the newest run of each; no definition is read."""
        found, numbers = self._server.ask([("HGETALL", self._key("jobs")), ("HGETALL", self._key("numbers"))])
        names = sorted(found.keys() & numbers.keys())
        newest = self._server.ask([("ZREVRANGE", *self._indexes(numbers[name]), 0, 0) for name in names])
        runs = self._read_runs([number for numbers in newest for number in numbers])
        entries = [
            job_entry_from(name, found[name], runs.get(number[0]) if number else None)
            for name, number in zip(names, newest, strict=True)
        ]
        return sorted(entries, key=lambda entry: entry.saved, reverse=True)

    def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
        ended = "" if run.ended is None else to_microseconds(run.ended)
        values = (_bytes(run.id), run_document(run), run.state.value, ended, to_microseconds(run.started))
        writer = uuid4().hex
        alone: list[bytes | str] = [""] if gone is None else ["alone", *map(_bytes, gone)]
        number = self._call(scripts.BEGIN, *_job_values(spec, run.started), *values, writer, *alone)
        if number == b"taken":
            raise run_exists(run.id)
        if isinstance(number, list):
            raise still_running(spec.name, number[0].decode())
        return self._handle(number, run.id, run.fence, writer)

    def reopen(self, run_id: str) -> RunHandle:
        (number,) = self._server.ask([("HGET", self._key("ids"), _bytes(run_id))])
        found = {} if number is None else self._read_runs([number])
        if not found:
            raise no_run(run_id)
        return self._handle(number, run_id, found[number].fence, uuid4().hex)

    def take_over(self, run: Run, owner: str, heard: datetime) -> RunHandle:
        writer = uuid4().hex
        number = self._call(scripts.TAKE_OVER, _bytes(run.id), run.fence, owner, to_microseconds(heard), writer)
        if number == b"no run":
            raise no_run(run.id)
        if number == b"taken over":
            raise taken_over(run.id)
        return self._handle(number, run.id, run.fence + 1, writer)

    def runs(
        self,
        job: str | None = None,
        *,
        states: Collection[State] = (),
        scheduled_for: datetime | None = None,
        before: Run | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Read indexes, then their runs. A run that was deleted or changed its state in between is left out.

        Logical dates have no index: to find the runs of one date, all runs are read.
        """
        number = None
        if job is not None:
            (number,) = self._server.ask([("HGET", self._key("numbers"), _bytes(job))])
        if (job is not None and number is None) or limit == 0:
            return []
        date = None if scheduled_for is None else scheduled_for.astimezone(UTC)
        at_most = -1 if limit is None or date else limit
        cursor = ("", "") if before is None else (to_microseconds(before.started), _bytes(before.id))
        found = self._call(scripts.RUNS, at_most, *cursor, *self._indexes(number, states))
        # `found` has number, start, number, start, and so on, of one index after the other.
        newest_first = sorted(zip(map(int, found[1::2]), found[::2], strict=True), reverse=True)
        runs = self._read_runs([each for _, each in newest_first[: None if at_most < 0 else at_most]]).values()
        matching = (run for run in runs if not states or run.state in states)
        return [run for run in matching if date in (None, run.scheduled_for)][:limit]

    def load(self, run: Run) -> RunRecord:
        """Read the run, its definition and its attempts in one step."""
        answer = self._call(scripts.LOAD, _bytes(run.id))
        if answer == b"no run":
            raise no_run(run.id)
        document, values = answer
        fields = dict(zip(values[::2], values[1::2], strict=True))
        attempts = [attempt_from(field, value) for field, value in fields.items() if field[:1].isdigit()]
        found = run_from([fields.get(name) for name in RUN_FIELDS])
        return record_of(found, _spec(document), attempts)

    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """Read piece by piece."""
        if start < 0:
            start = max(0, start + self.output_size(run_id, task, number))
        size = self.piece_size
        while True:
            answer = self._call(scripts.READ_OUTPUT, _bytes(run_id), f"{task}.{number}", start, size)
            if answer in (b"no run", b"end"):
                return
            kind, data = answer
            piece = _decompressed(data)[start % size :] if kind == b"full" else data
            if not piece:
                raise StoreFormatError("the history on the Redis server has lost a piece of output")
            yield piece
            start += len(piece)

    def output_size(self, run_id: str, task: int, number: int) -> int:
        answer = self._call(scripts.OUTPUT_SIZE, _bytes(run_id), f"{task}.{number}")
        return 0 if answer == b"no run" else int(answer)

    def delete(self, job: str, runs: Collection[str] | None = None, *, only_output: bool = False) -> None:
        """Delete the job and all its keys in one step; of single runs, each in one step."""
        if runs is not None or only_output:
            self._delete_runs(job, runs, only_output)
            return
        # Not tried twice: the second try would not find the job.
        if self._server.run(scripts.DELETE, self._prefix, _bytes(job), again=False) == b"no job":
            raise no_job(job)

    def close(self) -> None:
        self._server.close()

    def _delete_runs(self, job: str, runs: Collection[str] | None, only_output: bool) -> None:
        self.job(job)
        for run in self.runs(job):
            if runs is not None and run.id not in runs:
                continue
            if only_output:
                self._drop_output(run.id)
            else:
                self._server.run(scripts.DELETE_RUN, self._prefix, _bytes(job), _bytes(run.id))

    def _drop_output(self, run_id: str) -> None:
        """Count the output of each attempt as dropped and delete it, in one step that is repeated if it changed."""
        answer = b"changed"
        while answer == b"changed":
            (number,) = self._server.ask([("HGET", self._key("ids"), _bytes(run_id))])
            if number is None:
                return
            run = self._key("run", number)
            sizes, fields = self._server.ask([("HGETALL", run + b"/output"), ("HGETALL", run)])
            values: list[bytes] = []
            for field, document in fields.items():
                if field in sizes:
                    attempt = attempt_from(field, document)
                    less = attempt._replace(output_dropped=attempt.output_dropped + int(sizes[field]))
                    values += [field, document, attempt_document(less)]
            answer = self._call(scripts.DROP_OUTPUT, _bytes(run_id), *values)

    def _handle(self, number: bytes, run_id: str, fence: int, writer: str) -> RunHandle:
        run = (number, run_id, fence)
        return RedisRunHandle(self._server, self._prefix, run, writer=writer, piece_size=self.piece_size)

    def _key(self, *parts: bytes | str) -> bytes:
        return b"/".join((self._prefix, *map(_bytes, parts)))

    def _indexes(self, job: bytes | None, states: Collection[State] = ()) -> list[bytes]:
        """The keys of the lists of these runs: a list for each state, or the one of all."""
        runs = self._key("runs") if job is None else self._key("job", job, "runs")
        return [b"/".join((runs, state.value.encode())) for state in set(states)] or [runs]

    def _call(self, script: str, *values: bytes | str | int) -> Any:
        return self._server.run(script, self._prefix, *values)

    def _read_runs(self, numbers: list[bytes]) -> dict[bytes, Run]:
        """Those that still exist, by their numbers, in the given order."""
        answers = self._server.ask([("HMGET", self._key("run", number), *RUN_FIELDS) for number in numbers])
        return {
            number: run_from(answer) for number, answer in zip(numbers, answers, strict=True) if answer[0] is not None
        }


def _job_values(spec: JobSpec, saved: datetime) -> tuple[bytes, bytes, str, str]:
    """The arguments of the scripts that save a job."""
    document = spec.to_json()
    name = digest(document)
    return _bytes(spec.name), job_entry_document(saved, len(spec.tasks), name), name, document


def _spec(document: bytes | None) -> JobSpec:
    return JobSpec.from_json((document or b"").decode(errors="replace"))


def _decompressed(data: bytes | None) -> bytes:
    try:
        return zlib.decompress(data or b"")
    except zlib.error as error:
        raise StoreFormatError(f"the history on the Redis server has a damaged piece of output ({error})") from None


def _bytes(text: str | bytes) -> bytes:
    """Half a surrogate pair, which has no UTF-8, becomes bytes that no stored name has."""
    return text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
