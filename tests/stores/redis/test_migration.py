"""What an older history on Redis holds comes over, once, and its pickle is never opened."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Run
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.stores.base import Store
from pydag.stores.memory import MemoryStore
from pydag.stores.redis import migration
from pydag.stores.redis.connection import Server
from pydag.stores.redis.migration import Migrated, migrate
from pydag.testing import at, job_of, run_of
from tests.support.servers import RedisServer, redis_client

pytestmark = pytest.mark.redis

BEGAN = 1672068481  # 2022-12-26 15:28:01


@pytest.fixture
def old(redis_for_all: RedisServer) -> Iterator[Any]:
    with redis_client(redis_for_all, migration.DATABASE) as client:
        yield client
        client.flushdb()


@pytest.fixture
def server(redis_for_all: RedisServer) -> Iterator[Server]:
    server = Server(host="127.0.0.1", port=redis_for_all.port, database=migration.DATABASE)
    yield server
    server.close()


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('unpickled')",)


def no_graph(_job: str) -> None:
    return None


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def seed(old: Any, job: str = "TestJob", began: int = BEGAN) -> None:
    old.set(f"Pydag:{job}:META", pickle.dumps(Bomb()))
    old.set(f"Pydag:{job}:{began}:Sync Data", f"17,5,success,{began + 3}")
    old.set(f"Pydag:{job}:{began}:Machine Learning", f"18,6,failed,{began + 9}")


def states(store: Store, run: Run) -> dict[str, State]:
    return {name: task.state for name, task in store.load(run).tasks.items()}


def test_runs_tasks_states_and_times_are_copied(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    assert migrate(server, "Pydag", store, no_graph) == Migrated(runs=1, present=0, unreadable=())
    (run,) = store.runs("TestJob")
    assert (run.started, run.ended, run.state, run.engine) == (
        moment(BEGAN),
        moment(BEGAN + 9),
        State.FAILED,
        "gocron",
    )
    record = store.load(run)
    assert list(record.tasks) == ["Sync Data", "Machine Learning"]
    assert record.tasks["Sync Data"].attempts == (
        Attempt(
            task=0,
            number=1,
            state=State.SUCCESS,
            ended=moment(BEGAN + 3),
            detail="task 5 of gocron, row 17 of its log",
        ),
    )


def test_the_graph_is_the_callers_and_a_task_that_it_lacks_is_added(server: Server, old: Any) -> None:
    seed(old)
    first = TaskSpec(name="Sync Data", action=Shell("echo syncdata"))
    graph = JobSpec(name="TestJob", tasks=(first, TaskSpec(name="Send Email", action=Shell("mail"), upstream=(0,))))
    store = MemoryStore()
    migrate(server, "Pydag", store, lambda job: graph)
    spec = store.job("TestJob")
    assert spec.tasks[:2] == graph.tasks
    assert spec.tasks[2] == TaskSpec(name="Machine Learning", action=Shell(migration.UNKNOWN_COMMAND))
    assert states(store, store.runs()[0]) == {
        "Sync Data": State.SUCCESS,
        "Send Email": State.PENDING,
        "Machine Learning": State.FAILED,
    }


def test_what_was_still_running_is_lost(server: Server, old: Any) -> None:
    old.set(f"Pydag:J:{BEGAN}:a", f"1,1,success,{BEGAN}")
    old.set(f"Pydag:J:{BEGAN}:b", f"2,2,running,{BEGAN + 1}")
    store = MemoryStore()
    migrate(server, "Pydag", store, no_graph)
    (run,) = store.runs("J")
    assert run.state is State.LOST
    assert store.load(run).tasks["b"].attempts[0].reason is Reason.UNKNOWN


def test_repeating_it_adds_nothing_and_takes_nothing_away(server: Server, old: Any) -> None:
    seed(old)
    before = sorted(old.keys())
    store = MemoryStore()
    migrate(server, "Pydag", store, no_graph)
    runs = store.runs()
    seed(old, began=BEGAN + 60)
    assert migrate(server, "Pydag", store, no_graph) == Migrated(runs=1, present=1, unreadable=())
    assert len(store.runs()) == 2
    assert store.runs()[1:] == runs
    assert set(before) <= set(old.keys())


def test_a_migration_that_stopped_half_way_is_completed(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    migrate(server, "Pydag", store, no_graph)
    (run,) = store.runs()
    half = MemoryStore()
    half.begin(run._replace(state=State.RUNNING, ended=None), store.job("TestJob"))
    assert migrate(server, "Pydag", half, no_graph).runs == 1
    assert half.runs() == [run]
    assert half.load(run) == store.load(run)


def test_a_job_that_is_newer_here_keeps_its_definition(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    saved = moment(BEGAN + 86400)
    store.save_job(job_of("TestJob"), saved)
    migrate(server, "Pydag", store, no_graph)
    assert store.job("TestJob") == job_of("TestJob")
    assert store.jobs()[0].saved == saved
    assert list(store.load(store.runs("TestJob")[0]).tasks) == ["Sync Data", "Machine Learning"]


@pytest.mark.parametrize(
    ("job", "task"),
    [
        ("a:b", "c"),
        ("a", "b:c"),
        ("a:1234567890", "b"),
        ("a", "1234567890:b"),
        ("a*", "[b]"),
        ("é", " "),
        ("META", "x"),
    ],
)
def test_names_with_colons_and_numbers_are_split_at_the_name_of_a_known_job(
    server: Server, old: Any, job: str, task: str
) -> None:
    old.set(f"Pydag:{job}:META", "")
    old.set(f"Pydag:{job}:{BEGAN}:{task}", f"1,1,success,{BEGAN}")
    store = MemoryStore()
    migrate(server, "Pydag", store, no_graph)
    assert [(run.job, run.started) for run in store.runs()] == [(job, moment(BEGAN))]
    assert list(states(store, store.runs()[0])) == [task]


def test_unreadable_values_are_listed_and_other_keys_ignored(server: Server, old: Any) -> None:
    seed(old)
    old.set(f"Pydag:J:{BEGAN}:bad", "no record")
    old.rpush(f"Pydag:J:{BEGAN}:list", "1,1,success,1672068481")
    old.set(f"Pydag2:J:{BEGAN}:other", f"1,1,success,{BEGAN}")
    old.set("Pydag:J:notes", "of mine")
    store = MemoryStore()
    migrated = migrate(server, "Pydag", store, no_graph)
    assert migrated.runs == 1
    assert sorted(migrated.unreadable) == [f"Pydag:J:{BEGAN}:bad", f"Pydag:J:{BEGAN}:list"]
    assert [run.job for run in store.runs()] == ["TestJob"]


@pytest.mark.parametrize("prefix", ["a*", "[a]", "a\\b", "^-", "é"])
def test_a_prefix_is_not_a_pattern(server: Server, old: Any, prefix: str) -> None:
    old.set(f"{prefix}:J:{BEGAN}:t", f"1,1,success,{BEGAN}")
    old.set(f"ab:K:{BEGAN}:t", f"1,1,success,{BEGAN}")
    store = MemoryStore()
    migrate(server, prefix, store, no_graph)
    assert [run.job for run in store.runs()] == ["J"]


def test_runs_that_the_store_has_already_stay(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    here = run_of("TestJob", "mine", 86400, State.SUCCESS)._replace(ended=at(86401))
    store.begin(here, job_of("TestJob"))
    migrate(server, "Pydag", store, no_graph)
    assert store.runs("TestJob")[0] == here
    assert len(store.runs("TestJob")) == 2
