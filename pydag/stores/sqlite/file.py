"""The file under the embedded history: where it lies, how it is made, how it is opened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pydag.errors import StoreFormatError
from pydag.files import locked
from pydag.stores.sqlite import schema
from pydag.stores.sqlite.errors import errors_translated

NAME = "history.sqlite"

# How long a write waits for the writes of other processes, in seconds. One takes far less than a millisecond.
PATIENCE = 60.0
# Pages of 4 KiB in the write-ahead log before they are moved into the file, which takes a disk's flush or two.
_CHECKPOINT = 4000
_KEPT_LOG = 32 * 1024 * 1024  # bytes of the log that stay on the disk once they have been moved


def open_history(path: Path, *, create: bool) -> sqlite3.Connection:
    """A connection to the history.

    With `create` a missing history is made, and one of an older version is upgraded. Without it a missing history
    gives a connection to an empty one in memory, and one of an older version stays as it is.
    """
    with errors_translated(path):
        if not _exists(path):
            if not create:
                return _empty()
            _make(path)
        connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=PATIENCE, isolation_level=None, uri=True)
        try:
            version = _checked_version(connection, path)
            connection.executescript(
                "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;"
                f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}; PRAGMA journal_size_limit = {_KEPT_LOG};"
            )
            if version != schema.VERSION:
                (schema.upgrade if create else schema.read_as_it_is)(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _exists(path: Path) -> bool:
    """`Path.exists`, except that a parent that is not a directory, or one that we may not enter, is an error."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _make(path: Path) -> None:
    """Make the history under a lock on its directory and move it to its place when it is complete.

    So nobody ever sees half of it.
    """
    _make_directory(path.parent)
    with locked(path.parent):
        if not _exists(path):
            for leftover in path.parent.glob(f"{NAME}.new*"):  # of a process that died right here
                leftover.unlink()
            new = path.with_name(f"{NAME}.new")
            new.touch(mode=0o600)
            new.chmod(0o600)
            with closing(sqlite3.connect(new, isolation_level=None)) as connection:
                connection.executescript(
                    # In this order: what is deleted can be given back to the disk only if that is said first.
                    f"PRAGMA auto_vacuum = INCREMENTAL; BEGIN; {schema.SCHEMA} COMMIT; PRAGMA journal_mode = WAL;"
                )
            new.rename(path)


def _make_directory(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(0o700)
    except FileExistsError:
        return  # the mode of a directory that exists is its owner's business
    directory.chmod(0o700)  # a umask may have taken away more


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(f"{schema.SCHEMA} PRAGMA foreign_keys = ON;")
    return connection


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the history's tables, if this pydag knows it."""
    if not schema.is_history(connection):
        raise StoreFormatError(
            f"{path} is not a history of pydag: move it away, or set PYDAG_HOME to another directory"
        )
    version = schema.version_of(connection)
    if version not in range(1, schema.VERSION + 1):
        raise StoreFormatError(
            f"{path} is a history in format {version}, this pydag knows formats 1 to {schema.VERSION}: "
            "use the pydag that wrote it or a newer one, or set PYDAG_HOME to another directory"
        )
    return version
