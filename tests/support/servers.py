"""Real servers for tests: each on a free port of 127.0.0.1, in a temporary directory, gone when its test is."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from pydag.stores.redis.connection import Server
from pydag.stores.redis.store import RedisStore

PATIENCE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A running server. `process` can be stopped to see what happens then."""

    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def redis_server(*options: str, port: int | None = None, program: str = "redis-server") -> Iterator[RedisServer]:
    """A Redis that keeps nothing on the disk. Fails where Redis is not installed: a test must not pass unseen."""
    found = shutil.which(program)
    if found is None:
        raise AssertionError(f"these tests need {program}, which is not installed: apt-get install redis-server")
    port = port or free_port()
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "log").open("wb") as log:
        command = [found, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", *options]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _await_port(port, process, Path(log.name))
            yield RedisServer(port=port, process=process)
        finally:
            process.kill()
            process.wait()


@contextmanager
def redis_client(server: RedisServer, database: int = 0) -> Iterator[Any]:
    """Redis as it is, to look behind the store."""
    with closing(redis.Redis(port=server.port, db=database, protocol=2)) as client:
        yield client


def redis_store(server: RedisServer, prefix: str = "Pydag", password: str | None = None) -> RedisStore:
    """A history on that server, to be closed by the test."""
    return RedisStore(Server(host="127.0.0.1", port=server.port, password=password), prefix)


def free_port() -> int:
    """A port that nobody listens on, or did a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)  # real servers take real time
    raise AssertionError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')}")
