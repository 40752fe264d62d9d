"""What the errors of SQLite and of the operating system mean for the embedded history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydag.errors import StoreError, StoreFormatError, StoreUnreachable

_FORMAT_ERRORS = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}
_NEXT_STEPS = {
    sqlite3.SQLITE_FULL: "free some space on that disk, or set PYDAG_HOME to a directory elsewhere",
    sqlite3.SQLITE_BUSY: "another process has kept it locked for a minute; try again, or find that process",
}
_OTHERWISE = "make it a directory that you may write, or set PYDAG_HOME to one"


@contextmanager
def errors_translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the operating system raise into pydag's errors."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise translate(error, path) from error


def translate(error: sqlite3.Error | OSError | UnicodeDecodeError, path: Path) -> StoreError:
    """The one place where foreign errors become pydag's."""
    if isinstance(error, OSError):
        return StoreUnreachable(f"the history {path} cannot be used ({error.strerror or error}): {_OTHERWISE}")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _FORMAT_ERRORS or isinstance(error, UnicodeDecodeError):
        return StoreFormatError(
            f"{path} is damaged or not a history of pydag ({error}): "
            "move it away, or set PYDAG_HOME to another directory"
        )
    return StoreUnreachable(f"the history {path} cannot be used ({error}): {_NEXT_STEPS.get(code, _OTHERWISE)}")
