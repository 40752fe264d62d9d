"""The embedded history: one SQLite file in a directory of its own, for many processes at once.

Every write is one BEGIN IMMEDIATE transaction: a deferred one that reads and then writes fails under contention,
whatever the timeout. In WAL mode readers and the writer do not wait for each other. With synchronous=NORMAL a power
cut may take the last moments of the history, never its consistency; the death of a process takes nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydag.errors import StoreFormatError
from pydag.model.run import Attempt, JobEntry, Output, Run, RunRecord, record_of
from pydag.model.spec import JobSpec, digest
from pydag.model.states import Reason, State
from pydag.stores.base import RunHandle, Store, from_microseconds, no_job, no_run, run_exists, to_microseconds
from pydag.stores.sqlite import schema

Word = TypeVar("Word")
Meaning = TypeVar("Meaning")

PIECE = 1024 * 1024
_PIECES_AT_ONCE = 16
_RUNS_AT_ONCE = 20

_STATES = {state.value: state for state in State}
_REASONS: dict[str | None, Reason | None] = {None: None} | {reason.value: reason for reason in Reason}

_RUN = "run.id, job.name, run.engine, run.state, run.started, run.ended, run.owner, run.scheduled_for, run.detail"
_NEWEST = "ORDER BY run.started DESC, run.number DESC LIMIT"

# Placeholders without numbers: some Pythons 3.12 warn of `?1`.
_SAVE_JOB = "INSERT INTO job (name, saved) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET saved = excluded.saved"
_SAVE_SPEC = "INSERT OR IGNORE INTO spec (job, digest, tasks, document) VALUES (?, ?, ?, ?)"
_POINT_TO_SPEC = "UPDATE job SET spec = (SELECT number FROM spec WHERE digest = ?) WHERE number = ?"
_DROP_UNUSED_SPEC = """
    DELETE FROM spec WHERE number = ?
    AND NOT EXISTS (SELECT 1 FROM run WHERE spec = spec.number)
    AND NOT EXISTS (SELECT 1 FROM job WHERE spec = spec.number)
"""
_BEGIN_RUN = """
    INSERT INTO run (id, job, spec, engine, state, started, ended, owner, scheduled_for, detail)
    SELECT ?, number, spec, ?, ?, ?, ?, ?, ?, ? FROM job WHERE name = ?
"""
# What a run's handle writes ends in this: where the run was deleted, no row is written, and the count of rows says so.
# The id too, as SQLite gives the number of a deleted run to a new one.
_WHERE_RUN = "WHERE run.number = ? AND run.id = ?"
_RUN_EXISTS = f"SELECT 1 FROM run {_WHERE_RUN}"
_WRITE_ATTEMPT = f"""
    INSERT OR REPLACE INTO attempt SELECT run.number, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM run {_WHERE_RUN}
"""
# The length of a blob stands in the row's header: looking for the end reads no output.
_ADD_OUTPUT = f"""
    INSERT INTO output SELECT run, task, number, coalesce((
        SELECT start + length(data) FROM output WHERE run = new.run AND task = new.task AND number = new.number
        ORDER BY start DESC LIMIT 1), 0), data
    FROM (SELECT run.number AS run, ? AS task, ? AS number, ? AS data FROM run {_WHERE_RUN}) AS new
"""
_RUNS_OF = "SELECT run.number FROM run JOIN job ON job.number = run.job WHERE job.name = ?"
_LARGE_PIECES = f"SELECT run, task, number, start FROM output WHERE run IN ({_RUNS_OF}) AND length(data) > 65536"
_DELETE_PIECE = "DELETE FROM output WHERE run = ? AND task = ? AND number = ? AND start = ?"
_FINISH = f"UPDATE run SET state = ?, ended = ? {_WHERE_RUN} AND state IN ('pending', 'running')"
_JOBS = f"""
    SELECT job.name, job.saved, spec.tasks, {_RUN} FROM job JOIN spec ON spec.number = job.spec
    LEFT JOIN run ON run.number = (SELECT number FROM run WHERE job = job.number {_NEWEST} 1)
    ORDER BY job.saved DESC, job.name
"""
_ATTEMPTS = """
    SELECT task, number, state, started, ended, exit_status, signal, reason, detail, output_dropped, host
    FROM attempt WHERE run = ?
"""
# From the piece that holds the first byte asked for; nothing where that byte was not written yet.
_OUTPUT = f"""
    SELECT start, data FROM output WHERE run = :run AND task = :task AND number = :number
    AND start + length(data) > :first
    AND start >= (
        SELECT max(start) FROM output WHERE run = :run AND task = :task AND number = :number AND start <= :first)
    ORDER BY start LIMIT {_PIECES_AT_ONCE}
"""


class SQLiteStore(Store):
    """The history in `directory`, which is made with mode 0700 where it is not there.

    With `create=False` nothing is made: a history that is not there is empty, and stays so for this object.
    """

    def __init__(self, directory: Path, *, create: bool = True) -> None:
        self._path = directory.absolute() / schema.NAME
        self._connection = schema.opened(self._path, create=create)
        self._transaction = _Transaction(self._connection, self._path, "BEGIN IMMEDIATE")
        self._snapshot = _Transaction(self._connection, self._path, "BEGIN")

    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        """Write the job; its definition only where it is a new one."""
        document = spec.to_json()
        with self._transaction as cursor:
            _save_job(cursor, spec, document, _stored(saved))

    def job(self, name: str) -> JobSpec:
        """Read the current definition."""
        sql = "SELECT document FROM job JOIN spec ON spec.number = job.spec WHERE name = ?"
        for (document,) in self._read(sql, (_bindable(name),)):
            return JobSpec.from_json(document)
        raise no_job(name)

    def jobs(self) -> list[JobEntry]:
        """Read the jobs and, through the index, the newest run of each; no definition is read."""
        return [
            JobEntry(
                name=name,
                saved=from_microseconds(saved),
                tasks=tasks,
                last_run=_run(run) if run[0] is not None else None,
            )
            for name, saved, tasks, *run in self._read(_JOBS)
        ]

    def begin(self, run: Run, spec: JobSpec) -> RunHandle:
        document = spec.to_json()
        with self._transaction as cursor:
            if cursor.execute("SELECT 1 FROM run WHERE id = ?", (run.id,)).fetchone():
                raise run_exists(run.id)
            _save_job(cursor, spec, document, _stored(run.started))
            number = cursor.execute(_BEGIN_RUN, _run_row(run, spec.name)).lastrowid
        assert number is not None
        return _SQLiteRunHandle(self._transaction, number, run.id)

    def reopen(self, run_id: str) -> RunHandle:
        for (number,) in self._read("SELECT number FROM run WHERE id = ?", (run_id,)):
            return _SQLiteRunHandle(self._transaction, number, run_id)
        raise no_run(run_id)

    def runs(
        self,
        job: str | None = None,
        *,
        state: State | None = None,
        scheduled_for: datetime | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Read along the index of jobs, of states, of logical dates, or of times."""
        conditions: list[str] = []
        values: list[str | bytes | int] = []
        if job is not None:
            conditions.append("run.job = (SELECT number FROM job WHERE name = ?)")
            values.append(_bindable(job))
        if state is not None:
            conditions.append("run.state = ?")
            values.append(state.value)
        if scheduled_for is not None:
            conditions.append("run.scheduled_for = ?")
            values.append(to_microseconds(scheduled_for))
        values.append(-1 if limit is None else limit)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._read(f"SELECT {_RUN} FROM run JOIN job ON job.number = run.job {where} {_NEWEST} ?", values)
        return [_run(row) for row in rows]

    def load(self, run: Run) -> RunRecord:
        """Read the run and its attempts as they were at one moment."""
        sql = f"""
            SELECT run.number, spec.document, {_RUN} FROM run
            JOIN job ON job.number = run.job JOIN spec ON spec.number = run.spec WHERE run.id = ?
        """
        with self._snapshot as cursor:
            found = cursor.execute(sql, (run.id,)).fetchone()
            if found is None:
                raise no_run(run.id)
            number, document, *row = found
            attempts = cursor.execute(_ATTEMPTS, (number,)).fetchall()
        return record_of(_run(row), JobSpec.from_json(document), map(_attempt, attempts))

    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """Read some pieces at a time: a reader that pauses between them holds up nobody."""
        for (run,) in self._read("SELECT number FROM run WHERE id = ?", (run_id,)):
            while pieces := self._read(_OUTPUT, {"run": run, "task": task, "number": number, "first": start}):
                for begins, data in pieces:
                    yield data[start - begins :]
                    start = begins + len(data)

    def delete(self, job: str) -> None:
        """Delete large output first, then the runs, then the job: each in steps, between which others may write.

        The file keeps the room for what comes.
        """
        name = (_bindable(job),)
        self._delete_in_steps(_DELETE_PIECE, self._read(_LARGE_PIECES, name), _PIECES_AT_ONCE)
        self._delete_in_steps("DELETE FROM run WHERE number = ?", self._read(_RUNS_OF, name), _RUNS_AT_ONCE)
        with self._transaction as cursor:
            if not cursor.execute("DELETE FROM job WHERE name = ?", name).rowcount:
                raise no_job(job)

    def close(self) -> None:
        """Close the file; the last process to do so tidies up its write-ahead log."""
        with schema.translated(self._path):
            self._connection.close()

    def _delete_in_steps(self, sql: str, keys: Sequence[tuple[Any, ...]], at_once: int) -> None:
        for first in range(0, len(keys), at_once):
            began = time.monotonic()
            with self._transaction as cursor:
                cursor.executemany(sql, keys[first : first + at_once])
            time.sleep(time.monotonic() - began)  # whoever waits to write looks only now and then

    def _read(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        with schema.translated(self._path):
            return self._connection.execute(sql, values).fetchall()


class _SQLiteRunHandle(RunHandle):
    """Writes each turn in one transaction and, where nothing was deleted, without reading anything first."""

    def __init__(self, transaction: _Transaction, number: int, run_id: str) -> None:
        self._transaction = transaction
        self._run = (number, run_id)

    def write(self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = ()) -> None:
        with self._transaction as cursor:
            written = 0
            if attempts:
                written += cursor.executemany(
                    _WRITE_ATTEMPT, [_attempt_row(each) + self._run for each in attempts]
                ).rowcount
            if outputs:
                written += cursor.executemany(_ADD_OUTPUT, (row + self._run for row in _output_rows(outputs))).rowcount
            if written <= 0:
                self._check(cursor)

    def finish(self, state: State, ended: datetime) -> None:
        with self._transaction as cursor:
            if not cursor.execute(_FINISH, (state.value, _stored(ended), *self._run)).rowcount:
                self._check(cursor)

    def _check(self, cursor: sqlite3.Cursor) -> None:
        """Raise `NotFound` if the run was deleted."""
        if cursor.execute(_RUN_EXISTS, self._run).fetchone() is None:
            raise no_run(self._run[1])


class _Transaction:
    """`with` it: committed at the end, rolled back on any error, SQLite's errors translated. Reused, for speed."""

    __slots__ = ("_begin", "_cursor", "_path")

    def __init__(self, connection: sqlite3.Connection, path: Path, begin: str) -> None:
        self._cursor = connection.cursor()
        self._path = path
        self._begin = begin

    def __enter__(self) -> sqlite3.Cursor:
        try:
            if self._cursor.connection.in_transaction:  # a Ctrl-C fell between a BEGIN and its `with`
                self._cursor.execute("ROLLBACK")
            return self._cursor.execute(self._begin)
        except sqlite3.Error as error:
            raise schema.translate(error, self._path) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            try:
                self._cursor.execute("COMMIT")
                return
            except sqlite3.Error as failure:
                error = failure
        # A full disk may have made SQLite roll back by itself.
        if self._cursor.connection.in_transaction:
            with suppress(sqlite3.Error):
                self._cursor.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise schema.translate(error, self._path) from error


def _save_job(cursor: sqlite3.Cursor, spec: JobSpec, document: str, saved: int | None) -> None:
    cursor.execute(_SAVE_JOB, (spec.name, saved))
    number, before = cursor.execute("SELECT number, spec FROM job WHERE name = ?", (spec.name,)).fetchone()
    name = digest(document)
    cursor.execute(_SAVE_SPEC, (number, name, len(spec.tasks), document))
    cursor.execute(_POINT_TO_SPEC, (name, number))
    cursor.execute(_DROP_UNUSED_SPEC, (before,))


def _run_row(run: Run, job: str) -> tuple[object, ...]:
    return (
        run.id,
        run.engine,
        run.state.value,
        _stored(run.started),
        _stored(run.ended),
        run.owner,
        _stored(run.scheduled_for),
        _storable(run.start_failure),
        job,
    )


def _attempt_row(attempt: Attempt) -> tuple[object, ...]:
    return (
        attempt.task,
        attempt.number,
        attempt.state.value,
        _stored(attempt.started),
        _stored(attempt.ended),
        attempt.exit_status,
        attempt.signal,
        None if attempt.reason is None else attempt.reason.value,
        _storable(attempt.detail),
        attempt.output_dropped,
        attempt.host,
    )


def _output_rows(outputs: Iterable[Output]) -> Iterator[tuple[object, ...]]:
    for output in outputs:
        data = memoryview(output.data)
        for start in range(0, len(data), PIECE):
            yield output.task, output.number, data[start : start + PIECE]


def _attempt(row: tuple[Any, ...]) -> Attempt:
    task, number, state, started, ended, exit_status, signal, reason, detail, output_dropped, host = row
    return Attempt(
        task=task,
        number=number,
        state=_known(_STATES, state),
        started=_time(started),
        ended=_time(ended),
        exit_status=exit_status,
        signal=signal,
        reason=_known(_REASONS, reason),
        detail=detail,
        output_dropped=output_dropped,
        host=host,
    )


def _run(row: Sequence[Any]) -> Run:
    run_id, job, engine, state, started, ended, owner, scheduled_for, detail = row
    return Run(
        id=run_id,
        job=job,
        engine=engine,
        state=_known(_STATES, state),
        started=from_microseconds(started),
        ended=_time(ended),
        owner=owner,
        scheduled_for=_time(scheduled_for),
        start_failure=detail,
    )


def _known(words: Mapping[Word, Meaning], word: Word) -> Meaning:
    try:
        return words[word]
    except KeyError:
        raise StoreFormatError(
            f"the history says {word!r} where a state or a reason belongs: it is damaged, or of a newer pydag; "
            "move it away, or set PYDAG_HOME to another directory"
        ) from None


def _stored(time: datetime | None) -> int | None:
    return None if time is None else to_microseconds(time)


def _time(stored: int | None) -> datetime | None:
    return None if stored is None else from_microseconds(stored)


def _storable(text: str) -> str:
    """Half a surrogate pair, which a file's name in an error message may bring, has no UTF-8: show its number."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _bindable(name: str) -> str | bytes:
    """A name that has no UTF-8 is no job's: as bytes it is equal to no text."""
    return name if name.isascii() or name == _storable(name) else name.encode(errors="surrogatepass")
