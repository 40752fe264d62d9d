"""Other processes for tests: a program of a few lines, with what these tests use imported; whether one lives."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.waiting import eventually


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start the program; the arguments are its `sys.argv`."""
    preamble = """
        import os, resource, signal, sys, time
        from pathlib import Path
        from pydag.errors import *
        from pydag.model.run import *
        from pydag.model.states import *
        from pydag.stores.sqlite.store import SQLiteStore
        from pydag.testing import *
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(preamble) + textwrap.dedent(program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    """What it printed, once it has ended well."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it went between opening and reading
        return False


def pid_in(file: Path) -> int:
    eventually(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())
