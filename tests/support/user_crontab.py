"""The real crontab of the user who runs the tests: kept aside, given back, one test at a time."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPOOL = Path("/var/spool/cron/crontabs")


def install(text: bytes) -> None:
    subprocess.run(["crontab", "-"], input=text, check=True)


def remove() -> None:
    subprocess.run(["crontab", "-r"], check=False, capture_output=True)


@contextmanager
def borrowed_crontab() -> Iterator[None]:
    """No crontab within, and afterwards the one that was there, byte for byte."""
    lock = os.open(
        Path(tempfile.gettempdir(), f"crontab-tests-{os.getuid()}.lock"),
        os.O_CREAT | os.O_RDWR,
        0o600,
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = _exact_copy()
        remove()
        try:
            yield
        finally:
            if before is None:
                remove()
            else:
                install(before)
    finally:
        os.close(lock)


def _exact_copy() -> bytes | None:
    shown = subprocess.run(["crontab", "-l"], capture_output=True, check=False)
    if shown.returncode:
        assert b"no crontab for" in shown.stderr, shown.stderr
        return None
    # An editor that prints its file changes nothing and shows the bytes that `-l` writes otherwise.
    environ = {**os.environ, "VISUAL": "cat", "EDITOR": "cat"}
    return subprocess.run(["crontab", "-e"], capture_output=True, check=True, env=environ).stdout
