"""Task: one step of a job, its options, and the ways to write which step comes after which."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import date
from typing import TYPE_CHECKING, ClassVar, TypeVar

from pydag.errors import InvalidJob, shown
from pydag.model.actions import Action, Shell
from pydag.model.states import When
from pydag.workflow.tasks.checks import checked_name, checked_retries, checked_seconds, checked_strict, checked_when
from pydag.workflow.tasks.file import command_for, existing_file
from pydag.workflow.tasks.shell import shell

if TYPE_CHECKING:
    from pydag.workflow.job import Job

# Set by `with Job(...)`: takes each task that is made inside.
collector: ContextVar[Callable[[Task], None] | None] = ContextVar("collector", default=None)

Tasks = TypeVar("Tasks", "Task", Iterable["Task"])


class Task:
    """A name and the shell command to run, as bash runs it after `set -eo pipefail`: it fails where a part of it fails.

    `timeout` is in seconds and defaults to PYDAG_TASK_TIMEOUT. A task that fails is tried `retries` times more,
    `retry_delay` seconds after the attempt before. `env` is added to the environment, `cwd` is where the command runs
    (default: where the script was started). `when` says how the upstream tasks must have ended: "success" (every one
    succeeded), "failure" (at least one failed, or was skipped because one did) or "always" (all of them ended).

    With `strict=False` it runs as plain `bash -c`: then only the end of its last command counts. Without the option the
    job's `strict` decides, and where that is not given either PYDAG_STRICT, and else the task is strict.

    On gocron, `node_id` and `node` (an alias) name where the command runs: one or several nodes, it runs on each.

    Raises `InvalidJob` where a value cannot be right.
    """

    __slots__ = (
        "__weakref__",
        "action",
        "downstream",
        "job",
        "name",
        "retries",
        "retry_delay",
        "strict",
        "timeout",
        "upstream",
        "when",
    )

    strict_by_default: ClassVar[bool] = True
    """Whether tasks of this kind are strict where nobody says otherwise."""

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
        strict: bool | None = None,
    ) -> None:
        decided = self.strict_by_default if strict is None else strict
        action = shell(name, command, env, cwd, node_id, node, decided)
        self._define(name, action, timeout=timeout, retries=retries, retry_delay=retry_delay, when=when, strict=strict)

    def _define(
        self,
        name: str,
        action: Action,
        *,
        timeout: float | None,
        retries: int,
        retry_delay: float,
        when: str | When,
        strict: bool | None = None,
    ) -> None:
        """What every kind of task does when it is made: check what all share, and join the job that is open."""
        self.name = checked_name(name, "task")
        self.action = action
        self.timeout = None if timeout is None else checked_seconds(timeout, name, "timeout")
        if self.timeout == 0:
            raise InvalidJob(f"task {name!r}: timeout=0 leaves no time to run; give seconds above 0")
        self.retries = checked_retries(retries, name)
        self.retry_delay = checked_seconds(retry_delay, name, "retry_delay")
        self.when = when if isinstance(when, When) else checked_when(when, name)
        self.strict = checked_strict(strict, f"task {name!r}")
        self.upstream: dict[Task, None] = {}
        self.downstream: dict[Task, None] = {}
        self.job: Job | None = None
        collect = collector.get()
        if collect is not None:
            collect(self)

    def final_action(self, *, job_strict: bool | None, strict: bool) -> Action:
        """What it runs in a job with that option. `strict` holds where neither the task nor the job says anything."""
        if not isinstance(self.action, Shell):
            return self.action
        said = job_strict if self.strict is None else self.strict
        decided = strict and self.strict_by_default if said is None else said
        return self.action if self.action.strict is decided else self.action._replace(strict=decided)

    @property
    def command(self) -> str:
        """What it runs, as people see it: a command, or a URL."""
        return self.action.text

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *arguments: str | float | date | os.PathLike[str],
        name: str | None = None,
        timeout: float | None = None,
        retries: int = 0,
        retry_delay: float = 0.0,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        when: str | When = When.SUCCESS,
        strict: bool | None = None,
    ) -> Task:
        """A task that runs a Python file with this interpreter, or a notebook through `jupyter nbconvert --execute`.

        A Python file gets the arguments on its command line: `from_file("train.py", "--lr", 0.1)`. The name defaults to
        the file's, without its ending. An executed notebook is written beside its source, as `NAME.nbconvert.ipynb`.
        """
        file = existing_file(path)
        return cls(
            file.stem if name is None else name,
            command_for(file, arguments),
            timeout=timeout,
            retries=retries,
            retry_delay=retry_delay,
            env=env,
            cwd=cwd,
            when=when,
            strict=strict,
        )

    def set_downstream(self, *tasks: Task | Iterable[Task]) -> None:
        """These tasks come after this one. The same edge twice, from either side, is one edge."""
        for task in list(_flattened(tasks)):  # all of them or none: anything but a task raises
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


def _then(tasks: Tasks, connect: Callable[[Iterable[Task]], None]) -> Tasks:
    """Connect, and return the tasks that were given: a generator yields them only once."""
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
