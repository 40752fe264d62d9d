"""A job's tasks on a gocron server: their names there, their forms, and making the server agree with the job.

A task is named `job:task` there and tagged with the job, as gocron's users know it, whenever that fits. What does not
fit, or is not told apart by every database of gocron's, gets a shortened name with a digest of the whole one.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from pydag.engines.gocron.names import _fits, names_of, tag_of
from pydag.errors import EngineRefused, InvalidJob, StillRunning
from pydag.gocron.client import GoCronClient
from pydag.gocron.records import (
    CLOCK_TAG,
    COMMAND_LIMIT,
    HTTP_TIMEOUT_LIMIT,
    REMARK_LIMIT,
    TIMEOUT_LIMIT,
    HttpMethod,
    NewTask,
    Node,
    Protocol,
    RemoteTask,
)
from pydag.model.actions import HttpRequest, Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.settings import RunNew

THREADS = 8
"""Requests under way at once: measured, more than these make neither gocron faster."""
_REMARK = "pydag"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The job's tasks as gocron should have them, in the job's order."""

    job: str
    tag: str
    tasks: tuple[NewTask, ...]


def wanted(spec: JobSpec, nodes: Sequence[Node], task_timeout: float) -> Wanted:
    """Work out the forms. Raises `InvalidJob`, naming the task, where gocron could not run it as it is."""
    tag = tag_of(spec.name)
    tasks = tuple(
        _form(spec, task, name, tag, nodes, task_timeout) for task, name in zip(spec.tasks, names_of(spec), strict=True)
    )
    return Wanted(spec.name, tag, tasks)


def _form(spec: JobSpec, task: TaskSpec, name: str, tag: str, nodes: Sequence[Node], task_timeout: float) -> NewTask:
    remark = f"{_REMARK} {spec.name}:{task.name}"[:REMARK_LIMIT] if _fits(spec.name + task.name, 200) else _REMARK
    action = task.action
    if isinstance(action, HttpRequest):
        return NewTask(
            name=name,
            tag=tag,
            command=action.url,
            protocol=Protocol.HTTP,
            http_method=HttpMethod[action.method],
            timeout=_timeout(task, task_timeout, HTTP_TIMEOUT_LIMIT),
            remark=remark,
        )
    return NewTask(
        name=name,
        tag=tag,
        command=_command(task.name, action),
        node_ids=_node_ids(task.name, action, nodes),
        timeout=_timeout(task, task_timeout, TIMEOUT_LIMIT),
        remark=remark,
    )


def _command(task: str, action: Shell) -> str:
    """The command as the node gets it: gocron knows neither a directory nor variables, so bash is told of them."""
    parts = [f"cd -- {shlex.quote(action.cwd)} || exit"] if action.cwd else []
    parts += [f"export {name}={shlex.quote(value)}" for name, value in action.env]
    command = "; ".join([*parts, action.command])
    if len(command) > COMMAND_LIMIT:
        raise InvalidJob(
            f"task {task!r}: the command has {len(command)} characters with its cwd and env, gocron takes "
            f"{COMMAND_LIMIT}: put it into a script file on the node and run that"
        )
    return command


def _node_ids(task: str, action: Shell, nodes: Sequence[Node]) -> tuple[int, ...]:
    """The nodes that a task names, by id or alias; one that names none gets the first there is."""
    if not nodes:
        raise InvalidJob(
            "gocron has no node to run commands on: start gocron-node and add it with "
            "`pydag nodes add --name HOST --alias ALIAS`"
        )
    ids = {node.id for node in nodes}
    aliases = {node.alias: node.id for node in nodes}
    found = []
    for wish in action.nodes or (nodes[0].id,):
        node = wish if isinstance(wish, int) else aliases.get(wish)
        if node is None or node not in ids:
            known = ", ".join(f"{each.id} ({each.alias})" for each in nodes)
            raise InvalidJob(f"task {task!r}: gocron has no node {wish!r}; it has {known}")
        found.append(node)
    return tuple(dict.fromkeys(found))


def _timeout(task: TaskSpec, task_timeout: float, limit: int) -> int:
    """Whole seconds, as gocron counts, and never 0, which is gocron's word for its own default."""
    if task.timeout is None:
        return min(math.ceil(task_timeout), limit)
    if task.timeout > limit:
        raise InvalidJob(f"task {task.name!r}: timeout={task.timeout:g}, but gocron takes at most {limit} s for it")
    return max(1, math.ceil(task.timeout))


def agree(client: GoCronClient, job: Wanted, run_new: RunNew) -> list[int]:
    """Make gocron have the job's tasks, as `run_new` allows, and return their ids in the job's order.

    Raises `EngineRefused` where it does not allow it; what this call created is then taken away again.
    """
    there = {task.name: task for task in tasks_of(client, job.tag)}
    missing = [task for task in job.tasks if task.name not in there]
    if run_new is RunNew.YES and there:
        raise EngineRefused(
            f"job {job.job!r} exists on gocron ({len(there)} tasks): set PYDAG_RUN_NEW=no to run it as it is there, "
            "=auto to make it agree with the file, or delete it first"
        )
    if run_new is RunNew.NO and missing:
        raise EngineRefused(
            f"gocron has no task {missing[0].name!r}, which job {job.job!r} needs ({len(missing)} of "
            f"{len(job.tasks)} are missing): set PYDAG_RUN_NEW=auto to have it made, or =yes for a new job"
        )
    if run_new is RunNew.AUTO:
        _remove_and_update(client, job, there)
    if missing:
        _create(client, missing, job.tag)
        there = {task.name: task for task in tasks_of(client, job.tag)}
    return [there[task.name].id for task in job.tasks]


def _remove_and_update(client: GoCronClient, job: Wanted, there: dict[str, RemoteTask]) -> None:
    names = {task.name for task in job.tasks}
    gone = [task.id for name, task in there.items() if name not in names]
    changed = [
        (there[task.name].id, task) for task in job.tasks if task.name in there and _differ(there[task.name], task)
    ]
    at_once(client.delete_task, gone)
    at_once(lambda pair: client.update_task(*pair), changed)


def _differ(task: RemoteTask, form: NewTask) -> bool:
    mine = (form.command.strip(), form.protocol, form.timeout, sorted(form.node_ids))
    if (task.command.strip(), task.protocol, task.timeout, sorted(task.node_ids)) != mine:
        return True
    return form.protocol is Protocol.HTTP and task.http_method is not form.http_method


def _create(client: GoCronClient, tasks: Sequence[NewTask], tag: str) -> None:
    try:
        at_once(client.store_task, tasks)
    except BaseException:
        made = {task.name for task in tasks}
        at_once(client.delete_task, [task.id for task in tasks_of(client, tag) if task.name in made])
        raise


def delete(client: GoCronClient, job: str, *, force: bool = False) -> int:
    """Delete all tasks of a job and say how many there were. Raises `StillRunning` unless `force`."""
    ids = [task.id for task in tasks_of(client, tag_of(job))]
    if ids and not force and any(row.task_id in ids for row in client.running()):
        raise StillRunning(
            f"job {job!r} runs now on gocron: wait for its end, or delete it all the same with --force "
            "(what runs then goes on, and nobody can stop it)"
        )
    at_once(client.delete_task, ids)
    return len(ids)


def jobs(client: GoCronClient) -> list[str]:
    """The jobs on gocron, the newest first. A shortened name is told in full where a remark holds it."""
    newest: dict[str, RemoteTask] = {}
    for task in filter(_is_pydags, client.tasks()):
        newest.setdefault(task.tag, task)
    return [_job_of(task) for task in newest.values()]


def tasks_of(client: GoCronClient, tag: str) -> list[RemoteTask]:
    """The tasks of a job, the newest first. What people tagged alike in gocron's pages is none of them."""
    return [task for task in client.tasks(tag=tag) if _is_pydags(task)]


def _is_pydags(task: RemoteTask) -> bool:
    return task.tag not in ("", CLOCK_TAG) and (task.remark.startswith(_REMARK) or task.name.startswith(f"{task.tag}:"))


def _job_of(task: RemoteTask) -> str:
    told = task.remark.removeprefix(f"{_REMARK} ")
    ends = [place for place, char in enumerate(told) if char == ":"]
    return next((told[:end] for end in ends if tag_of(told[:end]) == task.tag), task.tag)


def at_once(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Call it for each item, several at a time, and return the results in order. After an error nothing new begins."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="pydag-gocron") as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
