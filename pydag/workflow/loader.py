"""Loader: imports a user's file, or notebook, and finds the jobs in it, without running them.

The file is imported as a module, so the lines below `if __name__ == "__main__"` are left out. Reading stops where the
first job would run, because the lines after a run must not be executed without that run. A file that goes on all the
same is refused. No `run` in it ever runs a job, in any thread or process.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import cached_property
from importlib.machinery import SourceFileLoader
from importlib.util import decode_source, module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, NoReturn

from pydag.errors import InvalidSetting, LoadError, NotFound, nearest, shortest_path
from pydag.model.params import ParamSpec
from pydag.workflow.discovery import DIRECTORY_IS_GONE
from pydag.workflow.job import Job
from pydag.workflow.login_failure import login_failure
from pydag.workflow.params.parameters import Parameters

if TYPE_CHECKING:
    from pydag.workflow.notebook import Notebook

MODULE = "__pydag_file__"
"""The name under which the file is imported."""

# A line such as `a, b >> c` or `a >> b, c`.
_MAY_LOSE_AN_EDGE = re.compile(
    r"^[ \t]*[\w.]+[ \t]*(?:,[^#\n]*(?:>>|<<)|(?:>>|<<)[^#\n]*,[ \t]*[\w.]+[ \t]*(?:#.*)?$)", re.MULTILINE
)

_GUARD = 'put the run below `if __name__ == "__main__":`'


class _Stop(BaseException):
    """Leaves the file at `run()`. It is not an Exception, so that no `except Exception` of the file catches it."""


class _Reader:
    """Collects the jobs that the file makes while it is imported, and refuses each `run` of them ever after.

    A thread that the file started, or `atexit`, may call `run` later. There the reading cannot stop, so the call is
    refused with an Exception: pools of threads or processes pass on nothing else.
    """

    def __init__(self, path: Path, parameters: Parameters) -> None:
        self.parameters = parameters
        self.jobs: list[Job] = []
        self.stopped: Job | None = None
        self.refusal: LoadError | None = None
        self.importing = True
        self.path = path
        self._process, self._thread = os.getpid(), threading.get_ident()

    def made(self, job: Job) -> None:
        """Collect it."""
        self.jobs.append(job)

    def refuse_run(self, job: Job) -> NoReturn:
        """Leave the file where it runs the job in its own lines, or else raise `LoadError`."""
        if self.importing and (os.getpid(), threading.get_ident()) == (self._process, self._thread):
            self.stopped = job
            raise _Stop
        self.refusal = LoadError(
            f"{str(self.path)!r} runs {job.name!r} from a thread, from another process or at its end, "
            f"where reading cannot stop at it: {_GUARD}"
        )
        raise self.refusal


class _Script(SourceFileLoader):
    """Compiles the file each time, as Python does with a script: a cache may be older than the last edit."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source; no cache is written beside it."""
        data = self.notebook.source.encode() if self.notebook else self.get_data(self.path)
        code: CodeType = self.source_to_code(data, self.path)
        refuse_lost_edges(decode_source(data), self.path, self.notebook)
        return code

    @cached_property
    def notebook(self) -> Notebook | None:
        """The file as a notebook; None for plain Python."""
        if not self.path.endswith(".ipynb"):
            return None
        from pydag.workflow import notebook

        return notebook.read(self.get_data(self.path), self.path)


def refuse_lost_edges(source: str, file: str, notebook: Notebook | None = None) -> None:
    """Raise `LoadError` where a line of this valid Python makes fewer edges than it was meant to: `a, b >> c`."""
    if not _MAY_LOSE_AN_EDGE.search(source):
        return
    from pydag.workflow.lost_edges import lost_edge  # few files have such a line

    if found := lost_edge(source):
        line, problem = found
        where = notebook.place(line) if notebook else f"line {line}"
        raise LoadError(f"{shortest_path(file)!r}, {where}: {problem}")


def load_job(file: str | os.PathLike[str], name: str | None = None, values: Mapping[str, str] | None = None) -> Job:
    """The job of that name in the file, or its only one, where the file's parameters have these values.

    Raises `NotFound` where it has none of that name, `InvalidSetting` where a value is missing, wrong or of no
    parameter, and `LoadError`; what the file itself raises is named.
    """
    path = Path(file)
    reader = _read(path, Parameters(values or {}))
    reader.parameters.refuse_undeclared(str(path))
    jobs = reader.jobs.copy()  # a thread of the file may make more
    if not jobs:
        raise LoadError(
            f"{str(path)!r} makes no job when it is imported: write job = Job(...) outside of any function, "
            'above `if __name__ == "__main__":`'
        )
    if name is None:
        if len(jobs) > 1:
            raise LoadError(f"{str(path)!r} has {len(jobs)} jobs ({_listed(jobs)}): choose one with --job")
        return jobs[0]
    named = [job for job in jobs if job.name == name]
    if len(named) > 1:
        raise LoadError(f"{str(path)!r} has {len(named)} jobs named {name!r}: give each a name of its own")
    if not named:
        raise NotFound(_no_such_job(path, name, jobs, reader.stopped))
    return named[0]


def load_parameters(
    file: str | os.PathLike[str], values: Mapping[str, str]
) -> tuple[tuple[ParamSpec, ...], LoadError | None]:
    """What the file declares. A value that it needs and does not have is made up.

    Where the file cannot be read to its end because of that, the error comes with what was declared before. Raises what
    `load_job` raises otherwise.
    """
    parameters = Parameters(values, stand_ins=True)
    try:
        _read(Path(file), parameters)
    except LoadError as error:
        if not parameters.stood_in:
            raise
        return parameters.specs, error
    parameters.refuse_undeclared(str(file))
    return parameters.specs, None


def _read(path: Path, parameters: Parameters) -> _Reader:
    """Import the file, up to the first `run`."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise LoadError(DIRECTORY_IS_GONE) from None
    if not os.path.isfile(path):  # unlike Path's it never raises
        raise LoadError(_no_file(path))
    if path.suffix not in (".py", ".ipynb"):
        raise LoadError(f"{str(path)!r} is not a workflow file: its name must end in .py or .ipynb")
    loader = _Script(MODULE, str(path.absolute()))
    spec = spec_from_loader(MODULE, loader)
    assert spec is not None
    module = module_from_spec(spec)
    reader = Job.reader = _Reader(path, parameters)
    with _as_script(path), _output_that_never_fails():
        sys.modules[MODULE] = module
        try:
            loader.exec_module(module)
        except _Stop:
            return reader
        except SystemExit as end:
            raise LoadError(f"{str(path)!r} ended itself while it was imported: sys.exit({end.code!r})") from end
        except (LoadError, InvalidSetting, KeyboardInterrupt):
            raise
        except BaseException as error:
            if advice := login_failure(error):
                raise LoadError(f"{str(path)!r} cannot be imported: {advice}") from None
            raise LoadError(_cannot_be_imported(path, error, loader)) from error
        finally:
            reader.importing = False
            Job.reader = None
    if reader.refusal:
        raise reader.refusal
    if reader.stopped:
        raise LoadError(
            f"{str(path)!r} catches what stops its reading at the run of {reader.stopped.name!r}: "
            f"write `except Exception` instead of a bare `except`, or {_GUARD}"
        )
    return reader


@contextmanager
def _as_script(path: Path) -> Iterator[None]:
    """Give the file what a script has: its directory first on sys.path, and its own name as the whole command line."""
    argv, sys.argv = sys.argv, [str(path)]
    sys.path.insert(0, str(path.absolute().parent))
    try:
        yield
    finally:
        sys.argv = argv  # sys.path stays: functions of the file may import its neighbours later


class _Unread(io.FileIO):
    """An output that may be full, or closed at its other end: what cannot be written is dropped."""

    def write(self, data: Any, /) -> int:
        """Write, and report success in any case."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


@contextmanager
def _output_that_never_fails() -> Iterator[None]:
    """Let the file print into an output that is full or closed: the job can run all the same."""
    try:
        sys.stdout.flush()
        file = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):  # there is none, or it is not a file of the operating system
        yield
        return
    output = io.BufferedWriter(_Unread(file, "w", closefd=False))
    stream = io.TextIOWrapper(output, sys.stdout.encoding, sys.stdout.errors, line_buffering=True)
    with redirect_stdout(stream):
        try:
            yield
        finally:
            stream.flush()


def _cannot_be_imported(path: Path, error: BaseException, loader: _Script) -> str:
    from pydag.workflow.own_code import described  # a file that is right needs none of it

    told = described(error, (loader.path, loader.notebook) if loader.notebook else None)
    return told or f"{str(path)!r} cannot be imported: {type(error).__name__}: {error}"


def _no_file(path: Path) -> str:
    wanted = "give the path of a workflow file"
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            return f"{str(path)!r} is a link to {os.readlink(path)!r}, and that is not there: {wanted}"
    except OSError as error:
        return f"{str(path)!r} cannot be reached ({error.strerror}): {wanted}"
    else:
        return f"{str(path)!r} is {'a directory' if stat.S_ISDIR(mode) else 'not a regular file'}: {wanted}"
    near = nearest(path.name, [each.name for each in path.parent.glob("*.py")])
    hint = f"did you mean {str(path.with_name(near))!r}?" if near else wanted
    return f"there is no file {str(path)!r} (looked in {Path.cwd()}): {hint}"


def _no_such_job(path: Path, name: str, jobs: list[Job], stopped: Job | None) -> str:
    message = f"{str(path)!r} has no job named {name!r}, only {_listed(jobs)}"
    if near := nearest(name, [job.name for job in jobs]):
        return f"{message}; did you mean {near!r}?" if len(jobs) > 1 else message
    if stopped:
        return (
            f"{message}: it was read up to the run of {stopped.name!r}; make every job before the first run, "
            'or put the runs below `if __name__ == "__main__":`'
        )
    return message


def _listed(jobs: list[Job]) -> str:
    return ", ".join(repr(job.name) for job in jobs)
