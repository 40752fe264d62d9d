"""Other processes for tests: a program of a few lines, with what these tests use imported."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start the program; the arguments are its `sys.argv`."""
    preamble = """
        import os, resource, signal, sys, time
        from pathlib import Path
        from pydag.errors import *
        from pydag.run import *
        from pydag.state import *
        from pydag.stores.sqlite import SQLiteStore
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
