"""What a job is once it has been checked: frozen records and their wire format.

The plan, the engines and the stores work on these alone, never on a user's `Job`. A task is known by its number, its
place in `JobSpec.tasks`; names are for people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, NamedTuple

from pydag.errors import StoreFormatError
from pydag.model.actions import KINDS, NAMES, Action, HttpRequest, Shell
from pydag.model.params import ParamSpec
from pydag.model.states import When

FORMAT = 3
"""Format 3 brought hooks, and strict commands: what an earlier format holds runs as plain `bash -c`."""

HOOKS = ("on_failure", "on_success", "on_end")
"""The names of the hooks, in the order in which they run: what a job does after the end of its run."""


class TaskSpec(NamedTuple):
    """One step. `timeout` and `retry_delay` are seconds; `timeout=None` leaves it to PYDAG_TASK_TIMEOUT."""

    name: str
    action: Action
    upstream: tuple[int, ...] = ()
    when: When = When.SUCCESS
    timeout: float | None = None
    retries: int = 0
    retry_delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A checked job: names unique, every upstream number inside `tasks`, no cycle.

    `hooks` have names out of `HOOKS`, in that order, and no upstream tasks. They are known by the numbers behind the
    last task.
    """

    name: str
    tasks: tuple[TaskSpec, ...]
    description: str = ""
    max_parallel: int | None = None
    params: tuple[ParamSpec, ...] = ()
    hooks: tuple[TaskSpec, ...] = ()
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def entries(self) -> tuple[TaskSpec, ...]:
        """What a number stands for: the tasks, and behind them the hooks."""
        return self.tasks + self.hooks

    def number(self, task: str) -> int | None:
        """The place of a task or a hook in `entries`, or None where the job has none of that name."""
        if not self._numbers:
            self._numbers.update((each.name, number) for number, each in enumerate(self.entries))
        return self._numbers.get(task)

    def with_variables(self, variables: Sequence[tuple[str, str]]) -> JobSpec:
        """The job whose commands get these environment variables too. Those of a task's own `env` stay as they are."""
        if not variables:
            return self
        return replace(self, tasks=tuple(_with_variables(task, variables) for task in self.tasks))

    def upstream_names(self) -> dict[str, list[str]]:
        """The edges as names, the form that `pydag.model.graph` takes."""
        tasks = self.tasks
        return {task.name: [tasks[number].name for number in task.upstream] for task in tasks}

    def downstream(self) -> list[list[int]]:
        """For each task the numbers of the tasks right after it."""
        after: list[list[int]] = [[] for _ in self.tasks]
        for number, task in enumerate(self.tasks):
            for before in task.upstream:
                after[before].append(number)
        return after

    def to_json(self) -> str:
        """One line of JSON, in ASCII: a command or a path may hold half a surrogate pair, which has no UTF-8.

        Equal jobs give equal text, so its digest can stand for the job.
        """
        document: dict[str, object] = {
            "format": FORMAT,
            "name": self.name,
            "description": self.description,
            "max_parallel": self.max_parallel,
            "tasks": [_task_document(task) for task in self.tasks],
        }
        if self.params:
            document["params"] = [param.document() for param in self.params]
        if self.hooks:
            document["hooks"] = [_task_document(hook) for hook in self.hooks]
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> JobSpec:
        """Read `to_json` back. Raises `StoreFormatError` on any other format or version."""
        try:
            document = json.loads(text)
            version = document["format"]
        except (ValueError, KeyError, TypeError):
            raise _unreadable(text) from None
        if version not in (1, 2, FORMAT):
            raise StoreFormatError(
                f"the history holds a job in format {version!r}, this pydag knows {FORMAT}: "
                "use the pydag that wrote it, or a newer one"
            )
        read = _task_of_format_1 if version == 1 else _task
        try:
            return cls(
                name=document["name"],
                description=document["description"],
                max_parallel=document["max_parallel"],
                tasks=tuple(map(read, document["tasks"])),
                params=tuple(map(ParamSpec.read, document.get("params", ()))),
                hooks=tuple(map(read, document.get("hooks", ()))),
            )
        except (ValueError, KeyError, TypeError):
            raise _unreadable(text) from None


def _with_variables(task: TaskSpec, variables: Sequence[tuple[str, str]]) -> TaskSpec:
    if not isinstance(task.action, Shell):
        return task
    own = dict(task.action.env)
    added = tuple(pair for pair in variables if pair[0] not in own)
    return task._replace(action=task.action._replace(env=added + task.action.env))


def _unreadable(text: str) -> StoreFormatError:
    return StoreFormatError(
        f"the history holds a job that cannot be read, {text[:60]!r}: move the history away, "
        "or set PYDAG_HOME to another directory"
    )


def digest(text: str, digits: int = 32) -> str:
    """A short name that stands for the text: so many hexadecimal digits of its SHA-256."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]


# What a task does not set is left out of its document: most tasks set nothing, and jobs can have 100,000 of them.


def _task_document(task: TaskSpec) -> dict[str, object]:
    document: dict[str, object] = {"name": task.name, NAMES[type(task.action)]: task.action.document()}
    if task.upstream:
        document["upstream"] = task.upstream
    if task.when is not When.SUCCESS:
        document["when"] = task.when.value
    if task.timeout is not None:
        document["timeout"] = task.timeout
    if task.retries:
        document["retries"] = task.retries
    if task.retry_delay:
        document["retry_delay"] = task.retry_delay
    return document


def _task(document: Mapping[str, Any]) -> TaskSpec:
    """Read a task's document; `ValueError` where its kind is unknown, `TypeError` where an option is."""
    options = dict(document)
    (kind,) = KINDS.keys() & options.keys()
    return _with_options(KINDS[kind].read(options.pop(kind)), options)


def _task_of_format_1(document: Mapping[str, Any]) -> TaskSpec:
    """In format 1 the options of both kinds stood beside the task's own, and a URL was its command."""
    options = dict(document)
    action: dict[str, Any] = {name: options.pop(name) for name in ("command", "env", "cwd", "nodes") if name in options}
    method = options.pop("http_method", None)
    if method is None:
        return _with_options(Shell.read(action), options)
    return _with_options(HttpRequest(url=action["command"], method=method), options)


def _with_options(action: Action, options: dict[str, Any]) -> TaskSpec:
    if "upstream" in options:
        options["upstream"] = tuple(options["upstream"])
    if "when" in options:
        options["when"] = When(options["when"])
    return TaskSpec(action=action, **options)
