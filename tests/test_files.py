"""Files are written whole or not at all; a lock is held by one process, until it lets go or ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pydag.files import locked, write_whole


def test_a_file_is_replaced_as_a_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"before")
    with path.open("rb") as opened_before:
        write_whole(path, b"after")
        assert opened_before.read() == b"before"
    assert path.read_bytes() == b"after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_mode_that_is_asked_for_is_subject_to_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "picture.png", b"", mode=0o666)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "picture.png").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["x" * 255, "工" * 85, ".hidden", "no suffix"])
def test_every_name_that_a_directory_takes_can_be_written(name: str, tmp_path: Path) -> None:
    write_whole(tmp_path / name, b"data")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "file", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    with locked(path) as first:
        with locked(path, wait=False) as second:
            assert (first, second) == (True, False)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with locked(path, wait=False) as third:
        assert third


def test_a_directory_can_be_locked_and_stays_as_it_is(tmp_path: Path) -> None:
    with locked(tmp_path), locked(tmp_path, wait=False) as second:
        assert not second
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_lets_its_lock_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    hold = (
        "import sys; from pathlib import Path; from pydag.files import locked\n"
        "with locked(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    )
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", hold, path], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n"
        with locked(path, wait=False) as held:
            assert not held
        holder.send_signal(signal.SIGKILL)
        holder.wait(60)
        with locked(path, wait=False) as held:
            assert held
