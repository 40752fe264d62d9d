"""What a job is once it has been checked: frozen records and their wire format.

The plan, the engines and the stores work on these alone, never on a user's `Job`. A task is known by its number, its
place in `JobSpec.tasks`; names are for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from pydag.errors import StoreFormatError
from pydag.model.states import When

FORMAT = 1


class TaskSpec(NamedTuple):
    """One step. `timeout` and `retry_delay` are seconds; `timeout=None` leaves it to PYDAG_TASK_TIMEOUT.

    `nodes` are gocron's, by id or alias. With an `http_method` the command is a URL.
    """

    name: str
    command: str
    upstream: tuple[int, ...] = ()
    when: When = When.SUCCESS
    timeout: float | None = None
    retries: int = 0
    retry_delay: float = 0.0
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None
    nodes: tuple[int | str, ...] = ()
    http_method: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A checked job: names unique, every upstream number inside `tasks`, no cycle."""

    name: str
    tasks: tuple[TaskSpec, ...]
    description: str = ""
    max_parallel: int | None = None
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def number(self, task: str) -> int | None:
        """The task's place in `tasks`, or None where the job has no task of that name."""
        if not self._numbers:
            self._numbers.update((each.name, number) for number, each in enumerate(self.tasks))
        return self._numbers.get(task)

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
        document = {
            "format": FORMAT,
            "name": self.name,
            "description": self.description,
            "max_parallel": self.max_parallel,
            "tasks": [_task_document(task) for task in self.tasks],
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> JobSpec:
        """Read `to_json` back. Raises `StoreFormatError` on any other format or version."""
        try:
            document = json.loads(text)
            version = document["format"]
        except (ValueError, KeyError, TypeError):
            raise _unreadable(text) from None
        if version != FORMAT:
            raise StoreFormatError(
                f"the history holds a job in format {version!r}, this pydag knows {FORMAT}: "
                "use the pydag that wrote it, or a newer one"
            )
        try:
            return cls(
                name=document["name"],
                description=document["description"],
                max_parallel=document["max_parallel"],
                tasks=tuple(_task_from(each) for each in document["tasks"]),
            )
        except (ValueError, KeyError, TypeError):
            raise _unreadable(text) from None


def _unreadable(text: str) -> StoreFormatError:
    return StoreFormatError(
        f"the history holds a job that cannot be read, {text[:60]!r}: move the history away, "
        "or set PYDAG_HOME to another directory"
    )


def digest(text: str, digits: int = 32) -> str:
    """A short name that stands for the text: so many hexadecimal digits of its SHA-256."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]


# What a task does not set is left out of its document: most tasks set nothing, and jobs can have 100,000 of them.
_DEFAULTS = TaskSpec(name="", command="")


def _task_document(task: TaskSpec) -> dict[str, object]:
    document: dict[str, object] = {"name": task.name, "command": task.command}
    if task.upstream:
        document["upstream"] = task.upstream
    if task.when is not _DEFAULTS.when:
        document["when"] = task.when.value
    for option in ("timeout", "retries", "retry_delay", "env", "cwd", "nodes", "http_method"):
        value = getattr(task, option)
        if value != getattr(_DEFAULTS, option):
            document[option] = value
    return document


def _task_from(document: dict[str, object]) -> TaskSpec:
    values = dict(document)
    if "when" in values:
        values["when"] = When(values["when"])
    env = values.get("env")
    for option in ("upstream", "nodes"):
        value = values.get(option)
        if isinstance(value, Iterable):
            values[option] = tuple(value)
    if isinstance(env, Iterable):
        values["env"] = tuple((name, value) for name, value in env)
    return TaskSpec(**values)  # type: ignore[arg-type]  # written by `_task_document` alone
