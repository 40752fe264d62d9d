"""The connection to a Redis server: how long it may take, what is tried twice, what its errors mean.

Nothing here shows a password: no message, and no repr.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from pydag.errors import InvalidSetting, StoreError, StoreFormatError, StoreUnreachable

Answer = TypeVar("Answer")

# Seconds. Deleting a job with thousands of runs is one step of the server, which may take some seconds.
CONNECT_TIMEOUT = 3.0
ANSWER_TIMEOUT = 30.0

_ADDRESS = "see that it runs, and that PYDAG_LOG_STORE_HOST or PYDAG_LOG_STORE_URL names it"
_LOGIN = "set PYDAG_LOG_STORE_PASSWORD to that server's"
_OTHER = "see that it is a Redis of version 4 or newer, and no cluster"

# The first that fits counts: a class comes before its bases.
_MEANINGS: tuple[tuple[type[Exception], str, str], ...] = (
    (exceptions.AuthenticationError, "wants another password", _LOGIN),
    (exceptions.AuthenticationWrongNumberOfArgsError, "takes no such password", _LOGIN),
    (exceptions.AuthorizationError, "refuses this user", _LOGIN),
    (exceptions.NoPermissionError, "refuses this user", "allow that user all commands, on all keys"),
    (exceptions.OutOfMemoryError, "has no memory left", "delete old jobs with `pydag delete`, or raise its maxmemory"),
    (exceptions.ReadOnlyError, "is a replica, which cannot be written", _ADDRESS),
    (exceptions.BusyLoadingError, "is still loading its data", "try again in a moment"),
    (exceptions.TimeoutError, "does not answer in time", _ADDRESS),
    (exceptions.ConnectionError, "cannot be reached", _ADDRESS),
    (exceptions.InvalidResponse, "does not talk like Redis", _ADDRESS),
    (exceptions.ResponseError, "refused a command", _OTHER),
    (Exception, "cannot be used", _OTHER),
)


class Server:
    """A server, by host and port or by URL. Connects when it is first asked something; one thread uses it."""

    def __init__(
        self,
        *,
        host: str = "localhost",
        port: int = 6379,
        database: int = 0,
        password: str | None = None,
        url: str | None = None,
    ) -> None:
        if url is None:
            self._client = redis.Redis(host=host, port=port, db=database, password=password, **_options())
        else:
            self._client = _client_of(url, password)
        options = self._client.connection_pool.connection_kwargs
        self._password: str | None = options.get("password")
        self.name: str = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"

    def run(self, script: str, prefix: bytes, *values: bytes | str | int, again: bool = True) -> Any:
        """Run a script. With `again` it is sent once more if the connection broke: then it must be safe to repeat."""
        call = self._client.register_script(script)
        return self._ask_server(lambda: call(keys=[prefix], args=values), again)

    def ask(self, commands: Iterable[tuple[bytes | str | int, ...]]) -> list[Any]:
        """The answers to commands that only read, sent together."""
        pipeline: Any = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return self._ask_server(pipeline.execute, again=False)

    def close(self) -> None:
        self._client.close()

    def _ask_server(self, call: Callable[[], Answer], again: bool) -> Answer:
        try:
            try:
                return call()
            except exceptions.ConnectionError as error:
                # Errors about logins are subclasses: only a broken connection is worth another try.
                if not again or type(error) is not exceptions.ConnectionError:
                    raise
                return call()
        except exceptions.RedisError as error:
            raise translate(error, self.name, self._password) from None  # a cause would be quoted, password and all


def translate(error: Exception, server: str, password: str | None = None) -> StoreError:
    """The one place where redis-py's errors become pydag's."""
    said = " ".join(str(error).split()).partition(" script: ")[0]
    # A server that does not know a command quotes what it was given, even a password: then the answer is not shown.
    said = "" if password and password in str(error) else f" ({said})"
    if isinstance(error, exceptions.ResponseError) and "WRONGTYPE" in said:
        return StoreFormatError(
            f"the Redis server {server} holds other things under the keys of the history{said}: "
            "set PYDAG_LOG_PREFIX to another prefix"
        )
    what, step = next((what, step) for kind, what, step in _MEANINGS if isinstance(error, kind))
    return StoreUnreachable(f"the Redis server {server} {what}{said}: {step}")


def _options() -> dict[str, Any]:
    """By itself redis-py would repeat any command several times, even one that has had its effect already.

    `Server` knows which may be repeated. Every version of Redis speaks RESP 2, without a greeting.
    """
    return {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": ANSWER_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
    }


def _client_of(url: str, password: str | None) -> redis.Redis:
    """A client for a URL. The password in the URL, if there is one, wins."""
    try:
        client = redis.Redis.from_url(url, password=password, **_options())
        client.connection_pool.make_connection()  # checks the options, and does not connect
    except (ValueError, TypeError, exceptions.RedisError):
        # Not the URL itself: it may hold a password.
        raise InvalidSetting(
            f"PYDAG_LOG_STORE_URL={url.split(':')[0] + ':...'!r} is not the address of a Redis server: "
            "write it as redis://host:6379/0, or rediss://... for TLS"
        ) from None
    return client
