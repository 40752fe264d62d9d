"""Files that are written whole or not at all, and locks that end with the process that holds them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write the file so that others see the old content or the new one, even after a crash. Raises `OSError`.

    `mode` is that of the new file, before the umask. Several processes may write one path at once: the last one wins.
    """
    # A name may have 255 bytes. It begins as the file's own, so that what a killed process leaves is known by its name.
    partial = path.with_name(f"{path.stem[:40]}.{os.urandom(8).hex()}.partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the exclusive lock of a file or a directory within. Raises `OSError`.

    Yields whether it is held: without `wait`, another process may have it. A missing file is made, for its owner
    alone, and so are the directories above it. When a process dies, its locks are free.
    """
    is_directory = path.is_dir()
    if not is_directory:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDONLY if is_directory else os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _lock(handle, wait=wait)
    finally:
        os.close(handle)


def _lock(handle: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
