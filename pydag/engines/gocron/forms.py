"""The forms of a job's tasks on gocron: how each kind of action becomes a task there."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pydag.engines.gocron.names import remark_of, tag_of, task_names
from pydag.engines.simple_command import simple_words
from pydag.errors import InvalidJob
from pydag.gocron.forms import COMMAND_LIMIT, HTTP_TIMEOUT_LIMIT, TIMEOUT_LIMIT, HttpMethod, Protocol, TaskForm
from pydag.gocron.records import Node
from pydag.model.actions import HttpRequest, Shell
from pydag.model.spec import JobSpec, TaskSpec

_STRICT = "set -eo pipefail"


@dataclass(frozen=True, slots=True)
class JobForms:
    """The forms of a job's tasks, in the job's order, and the tag of them all.

    `of_one_run` says that they have the values of a run's parameters, and may differ from those of the next run.
    """

    job: str
    tag: str
    forms: tuple[TaskForm, ...]
    of_one_run: bool = False


def job_forms(spec: JobSpec, nodes: Sequence[Node], task_timeout: float) -> JobForms:
    """The forms of a job whose tasks have `task_timeout` seconds, unless they say otherwise.

    Raises `InvalidJob`, naming the task, where gocron could not run it as it is.
    """
    tag = tag_of(spec.name)
    forms = tuple(
        _form(spec, task, name, tag, nodes, task_timeout)
        for task, name in zip(spec.tasks, task_names(spec), strict=True)
    )
    return JobForms(spec.name, tag, forms, of_one_run=bool(spec.params))


def _form(spec: JobSpec, task: TaskSpec, name: str, tag: str, nodes: Sequence[Node], task_timeout: float) -> TaskForm:
    remark = remark_of(spec, task)
    match task.action:
        case Shell() as action:
            return TaskForm(
                name=name,
                tag=tag,
                command=_command(task.name, action),
                node_ids=_node_ids(task.name, action, nodes),
                timeout=_timeout(task, task_timeout, TIMEOUT_LIMIT),
                remark=remark,
            )
        case HttpRequest(url, method):
            return TaskForm(
                name=name,
                tag=tag,
                command=url,
                protocol=Protocol.HTTP,
                http_method=HttpMethod[method],
                timeout=_timeout(task, task_timeout, HTTP_TIMEOUT_LIMIT),
                remark=remark,
            )


def _command(task: str, action: Shell) -> str:
    """The command as the node gets it. gocron has fields neither for options of bash, nor a directory, nor variables.

    A command that only starts one program is strict as it is.
    """
    parts = [_STRICT] if action.strict and simple_words(action.command) is None else []
    parts += [f"cd -- {shlex.quote(action.cwd)} || exit"] if action.cwd else []
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in action.env)
    parts += [f"export {variables}"] if variables else []
    command = "; ".join([*parts, action.command])
    if len(command) > COMMAND_LIMIT:
        added = f"its cwd, its variables and `{_STRICT}`" if _STRICT in parts else "its cwd and variables"
        raise InvalidJob(
            f"task {task!r}: the command has {len(command)} characters with {added}, gocron takes {COMMAND_LIMIT}: "
            "put it into a script file on the node and run that"
        )
    return command


def _node_ids(task: str, action: Shell, nodes: Sequence[Node]) -> tuple[int, ...]:
    """The ids of the nodes that a task names by id or alias; a task that names none gets the first node."""
    if not nodes:
        raise InvalidJob(
            "gocron has no node to run commands on: start gocron-node and add it with "
            "`pydag nodes add --name HOST --alias ALIAS`"
        )
    ids = {node.id for node in nodes}
    aliases = {node.alias: node.id for node in nodes}
    found = []
    for name in action.nodes or (nodes[0].id,):
        node = name if isinstance(name, int) else aliases.get(name)
        if node is None or node not in ids:
            known = ", ".join(f"{each.id} ({each.alias})" for each in nodes)
            raise InvalidJob(f"task {task!r}: gocron has no node {name!r}; it has {known}")
        found.append(node)
    return tuple(dict.fromkeys(found))


def _timeout(task: TaskSpec, task_timeout: float, limit: int) -> int:
    """Whole seconds, as gocron counts. Never 0, which stands for gocron's own default."""
    if task.timeout is None:
        return min(math.ceil(task_timeout), limit)
    if task.timeout > limit:
        raise InvalidJob(f"task {task.name!r}: timeout={task.timeout:g}, but gocron takes at most {limit} s for it")
    return max(1, math.ceil(task.timeout))
