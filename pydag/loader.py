"""Loader: import a user's file, or notebook, and find the jobs in it, without running them.

The file is read as a module, so what stands below `if __name__ == "__main__"` is left out, and reading stops where the
first job would run: nothing that follows a run is ever executed without that run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from pydag.errors import LoadError, NotFound
from pydag.job import Job, on_load

if TYPE_CHECKING:
    from pydag.notebook import Notebook

MODULE = "__pydag_file__"
"""The name under which the file is imported."""


class _Stop(BaseException):
    """Leaves the file at `run()`; not an Exception, so that no handler of the file's own takes it for an error."""


class _Script(SourceFileLoader):
    """Compiles the file each time, as Python does with a script: a cache may be older than an edit of a second ago."""

    def get_code(self, fullname: str) -> CodeType:
        """From the source alone; nothing is written beside it."""
        return self.source_to_code(self.notebook.source if self.notebook else self.get_data(self.path), self.path)

    @cached_property
    def notebook(self) -> Notebook | None:
        """What the file is, unless it is plain Python."""
        if not self.path.endswith(".ipynb"):
            return None
        from pydag import notebook

        return notebook.read(self.get_data(self.path), self.path)


def load_job(file: str | os.PathLike[str], name: str | None = None) -> Job:
    """The job of that name in the file, or its only one.

    Raises `NotFound` where it has none of that name, and `LoadError`; what the file itself raises is named.
    """
    path = Path(file)
    try:
        Path.cwd()
    except FileNotFoundError:
        raise LoadError("the working directory was removed: change to one that exists, then run again") from None
    if not path.is_file():
        raise LoadError(_no_file(path))
    jobs, stopped = _jobs_in(path)
    if not jobs:
        raise LoadError(
            f"{str(path)!r} makes no job when it is imported: write job = Job(...) outside of any function, "
            'above `if __name__ == "__main__":`'
        )
    if name is None:
        if len(jobs) > 1:
            raise LoadError(f"{str(path)!r} has {len(jobs)} jobs: choose one with --job, of {_listed(jobs)}")
        return jobs[0]
    named = [job for job in jobs if job.name == name]
    if len(named) > 1:
        raise LoadError(f"{str(path)!r} has {len(named)} jobs named {name!r}: give each a name of its own")
    if not named:
        raise NotFound(_no_such_job(path, name, jobs, stopped))
    return named[0]


def _jobs_in(path: Path) -> tuple[list[Job], Job | None]:
    """The jobs that the file makes, in order, and the one at whose `run` reading stopped."""
    jobs: list[Job] = []
    stops: list[Job] = []

    def told(job: Job, runs: bool) -> None:
        if runs:
            stops.append(job)
            raise _Stop
        jobs.append(job)

    if path.suffix not in (".py", ".ipynb"):
        raise LoadError(f"{str(path)!r} is no workflow file: its name must end in .py or .ipynb")
    loader = _Script(MODULE, str(path.absolute()))
    spec = spec_from_loader(MODULE, loader)
    assert spec is not None
    module = module_from_spec(spec)
    with _as_script(path, told):
        sys.modules[MODULE] = module
        try:
            loader.exec_module(module)
        except _Stop:
            return jobs, stops[0]
        except SystemExit as end:
            raise LoadError(f"{str(path)!r} ended itself while it was imported: sys.exit({end.code!r})") from end
        except LoadError:
            raise
        except Exception as error:
            where = _line_of(error, loader)
            raise LoadError(f"{str(path)!r} cannot be imported{where}: {type(error).__name__}: {error}") from error
    if stops:
        raise LoadError(
            f"{str(path)!r} catches what stops its reading at the run of {stops[0].name!r}: write `except Exception` "
            'instead of a bare `except`, or put the run below `if __name__ == "__main__":`'
        )
    return jobs, None


@contextmanager
def _as_script(path: Path, told: Callable[[Job, bool], None]) -> Iterator[None]:
    """What a script finds around it: its directory first on sys.path, and itself as the whole command line."""
    argv, sys.argv = sys.argv, [str(path)]
    sys.path.insert(0, str(path.absolute().parent))
    token = on_load.set(told)
    try:
        yield
    finally:
        on_load.reset(token)
        sys.argv = argv  # sys.path stays: functions of the file may import from beside it later


def _line_of(error: BaseException, loader: _Script) -> str:
    """Where the error came up, for the message: the deepest line of the file itself. A syntax error has its own."""
    line, frames = 0, error.__traceback__
    while frames:
        if frames.tb_frame.f_code.co_filename == loader.path:
            line = frames.tb_lineno
        frames = frames.tb_next
    if not line:
        return ""
    return f" ({loader.notebook.place(line)})" if loader.notebook else f" (line {line})"


def _no_file(path: Path) -> str:
    if path.is_dir():
        return f"{str(path)!r} is a directory: give the path of a workflow file"
    from difflib import get_close_matches

    near = get_close_matches(path.name, [each.name for each in path.parent.glob("*.py")], n=1)
    hint = f"did you mean {str(path.with_name(near[0]))!r}?" if near else "give the path of a workflow file"
    return f"there is no file {str(path)!r} (looked in {Path.cwd()}): {hint}"


def _no_such_job(path: Path, name: str, jobs: list[Job], stopped: Job | None) -> str:
    from difflib import get_close_matches

    message = f"{str(path)!r} has no job named {name!r}, only {_listed(jobs)}"
    if near := get_close_matches(name, [job.name for job in jobs], n=1):
        return f"{message}; did you mean {near[0]!r}?" if len(jobs) > 1 else message
    if stopped:
        return (
            f"{message}: it was read up to the run of {stopped.name!r}; make every job before the first run, "
            'or put the runs below `if __name__ == "__main__":`'
        )
    return message


def _listed(jobs: list[Job]) -> str:
    return ", ".join(repr(job.name) for job in jobs)
