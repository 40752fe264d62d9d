"""The file under the embedded history: its schema, how it comes to be, how it is opened, what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pydag.errors import StoreError, StoreFormatError, StoreUnreachable
from pydag.files import locked

NAME = "history.sqlite"
VERSION = 1
APPLICATION = 0x50594447  # "PYDG": tells a history from any other SQLite database

# How long a write waits for the writes of other processes, in seconds. One takes far less than a millisecond.
PATIENCE = 60.0
# Pages of 4 KiB in the write-ahead log before they are moved into the file, which takes a disk's flush or two.
_CHECKPOINT = 4000
_KEPT_LOG = 32 * 1024 * 1024  # bytes of it left on the disk once they have been moved

# Attempts and output are stored in the order of their keys, so that a run is one range of each. A job goes with all
# that hangs on it. `job.spec` is empty only inside the transaction that makes the job. Times are microseconds since
# 1970 in UTC; states and reasons are the values of their enums.
_SCHEMA = f"""
CREATE TABLE job (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, saved INTEGER NOT NULL,
    spec INTEGER REFERENCES spec DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE spec (
    number INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    digest TEXT NOT NULL UNIQUE, tasks INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE TABLE run (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, spec INTEGER NOT NULL REFERENCES spec,
    engine TEXT NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, owner TEXT NOT NULL,
    scheduled_for INTEGER, detail TEXT NOT NULL
);
CREATE TABLE attempt (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, task INTEGER NOT NULL, number INTEGER NOT NULL,
    state TEXT NOT NULL, started INTEGER, ended INTEGER, exit_status INTEGER, signal INTEGER, reason TEXT,
    detail TEXT NOT NULL, output_dropped INTEGER NOT NULL, host TEXT NOT NULL,
    PRIMARY KEY (run, task, number)
) WITHOUT ROWID;
CREATE TABLE output (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, task INTEGER NOT NULL, number INTEGER NOT NULL,
    start INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (run, task, number, start)
) WITHOUT ROWID;
CREATE INDEX job_by_spec ON job (spec);
CREATE INDEX spec_by_job ON spec (job);
CREATE INDEX run_by_job ON run (job, started);
CREATE INDEX run_by_job_and_state ON run (job, state, started);
CREATE INDEX run_by_date ON run (job, scheduled_for) WHERE scheduled_for IS NOT NULL;
CREATE INDEX run_by_spec ON run (spec);
CREATE INDEX run_by_state ON run (state, started);
CREATE INDEX run_by_time ON run (started);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""

_FORMAT_ERRORS = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}
_NEXT_STEPS = {
    sqlite3.SQLITE_FULL: "free some space on that disk, or set PYDAG_HOME to a directory elsewhere",
    sqlite3.SQLITE_BUSY: f"another process has been writing for {PATIENCE:.0f} s; try again, or see what holds it",
}
_OTHERWISE = "make it a directory that you may write, or set PYDAG_HOME to one"


def opened(path: Path, *, create: bool) -> sqlite3.Connection:
    """A connection to the history, made first where it is missing and `create` says so, else to an empty one."""
    with translated(path):
        if not _is_there(path):
            if not create:
                return _empty()
            _make(path)
        connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=PATIENCE, isolation_level=None, uri=True)
        try:
            _check(connection, path)
            connection.executescript(
                "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;"
                f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}; PRAGMA journal_size_limit = {_KEPT_LOG};"
            )
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
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
            f"{path} is damaged or no history of pydag ({error}): move it away, or set PYDAG_HOME to another directory"
        )
    return StoreUnreachable(f"the history {path} cannot be used ({error}): {_NEXT_STEPS.get(code, _OTHERWISE)}")


def _is_there(path: Path) -> bool:
    """`Path.exists`, except that a directory that is no directory, or is closed to us, is an error."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _make(path: Path) -> None:
    """Make the history under a lock on its directory, and put it in its place whole: nobody ever sees half of it."""
    _make_directory(path.parent)
    with locked(path.parent):
        if not _is_there(path):
            for leftover in path.parent.glob(f"{NAME}.new*"):  # of a process that died right here
                leftover.unlink()
            new = path.with_name(f"{NAME}.new")
            new.touch(mode=0o600)
            new.chmod(0o600)
            with closing(sqlite3.connect(new, isolation_level=None)) as connection:
                connection.executescript(f"BEGIN; {_SCHEMA} COMMIT; PRAGMA journal_mode = WAL;")
            new.rename(path)


def _make_directory(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(0o700)
    except FileExistsError:
        return  # the mode of a directory that was there is its owner's business
    directory.chmod(0o700)  # a umask may have taken away more


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(_SCHEMA + "PRAGMA foreign_keys = ON;")
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise StoreFormatError(f"{path} is no history of pydag: move it away, or set PYDAG_HOME to another directory")
    if version != VERSION:
        raise StoreFormatError(
            f"{path} is a history in format {version}, this pydag knows {VERSION}: "
            "use the pydag that wrote it or a newer one, or set PYDAG_HOME to another directory"
        )
