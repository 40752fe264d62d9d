"""The embedded history: one SQLite file in a directory of its own, for many processes at once.

Every write is one BEGIN IMMEDIATE transaction: a deferred one that reads and then writes fails under contention,
whatever the timeout. In WAL mode readers and the writer do not wait for each other. With synchronous=NORMAL a power
cut may take the last moments of the history, never its consistency; the death of a process takes nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydag.model.run import JobEntry, Run, RunRecord, record_of
from pydag.model.spec import JobSpec, digest
from pydag.model.states import State
from pydag.stores.base import (
    RunHandle,
    Store,
    from_microseconds,
    no_job,
    no_run,
    run_exists,
    still_running,
    taken_over,
    to_microseconds,
)
from pydag.stores.sqlite.errors import errors_translated
from pydag.stores.sqlite.file import NAME, open_history
from pydag.stores.sqlite.rows import (
    ATTEMPT_COLUMNS,
    RUN_COLUMNS,
    Row,
    attempt_from,
    name_to_find,
    run_from,
    run_row,
)
from pydag.stores.sqlite.run_handle import SQLiteRunHandle
from pydag.stores.sqlite.transaction import Transaction

_PIECES_AT_ONCE = 16
_RUNS_AT_ONCE = 20
_PAGES_AT_ONCE = 1000
_PAGES_KEPT = 256  # free pages that stay for new runs: a mebibyte
_INCREMENTAL = 2  # the value of auto_vacuum

_NEWEST = "ORDER BY run.started DESC, run.number DESC LIMIT"

# Placeholders have no numbers: some Pythons 3.12 warn of `?1`.
_SAVE_JOB = "INSERT INTO job (name, saved) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET saved = excluded.saved"
_SAVE_SPEC = "INSERT OR IGNORE INTO spec (job, digest, tasks, document) VALUES (?, ?, ?, ?)"
_POINT_TO_SPEC = "UPDATE job SET spec = (SELECT number FROM spec WHERE digest = ?) WHERE number = ?"
_DROP_UNUSED_SPEC = """
    DELETE FROM spec WHERE number = ?
    AND NOT EXISTS (SELECT 1 FROM run WHERE spec = spec.number)
    AND NOT EXISTS (SELECT 1 FROM job WHERE spec = spec.number)
"""
_BEGIN_RUN = """
    INSERT INTO run (id, job, spec, engine, state, started, ended, owner, scheduled_for, detail, facts, heard, fence)
    SELECT ?, number, spec, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM job WHERE name = ?
"""
_RUNNING = """
    SELECT run.id FROM run JOIN job ON job.number = run.job WHERE job.name = ? AND run.state = 'running'
    ORDER BY run.started DESC
"""
_TAKE_OVER = """
    UPDATE run SET state = 'running', ended = NULL, owner = ?, heard = ?, fence = fence + 1
    WHERE id = ? AND fence = ? RETURNING number
"""
_RUNS_OF = "SELECT run.number, run.id FROM run JOIN job ON job.number = run.job WHERE job.name = ?"
_LARGE_PIECES = "SELECT run, task, number, start FROM output WHERE run = ? AND length(data) > 65536"
_DELETE_PIECE = "DELETE FROM output WHERE run = ? AND task = ? AND number = ? AND start = ?"
_OUTPUTS_OF = "SELECT DISTINCT run, task, number FROM output WHERE run = ?"
_COUNT_AS_DROPPED = """
    UPDATE task_attempt SET output_dropped = output_dropped + coalesce((
        SELECT start + length(data) FROM output
        WHERE run = task_attempt.run AND task = task_attempt.task AND number = task_attempt.number
        ORDER BY start DESC LIMIT 1), 0)
    WHERE run = ? AND task = ? AND number = ?
"""
_DELETE_OUTPUT = "DELETE FROM output WHERE run = ? AND task = ? AND number = ?"
_JOBS = f"""
    SELECT job.name, job.saved, spec.tasks, {RUN_COLUMNS} FROM job JOIN spec ON spec.number = job.spec
    LEFT JOIN run ON run.number = (SELECT number FROM run WHERE job = job.number {_NEWEST} 1)
    ORDER BY job.saved DESC, job.name
"""
_RUNS = f"SELECT {RUN_COLUMNS}, run.number FROM run JOIN job ON job.number = run.job"
_RUN_WITH_SPEC = f"""
    SELECT run.number, spec.document, {RUN_COLUMNS} FROM run
    JOIN job ON job.number = run.job JOIN spec ON spec.number = run.spec WHERE run.id = ?
"""
_OLDER = "(run.started, run.number) < (?, coalesce((SELECT number FROM run WHERE id = ?), 0))"
_ATTEMPTS = f"SELECT {ATTEMPT_COLUMNS} FROM task_attempt WHERE run = ?"
_OUTPUT_SIZE = """
    SELECT start + length(data) FROM output
    WHERE run = (SELECT number FROM run WHERE id = ?) AND task = ? AND number = ? ORDER BY start DESC LIMIT 1
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
    """The history in `directory`, which is made with mode 0700 if it is missing.

    With `create=False` nothing is made: a missing history is empty, and stays empty for this object.
    """

    piece_size = 1024 * 1024  # bytes of output in a row, at most

    def __init__(self, directory: Path, *, create: bool = True) -> None:
        self._path = directory.absolute() / NAME
        self._connection = open_history(self._path, create=create)
        self._transaction = Transaction(self._connection, self._path, "BEGIN IMMEDIATE")
        self._snapshot = Transaction(self._connection, self._path, "BEGIN")

    def save_job(self, spec: JobSpec, saved: datetime) -> None:
        document = spec.to_json()
        with self._transaction as cursor:
            _save_job(cursor, spec, document, to_microseconds(saved))

    def job(self, name: str) -> JobSpec:
        sql = "SELECT document FROM job JOIN spec ON spec.number = job.spec WHERE name = ?"
        for (document,) in self._read(sql, (name_to_find(name),)):
            return JobSpec.from_json(document)
        raise no_job(name)

    def jobs(self) -> list[JobEntry]:
        """Read the jobs and, through the index, the newest run of each; no definition is read."""
        return [
            JobEntry(
                name=name,
                saved=from_microseconds(saved),
                tasks=tasks,
                last_run=run_from(run) if run[0] is not None else None,
            )
            for name, saved, tasks, *run in self._read(_JOBS)
        ]

    def begin(self, run: Run, spec: JobSpec, *, gone: Collection[str] | None = None) -> RunHandle:
        document = spec.to_json()
        with self._transaction as cursor:
            if cursor.execute("SELECT 1 FROM run WHERE id = ?", (run.id,)).fetchone():
                raise run_exists(run.id)
            if gone is not None:
                for (other,) in cursor.execute(_RUNNING, (spec.name,)).fetchall():
                    if other not in gone:
                        raise still_running(spec.name, other)
            _save_job(cursor, spec, document, to_microseconds(run.started))
            number = cursor.execute(_BEGIN_RUN, (*run_row(run), spec.name)).lastrowid
        assert number is not None
        return self._handle(number, run.id, run.fence)

    def reopen(self, run_id: str) -> RunHandle:
        for number, fence in self._read("SELECT number, fence FROM run WHERE id = ?", (run_id,)):
            return self._handle(number, run_id, fence)
        raise no_run(run_id)

    def take_over(self, run: Run, owner: str, heard: datetime) -> RunHandle:
        with self._transaction as cursor:
            found = cursor.execute(_TAKE_OVER, (owner, to_microseconds(heard), run.id, run.fence)).fetchone()
            if found is None:
                known = cursor.execute("SELECT 1 FROM run WHERE id = ?", (run.id,)).fetchone()
                raise taken_over(run.id) if known else no_run(run.id)
        return self._handle(found[0], run.id, run.fence + 1)

    def runs(
        self,
        job: str | None = None,
        *,
        states: Collection[State] = (),
        scheduled_for: datetime | None = None,
        before: Run | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Read along the index of jobs, of states, of logical dates, or of times."""
        conditions: list[str] = []
        values: list[object] = []
        if job is not None:
            conditions.append("run.job = (SELECT number FROM job WHERE name = ?)")
            values.append(name_to_find(job))
        if scheduled_for is not None:
            conditions.append("run.scheduled_for = ?")
            values.append(to_microseconds(scheduled_for))
        if before is not None:
            conditions.append(_OLDER)
            values += (to_microseconds(before.started), before.id)
        wanted = set(states)
        if not wanted:
            return self._runs(_runs_where(conditions), [*values, _or_all(limit)])
        # Each state has a query of its own, which its index answers in the right order. One statement, so that a run
        # whose state changes meanwhile is neither missed nor found twice.
        part = f"SELECT * FROM ({_runs_where([*conditions, 'run.state = ?'])})"
        sql = " UNION ALL ".join([part] * len(wanted))
        parts = [value for state in wanted for value in (*values, state.value, _or_all(limit))]
        return self._runs(f"{sql} ORDER BY started DESC, number DESC LIMIT ?", [*parts, _or_all(limit)])

    def load(self, run: Run) -> RunRecord:
        """Read the run and its attempts as they were at one moment."""
        with self._snapshot as cursor:
            found = cursor.execute(_RUN_WITH_SPEC, (run.id,)).fetchone()
            if found is None:
                raise no_run(run.id)
            number, document, *row = found
            attempts = cursor.execute(_ATTEMPTS, (number,)).fetchall()
        return record_of(run_from(row), JobSpec.from_json(document), map(attempt_from, attempts))

    def output(self, run_id: str, task: int, number: int, start: int = 0) -> Iterator[bytes]:
        """Read some pieces at a time: a reader that pauses between them holds up nobody."""
        if start < 0:
            start = max(0, start + self.output_size(run_id, task, number))
        for (run,) in self._read("SELECT number FROM run WHERE id = ?", (run_id,)):
            while pieces := self._read(_OUTPUT, {"run": run, "task": task, "number": number, "first": start}):
                for begins, data in pieces:
                    yield data[start - begins :]
                    start = begins + len(data)

    def output_size(self, run_id: str, task: int, number: int) -> int:
        for (size,) in self._read(_OUTPUT_SIZE, (run_id, task, number)):
            return int(size)
        return 0

    def delete(self, job: str, runs: Collection[str] | None = None, *, only_output: bool = False) -> None:
        """Delete large output first, then the runs, then the job: each in steps, between which others may write.

        Then the file gives its space back, in steps too.
        """
        name = name_to_find(job)
        if not self._read("SELECT 1 FROM job WHERE name = ?", (name,)):
            raise no_job(job)
        found = [row for row in self._read(_RUNS_OF, (name,)) if runs is None or row[1] in runs]
        numbers = [(number,) for number, _ in found]
        if only_output:
            outputs = [row for number in numbers for row in self._read(_OUTPUTS_OF, number)]
            self._in_steps(outputs, 1, (_COUNT_AS_DROPPED, _DELETE_OUTPUT))
        else:
            pieces = [row for number in numbers for row in self._read(_LARGE_PIECES, number)]
            self._in_steps(pieces, _PIECES_AT_ONCE, (_DELETE_PIECE,))
            self._in_steps(numbers, _RUNS_AT_ONCE, ("DELETE FROM run WHERE number = ?",))
        if runs is None:
            with self._transaction as cursor:
                cursor.execute("DELETE FROM job WHERE name = ?", (name,))
        self._give_space_back()

    def close(self) -> None:
        """Close the file; the last process to do so tidies up its write-ahead log."""
        with errors_translated(self._path):
            self._connection.close()

    def _handle(self, number: int, run_id: str, fence: int) -> RunHandle:
        return SQLiteRunHandle(self._transaction, (number, run_id, fence), self.piece_size)

    def _in_steps(self, keys: Sequence[Row], at_once: int, statements: Sequence[str]) -> None:
        """Execute these statements for each key, some keys in one transaction."""
        for first in range(0, len(keys), at_once):
            began = time.monotonic()
            with self._transaction as cursor:
                for statement in statements:
                    cursor.executemany(statement, keys[first : first + at_once])
            time.sleep(time.monotonic() - began)  # whoever waits to write checks only now and then

    def _give_space_back(self) -> None:
        """Shorten the file. One that an earlier version made cannot get shorter; new runs use the space."""
        with errors_translated(self._path):
            while self._connection.execute("PRAGMA freelist_count").fetchone()[0] > _PAGES_KEPT:
                before = time.monotonic()
                if self._connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
                    return
                self._connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
                time.sleep(time.monotonic() - before)

    def _runs(self, sql: str, values: Sequence[object]) -> list[Run]:
        return [run_from(row[:-1]) for row in self._read(sql, values)]

    def _read(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        with errors_translated(self._path):
            return self._connection.execute(sql, values).fetchall()


def _runs_where(conditions: Sequence[str]) -> str:
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{_RUNS} {where} {_NEWEST} ?"


def _or_all(limit: int | None) -> int:
    return -1 if limit is None else limit


def _save_job(cursor: sqlite3.Cursor, spec: JobSpec, document: str, saved: int) -> None:
    cursor.execute(_SAVE_JOB, (spec.name, saved))
    number, before = cursor.execute("SELECT number, spec FROM job WHERE name = ?", (spec.name,)).fetchone()
    name = digest(document)
    cursor.execute(_SAVE_SPEC, (number, name, len(spec.tasks), document))
    cursor.execute(_POINT_TO_SPEC, (name, number))
    cursor.execute(_DROP_UNUSED_SPEC, (before,))
