"""What only the embedded history does: its neighbours and its size."""

from __future__ import annotations

import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pydag.errors import StoreFormatError
from pydag.model.run import Attempt, Output
from pydag.model.states import State
from pydag.stores.sqlite import run_handle, schema, store
from pydag.stores.sqlite.file import NAME, open_history
from pydag.stores.sqlite.store import SQLiteStore
from pydag.stores.sqlite.transaction import Transaction
from pydag.testing import START, attempt_of, job_of, run_of
from tests.support.processes import output_of, start

MIB = 1024 * 1024


# Its neighbours


def test_ten_processes_make_and_write_one_history_together(tmp_path: Path) -> None:
    program = """
        me, home, go = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
        print(flush=True)
        while not go.exists():
            pass
        store = SQLiteStore(home)
        handle = store.begin(run_of("all", me), job_of("all", 100))
        for task in range(100):
            handle.write([attempt_of(task)], [Output(task=task, number=1, data=me.encode() * 100)])
            handle.write([attempt_of(task, state=State.SUCCESS)])
        store.close()
    """
    home, go = tmp_path / "home", tmp_path / "go"
    processes = [start(program, f"r{number}", home, go) for number in range(10)]
    for process in processes:
        assert process.stdout
        process.stdout.readline()
    go.touch()
    for process in processes:
        output_of(process)
    with closing(SQLiteStore(home, create=False)) as store:
        runs = store.runs("all")
        assert len(runs) == 10
        for run in runs:
            assert {task.state for task in store.load(run).tasks.values()} == {State.SUCCESS}
            assert b"".join(store.output(run.id, 99, 1)) == run.id.encode() * 100


def test_a_process_killed_inside_a_transaction_leaves_no_half_of_it(tmp_path: Path) -> None:
    program = """
        class Deadly(int):
            def __conform__(self, protocol):  # called by sqlite3 when it takes this value for a row
                os.kill(os.getpid(), signal.SIGKILL)

        store = SQLiteStore(Path(sys.argv[1]))
        handle = store.begin(run_of("J", "r1"), job_of("J", 500))
        handle.write([attempt_of(0)])
        output = Output(task=Deadly(1), number=1, data=b"x")
        handle.write([attempt_of(task) for task in range(1, 500)], [output])
    """
    process = start(program, tmp_path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    with closing(SQLiteStore(tmp_path)) as store:
        tasks = store.load(run_of("J", "r1")).tasks.values()
        assert [len(task.attempts) for task in tasks] == [1] + [0] * 499


def test_a_process_killed_at_any_moment_leaves_whole_batches(tmp_path: Path) -> None:
    program = """
        store = SQLiteStore(Path(sys.argv[1]))
        handle = store.begin(run_of("J", sys.argv[2]), job_of("J", 50))
        for number in range(1, 10**6):
            handle.write([attempt_of(task, number) for task in range(50)])
            print(number, flush=True)
    """
    for kill in range(3):
        process = start(program, tmp_path, f"r{kill}")
        assert process.stdout
        for _ in range(20 + kill):
            written = int(process.stdout.readline())
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        with closing(SQLiteStore(tmp_path)) as store:
            (counted,) = {len(task.attempts) for task in store.load(run_of("J", f"r{kill}")).tasks.values()}
        assert counted >= written


def test_a_transaction_that_an_interrupt_left_open_is_rolled_back(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with closing(open_history(path, create=True)) as connection:
        transaction = Transaction(connection, path, "BEGIN IMMEDIATE")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO job (name, saved) VALUES ('half', 0)")
        with transaction as cursor:
            assert cursor.execute("SELECT name FROM job").fetchall() == []
            cursor.execute("INSERT INTO job (name, saved) VALUES ('whole', 0)")
        assert connection.execute("SELECT name FROM job").fetchall() == [("whole",)]


def test_others_write_while_a_large_job_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SQLiteStore(tmp_path)) as store, closing(SQLiteStore(tmp_path)) as other:
        steady = other.begin(run_of("Other", "o"), job_of("Other", 100))
        for number in range(40):
            handle = store.begin(run_of("J", f"r{number}"), job_of("J"))
            handle.write(outputs=[Output(task=0, number=1, data=bytes(MIB))])
        between: list[int] = []

        def pause(_: float) -> None:
            steady.write([attempt_of(len(between))])
            between.append(1)

        monkeypatch.setattr("pydag.stores.sqlite.store.time.sleep", pause)
        store.delete("J")
        assert [entry.name for entry in store.jobs()] == ["Other"]
        # 40 pieces, 16 at once; 40 runs, 20 at once; the pages of 40 MiB, 1000 at once
        assert len(between) == 3 + 2 + 40 * MIB // 4096 // 1000 + 1


def test_the_file_gives_its_space_back_to_the_disk(tmp_path: Path) -> None:
    file = tmp_path / NAME
    with closing(SQLiteStore(tmp_path)) as store:
        for number in range(20):
            handle = store.begin(run_of("J", f"r{number}", number), job_of("J"))
            handle.write([attempt_of(0)], [Output(task=0, number=1, data=bytes(MIB))])
    assert file.stat().st_size > 20 * MIB
    with closing(SQLiteStore(tmp_path)) as store:
        store.delete("J", [f"r{number}" for number in range(19)])
    assert file.stat().st_size < 4 * MIB
    with closing(SQLiteStore(tmp_path)) as store:
        assert [run.id for run in store.runs()] == ["r19"]
        assert sum(map(len, store.output("r19", 0, 1))) == MIB


@pytest.mark.parametrize(
    "change", ["run SET state = 'weird'", "task_attempt SET state = 'weird'", "task_attempt SET reason = 'weird'"]
)
def test_an_unknown_state_is_a_format_error(change: str, tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path)) as store:
        run = run_of("J", "r")
        handle = store.begin(run, job_of("J"))
        handle.write([attempt_of(0)])
        with closing(sqlite3.connect(tmp_path / "history.sqlite")) as connection, connection:
            connection.execute(f"UPDATE {change}")
        with pytest.raises(StoreFormatError, match=r"'weird'.*PYDAG_HOME"):
            store.load(run)


def test_no_placeholder_has_a_number() -> None:
    """Python 3.12.0 to 3.12.3 warn of `?1` at each use, and warnings can be errors."""
    texts = [value for module in (run_handle, schema, store) for value in vars(module).values() if type(value) is str]
    assert len(texts) > 20
    assert [text for text in texts if re.search(r"\?\d", text)] == []


# Its size


def rows(home: Path) -> dict[str, int]:
    with closing(sqlite3.connect(home / "history.sqlite")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def test_a_deleted_job_leaves_no_row_and_its_space_is_used_again(tmp_path: Path) -> None:
    sizes = []
    for number in range(3):
        with closing(SQLiteStore(tmp_path)) as store:
            for run_id in ("r1", "r2"):
                handle = store.begin(run_of("J", run_id), job_of("J", 10, f"echo {number} {run_id}"))
                handle.write([attempt_of(task) for task in range(10)])
                handle.write(outputs=[Output(task=0, number=1, data=bytes(2 * MIB))])
            store.delete("J")
        assert set(rows(tmp_path).values()) == {0}
        sizes.append((tmp_path / "history.sqlite").stat().st_size)
    assert sizes[0] == sizes[1] == sizes[2]


def test_a_definition_is_kept_once_and_only_as_long_as_it_is_used(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path)) as store:
        for number in range(20):
            store.begin(run_of("J", f"r{number}"), job_of("J", 2))
        assert rows(tmp_path)["spec"] == 1
        for tasks in range(3, 9):
            store.save_job(job_of("J", tasks), START)
        assert rows(tmp_path)["spec"] == 2


def test_the_write_ahead_log_stays_bounded_while_a_reader_pauses(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path)) as writer, closing(SQLiteStore(tmp_path)) as reader:
        handle = writer.begin(run_of("J", "r1"), job_of("J"))
        piece = Output(task=0, number=1, data=bytes(MIB))
        handle.write(outputs=[piece] * 20)
        paused = reader.output("r1", 0, 1)
        assert len(next(paused)) == MIB
        largest = 0
        for _ in range(100):
            handle.write(outputs=[piece])
            largest = max(largest, (tmp_path / "history.sqlite-wal").stat().st_size)
        assert largest < 48 * MIB
        assert sum(map(len, paused)) == 119 * MIB


def test_output_comes_in_pieces_of_a_mebibyte_at_most(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path)) as store:
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        handle.write(outputs=[Output(task=0, number=1, data=bytes(3 * MIB + 1))])
        assert [len(piece) for piece in store.output("r1", 0, 1)] == [MIB, MIB, MIB, 1]


def test_listing_jobs_reads_no_definition(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path)) as store:
        store.begin(run_of("J", "r1"), job_of("J"))
        with closing(sqlite3.connect(tmp_path / "history.sqlite")) as other, other:
            other.execute("UPDATE spec SET document = 'unreadable'")
        assert [(entry.name, entry.tasks) for entry in store.jobs()] == [("J", 2)]
        with pytest.raises(StoreFormatError, match="unreadable"):
            store.job("J")


def test_times_before_1970_are_exact(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path)) as store:
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        early = START.replace(year=1969, microsecond=999999)
        handle.write([Attempt(task=0, number=1, state=State.RUNNING, started=early)])
        assert store.load(run_of("J", "r1")).tasks["t0"].started == early
