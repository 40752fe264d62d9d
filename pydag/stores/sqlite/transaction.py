"""Transactions of the embedded history."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from pydag.stores.sqlite.errors import translate


class Transaction:
    """`with` it: committed at the end, rolled back on any error, SQLite's errors translated. Reused, for speed.

    `begin` is the statement that starts it. The cursor that `with` gives is the same each time.
    """

    __slots__ = ("_begin", "_cursor", "_path")

    def __init__(self, connection: sqlite3.Connection, path: Path, begin: str) -> None:
        self._cursor = connection.cursor()
        self._path = path
        self._begin = begin

    def __enter__(self) -> sqlite3.Cursor:
        try:
            if self._cursor.connection.in_transaction:  # a Ctrl-C came between a BEGIN and its `with`
                self._cursor.execute("ROLLBACK")
            return self._cursor.execute(self._begin)
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

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
            raise translate(error, self._path) from error
