"""The command of a task that runs a Python file or a notebook."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from pydag.errors import InvalidJob, shown


def existing_file(path: str | os.PathLike[str]) -> Path:
    """The path of a file that is there. Raises `InvalidJob`."""
    try:
        file = Path(path)
    except TypeError:
        raise InvalidJob(f"{shown(path)} is not the path of a file: give one as text or as a Path") from None
    if not os.path.isfile(file):
        raise InvalidJob(f"there is no file {str(path)!r} (looked in {Path.cwd()}): give the path of a file")
    return file


def command_for(file: Path) -> str:
    """Run a .py file with this interpreter, a .ipynb through `jupyter nbconvert`. Raises `InvalidJob` for any other."""
    python, path = shlex.quote(sys.executable or "python3"), shlex.quote(str(file.absolute()))
    if file.suffix == ".py":
        return f"{python} {path}"
    if file.suffix == ".ipynb":
        return f"{python} -m jupyter nbconvert --execute --to notebook {path}"
    raise InvalidJob(f"{str(file)!r} is neither .py nor .ipynb: give another file's command as Task(name, command)")
