"""What an older history on Redis holds comes over, once, with what the caller knows of its executions."""

from __future__ import annotations

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
from pydag.stores.redis import migration, old_history
from pydag.stores.redis.connection import Server
from pydag.stores.redis.migration import BroughtOnRedis, Execution, Migrated
from pydag.stores.redis.old_history import OldRecord
from pydag.testing import at, job_of, run_of
from tests.support.old_pydag import graph
from tests.support.servers import RedisServer, redis_client

pytestmark = pytest.mark.redis

BEGAN = 1672068481  # 2022-12-26 15:28:01


@pytest.fixture
def old(redis_for_all: RedisServer) -> Iterator[Any]:
    with redis_client(redis_for_all, old_history.DATABASE) as client:
        yield client
        client.flushdb()


@pytest.fixture
def server(redis_for_all: RedisServer) -> Iterator[Server]:
    server = Server(host="127.0.0.1", port=redis_for_all.port, database=old_history.DATABASE)
    yield server
    server.close()


class Known:
    """What the caller knows: jobs without edges, and executions by their rows."""

    def __init__(self, job: JobSpec | None = None, **executions: Execution) -> None:
        self._job = job
        self._executions = executions

    def job(self, name: str) -> JobSpec | None:
        return self._job

    def find(self, record: OldRecord) -> Execution | None:
        return self._executions.get(f"row{record.row}")


def migrate(
    server: Server, prefix: str, store: Store, known: Known | None = None, brought: migration.Brought | None = None
) -> Migrated:
    done: set[str] = set()
    return migration.migrate(old_history.read(server, prefix), store, known or Known(), brought or done)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def seed(old: Any, job: str = "TestJob", began: int = BEGAN) -> None:
    old.set(f"Pydag:{job}:META", graph({"Sync Data": [], "Machine Learning": ["Sync Data"]}))
    old.set(f"Pydag:{job}:{began}:Sync Data", f"17,5,success,{began + 3}")
    old.set(f"Pydag:{job}:{began}:Machine Learning", f"18,6,failed,{began + 9}")


def states(store: Store, run: Run) -> dict[str, State]:
    return {name: task.state for name, task in store.load(run).tasks.items()}


def test_runs_tasks_edges_states_and_times_are_copied(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    assert migrate(server, "Pydag", store) == Migrated(runs=1, present=0, without_output=2, unreadable=())
    (run,) = store.runs("TestJob")
    assert (run.started, run.ended, run.state, run.engine) == (
        moment(BEGAN),
        moment(BEGAN + 9),
        State.FAILED,
        "gocron",
    )
    record = store.load(run)
    assert record.spec.upstream_names() == {"Sync Data": [], "Machine Learning": ["Sync Data"]}
    assert record.spec.tasks[0].action == Shell("echo Sync Data")
    assert record.tasks["Sync Data"].attempts == (
        Attempt(
            task=0,
            number=1,
            state=State.SUCCESS,
            ended=moment(BEGAN + 3),
            detail="row 17 of gocron's log, which is no longer there",
        ),
    )


def test_an_execution_that_is_known_gives_its_times_its_output_and_its_end(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    failed = Execution(
        state=State.FAILED,
        started=moment(BEGAN + 4),
        ended=moment(BEGAN + 6),
        exit_status=3,
        host="node1",
        output=b"what it said\n",
    )
    assert migrate(server, "Pydag", store, Known(row18=failed)).without_output == 1
    (run,) = store.runs("TestJob")
    attempt = store.load(run).tasks["Machine Learning"].attempts[0]
    assert (attempt.started, attempt.ended) == (failed.started, failed.ended)
    assert (attempt.state, attempt.exit_status, attempt.host) == (State.FAILED, 3, "node1")
    assert b"".join(store.output(run.id, 1, 1)) == b"what it said\n"
    assert run.ended == moment(BEGAN + 6)


def test_a_task_that_is_not_in_the_graph_is_added(server: Server, old: Any) -> None:
    seed(old)
    old.set(f"Pydag:TestJob:{BEGAN}:Later", f"19,7,success,{BEGAN + 9}")
    store = MemoryStore()
    migrate(server, "Pydag", store)
    assert store.job("TestJob").tasks[2] == TaskSpec(name="Later", action=Shell(migration.UNKNOWN_COMMAND))


def test_tasks_that_never_started_are_skipped_after_a_failure_and_else_unknown(server: Server, old: Any) -> None:
    old.set("Pydag:J:META", graph({"a": [], "b": ["a"], "c": ["b"], "d": [], "e": ["d"], "f": ["e"]}))
    old.set(f"Pydag:J:{BEGAN}:a", f"1,1,failed,{BEGAN}")
    old.set(f"Pydag:J:{BEGAN}:d", f"2,2,success,{BEGAN}")
    store = MemoryStore()
    migrate(server, "Pydag", store)
    (run,) = store.runs("J")
    assert states(store, run) == {
        "a": State.FAILED,
        "b": State.SKIPPED,
        "c": State.SKIPPED,
        "d": State.SUCCESS,
        "e": State.CANCELLED,
        "f": State.CANCELLED,
    }
    assert run.state is State.FAILED


def test_without_a_graph_the_commands_are_those_that_the_caller_knows(server: Server, old: Any) -> None:
    seed(old)
    old.set("Pydag:TestJob:META", b"no pickle")
    first = TaskSpec(name="Sync Data", action=Shell("echo syncdata"))
    later = TaskSpec(name="Send Email", action=Shell("mail"))
    store = MemoryStore()
    migrated = migrate(server, "Pydag", store, Known(JobSpec(name="TestJob", tasks=(first, later))))
    assert migrated.unreadable == ("Pydag:TestJob:META",)
    unknown = TaskSpec(name="Machine Learning", action=Shell(migration.UNKNOWN_COMMAND))
    assert store.job("TestJob").tasks == (first, unknown)
    assert states(store, store.runs()[0]) == {"Sync Data": State.SUCCESS, "Machine Learning": State.FAILED}


def test_what_was_still_running_is_lost(server: Server, old: Any) -> None:
    old.set(f"Pydag:J:{BEGAN}:a", f"1,1,success,{BEGAN}")
    old.set(f"Pydag:J:{BEGAN}:b", f"2,2,running,{BEGAN + 1}")
    store = MemoryStore()
    migrate(server, "Pydag", store)
    (run,) = store.runs("J")
    assert run.state is State.LOST
    assert store.load(run).tasks["b"].attempts[0].reason is Reason.UNKNOWN


@pytest.mark.parametrize("deleted", [False, True])
def test_repeating_it_brings_nothing_twice_even_if_the_copy_was_deleted(
    server: Server, old: Any, redis_for_all: RedisServer, prefix: str, deleted: bool
) -> None:
    seed(old)
    before = {key: old.get(key) for key in sorted(old.keys())}
    store = MemoryStore()
    brought = BroughtOnRedis(Server(host="127.0.0.1", port=redis_for_all.port), prefix)
    migrate(server, "Pydag", store, brought=brought)
    runs = store.runs()
    if deleted:
        store.delete("TestJob")
        runs = []
    seed(old, began=BEGAN + 60)
    migrated = migrate(server, "Pydag", store, brought=brought)
    assert (migrated.runs, migrated.present) == (1, 1)
    assert len(store.runs()) == len(runs) + 1
    assert store.runs()[1:] == runs
    assert before.items() <= {key: old.get(key) for key in sorted(old.keys())}.items()


def test_a_migration_that_stopped_half_way_is_completed(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    migrate(server, "Pydag", store)
    (run,) = store.runs()
    half = MemoryStore()
    half.begin(run._replace(state=State.RUNNING, ended=None), store.job("TestJob"))
    assert migrate(server, "Pydag", half).runs == 1
    assert half.runs() == [run]
    assert half.load(run) == store.load(run)


def test_a_job_that_is_newer_here_keeps_its_definition(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    saved = moment(BEGAN + 86400)
    store.save_job(job_of("TestJob"), saved)
    migrate(server, "Pydag", store)
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
    old.set(f"Pydag:{job}:META", graph({task: []}))
    old.set(f"Pydag:{job}:{BEGAN}:{task}", f"1,1,success,{BEGAN}")
    store = MemoryStore()
    migrate(server, "Pydag", store)
    assert [(run.job, run.started) for run in store.runs()] == [(job, moment(BEGAN))]
    assert list(states(store, store.runs()[0])) == [task]


def test_unreadable_values_are_listed_and_other_keys_ignored(server: Server, old: Any) -> None:
    seed(old)
    old.set(f"Pydag:J:{BEGAN}:bad", "no record")
    old.rpush(f"Pydag:J:{BEGAN}:list", "1,1,success,1672068481")
    old.set(f"Pydag2:J:{BEGAN}:other", f"1,1,success,{BEGAN}")
    old.set("Pydag:J:notes", "of mine")
    store = MemoryStore()
    migrated = migrate(server, "Pydag", store)
    assert migrated.runs == 1
    assert sorted(migrated.unreadable) == [f"Pydag:J:{BEGAN}:bad", f"Pydag:J:{BEGAN}:list"]
    assert [run.job for run in store.runs()] == ["TestJob"]


@pytest.mark.parametrize("prefix", ["a*", "[a]", "a\\b", "^-", "é"])
def test_a_prefix_is_not_a_pattern(server: Server, old: Any, prefix: str) -> None:
    old.set(f"{prefix}:J:{BEGAN}:t", f"1,1,success,{BEGAN}")
    old.set(f"ab:K:{BEGAN}:t", f"1,1,success,{BEGAN}")
    store = MemoryStore()
    migrate(server, prefix, store)
    assert [run.job for run in store.runs()] == ["J"]


def test_runs_that_the_store_has_already_stay(server: Server, old: Any) -> None:
    seed(old)
    store = MemoryStore()
    here = run_of("TestJob", "mine", 86400, State.SUCCESS)._replace(ended=at(86401))
    store.begin(here, job_of("TestJob"))
    migrate(server, "Pydag", store)
    assert store.runs("TestJob")[0] == here
    assert len(store.runs("TestJob")) == 2
