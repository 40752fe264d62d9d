"""A history on Redis in which something is not as it was written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pydag.errors import StoreFormatError
from pydag.model.run import Attempt, Output
from pydag.model.states import State
from pydag.stores.redis.store import RedisStore
from pydag.testing import START, attempt_of, job_of, run_of

pytestmark = pytest.mark.redis

MIB = 1024 * 1024


def test_damaged_records_are_format_errors(store: RedisStore, client: Any, prefix: str) -> None:
    run = run_of("J", "r1")
    handle = store.begin(run, job_of("J"))
    handle.write(outputs=[Output(task=0, number=1, data=bytes(MIB))])
    key = f"{prefix}/run/{'0' * 15}1"
    client.hset(f"{key}/output", "0.1.0", "no zlib")
    with pytest.raises(StoreFormatError, match="damaged"):
        list(store.output("r1", 0, 1))
    client.hset(key, "0.1", "no json")
    with pytest.raises(StoreFormatError, match="no json"):
        store.load(run)


def damaged(changes: dict[str, object]) -> bytes:
    """The document of an attempt, with some values changed; `...` takes one away."""
    values = {"state": "failed", "reason": "timeout", "started": 1, "exit_status": 3, "detail": "why", **changes}
    return json.dumps({name: value for name, value in values.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "weird"}, "'weird'"),
        ({"reason": "weird"}, "'weird'"),
        ({"state": ...}, "cannot be read"),
        ({"state": ["failed"]}, "cannot be read"),
        ({"started": "yesterday"}, "cannot be read"),
        ({"started": 10**30}, "cannot be read"),
        ({"exit_status": "3"}, "cannot be read"),
        ({"detail": 7}, "cannot be read"),
        ({"usage": [1, 2, 3]}, "cannot be read"),
        ({"usage": {"user": 1.0}}, "cannot be read"),
    ],
)
def test_an_attempt_that_is_not_as_it_was_written_is_a_format_error(
    store: RedisStore, client: Any, prefix: str, changes: dict[str, object], said: str
) -> None:
    run = run_of("J", "r1")
    store.begin(run, job_of("J")).write([attempt_of(0)])
    client.hset(f"{prefix}/run/{'0' * 15}1", "0.1", damaged({}))
    assert store.load(run).tasks["t0"].attempts[0].detail == "why"
    client.hset(f"{prefix}/run/{'0' * 15}1", "0.1", damaged(changes))
    with pytest.raises(StoreFormatError, match=f"{said}.*PYDAG_LOG_PREFIX"):
        store.load(run)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "weird"),
        ("ended", "soon"),
        ("run", "[]"),
        ("run", "{}"),
        ("run", '{"job": "J", "engine": "local", "started": "now", "owner": ""}'),
        ("run", '{"job": 7, "engine": "local", "started": 1, "owner": ""}'),
    ],
)
def test_a_run_that_is_not_as_it_was_written_is_a_format_error(
    store: RedisStore, client: Any, prefix: str, field: str, value: str
) -> None:
    run = run_of("J", "r1")
    store.begin(run, job_of("J"))
    client.hset(f"{prefix}/run/{'0' * 15}1", field, value)
    for call in (store.runs, store.jobs, lambda: store.load(run)):
        with pytest.raises(StoreFormatError, match="PYDAG_LOG_PREFIX"):
            call()


@pytest.mark.parametrize("value", ['{"tasks": 1, "spec": ""}', '{"saved": "now", "tasks": 1, "spec": ""}', "7"])
def test_a_job_that_is_not_as_it_was_written_is_a_format_error(
    store: RedisStore, client: Any, prefix: str, value: str
) -> None:
    store.save_job(job_of("J"), START)
    client.hset(f"{prefix}/jobs", "J", value)
    with pytest.raises(StoreFormatError, match="PYDAG_LOG_PREFIX"):
        store.jobs()


def test_names_that_a_newer_pydag_adds_are_ignored(store: RedisStore, client: Any, prefix: str) -> None:
    run = run_of("J", "r1")
    store.begin(run, job_of("J"))
    client.hset(f"{prefix}/run/{'0' * 15}1", "0.1", '{"state": "running", "colour": "blue"}')
    assert store.load(run).tasks["t0"].attempts == (Attempt(task=0, number=1, state=State.RUNNING),)


def test_output_that_was_lost_on_the_server_is_a_format_error(store: RedisStore, client: Any, prefix: str) -> None:
    key = f"{prefix}/run/{'0' * 15}1"
    store.begin(run_of("J", "r1"), job_of("J")).write(outputs=[Output(task=0, number=1, data=bytes(MIB) + b"end")])
    client.delete(f"{key}/tail/0.1")
    with pytest.raises(StoreFormatError, match="lost"):
        list(store.output("r1", 0, 1))
    client.hdel(f"{key}/output", "0.1.0")
    with pytest.raises(StoreFormatError, match="damaged"):
        list(store.output("r1", 0, 1))


def test_a_definition_that_was_lost_on_the_server_is_a_format_error(
    store: RedisStore, client: Any, prefix: str
) -> None:
    run = run_of("J", "r1")
    store.begin(run, job_of("J"))
    client.delete(f"{prefix}/job/1/specs")
    with pytest.raises(StoreFormatError):
        store.load(run)
