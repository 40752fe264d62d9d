"""The command of a task that runs a Python file or a notebook."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydag.errors import InvalidJob, shown
from pydag.workflow.params.values import text_of


def existing_file(path: str | os.PathLike[str]) -> Path:
    """The path of a file that is there. Raises `InvalidJob`."""
    try:
        file = Path(path)
    except TypeError:
        raise InvalidJob(f"{shown(path)} is not the path of a file: give one as text or as a Path") from None
    if not os.path.isfile(file):
        raise InvalidJob(f"there is no file {str(path)!r} (looked in {Path.cwd()}): give the path of a file")
    return file


def command_for(file: Path, arguments: Sequence[object]) -> str:
    """Run a .py file with this interpreter, a .ipynb through `jupyter nbconvert`. Raises `InvalidJob` for any other."""
    python, path = shlex.quote(sys.executable or "python3"), shlex.quote(str(file.absolute()))
    if file.suffix == ".py":
        return " ".join([python, path, *(shlex.quote(_text(argument, file)) for argument in arguments)])
    if file.suffix == ".ipynb":
        if arguments:
            raise InvalidJob(
                f"{str(file)!r} is a notebook, which takes no arguments ({shown(arguments[0])}): "
                'give env={"NAME": "value"}, or declare a parameter, and read os.environ in the notebook'
            )
        return f"{python} -m jupyter nbconvert --execute --to notebook {path}"
    raise InvalidJob(f"{str(file)!r} is neither .py nor .ipynb: give another file's command as Task(name, command)")


def _text(argument: object, file: Path) -> str:
    """An argument as a program gets it: values have the text that parameters have as variables."""
    if not isinstance(argument, str | int | float | date | os.PathLike):
        raise InvalidJob(f"{str(file)!r}: the argument {shown(argument)} is not text: write it as text")
    return text_of(argument)
