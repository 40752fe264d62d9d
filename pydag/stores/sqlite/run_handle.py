"""One run of the embedded history, as its tracker writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from pydag.model.run import Attempt, Output
from pydag.model.states import State
from pydag.stores.base import RunHandle, no_run, taken_over, to_microseconds
from pydag.stores.sqlite.rows import attempt_row, output_rows
from pydag.stores.sqlite.transaction import Transaction

# Each statement ends in this: if the run was deleted or taken over, no row is written, and the count of rows says so.
# The id is compared too, as SQLite may give the number of a deleted run to a new one.
_WHERE_RUN = "WHERE run.number = ? AND run.id = ? AND run.fence = ?"
_RUN_IS_OURS = f"SELECT 1 FROM run {_WHERE_RUN}"
_HEARD = f"UPDATE run SET heard = ? {_WHERE_RUN}"
_WRITE_ATTEMPT = f"""
    INSERT OR REPLACE INTO task_attempt
    SELECT run.number, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM run {_WHERE_RUN}
"""
# The length of a blob stands in the row's header: looking for the end reads no output.
_ADD_OUTPUT = f"""
    INSERT INTO output SELECT run, task, number, coalesce((
        SELECT start + length(data) FROM output WHERE run = new.run AND task = new.task AND number = new.number
        ORDER BY start DESC LIMIT 1), 0), data
    FROM (SELECT run.number AS run, ? AS task, ? AS number, ? AS data FROM run {_WHERE_RUN}) AS new
"""
_FINISH = f"UPDATE run SET state = ?, ended = ? {_WHERE_RUN} AND state IN ('pending', 'running')"


class SQLiteRunHandle(RunHandle):
    """Writes each turn in one transaction, and reads nothing first. `run` is its row's number, its id, its fence."""

    def __init__(self, transaction: Transaction, run: tuple[int, str, int], piece_size: int) -> None:
        self._transaction = transaction
        self._run = run
        self._piece_size = piece_size

    def write(
        self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = (), *, heard: datetime | None = None
    ) -> None:
        run = self._run
        with self._transaction as cursor:
            written = 0
            if attempts:
                cursor.executemany(_WRITE_ATTEMPT, [attempt_row(attempt) + run for attempt in attempts])
                written = cursor.rowcount
            if outputs:
                cursor.executemany(_ADD_OUTPUT, (row + run for row in output_rows(outputs, self._piece_size)))
                written += cursor.rowcount
            if heard is not None:
                written += cursor.execute(_HEARD, (to_microseconds(heard), *run)).rowcount
            if written <= 0:
                self._check_is_ours(cursor)

    def finish(self, state: State, ended: datetime) -> None:
        with self._transaction as cursor:
            if not cursor.execute(_FINISH, (state.value, to_microseconds(ended), *self._run)).rowcount:
                self._check_is_ours(cursor)

    def _check_is_ours(self, cursor: sqlite3.Cursor) -> None:
        """Raise `NotFound` if the run was deleted, `TakenOver` if another process tracks it."""
        if cursor.execute(_RUN_IS_OURS, self._run).fetchone():
            return
        number, run_id, _ = self._run
        known = cursor.execute("SELECT 1 FROM run WHERE number = ? AND id = ?", (number, run_id)).fetchone()
        raise taken_over(run_id) if known else no_run(run_id)
