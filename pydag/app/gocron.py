"""What pydag does on a gocron server besides running jobs: its nodes, the jobs that lie there, an older history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pydag.app.backends import LOOK_TIMEOUT, gocron_client, redis_server, store_for
from pydag.errors import InvalidSetting, NotFound
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.settings import Settings

if TYPE_CHECKING:
    from pydag.gocron.client import GoCronClient
    from pydag.gocron.records import Node
    from pydag.stores.redis.migration import Migrated


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
    """Take a node (an id or an alias) away; refused while a task names it."""
    with _client() as client:
        node = _node(client, wish)
        client.remove_host(node.id)
        return node


def jobs(besides: Iterable[str]) -> list[str]:
    """The jobs on gocron that are none of these, newest first; none where no gocron is named."""
    if not Settings.load().gocron.address:
        return []
    from pydag.engines.gocron import names, sync

    known = {names.tag_of(job) for job in besides}
    with gocron_client(Settings.load(), timeout=LOOK_TIMEOUT) as client:
        return [job for job in sync.jobs(client) if names.tag_of(job) not in known]


def delete(job: str, settings: Settings, *, force: bool = False) -> int:
    """Delete the job's tasks on gocron and say how many there were; none where the settings name no gocron.

    Raises `StillRunning`, unless `force`, where gocron says that one of them runs.
    """
    if not settings.gocron.address:
        return 0
    from pydag.engines.gocron import sync

    with gocron_client(settings) as client:
        return sync.delete(client, job, force=force)


def migrate() -> Migrated:
    """Bring the old program's history on Redis into the history that the settings name."""
    settings = Settings.load()
    if settings.redis is None:
        raise InvalidSetting("no Redis is named to read the old history from: set PYDAG_LOG_STORE_HOST")
    from pydag.stores.redis import migration

    with closing(store_for(settings)) as store, _client() as client:
        old = redis_server(settings.redis, migration.DATABASE)
        return migration.migrate(old, settings.redis.prefix, store, lambda job: _spec_on(client, job))


@contextmanager
def _client() -> Iterator[GoCronClient]:
    with gocron_client(Settings.load()) as client:
        yield client


def _node(client: GoCronClient, wish: str) -> Node:
    for node in client.hosts():
        if wish in (str(node.id), node.alias):
            return node
    raise NotFound(f"gocron has no node {wish!r}: `pydag nodes` lists them")


def _spec_on(client: GoCronClient, job: str) -> JobSpec | None:
    """The job as gocron has it. gocron knows no edges of pydag's: its tasks stand side by side, oldest first."""
    from pydag.engines.gocron.names import tag_of
    from pydag.engines.gocron.sync import tasks_of

    found = tasks_of(client, tag_of(job))[::-1]
    if not found:
        return None
    names = [task.name.removeprefix(f"{job}:") for task in found]
    tasks = (TaskSpec(name=name, action=Shell(task.command)) for name, task in zip(names, found, strict=True))
    return JobSpec(name=job, tasks=tuple(tasks))
