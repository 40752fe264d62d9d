"""The file under the embedded history: its place, its modes, and whatever can be wrong with it."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pydag.errors import NotFound, StoreError, StoreFormatError, StoreUnreachable
from pydag.model.states import State
from pydag.stores.sqlite import file
from pydag.stores.sqlite.errors import errors_translated, translate
from pydag.stores.sqlite.store import SQLiteStore
from pydag.testing import START, attempt_of, job_of, run_of
from tests.support.processes import output_of, start


@pytest.fixture
def umask() -> Iterator[Callable[[int], object]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Its place


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o377, 0o777])
def test_the_directory_is_the_owners_alone_whatever_the_umask(
    tmp_path: Path, umask: Callable[[int], object], mask: int
) -> None:
    umask(mask)
    SQLiteStore(tmp_path / "home").close()
    assert mode_of(tmp_path / "home") == 0o700
    assert mode_of(tmp_path / "home" / "history.sqlite") == 0o600


def test_an_existing_directory_keeps_its_mode(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o750)
    SQLiteStore(home).close()
    assert mode_of(home) == 0o750


def test_missing_parents_are_made_and_a_relative_path_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(SQLiteStore(Path("a%20b?c#d/é/home"))) as store:
        store.save_job(job_of("J"), START)
    with closing(SQLiteStore(tmp_path / "a%20b?c#d" / "é" / "home")) as store:
        assert store.job("J") == job_of("J")


def test_a_reader_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "parent" / "home"
    with closing(SQLiteStore(home, create=False)) as store:
        assert store.jobs() == []
        assert store.runs(states=[State.RUNNING]) == []
        with pytest.raises(NotFound):
            store.delete("J")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_what_is_there(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path)) as store:
        store.save_job(job_of("J"), START)
        with closing(SQLiteStore(tmp_path, create=False)) as reader:
            assert [entry.name for entry in reader.jobs()] == ["J"]


def test_the_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite.new").write_bytes(b"half")
    (tmp_path / "history.sqlite.new-wal").write_bytes(b"half")
    SQLiteStore(tmp_path).close()
    assert [path.name for path in tmp_path.iterdir()] == ["history.sqlite"]


# Its errors


def assert_one_line_about(error: BaseException, path: Path) -> None:
    assert str(path) in str(error)
    assert "\n" not in str(error)
    assert "PYDAG_HOME" in str(error)


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE job (name)")


def newer_version(path: Path) -> None:
    SQLiteStore(path.parent).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b""), "not a history"),
        (lambda path: path.write_text("some notes of mine\n" * 500), "not a history"),
        (other_database, "not a history"),
        (newer_version, "in format 7, this pydag knows formats 1 to 3"),
    ],
)
def test_a_file_that_is_not_a_history_or_a_newer_one_is_refused(
    tmp_path: Path, make: Callable[[Path], object], said: str, create: bool
) -> None:
    path = tmp_path / "history.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreFormatError, match=said) as raised:
        SQLiteStore(tmp_path, create=create)
    assert_one_line_about(raised.value, path)
    assert path.read_bytes() == before


def test_a_damaged_history_is_a_format_error(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(SQLiteStore(tmp_path)) as store:
        store.begin(run_of("J", "r1"), job_of("J", 500))
    content = bytearray(path.read_bytes())
    content[200:] = b"\xff" * (len(content) - 200)
    path.write_bytes(content)
    with pytest.raises(StoreFormatError, match="damaged") as raised, closing(SQLiteStore(tmp_path)) as store:
        store.jobs()
    assert_one_line_about(raised.value, path)


@pytest.mark.parametrize("create", [True, False])
def test_a_home_that_is_a_file_is_unreachable(tmp_path: Path, create: bool) -> None:
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(StoreUnreachable) as raised:
        SQLiteStore(home, create=create)
    assert_one_line_about(raised.value, home)


def test_a_home_that_cannot_be_made_or_written_is_unreachable(tmp_path: Path) -> None:
    """Root may write everywhere: leave root first."""
    home = tmp_path / "home"
    SQLiteStore(home).close()
    for path in (home, home / "history.sqlite"):
        path.chmod(path.stat().st_mode | 0o055)
    (home / "history.sqlite").chmod(0o444)
    program = """
        os.chdir(sys.argv[1])
        if os.geteuid() == 0:
            os.seteuid(65534)
        for home in ("home", "new", "home/deeper/new"):
            try:
                SQLiteStore(Path(home)).save_job(job_of("J"), START)
            except StoreUnreachable as error:
                print(error)
    """
    lines = output_of(start(program, tmp_path)).splitlines()
    assert len(lines) == 3
    for line, name in zip(lines, ("home", "new", "home/deeper/new"), strict=True):
        assert str(tmp_path / name) in line
        assert "PYDAG_HOME" in line


def test_a_full_disk_is_unreachable_and_leaves_the_history_as_it_was(tmp_path: Path) -> None:
    program = """
        store = SQLiteStore(Path(sys.argv[1]))
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        handle.write([attempt_of(0)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 ** 20, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            for number in range(2, 100):
                handle.write([attempt_of(0, number)], [Output(task=0, number=number, data=bytes(50_000))])
        except StoreUnreachable as error:
            written = len(store.load(run).tasks["t0"].attempts)
            assert written == number - 1, (written, number)
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        handle.write([attempt_of(1)])
        assert len(store.load(run).tasks["t1"].attempts) == 1
    """
    assert str(tmp_path) in output_of(start(program, tmp_path))


def test_a_lock_that_is_never_released_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "PATIENCE", 0.01)
    with closing(SQLiteStore(tmp_path)) as store, closing(sqlite3.connect(tmp_path / "history.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnreachable, match="another process"):
            store.save_job(job_of("J"), START)
        other.rollback()
        store.save_job(job_of("J"), START)


FOREIGN = [
    value
    for value in vars(sqlite3).values()
    if isinstance(value, type) and issubclass(value, sqlite3.Error) and value.__module__ == "sqlite3"
]


def test_the_list_of_foreign_errors_is_whole() -> None:
    assert {error.__name__ for error in FOREIGN} == {
        "DataError",
        "DatabaseError",
        "Error",
        "IntegrityError",
        "InterfaceError",
        "InternalError",
        "NotSupportedError",
        "OperationalError",
        "ProgrammingError",
    }


@pytest.mark.parametrize("foreign", [*FOREIGN, OSError, PermissionError])
def test_every_foreign_error_becomes_one_of_pydags(foreign: type[sqlite3.Error | OSError]) -> None:
    path = Path("/somewhere/history.sqlite")
    with pytest.raises(StoreUnreachable, match="boom") as raised, errors_translated(path):
        raise foreign("boom")
    assert str(path) in str(raised.value)


def test_every_code_of_sqlite_has_a_meaning() -> None:
    path = Path("/somewhere/history.sqlite")
    codes = {
        name: value
        for name, value in vars(sqlite3).items()
        if name.startswith("SQLITE_") and isinstance(value, int) and 0 < value < 27
    }
    format_errors = set()
    for name in ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_READONLY", *codes):
        error = sqlite3.DatabaseError(name)
        error.sqlite_errorcode = getattr(sqlite3, name)
        translated = translate(error, path)
        assert name in str(translated)
        if isinstance(translated, StoreFormatError):
            format_errors.add(name)
    assert {"SQLITE_NOTADB", "SQLITE_CORRUPT"} <= format_errors
    assert not {"SQLITE_FULL", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR"} & format_errors


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path)
    handle = store.begin(run_of("J", "r1"), job_of("J"))
    store.close()
    for call in (
        store.jobs,
        store.runs,
        lambda: store.job("J"),
        lambda: store.load(run_of("J", "r1")),
        lambda: list(store.output("r1", 0, 1)),
        lambda: store.save_job(job_of("J"), START),
        lambda: store.begin(run_of("J", "r1"), job_of("J")),
        lambda: store.reopen("r1"),
        lambda: handle.write([attempt_of(0)]),
        lambda: handle.finish(State.SUCCESS, START),
        lambda: store.delete("J"),
    ):
        with pytest.raises(StoreError, match="closed"):
            call()
