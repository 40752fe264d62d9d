"""The use cases of a gocron server besides running jobs: its nodes, the jobs that are there, and an older history."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from pydag.app.backends import SHORT_TIMEOUT, gocron_client, opened_store, redis_server
from pydag.engines.gocron import sync
from pydag.engines.gocron.names import tag_of, task_of
from pydag.errors import InvalidSetting, NotFound
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import Protocol, TaskForm
from pydag.gocron.records import Node
from pydag.model.actions import Action, HttpRequest, Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.settings import Settings
from pydag.stores.redis import migration


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
    """The job as gocron has it, None where it has none of that name: its tasks stand side by side, oldest first."""
    with gocron_client(settings, timeout=SHORT_TIMEOUT) as client:
        return _spec_on(client, job)


def delete(job: str, settings: Settings, *, force: bool, ended: datetime | None) -> int:
    """Delete the job's tasks on gocron and return how many there were. `ended`: when its last run ended.

    Raises `StillRunning`, unless `force`, where gocron says that one of them runs, and this can be true.
    """
    with gocron_client(settings) as client:
        return sync.delete_job(client, job, force=force, now=datetime.now(UTC), ended=ended)


def migrate() -> migration.Migrated:
    """Copy the history that the earlier pydag kept on Redis into the history that the settings name."""
    settings = Settings.load()
    if settings.redis is None:
        raise InvalidSetting("no Redis is named to read the old history from: set PYDAG_LOG_STORE_HOST")
    with opened_store(settings) as store, _client() as client:
        old = redis_server(settings.redis, migration.DATABASE)
        return migration.migrate(old, settings.redis.prefix, store, lambda job: _spec_on(client, job))


def _client() -> GoCronClient:
    return gocron_client(Settings.load())


def _node(client: GoCronClient, wish: str) -> Node:
    for node in client.hosts():
        if wish in (str(node.id), node.alias):
            return node
    raise NotFound(f"gocron has no node {wish!r}: `pydag nodes` lists them")


def _spec_on(client: GoCronClient, job: str) -> JobSpec | None:
    """Without edges, which gocron does not know."""
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
