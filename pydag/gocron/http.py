"""HTTP requests to one gocron server: sessions, timeouts, the login and the errors.

Every foreign error (of requests, of JSON, of gocron's codes) is translated here and nowhere else.
The login is the only operation of gocron that this module knows.
"""

from __future__ import annotations

import copy
import errno
import json
import threading
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from pydag.errors import EngineError, EngineRefused, EngineUnreachable
from pydag.gocron.clock import ServerClock, second_of
from pydag.gocron.session import Session

READ_PAUSES = (0.1, 0.4)
"""Seconds before the second and the third try of a read that had no answer."""

CONNECT_TIMEOUT = 5.0

ANSWER_LIMIT = 64 << 20
"""Bytes of one answer. A row with 4 MiB of output, each byte of it escaped, has 24 MiB."""

LOGIN_PAUSE = 60.0
"""Seconds without a further login after gocron did not accept the login that it had just given."""

_PIECE = 1 << 16  # bytes of an answer that are read at once

_OK, _DECLINED, _FAILED_LOGIN, _NO_RIGHTS, _NO_PATH = 0, 1, 401, 403, 404
_BROKEN, _NOT_INSTALLED = 500, 801

_ENGLISH = {
    "任务名称已存在": "a task of that name exists",
    "保存失败": "its database could not keep it",
    "表单验证失败, 请检测输入": "a value is beyond its limits",
    "获取任务详情失败": "there is no such task",
    "主机名已存在": "a node of that name exists",
    "主机不存在": "there is no such node",
    "有任务引用此主机，不能删除": "tasks still name it",
    "连接失败": "the node does not answer",
    "仅支持SHELL任务手动停止": "its task is gone, or runs no command",
}
"""The messages of the original, which speaks Chinese only. They are for people: no decision depends on them."""


class NoAnswer(EngineUnreachable):
    """No answer came back. `sent`: the request may have taken effect.

    A request whose login had no answer was not sent. `timed_out`: the whole time for an answer is over.
    """

    def __init__(self, message: str, *, sent: bool = True, timed_out: bool = False) -> None:
        self.sent = sent
        self.timed_out = timed_out
        super().__init__(message)


class TooLarge(EngineUnreachable):
    """An answer over `ANSWER_LIMIT`."""


class NoSuchPath(EngineUnreachable):
    """A request that this gocron does not know: it is another version, or the other dialect."""


class NoRights(EngineRefused):
    """Only an administrator may do this."""


class Declined(EngineRefused):
    """gocron said no; `reason` is in its own words."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)


class GoCronHttp:
    """Sends requests to one server from any thread; each thread keeps one connection.

    Logs in at the first request, and once more when gocron no longer accepts the token. Threads that need a login at
    the same time share one. A refused login is not tried again, since the fork locks an account after five of them; one
    that was given and not accepted, only after `LOGIN_PAUSE`. The timeout is in seconds, for each request with its
    whole answer. `clock` is what the answers told of the server's clock, beside `time.monotonic()`; by that, `refused`
    is when nobody listened at the address, the last time.
    """

    def __init__(self, address: str, user: str, password: str, *, token: str = "", timeout: float = 30.0) -> None:
        self.address = _without_login(address)
        self.user = user
        self.token = token
        self._base = address.rstrip("/")
        self._password = password
        self._timeout = (min(CONNECT_TIMEOUT, timeout), timeout)
        self._local = threading.local()
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        self._logins = 0
        self._login_error: EngineError | None = None
        self._no_login_until = 0.0
        self.clock = ServerClock()
        self.refused: float | None = None

    def __repr__(self) -> str:
        return f"GoCronHttp(address={self.address!r}, user={self.user!r})"

    def read(self, path: str, params: Mapping[str, str | int], *, what: str) -> Any:
        """The data of a GET without an effect; repeated after a broken connection. `what`: a verb, for messages."""
        for pause in READ_PAUSES:
            try:
                return self.send("GET", path, params, what=what)
            except NoAnswer as error:
                if error.timed_out:  # the caller was promised an answer or an error by now
                    raise
                time.sleep(pause)
        return self.send("GET", path, params, what=what)

    def send(self, method: str, path: str, fields: Mapping[str, str | int], *, what: str) -> Any:
        """The data of a request that is sent once: the fields of a GET in the URL, those of a POST as a form.

        Raises `NoAnswer`, `EngineUnreachable`, or `EngineRefused` with gocron's own reason.
        """
        token = self.token or self.login(stale="")
        answer = self._exchange(method, path, fields, token)
        if answer["code"] == _FAILED_LOGIN:
            answer = self._exchange(method, path, fields, self.login(stale=token))
            if answer["code"] == _FAILED_LOGIN:
                self._no_login_until = time.monotonic() + LOGIN_PAUSE
        return self._data(answer, what)

    def login(self, *, stale: str) -> str:
        """A token other than `stale`; one request, however many threads call this at the same time."""
        seen = self._logins
        with self._lock:
            if self.token and self.token != stale:
                return self.token
            if self._login_error and (self._logins != seen or isinstance(self._login_error, EngineRefused)):
                raise _fresh(self._login_error)
            if time.monotonic() < self._no_login_until:
                raise self._not_accepted()
            self._login_error = None
            try:
                self.token = self._fresh_token()
            except EngineError as error:
                self._login_error = error
                raise
            finally:
                self._logins += 1
            return self.token

    def close(self) -> None:
        """Close the connections. A later request opens new ones."""
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()
        self._local = threading.local()

    def _fresh_token(self) -> str:
        if not (self.user and self._password):
            raise EngineRefused(
                f"gocron at {self.address} wants a login: set GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD"
            )
        form = {"username": self.user, "password": self._password}
        try:
            answer = self._exchange("POST", "/api/user/login", form, "")
            if answer["code"] not in (_OK, _DECLINED):
                self._data(answer, "log in")
        except NoAnswer as error:
            raise NoAnswer(str(error), sent=False, timed_out=error.timed_out) from None
        if answer["code"] != _OK:
            raise EngineRefused(
                f"gocron at {self.address} refused the login of user {self.user!r}"
                f" ({_one_line(answer.get('message'))}): check the user's name and password"
            )
        data = answer.get("data")
        token = data.get("token") if isinstance(data, dict) else None
        if not isinstance(token, str):
            raise EngineRefused(
                f"gocron at {self.address} asks user {self.user!r} for a second factor: give pydag a user without one"
            )
        return token

    def _session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = Session({"Accept-Language": "en"})
            self._sessions.append(session)
        return session

    def _exchange(self, method: str, path: str, fields: Mapping[str, str | int], token: str) -> dict[str, Any]:
        query, form = (fields, None) if method == "GET" else (None, fields)
        headers = {"Auth-Token": token} if token else {}
        began = time.monotonic()
        try:
            with self._session().request(
                method,
                self._base + path,
                params=query,
                data=form,
                headers=headers,
                timeout=self._timeout,
                stream=True,
            ) as response:
                self.clock.saw(second_of(response.headers.get("Date")), began, time.monotonic())
                return self._decoded(response.status_code, self._content(response, began + self._timeout[1]))
        except (requests.RequestException, HTTPError, UnicodeError) as error:
            raise self._translated(error) from None

    def _content(self, response: requests.Response, until: float) -> bytes:
        """The whole answer, which must be within the limit, and here in time."""
        content = bytearray()
        while piece := response.raw.read1(_PIECE, decode_content=True):  # what is there, without waiting for more
            content += piece
            if len(content) > ANSWER_LIMIT:
                raise TooLarge(f"an answer of gocron at {self.address} is over {ANSWER_LIMIT >> 20} MiB: clear its log")
            if time.monotonic() > until:
                raise requests.exceptions.ReadTimeout
        return bytes(content)

    def _decoded(self, status: int, content: bytes) -> dict[str, Any]:
        if status >= _BROKEN:
            message = f"gocron at {self.address} answered with HTTP {status}"
            raise NoAnswer(f"{message}: look into its log", sent=True)
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("code"), int):
            raise EngineUnreachable(f"{self.address} answers, but is not gocron (HTTP {status}): check GOCRON_ADDRESS")
        return answer

    def _data(self, answer: Mapping[str, Any], what: str) -> Any:
        code, reason = answer["code"], _one_line(answer.get("message"))
        if code == _OK:
            return answer.get("data")
        at = f"gocron at {self.address}"
        if code == _NOT_INSTALLED:
            raise EngineUnreachable(f"{at} is not installed yet: open it in a browser and install it")
        if code == _FAILED_LOGIN:
            raise self._not_accepted()
        if code == _NO_RIGHTS:
            raise NoRights(f"user {self.user!r} of {at} may not {what} ({reason}): use an administrator")
        if code == _NO_PATH:
            raise NoSuchPath(f"{at} knows no way to {what} ({reason}): check its version")
        if code == _BROKEN:
            raise NoAnswer(f"{at} broke at the request to {what}: look into its log", sent=True)
        raise Declined(f"{at} refused to {what}: {_in_english(reason)}", reason=reason)

    def _not_accepted(self) -> EngineError:
        return EngineRefused(f"gocron at {self.address} does not accept the login that it gave: check its clock")

    def _translated(self, error: Exception) -> EngineError:
        at = f"gocron at {self.address}"
        if isinstance(error, requests.exceptions.SSLError):
            return EngineUnreachable(f"{at} has no TLS certificate that can be trusted: {_cause(error)}")
        if isinstance(error, requests.exceptions.ConnectTimeout):
            message = f"{at} cannot be reached in {self._timeout[0]:g} s: check GOCRON_ADDRESS and the way there"
            return NoAnswer(message, sent=False, timed_out=True)
        if isinstance(error, requests.exceptions.Timeout):
            message = f"{at} did not answer in {self._timeout[1]:g} s: look into its log"
            return NoAnswer(message, sent=True, timed_out=True)
        if isinstance(error, UnicodeError):
            return EngineRefused(f"{at} accepts only valid text: {_one_line(error)}")
        if isinstance(error, ValueError):
            return EngineUnreachable(f"{self.address!r} is not an address of gocron: write it as http://host:5920")
        if _never_sent(error):
            if _errno(error) == errno.ECONNREFUSED:
                self.refused = time.monotonic()
            return NoAnswer(
                f"{at} cannot be reached ({_cause(error)}): check GOCRON_ADDRESS and that it runs",
                sent=False,
            )
        return NoAnswer(f"the connection to {at} broke: {_cause(error)}", sent=True)


def _fresh(error: EngineError) -> EngineError:
    """The same error without a traceback, to be raised in another thread."""
    return copy.copy(error).with_traceback(None)


def _never_sent(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _cause(error: BaseException) -> str:
    """The operating system's message inside an error of requests, never its URL."""
    for seen in _inside(error):
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        if isinstance(seen, ConnectionError):
            return _one_line(seen)
        if isinstance(seen, HTTPException):
            return "it does not speak HTTP"
    return type(error).__name__


def _errno(error: BaseException) -> int:
    """The operating system's number inside an error of requests; 0 without one."""
    return next((seen.errno for seen in _inside(error) if isinstance(seen, OSError) and seen.errno), 0)


def _inside(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it wraps."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        inner = (getattr(seen, "reason", None), *seen.args, seen.__context__)
        seen = next((one for one in inner if isinstance(one, BaseException)), None)


def _in_english(reason: str) -> str:
    start = reason.partition("-")[0]
    return f"{_ENGLISH[start]} ({reason})" if start in _ENGLISH else reason


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:200]


def _without_login(address: str) -> str:
    """The address without the user and password it may hold."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
