"""The use cases of a gocron server besides running jobs: its nodes, and the jobs that are there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from pydag.app.backends import SHORT_TIMEOUT, gocron_client
from pydag.engines.gocron import sync
from pydag.engines.gocron.names import tag_of, task_of
from pydag.errors import NotFound
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import Protocol, TaskForm
from pydag.gocron.records import Node
from pydag.model.actions import Action, HttpRequest, Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.settings import Settings


def nodes() -> list[Node]:
    """Every node, lowest id first."""
    with _client() as client:
        return client.hosts()


def add_node(name: str, port: int, alias: str) -> Node:
    """Register a node and make sure that gocron reaches it; one that it cannot reach stays registered."""
    with _client() as client:
        node = client.add_host(name, port, alias)
        client.check_host(node.id)
        return node


def check_node(wish: str) -> Node:
    """Raise `EngineRefused`, with gocron's reason, unless gocron reaches the node (an id or an alias)."""
    with _client() as client:
        node = _node(client, wish)
        client.check_host(node.id)
        return node


def remove_node(wish: str) -> Node:
    """Remove a node (an id or an alias); refused while a task names it."""
    with _client() as client:
        node = _node(client, wish)
        client.remove_host(node.id)
        return node


def jobs(settings: Settings, *, known: Collection[str]) -> list[str]:
    """The jobs on gocron that are not among the `known` ones, newest first."""
    tags = {tag_of(job) for job in known}
    with gocron_client(settings, timeout=SHORT_TIMEOUT) as client:
        return [job for job in sync.job_names(client) if tag_of(job) not in tags]


def job_spec(job: str, settings: Settings) -> JobSpec | None:
    """The job as the gocron of the settings has it; None where it has none of that name."""
    with gocron_client(settings, timeout=SHORT_TIMEOUT) as client:
        return spec_on(client, job)


def delete(job: str, settings: Settings, *, force: bool, ended: datetime | None) -> int:
    """Delete the job's tasks on gocron and return how many there were. `ended`: when its last run ended.

    Raises `StillRunning`, unless `force`, where gocron says that one of them runs, and this can be true.
    """
    with gocron_client(settings) as client:
        return sync.delete_job(client, job, force=force, now=datetime.now(UTC), ended=ended)


def _client() -> GoCronClient:
    return gocron_client(Settings.load())


def _node(client: GoCronClient, wish: str) -> Node:
    for node in client.hosts():
        if wish in (str(node.id), node.alias):
            return node
    raise NotFound(f"gocron has no node {wish!r}: `pydag nodes` lists them")


def spec_on(client: GoCronClient, job: str) -> JobSpec | None:
    """The job as the server has it, oldest task first; None where it has none. gocron does not know the edges."""
    found = sync.tasks_of(client, tag_of(job))[::-1]
    if not found:
        return None
    names = [task_of(task.form) for task in found]
    if len(set(names)) < len(names):  # of long names the remark holds only the beginning
        names = [task.form.name for task in found]
    tasks = (TaskSpec(name=name, action=_action(task.form)) for name, task in zip(names, found, strict=True))
    return JobSpec(name=job, tasks=tuple(tasks))


def _action(form: TaskForm) -> Action:
    if form.protocol is Protocol.HTTP:
        return HttpRequest(form.command, form.http_method.name)
    return Shell(form.command, nodes=form.node_ids)
