"""What only the history on Redis does: its keys, its writers, connections that break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from pydag.errors import NotFound, StoreError, StoreUnreachable
from pydag.model.run import Attempt, Output
from pydag.model.states import State
from pydag.stores.redis.connection import Server
from pydag.stores.redis.store import RedisStore
from pydag.testing import HOSTILE_NAMES, START, at, attempt_of, job_of, run_of
from tests.support.servers import RedisServer, redis_client, redis_server, redis_store

pytestmark = pytest.mark.redis

MIB = 1024 * 1024


def keys_of(client: Any, prefix: str) -> set[str]:
    return {key.decode() for key in client.scan_iter(f"{prefix}*", count=1000)}


# Its keys


def test_the_keys_are_those_of_the_layout(store: RedisStore, client: Any, prefix: str) -> None:
    run = run_of("J", "r1")
    handle = store.begin(run, job_of("J"))
    handle.write([attempt_of(1)], [Output(task=1, number=1, data=b"text")])
    number = "0" * 15 + "1"
    assert keys_of(client, prefix) == {
        f"{prefix}/{key}"
        for key in (
            "format",
            "next",
            "jobs",
            "numbers",
            "job/1/specs",
            "job/1/uses",
            "ids",
            "runs",
            "runs/running",
            "job/1/runs",
            "job/1/runs/running",
            f"run/{number}",
            f"run/{number}/output",
            f"run/{number}/tail/1.1",
        )
    }
    handle.finish(State.SUCCESS, at(1))
    assert {f"{prefix}/runs/success", f"{prefix}/job/1/runs/success"} <= keys_of(client, prefix)


def test_no_key_contains_a_name(store: RedisStore, client: Any, prefix: str) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        handle = store.begin(run_of(name, name, number), job_of(name))
        handle.write([attempt_of(0)], [Output(task=0, number=1, data=b"text")])
    for key in keys_of(client, prefix):
        assert set(key.removeprefix(prefix)) <= set("/.0123456789abcdefghijklmnopqrstuvwxyz")


def test_opening_and_reading_write_nothing(store: RedisStore, client: Any, prefix: str) -> None:
    assert store.jobs() == []
    assert store.runs("J") == []
    assert list(store.output("r1", 0, 1)) == []
    with pytest.raises(NotFound):
        store.delete("J")
    assert keys_of(client, prefix) == set()


def test_a_deleted_job_leaves_only_the_version_and_the_counters(
    store: RedisStore, client: Any, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisStore, "piece_size", 4)
    for number in range(3):
        run = run_of("J", f"r{number}", number)
        handle = store.begin(run, job_of("J", 3 + number))
        handle.write([attempt_of(0)], [Output(task=task, number=1, data=b"0123456789") for task in range(3)])
        handle.finish(State.FAILED, at(1))
    store.save_job(job_of("J", 9), at(9))
    store.delete("J")
    assert keys_of(client, prefix) == {f"{prefix}/format", f"{prefix}/next"}


def test_a_definition_is_kept_only_as_long_as_it_is_used(store: RedisStore, client: Any, prefix: str) -> None:
    for number in range(5):
        store.begin(run_of("J", f"r{number}"), job_of("J", 2))
    for tasks in range(3, 9):
        store.save_job(job_of("J", tasks), START)
    assert client.hlen(f"{prefix}/job/1/specs") == 2


@pytest.mark.parametrize("other", ["P/job/1", "P/", "P%2Fjob%2F1", "P:", "", "p", "P\n", "P*", "é"])
def test_no_prefix_reaches_into_another(redis_for_all: RedisServer, client: Any, other: str) -> None:
    with closing(redis_store(redis_for_all, "P")) as one, closing(redis_store(redis_for_all, other)) as two:
        for store, name in ((one, "one"), (two, "two")):
            handle = store.begin(run_of(name, "r1"), job_of(name))
            handle.write(outputs=[Output(task=0, number=1, data=name.encode())])
        assert [run.job for run in one.runs()] == ["one"]
        assert [run.job for run in two.runs()] == ["two"]
        assert b"".join(one.output("r1", 0, 1)) == b"one"
        two.delete("two")
        assert [run.job for run in one.runs()] == ["one"]
        one.delete("one")


def test_output_over_a_mebibyte_is_compressed(store: RedisStore, client: Any, prefix: str) -> None:
    handle = store.begin(run_of("J", "r1"), job_of("J"))
    handle.write(outputs=[Output(task=0, number=1, data=b"all alike\n" * (2 * MIB))])
    for _ in range(30):
        handle.write(outputs=[Output(task=1, number=1, data=b"in pieces\n" * (MIB // 10))])
    size = sum(client.memory_usage(key, samples=0) for key in keys_of(client, prefix))
    assert size < 4 * MIB
    assert b"".join(store.output("r1", 0, 1)) == b"all alike\n" * (2 * MIB)
    assert b"".join(store.output("r1", 1, 1)) == b"in pieces\n" * (MIB // 10 * 30)
    assert {len(piece) for piece in list(store.output("r1", 0, 1))[:-1]} == {MIB}


def test_the_server_is_never_asked_for_all_its_keys() -> None:
    with redis_server() as server, closing(redis_store(server)) as store, redis_client(server) as client:
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        handle.write([attempt_of(0)], [Output(task=0, number=1, data=b"text")])
        store.jobs(), store.runs(), store.load(run_of("J", "r1")), list(store.output("r1", 0, 1))
        store.delete("J")
        used = client.info("commandstats")
        assert {"cmdstat_evalsha", "cmdstat_zrevrange"} <= used.keys()
        assert not {"cmdstat_keys", "cmdstat_scan", "cmdstat_flushdb"} & used.keys()


def test_an_attempt_as_large_as_can_be_comes_back(store: RedisStore) -> None:
    handle = store.begin(run_of("J", "r1"), job_of("J", 1))
    attempt = Attempt(task=0, number=10**6, state=State.FAILED, detail="x" * 100_000, output_dropped=2**60)
    handle.write([attempt])
    assert store.load(run_of("J", "r1")).tasks["t0"].attempts == (attempt,)


# Many at once


def test_ten_writers_of_one_output_lose_no_byte_and_mix_none(
    redis_for_all: RedisServer, store: RedisStore, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisStore, "piece_size", 64)
    store.begin(run_of("J", "r1"), job_of("J"))

    def write(letter: str) -> None:
        with closing(redis_store(redis_for_all, prefix)) as mine:
            handle = mine.reopen("r1")
            for _ in range(20):
                handle.write(outputs=[Output(task=0, number=1, data=letter.encode() * 10)])

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcdefghij"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = b"".join(store.output("r1", 0, 1)).decode()
    assert sorted(kept[start : start + 10] for start in range(0, len(kept), 10)) == sorted(
        letter * 10 for letter in "abcdefghij" for _ in range(20)
    )


def test_of_ten_that_begin_a_run_with_the_same_id_one_succeeds(redis_for_all: RedisServer, prefix: str) -> None:
    outcomes: list[str] = []

    def begin(number: int) -> None:
        with closing(redis_store(redis_for_all, prefix)) as mine:
            try:
                mine.begin(run_of(f"J{number}", "r1"), job_of(f"J{number}"))
                outcomes.append("begun")
            except StoreError:
                outcomes.append("refused")

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["begun"] + ["refused"] * 9


# A connection that breaks


class Relay:
    """Between a client and a server. With `lose_next` it passes one request on and then breaks the connection."""

    def __init__(self, port: int) -> None:
        self.lost = 0
        self.lose_next = False
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with near, socket.create_connection(("127.0.0.1", self._to)) as far:
                self._relay(near, far)

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        while request := near.recv(MIB):
            lose, self.lose_next = self.lose_next, False
            far.sendall(request)
            answer = far.recv(MIB)
            if lose:
                self.lost += 1
                return
            near.sendall(answer)


@contextmanager
def line_to(server: RedisServer) -> Iterator[Relay]:
    line = Relay(server.port)
    try:
        yield line
    finally:
        line.close()


def test_an_answer_lost_after_the_effect_neither_fails_nor_repeats_it(
    redis_for_all: RedisServer, prefix: str, store: RedisStore
) -> None:
    run = run_of("J", "r1")
    done = run._replace(state=State.SUCCESS, ended=at(1))
    with line_to(redis_for_all) as line, closing(RedisStore(Server(host="127.0.0.1", port=line.port), prefix)) as mine:
        warm = mine.begin(run_of("warm", "r0", -1), job_of("warm"))  # the scripts are known from here on
        warm.write([attempt_of(0)])
        warm.finish(State.SUCCESS, at(0))
        begun = []
        calls: list[Callable[[], None]] = [
            lambda: mine.save_job(job_of("J"), START),
            lambda: begun.append(mine.begin(run, job_of("J"))),
            lambda: begun[0].write([attempt_of(0)], [Output(task=0, number=1, data=b"once")]),
            lambda: begun[0].write(outputs=[Output(task=0, number=1, data=b" and once")]),
            lambda: begun[0].finish(State.SUCCESS, at(1)),
        ]
        for call in calls:
            line.lose_next = True
            call()
        assert line.lost == 5
    assert store.runs("J") == [done]
    assert b"".join(store.output("r1", 0, 1)) == b"once and once"
    assert store.load(run).tasks["t0"].attempts == (attempt_of(0),)


def test_a_delete_whose_answer_is_lost_is_not_tried_again(
    redis_for_all: RedisServer, prefix: str, store: RedisStore
) -> None:
    store.save_job(job_of("J"), START)
    store.save_job(job_of("K"), START)
    store.delete("K")
    with line_to(redis_for_all) as line, closing(RedisStore(Server(host="127.0.0.1", port=line.port), prefix)) as mine:
        line.lose_next = True
        with pytest.raises(StoreUnreachable):
            mine.delete("J")
        assert line.lost == 1
    assert store.jobs() == []


def test_a_server_that_went_away_and_came_back_is_used_again() -> None:
    with redis_server() as first:
        store = redis_store(first)
        store.save_job(job_of("J"), START)
    with pytest.raises(StoreUnreachable, match="cannot be reached"):
        store.jobs()
    with redis_server(port=first.port):
        assert store.jobs() == []
        store.begin(run_of("J", "r1"), job_of("J"))
        assert [run.id for run in store.runs()] == ["r1"]
        store.close()
