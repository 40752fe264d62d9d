"""What the server under the history may do: be elsewhere, be closed, be full, be no Redis at all."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import exceptions

from pydag.errors import InvalidSetting, StoreFormatError, StoreUnreachable
from pydag.model.run import Output
from pydag.stores.redis import connection
from pydag.stores.redis.connection import Server, translate
from pydag.stores.redis.store import RedisStore
from pydag.testing import START, attempt_of, job_of, run_of
from tests.support import servers
from tests.support.servers import RedisServer, redis_client, redis_server, redis_store

pytestmark = pytest.mark.redis

PASSWORD = "s3cret word"


def assert_says(error: BaseException, *parts: str) -> None:
    """One line with all of this, and without the password, also where a traceback is printed."""
    for part in parts:
        assert part in str(error)
    assert "\n" not in str(error)
    assert PASSWORD not in "".join(traceback.format_exception(error))


def test_a_refused_connection_is_reported_at_once() -> None:
    port = servers.free_port()
    started = time.monotonic()
    with pytest.raises(StoreUnreachable) as raised:
        RedisStore(Server(host="127.0.0.1", port=port, password=PASSWORD))
    assert time.monotonic() - started < 1
    assert_says(raised.value, f"127.0.0.1:{port}", "cannot be reached", "PYDAG_LOG_STORE_HOST")


def test_a_host_that_has_no_address_is_unreachable() -> None:
    with pytest.raises(StoreUnreachable) as raised:
        RedisStore(Server(host="no-such-host.invalid"))
    assert_says(raised.value, "no-such-host.invalid:6379", "PYDAG_LOG_STORE_HOST")


@pytest.mark.parametrize("password", [None, "wrong", PASSWORD + "!"])
def test_a_missing_or_wrong_password_is_reported_without_showing_it(password: str | None) -> None:
    with redis_server("--requirepass", PASSWORD) as server:
        with pytest.raises(StoreUnreachable) as raised:
            redis_store(server, password=password)
        assert_says(raised.value, f"127.0.0.1:{server.port}", "PYDAG_LOG_STORE_PASSWORD")
        assert password is None or password not in str(raised.value)
        with closing(redis_store(server, password=PASSWORD)) as store:
            assert store.jobs() == []


def test_a_password_for_a_server_without_one_is_reported(redis_for_all: RedisServer) -> None:
    with pytest.raises(StoreUnreachable) as raised:
        redis_store(redis_for_all, password=PASSWORD)
    assert_says(raised.value, "PYDAG_LOG_STORE_PASSWORD")


def test_a_server_without_memory_is_reported_and_keeps_what_it_has() -> None:
    with redis_server() as server, closing(redis_store(server)) as store, redis_client(server) as client:
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        handle.write([attempt_of(0)])
        client.config_set("maxmemory", "1mb")
        calls: list[Callable[[], object]] = [
            lambda: handle.write([attempt_of(1)], [Output(task=0, number=1, data=b"x" * 1000)]),
            lambda: store.begin(run_of("K", "r2"), job_of("K")),
            lambda: store.save_job(job_of("K"), START),
        ]
        for call in calls:
            with pytest.raises(StoreUnreachable) as raised:
                call()
            assert_says(raised.value, f"127.0.0.1:{server.port}", "no memory left", "pydag delete")
        assert store.runs() == [run]
        assert store.load(run).tasks["t1"].attempts == ()
        store.delete("J")
        assert store.jobs() == []


def test_a_history_in_another_format_is_refused(redis_for_all: RedisServer, client: Any, prefix: str) -> None:
    client.set(f"{prefix}/format", "7")
    with pytest.raises(StoreFormatError) as raised:
        redis_store(redis_for_all, prefix)
    assert_says(raised.value, prefix, "'7'", "knows 1", "PYDAG_LOG_PREFIX")


@pytest.mark.parametrize("key", ["format", "jobs", "numbers"])
def test_keys_of_another_program_are_refused(redis_for_all: RedisServer, client: Any, prefix: str, key: str) -> None:
    client.rpush(f"{prefix}/{key}", "a list")
    with pytest.raises(StoreFormatError) as raised, closing(redis_store(redis_for_all, prefix)) as store:
        store.jobs()
    assert_says(raised.value, "PYDAG_LOG_PREFIX")


@contextmanager
def server_that_says(answer: bytes) -> Iterator[int]:
    """Another server that listens; with an empty answer it never answers."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.recv(1000)
                line.sendall(answer)
                line.recv(1000)  # until the other side gives up

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_server_that_is_not_redis_is_reported() -> None:
    with server_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port, pytest.raises(StoreUnreachable) as raised:
        RedisStore(Server(host="127.0.0.1", port=port))
    assert_says(raised.value, f"127.0.0.1:{port}", "PYDAG_LOG_STORE_HOST")


def test_a_server_that_repeats_the_password_is_not_quoted() -> None:
    answer = f"-ERR unknown command `AUTH`, with args beginning with: `{PASSWORD}`\r\n".encode()
    with server_that_says(answer) as port, pytest.raises(StoreUnreachable) as raised:
        RedisStore(Server(host="127.0.0.1", port=port, password=PASSWORD))
    assert_says(raised.value, f"127.0.0.1:{port}")
    assert PASSWORD not in str(raised.value)


def test_a_server_that_keeps_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_TIMEOUT", 0.2)
    with server_that_says(b"") as port, pytest.raises(StoreUnreachable) as raised:
        RedisStore(Server(host="127.0.0.1", port=port))
    assert_says(raised.value, f"127.0.0.1:{port}", "in time")


def test_a_url_names_server_password_and_database() -> None:
    with redis_server("--requirepass", "a:b@c") as server:
        url = f"redis://:a%3Ab%40c@127.0.0.1:{server.port}/3"
        with closing(RedisStore(Server(url=url))) as store:
            store.save_job(job_of("J"), START)
        plain = f"redis://127.0.0.1:{server.port}/3"
        with closing(RedisStore(Server(url=plain, password="a:b@c"))) as store:
            assert [entry.name for entry in store.jobs()] == ["J"]
        with closing(RedisStore(Server(host="127.0.0.1", port=server.port, database=0, password="a:b@c"))) as store:
            assert store.jobs() == []


@pytest.mark.openssl
def test_rediss_uses_tls_and_checks_the_certificate(tmp_path: Path) -> None:
    certificate, key, port = tmp_path / "certificate.pem", tmp_path / "key.pem", servers.free_port()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no"]
    with redis_server("--port", "0", "--tls-port", str(port), *files, "--requirepass", PASSWORD, port=port):
        url = f"rediss://127.0.0.1:{port}/0"
        with closing(RedisStore(Server(url=f"{url}?ssl_ca_certs={certificate}", password=PASSWORD))) as store:
            store.save_job(job_of("J"), START)
            assert [entry.name for entry in store.jobs()] == ["J"]
        with pytest.raises(StoreUnreachable) as raised:
            RedisStore(Server(url=url, password=PASSWORD))
        assert_says(raised.value, f"127.0.0.1:{port}", "certificate")


@pytest.mark.parametrize(
    "url",
    [
        f"http://:{PASSWORD}@host",
        f":{PASSWORD}@host",
        f"redis://:{PASSWORD}@host:port",
        f"redis://:{PASSWORD}@host?no_such_option=1",
        f"redis://:{PASSWORD}@host?socket_timeout=soon",
        "",
    ],
)
def test_an_invalid_url_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(InvalidSetting) as raised:
        Server(url=url)
    assert "PYDAG_LOG_STORE_URL" in str(raised.value)
    assert PASSWORD not in repr(raised.value)


FOREIGN = [
    value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, exceptions.RedisError)
]


@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda foreign: foreign.__name__)
def test_every_foreign_error_becomes_one_of_pydags(foreign: type[Exception]) -> None:
    error = foreign.__new__(foreign)
    error.args = (f"boom {PASSWORD}\r\nand more",)
    translated = translate(error, "host:1", PASSWORD)
    assert isinstance(translated, StoreUnreachable)
    assert "host:1" in str(translated)
    assert PASSWORD not in str(translated)
    assert "\n" not in str(translated)


def test_the_list_of_foreign_errors_is_not_empty() -> None:
    names = {foreign.__name__ for foreign in FOREIGN}
    assert {"AuthenticationError", "BusyLoadingError", "OutOfMemoryError", "ReadOnlyError", "TimeoutError"} <= names


def test_a_missing_server_program_fails_the_tests_that_need_it() -> None:
    with pytest.raises(AssertionError, match="apt-get install"), redis_server(program="no-such-server"):
        pass
