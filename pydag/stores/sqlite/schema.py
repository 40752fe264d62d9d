"""The tables of the embedded history, and how a file of an older version gets them.

Version 3 added the facts of a run and who may write it, version 2 what each attempt used. A process of version 1 that
still runs when the file is upgraded goes on writing to `attempt`, which is then a view of the new table. It could not
write to a table with more columns, as it gives twelve values and names no column.
"""

from __future__ import annotations

import sqlite3

VERSION = 3
APPLICATION = 0x50594447  # "PYDG": tells a history from any other SQLite database

# Attempts and output are stored in the order of their keys, so that those of a run lie together. Deleting a job deletes
# everything that refers to it. `job.spec` is empty only inside the transaction that makes the job. Times are
# microseconds since 1970 in UTC; states and reasons are the values of their enums; `user` and `system` are seconds.
# `facts` is a JSON object of what only some runs have: `params`, `origin`.
SCHEMA = f"""
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
    scheduled_for INTEGER, detail TEXT NOT NULL,
    facts TEXT NOT NULL DEFAULT '{{}}', heard INTEGER, fence INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE task_attempt (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, task INTEGER NOT NULL, number INTEGER NOT NULL,
    state TEXT NOT NULL, started INTEGER, ended INTEGER, exit_status INTEGER, signal INTEGER, reason TEXT,
    detail TEXT NOT NULL, output_dropped INTEGER NOT NULL, host TEXT NOT NULL,
    user REAL, system REAL, peak_memory INTEGER,
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

# The columns of a run up to version 2, and of an attempt in version 1.
_RUN_COLUMNS_2 = "number, id, job, spec, engine, state, started, ended, owner, scheduled_for, detail"
_COLUMNS_1 = "run, task, number, state, started, ended, exit_status, signal, reason, detail, output_dropped, host"
_NO_USAGE = "NULL AS user, NULL AS system, NULL AS peak_memory"

_UPGRADE_1 = (
    "ALTER TABLE attempt RENAME TO task_attempt",
    "ALTER TABLE task_attempt ADD COLUMN user REAL",
    "ALTER TABLE task_attempt ADD COLUMN system REAL",
    "ALTER TABLE task_attempt ADD COLUMN peak_memory INTEGER",
    f"CREATE VIEW attempt AS SELECT {_COLUMNS_1} FROM task_attempt",
    f"""
    CREATE TRIGGER write_attempt INSTEAD OF INSERT ON attempt BEGIN
        INSERT OR REPLACE INTO task_attempt ({_COLUMNS_1}) VALUES (new.{_COLUMNS_1.replace(", ", ", new.")});
    END
    """,
    "PRAGMA user_version = 2",
)
_UPGRADE_2 = (
    "ALTER TABLE run ADD COLUMN facts TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE run ADD COLUMN heard INTEGER",
    "ALTER TABLE run ADD COLUMN fence INTEGER NOT NULL DEFAULT 0",
    f"PRAGMA user_version = {VERSION}",
)
_UPGRADES = {1: _UPGRADE_1 + _UPGRADE_2, 2: _UPGRADE_2}


def is_history(connection: sqlite3.Connection) -> bool:
    """Whether pydag made this database."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    return bool(application == APPLICATION)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the history's tables."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a history of an earlier version to this one, in one transaction.

    Many processes may do it at once: the first one does it, and the others find it done.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _UPGRADES.get(version_of(connection), ()):
            connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_as_it_is(connection: sqlite3.Connection) -> None:
    """Let this connection read a history of an earlier version without changing the file."""
    connection.execute(
        f"CREATE TEMP VIEW run AS SELECT {_RUN_COLUMNS_2}, '{{}}' AS facts, NULL AS heard, 0 AS fence FROM main.run"
    )
    if version_of(connection) == 1:
        connection.execute(f"CREATE TEMP VIEW task_attempt AS SELECT {_COLUMNS_1}, {_NO_USAGE} FROM main.attempt")
