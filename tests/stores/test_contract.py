"""The store contract on every store of pydag, and that the stores agree with each other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydag.errors import StoreError
from pydag.model.run import Attempt, Output, Usage
from pydag.model.states import Reason, State
from pydag.stores.base import Store
from pydag.stores.memory import MemoryStore
from pydag.stores.redis.store import RedisStore
from pydag.stores.sqlite.store import SQLiteStore
from pydag.testing import OpenStore, StoreContract, at, job_of, run_of
from tests.support.processes import output_of, start
from tests.support.servers import RedisServer, redis_store


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        store = MemoryStore()
        return lambda: store


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Iterator[OpenStore]:
        opened: list[Store] = []

        def open_store() -> Store:
            opened.append(SQLiteStore(tmp_path / "home"))
            return opened[-1]

        yield open_store
        for store in opened:
            store.close()


@pytest.mark.redis
class TestRedisStore(StoreContract):
    @pytest.fixture
    def open_store(self, redis_for_all: RedisServer, prefix: str) -> Iterator[OpenStore]:
        opened: list[Store] = []

        def open_store() -> Store:
            opened.append(redis_store(redis_for_all, prefix))
            return opened[-1]

        yield open_store
        for store in opened:
            store.close()


def test_the_contract_needs_no_pytest() -> None:
    program = """
        assert sys.modules.pop("pytest", None) is None
        sys.modules["pytest"] = None  # from here on an import of it fails
        from pydag.stores.memory import MemoryStore
        from pydag.testing import StoreContract

        tests = [name for name in dir(StoreContract) if name.startswith("test_")]
        for name in tests:
            store = MemoryStore()
            getattr(StoreContract(), name)(lambda: store)
        print(len(tests))
    """
    assert int(output_of(start(program))) > 35


def test_the_contract_finds_a_store_that_breaks_it_without_pytest() -> None:
    class Forgetful(MemoryStore):
        def delete(self, job: str, runs: Collection[str] | None = None, *, only_output: bool = False) -> None:
            self.job(job)

    store = Forgetful()
    with pytest.raises(AssertionError, match="NotFound was not raised"):
        StoreContract().test_writing_to_a_deleted_run_is_an_error_and_does_not_bring_it_back(lambda: store)


# The stores agree: whatever is done to them, every answer and every refusal is the same.

Operation = Callable[[Store], object]

TASKS = 3
names = st.sampled_from(["J", "K", "j"])
run_ids = st.sampled_from(["r1", "r2", "r3", "r4"])
moments = st.integers(0, 3).map(at)
final = st.sampled_from([state for state in State if state.final])
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
seconds = st.floats(0, 1e6)
keys = {"task": st.integers(0, TASKS - 1), "number": st.integers(0, 2)}

attempts = st.builds(
    Attempt,
    **keys,
    state=st.sampled_from(State),
    started=st.none() | moments,
    ended=st.none() | moments,
    exit_status=st.none() | st.integers(-1, 256),
    signal=st.none() | st.integers(1, 64),
    reason=st.none() | st.sampled_from(Reason),
    detail=text,
    output_dropped=st.integers(0, 2**40),
    usage=st.none() | st.builds(Usage, seconds, seconds, st.none() | st.integers(0, 2**50)),
)
outputs = st.builds(Output, **keys, data=st.binary(max_size=5))

operations = st.one_of(
    st.builds(
        lambda name, tasks, saved: lambda s: s.save_job(job_of(name, tasks), saved), names, keys["task"], moments
    ),
    st.builds(
        lambda name, run_id, seconds, command: (
            lambda s: s.begin(run_of(name, run_id, seconds), job_of(name, TASKS, command)) and None
        ),
        names,
        run_ids,
        st.integers(0, 3),
        st.sampled_from(["one", "two"]),
    ),
    st.builds(
        lambda run_id, attempts, outputs: lambda s: s.reopen(run_id).write(attempts, outputs),
        run_ids,
        st.lists(attempts),
        st.lists(outputs),
    ),
    st.builds(
        lambda run_id, state, ended: lambda s: s.reopen(run_id).finish(state, ended),
        run_ids,
        final,
        moments,
    ),
    st.builds(
        lambda job, states, before, limit: lambda s: s.runs(job, states=states, before=before, limit=limit),
        st.none() | names,
        st.lists(st.sampled_from(State), max_size=3),
        st.none() | st.builds(run_of, names, run_ids, st.integers(0, 3)),
        st.none() | st.integers(0, 3),
    ),
    st.builds(
        lambda run_id, task, number, start: lambda s: b"".join(s.output(run_id, task, number, start)),
        run_ids,
        **keys,
        start=st.integers(-9, 9),
    ),
    st.builds(lambda run_id, task, number: lambda s: s.output_size(run_id, task, number), run_ids, **keys),
    st.builds(lambda name: lambda s: s.delete(name), names),
    st.builds(
        lambda name, runs, only_output: lambda s: s.delete(name, runs, only_output=only_output),
        names,
        st.lists(run_ids),
        st.booleans(),
    ),
)


def answer(store: Store, operation: Operation) -> object:
    try:
        return operation(store)
    except (StoreError, LookupError) as error:
        return type(error)


def everything(store: Store) -> list[object]:
    loaded = [store.load(run) for run in store.runs()]
    kept = [
        b"".join(store.output(record.id, task, number))
        for record in loaded
        for task in range(TASKS)
        for number in range(3)
    ]
    return [store.jobs(), [store.job(entry.name) for entry in store.jobs()], loaded, kept]


def assert_agree(store: Store, sequence: list[Operation]) -> None:
    reference = MemoryStore()
    for operation in sequence:
        assert answer(store, operation) == answer(reference, operation)
    assert everything(store) == everything(reference)


sequences = st.lists(operations, max_size=30)


@settings(max_examples=60, deadline=None)
@given(sequences, st.sampled_from([1, 4, 2**20]))
def test_sqlite_agrees_with_the_reference(sequence: list[Operation], piece: int) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as directory,
        closing(SQLiteStore(Path(directory))) as store,
    ):
        patch.setattr(SQLiteStore, "piece_size", piece)
        assert_agree(store, sequence)


@pytest.mark.redis
@settings(max_examples=120, deadline=None)
@given(sequence=sequences, piece=st.sampled_from([1, 4, 2**20]))
def test_redis_agrees_with_the_reference(redis_for_all: RedisServer, sequence: list[Operation], piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch, closing(redis_store(redis_for_all, f"test {uuid4().hex}")) as store:
        patch.setattr(RedisStore, "piece_size", piece)
        assert_agree(store, sequence)
