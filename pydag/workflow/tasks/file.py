"""Task: one step of a job, and the ways to say which step comes after which."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from pydag.errors import InvalidJob


def _command_for(file: Path) -> str:
    python, path = shlex.quote(sys.executable or "python3"), shlex.quote(str(file.absolute()))
    if file.suffix == ".py":
        return f"{python} {path}"
    if file.suffix == ".ipynb":
        return f"{python} -m jupyter nbconvert --execute --to notebook {path}"
    raise InvalidJob(f"{str(file)!r} is neither .py nor .ipynb: give another file's command as Task(name, command)")
