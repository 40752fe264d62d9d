"""A history of an earlier version: it stays readable, it is upgraded once, and who still writes it may go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output, Run, Usage
from pydag.model.states import Reason, State
from pydag.stores.sqlite.file import NAME
from pydag.stores.sqlite.store import SQLiteStore
from pydag.testing import at, attempt_of, job_of, run_of
from tests.support.processes import output_of, start

# As version 1 had them, word for word.
TABLES_1 = """
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
PRAGMA application_id = 0x50594447;
PRAGMA user_version = 1;
"""
WRITE_ATTEMPT_1 = "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
READ_ATTEMPTS_1 = """
    SELECT task, number, state, started, ended, exit_status, signal, reason, detail, output_dropped, host
    FROM attempt WHERE run = ?
"""
ADD_OUTPUT_1 = """
    INSERT INTO output SELECT run, task, number, coalesce((
        SELECT start + length(data) FROM output WHERE run = new.run AND task = new.task AND number = new.number
        ORDER BY start DESC LIMIT 1), 0), data FROM (SELECT ? AS run, ? AS task, ? AS number, ? AS data) AS new
"""
SPEC_1 = '{"format":1,"name":"J","description":"","max_parallel":null,"tasks":[{"name":"t0","command":"echo 1"}]}'

FIRST = 1_672_068_481_123_457  # testing.START in microseconds
RUN = Run(id="r1", job="J", engine="local", state=State.RUNNING, started=at(0), owner="host:1:2")
FAILED = Attempt(
    task=0, number=1, state=State.FAILED, started=at(0), ended=at(1), exit_status=3, reason=Reason.TIMEOUT, detail="why"
)


class OldProcess:
    """A process of version 1, which opened the history before it was upgraded."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA foreign_keys = ON")

    def write(self, number: int, state: str, ended: int | None, data: bytes) -> None:
        """A turn: an attempt of the run's only task, and output."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("SELECT number FROM run WHERE id = ?", ("r1",)).fetchone()
        row = (1, 0, number, state, FIRST, ended, 3, None, "timeout", "why", 0, "")
        self.connection.executemany(WRITE_ATTEMPT_1, [row])
        self.connection.executemany(ADD_OUTPUT_1, [(1, 0, number, data)] if data else [])
        self.connection.execute("COMMIT")

    def attempts(self) -> list[tuple[object, ...]]:
        return self.connection.execute(READ_ATTEMPTS_1, (1,)).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history of version 1 with a run that goes on and has had one attempt."""
    path = tmp_path / NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"BEGIN; {TABLES_1} COMMIT; PRAGMA journal_mode = WAL;")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO job VALUES (1, 'J', ?, 1)", (FIRST,))
        connection.execute("INSERT INTO spec VALUES (1, 1, 'digest', 1, ?)", (SPEC_1,))
        connection.execute(
            "INSERT INTO run VALUES (1, 'r1', 1, 1, 'local', 'running', ?, NULL, 'host:1:2', NULL, '')", (FIRST,)
        )
        connection.execute("COMMIT")
    old = OldProcess(path)
    old.write(1, "failed", FIRST + 1_000_000, b"text")
    old.connection.close()
    return path


@pytest.fixture
def old(path: Path) -> Iterator[OldProcess]:
    process = OldProcess(path)
    process.write(1, "failed", FIRST + 1_000_000, b"")  # from here on its statements are prepared for version 1
    assert len(process.attempts()) == 1
    yield process
    process.connection.close()


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


@pytest.mark.parametrize("create", [True, False])
def test_a_history_of_version_2_can_be_read(path: Path, create: bool) -> None:
    SQLiteStore(path.parent).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:  # what version 3 added goes
        for column in ("facts", "heard", "fence"):
            connection.execute(f"ALTER TABLE run DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 2")
    with closing(SQLiteStore(path.parent, create=create)) as store:
        assert store.runs() == [RUN]
        assert store.load(RUN).tasks["t0"].attempts == (FAILED,)
    assert version_of(path) == (3 if create else 2)


@pytest.mark.parametrize("create", [True, False])
def test_a_history_of_version_1_can_be_read(path: Path, create: bool) -> None:
    with closing(SQLiteStore(path.parent, create=create)) as store:
        assert store.runs() == [RUN]
        record = store.load(RUN)
        assert record.spec.tasks[0].action == Shell("echo 1")
        assert record.tasks["t0"].attempts == (FAILED,)
        assert b"".join(store.output("r1", 0, 1)) == b"text"
        assert store.jobs()[0].last_run == RUN


def test_reading_it_does_not_change_the_file(path: Path) -> None:
    before = path.read_bytes()
    with closing(SQLiteStore(path.parent, create=False)) as store:
        store.load(RUN)
    assert path.read_bytes() == before


def test_a_run_of_version_1_is_continued_in_this_version(path: Path) -> None:
    used = attempt_of(0, 2, State.SUCCESS)._replace(usage=Usage(user=1.5, system=0.25, peak_memory=2**20))
    with closing(SQLiteStore(path.parent)) as store:
        handle = store.reopen("r1")
        handle.write([used], [Output(task=0, number=1, data=b" and more")])
        handle.finish(State.SUCCESS, at(9))
        store.begin(run_of("K", "r2", 1), job_of("K"))
    assert version_of(path) == 3
    with closing(SQLiteStore(path.parent, create=False)) as store:
        assert store.load(RUN).tasks["t0"].attempts == (FAILED, used)
        assert b"".join(store.output("r1", 0, 1)) == b"text and more"
        assert [run.id for run in store.runs()] == ["r2", "r1"]
        store.delete("J")
        assert [run.id for run in store.runs()] == ["r2"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM task_attempt").fetchone() == (0,)


def test_a_process_of_version_1_goes_on_writing_after_the_upgrade(path: Path, old: OldProcess) -> None:
    with closing(SQLiteStore(path.parent)) as store:
        assert version_of(path) == 3
        old.write(2, "running", None, b"")
        old.write(2, "failed", FIRST + 1_000_000, b"second")
        attempts = store.load(RUN).tasks["t0"].attempts
        assert attempts == (FAILED, FAILED._replace(number=2))
        assert b"".join(store.output("r1", 0, 2)) == b"second"
        store.reopen("r1").write([attempt_of(0, 3)._replace(usage=Usage(user=1, system=1))])
        assert [row[1:3] for row in old.attempts()] == [(1, "failed"), (2, "failed"), (3, "running")]


def test_a_reader_goes_on_while_others_upgrade(path: Path, old: OldProcess) -> None:
    with closing(SQLiteStore(path.parent, create=False)) as reader, closing(SQLiteStore(path.parent)):
        old.write(2, "running", None, b"")
        assert [attempt.number for attempt in reader.load(RUN).tasks["t0"].attempts] == [1, 2]


def test_processes_that_open_it_together_upgrade_it_once(path: Path) -> None:
    program = """
        home, go = Path(sys.argv[1]), Path(sys.argv[2])
        print(flush=True)
        while not go.exists():
            pass
        store = SQLiteStore(home)
        print(store.load(store.runs()[0]).tasks["t0"].attempts[0].exit_status)
        store.close()
    """
    go = path.parent / "go"
    processes = [start(program, path.parent, go) for _ in range(6)]
    for process in processes:
        assert process.stdout
        process.stdout.readline()
    go.touch()
    assert [output_of(process).strip() for process in processes] == ["3"] * 6
    assert version_of(path) == 3


def test_an_upgraded_history_has_the_columns_of_a_new_one(path: Path, tmp_path: Path) -> None:
    def columns(home: Path) -> dict[str, list[tuple[object, ...]]]:
        SQLiteStore(home).close()
        with closing(sqlite3.connect(home / NAME)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in tables}

    assert columns(path.parent) == columns(tmp_path / "new")
