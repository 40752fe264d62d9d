"""Finds the workflow file of a directory, for a command that is given none."""

from __future__ import annotations

import re
from pathlib import Path

from pydag.errors import LoadError

NAMES = ("dag.py", "workflow.py")
"""What a workflow file is called where nobody names it: the first that is there counts."""

DIRECTORY_IS_GONE = "the working directory was removed: change to one that exists, then run again"

# In a notebook the line stands within quotes.
_IMPORTS_PYDAG = re.compile(rb'^\s*"?\s*(?:from\s+pydag\b|import\s+(?:[\w., ]*,\s*)?pydag\b)', re.MULTILINE)


def workflow_file(directory: Path) -> Path:
    """`dag.py`, `workflow.py`, or the only file there that imports pydag. Raises `LoadError` where there is no such."""
    try:
        here = directory.absolute()
    except FileNotFoundError:
        raise LoadError(DIRECTORY_IS_GONE) from None
    for name in NAMES:
        if (directory / name).is_file():
            return directory / name
    try:
        found = sorted(path for path in directory.iterdir() if _is_workflow(path))
    except OSError as error:
        raise LoadError(f"{here} cannot be read ({error.strerror}): give the path of a workflow file") from None
    if not found:
        raise LoadError(
            f"there is no workflow file in {here} (no dag.py, no workflow.py, no file that imports "
            "pydag): give the path of one, or `pydag init` writes a first one"
        )
    if len(found) > 1:
        named = ", ".join(path.name for path in found[:5]) + (" ..." if len(found) > 5 else "")
        raise LoadError(
            f"{len(found)} files here import pydag ({named}): name the one that you mean, or call it dag.py"
        )
    return found[0]


def _is_workflow(path: Path) -> bool:
    if path.suffix not in (".py", ".ipynb") or not path.is_file():
        return False
    try:
        return bool(_IMPORTS_PYDAG.search(path.read_bytes()))
    except OSError:  # who cannot read it did not mean it
        return False
