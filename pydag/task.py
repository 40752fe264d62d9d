"""Task: one step of a job, and the ways to say which step comes after which."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydag.errors import InvalidJob, shown
from pydag.state import When

if TYPE_CHECKING:
    from pydag.job import Job

MAX_NAME = 200
MAX_SECONDS = 365 * 86400.0
MAX_RETRIES = 1_000_000
# Linux takes no single argument of 128 KiB or more (MAX_ARG_STRLEN in execve(2)).
MAX_COMMAND = 128 * 1024 - 1

# Control characters, the two separators that end a line too, and halves of surrogate pairs, which have no UTF-8.
_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What neither a program nor the history, which is UTF-8, can be given.
NOT_FOR_A_PROGRAM = re.compile("[\x00\ud800-\udfff]")

# Set by `with Job(...)`: whoever collects the tasks that are made now.
collector: ContextVar[Callable[[Task], None] | None] = ContextVar("collector", default=None)

Tasks = TypeVar("Tasks", "Task", Iterable["Task"])


class Task:
    """A name and the shell command to run, as `bash -c` would run it.

    `timeout` is in seconds and defaults to PYDAG_TASK_TIMEOUT. A task that fails is tried `retries` times more,
    `retry_delay` seconds after the attempt before. `env` is added to the environment, `cwd` is where the command runs
    (default: where the script was started). `when` says how the upstream tasks must have ended: "success" (every one
    succeeded), "failure" (at least one failed, or was skipped because one did) or "always" (all of them ended).

    On gocron, `node_id` and `node` (an alias) name where the command runs: one or several nodes, it runs on each.

    Raises `InvalidJob` where a value cannot be right.
    """

    __slots__ = (
        "__weakref__",
        "command",
        "cwd",
        "downstream",
        "env",
        "http_method",
        "job",
        "name",
        "nodes",
        "retries",
        "retry_delay",
        "timeout",
        "upstream",
        "when",
    )

    def __init__(
        self,
        name: str,
        command: str,
        *,
        timeout: float | None = None,
        retries: int = 0,
        retry_delay: float = 0.0,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        when: str | When = When.SUCCESS,
        node_id: int | Iterable[int] | None = None,
        node: str | Iterable[str] | None = None,
    ) -> None:
        self.name = checked_name(name, "task")
        self.command = _checked_command(command, name)
        self.timeout = None if timeout is None else _checked_seconds(timeout, name, "timeout")
        if self.timeout == 0:
            raise InvalidJob(f"task {name!r}: timeout=0 leaves no time to run; give seconds above 0")
        self.retries = _checked_retries(retries, name)
        self.retry_delay = _checked_seconds(retry_delay, name, "retry_delay")
        self.env = _checked_env(env, name) if env else {}
        self.cwd = None if cwd is None else _checked_cwd(cwd, name)
        self.nodes = _checked_nodes(node_id, node, name)
        self.http_method: str | None = None
        self.when = when if isinstance(when, When) else _checked_when(when, name)
        self.upstream: dict[Task, None] = {}
        self.downstream: dict[Task, None] = {}
        self.job: Job | None = None
        collect = collector.get()
        if collect is not None:
            collect(self)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        timeout: float | None = None,
        retries: int = 0,
        retry_delay: float = 0.0,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        when: str | When = When.SUCCESS,
    ) -> Task:
        """A task that runs a Python file with this interpreter, or a notebook through `jupyter nbconvert --execute`.

        The name defaults to the file's, without its ending. An executed notebook is written beside its source, as
        `NAME.nbconvert.ipynb`.
        """
        try:
            file = Path(path)
        except TypeError:
            raise InvalidJob(f"{shown(path)} is not the path of a file: give one as text or as a Path") from None
        if not os.path.isfile(file):
            raise InvalidJob(f"there is no file {str(path)!r} (looked in {Path.cwd()}): give the path of a file")
        return cls(
            file.stem if name is None else name,
            _command_for(file),
            timeout=timeout,
            retries=retries,
            retry_delay=retry_delay,
            env=env,
            cwd=cwd,
            when=when,
        )

    def set_downstream(self, *tasks: Task | Iterable[Task]) -> None:
        """These tasks come after this one. Saying it twice, from either side, is one edge."""
        for task in list(_flattened(tasks)):  # all of them or none: what is no task raises
            self.downstream[task] = None
            task.upstream[self] = None

    def set_upstream(self, *tasks: Task | Iterable[Task]) -> None:
        """These tasks come before this one."""
        for task in list(_flattened(tasks)):
            task.set_downstream(self)

    def after(self, *tasks: Task | Iterable[Task]) -> Task:
        """`set_upstream`, returning this task, so that calls can be chained."""
        self.set_upstream(*tasks)
        return self

    def __rshift__(self, tasks: Tasks) -> Tasks:
        return _then(tasks, self.set_downstream)

    def __lshift__(self, tasks: Tasks) -> Tasks:
        return _then(tasks, self.set_upstream)

    def __rrshift__(self, tasks: Iterable[Task]) -> Task:
        self.set_upstream(tasks)
        return self

    def __rlshift__(self, tasks: Iterable[Task]) -> Task:
        self.set_downstream(tasks)
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class GoCronTask(Task):
    """A Task by the name that gocron's users know."""

    __slots__ = ()


class HttpTask(Task):
    """A URL that the gocron server itself asks for; it succeeds when the answer is 200.

    A POST sends the URL's query as a form. gocron waits 300 seconds at most. On no other engine.
    """

    __slots__ = ()

    def __init__(
        self,
        name: str,
        url: str,
        method: str = "GET",
        *,
        timeout: float | None = None,
        retries: int = 0,
        retry_delay: float = 0.0,
        when: str | When = When.SUCCESS,
    ) -> None:
        super().__init__(name, url, timeout=timeout, retries=retries, retry_delay=retry_delay, when=when)
        if not self.command.strip().lower().startswith(("http://", "https://")):
            raise InvalidJob(f"task {name!r}: the URL {url!r} must start with http:// or https://")
        if method not in ("GET", "POST"):
            raise InvalidJob(f'task {name!r}: method={shown(method)} is unknown; use "GET" or "POST"')
        self.http_method = method


def _then(tasks: Tasks, connect: Callable[[Iterable[Task]], None]) -> Tasks:
    """Connect and hand back the tasks that were given: a generator gives them once."""
    if isinstance(tasks, Task):
        connect((tasks,))
        return tasks
    given = list(_flattened((tasks,)))
    connect(given)
    return given


def _flattened(tasks: Iterable[Task | Iterable[Task]]) -> Iterable[Task]:
    for each in tasks:
        if isinstance(each, Task):
            yield each
        elif isinstance(each, Iterable) and not isinstance(each, str):
            yield from _flattened(each)
        else:
            raise InvalidJob(f"{shown(each)} is not a Task: an edge goes from task to task, give Task objects")


def checked_name(name: object, of: str) -> str:
    """The name, or `InvalidJob`: names are what people see in terminals, files, tables and pictures."""
    if not isinstance(name, str):
        raise InvalidJob(f"the name of a {of} must be text, not {shown(name)}")
    if not name.strip():
        raise InvalidJob(f"the name of a {of} is empty ({name!r}): give it one")
    if len(name) > MAX_NAME:
        raise InvalidJob(
            f"the name of a {of} has {len(name)} characters, at most {MAX_NAME} are allowed: {name[:40]!r}..."
        )
    found = _NOT_IN_A_NAME.search(name)
    if found:
        raise InvalidJob(
            f"the name {name!r} of a {of} holds the control character {found[0]!r}: take it out, a name is one line"
        )
    return name


def _checked_command(command: object, name: str) -> str:
    if not isinstance(command, str):
        raise InvalidJob(f"task {name!r}: the command must be text, not {shown(command)}")
    if not command.strip():
        raise InvalidJob(f"task {name!r}: the command is empty ({command!r}); `true` does nothing")
    found = NOT_FOR_A_PROGRAM.search(command)
    if found:
        raise InvalidJob(f"task {name!r}: the command holds {found[0]!r}, which no program can be given")
    if len(command) * 4 > MAX_COMMAND and len(command.encode()) > MAX_COMMAND:
        raise InvalidJob(
            f"task {name!r}: the command is longer than {MAX_COMMAND} bytes; write it into a file and run that"
        )
    return command


def _checked_seconds(value: object, name: str, option: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # NaN
        raise InvalidJob(f"task {name!r}: {option}={shown(value)} is not a number of seconds")
    if not 0 <= value <= MAX_SECONDS:
        raise InvalidJob(
            f"task {name!r}: {option}={shown(value)} must lie between 0 and {MAX_SECONDS:.0f} seconds (a year)"
        )
    return float(value)


def _checked_retries(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_RETRIES:
        raise InvalidJob(f"task {name!r}: retries={shown(value)} must be a whole number, from 0 to {MAX_RETRIES}")
    return value


def _checked_env(env: Mapping[str, str], name: str) -> dict[str, str]:
    if not isinstance(env, Mapping):
        raise InvalidJob(f"task {name!r}: env={shown(env)} is no dict; write it as env={{'NAME': 'value'}}")
    for key, value in env.items():
        if not isinstance(key, str) or not key or "=" in key or NOT_FOR_A_PROGRAM.search(key):
            raise InvalidJob(f"task {name!r}: env has the name {shown(key)}; use a variable's name, without '='")
        # The values themselves are where people put what nobody should read.
        if not isinstance(value, str):
            raise InvalidJob(f"task {name!r}: env[{key!r}] is of type {type(value).__name__}, not text; use str(...)")
        found = NOT_FOR_A_PROGRAM.search(value)
        if found:
            raise InvalidJob(f"task {name!r}: env[{key!r}] holds {found[0]!r}, which no program can be given")
    return dict(env)


def _checked_cwd(cwd: str | os.PathLike[str], name: str) -> str:
    path = os.fspath(cwd) if isinstance(cwd, os.PathLike) else cwd
    if not isinstance(path, str) or not path or NOT_FOR_A_PROGRAM.search(path):
        raise InvalidJob(
            f"task {name!r}: cwd={shown(cwd)} is not the path of a directory; give one as text or as a Path"
        )
    return path


def _checked_when(when: object, name: str) -> When:
    try:
        return When(when)
    except ValueError:
        known = ", ".join(repr(each.value) for each in When)
        raise InvalidJob(f"task {name!r}: when={shown(when)} is unknown; use one of {known}") from None


def _checked_nodes(node_id: object, node: object, name: str) -> tuple[int | str, ...]:
    """The nodes, ids before aliases."""
    ids = () if node_id is None else (node_id,) if not isinstance(node_id, Iterable) else tuple(node_id)
    aliases = (
        () if node is None else (node,) if not isinstance(node, Iterable) or isinstance(node, str) else tuple(node)
    )
    for each in ids:
        if type(each) is not int or not 1 <= each <= sys.maxsize:
            raise InvalidJob(f"task {name!r}: node_id={shown(each)} is no id of a node; `pydag nodes` lists them")
    for each in aliases:
        if not isinstance(each, str) or not each:
            raise InvalidJob(f"task {name!r}: node={shown(each)} is no alias of a node; `pydag nodes` lists them")
    return (*ids, *aliases)


def _command_for(file: Path) -> str:
    python, path = shlex.quote(sys.executable or "python3"), shlex.quote(str(file.absolute()))
    if file.suffix == ".py":
        return f"{python} {path}"
    if file.suffix == ".ipynb":
        return f"{python} -m jupyter nbconvert --execute --to notebook {path}"
    raise InvalidJob(f"{str(file)!r} is neither .py nor .ipynb: give another file's command as Task(name, command)")
