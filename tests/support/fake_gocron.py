"""A stand-in for a gocron server: answers over HTTP as gocron does, in both dialects, in memory.

`with FakeGoCron("fork") as server: server.address` in a test, or as a program:
`python -m tests.support.fake_gocron --port 0 --dialect fork` prints its address. User and password are
`admin` and `admin-password`; `plain` and `plain-password` have no rights.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import re
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from tests.support.fake_gocron_api import ENGLISH, Answer, Api
from tests.support.fake_gocron_core import FINISHED, RUNNING, FakeCore, Row
from tests.support.fake_gocron_node import Dialect

USER, PASSWORD = "admin", "admin-password"
PLAIN_USER, PLAIN_PASSWORD = "plain", "plain-password"
TOKEN_LIFE = 4 * 3600.0
LOCKED_AFTER, LOCKED_FOR = 5, 600.0
PLAIN_MAY = {"/api/task", "/api/task/log", "/api/host", "/api/host/all", "/api/user/2fa/status"}


class Fault(Enum):
    """What can go wrong with one request."""

    CUT = "the connection is cut before anything happened"
    LOST_ANSWER = "the request has its effect, and the connection is cut"
    HTTP_500 = "HTTP 500"
    CODE_401 = "the token is no longer valid"


@dataclass
class _Planned:
    fault: Fault
    path: str
    times: int


class FakeGoCron:
    """A server on a free port of 127.0.0.1, and its switches. A context manager."""

    def __init__(self, dialect: Dialect = "original", *, port: int = 0, queue: int = 500) -> None:
        self.core = FakeCore(dialect, queue)
        self.installed = True
        self.slow = 0.0
        """Seconds before every answer."""
        self.token_life = TOKEN_LIFE
        self.requests: list[str] = []
        """Every request, as `GET /api/task?name=x`."""
        self.fired: Counter[Fault] = Counter()
        self.counts: Counter[str] = Counter()
        """Requests by method and path, with `:id` for a number."""
        self.bodies: list[str] = []
        self.connections = 0
        self.sockets: list[socket.socket] = []
        self._routes = Api(self.core).routes()
        self._planned: list[_Planned] = []
        self._tokens: dict[str, tuple[str, float]] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._server = _Server(self, port)
        self.port = self._server.server_port
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._serve()
        return self

    def __exit__(self, *exc: object) -> None:
        self.core.kill_all()
        self._end_serving()

    def _serve(self) -> None:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _end_serving(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def vanish(self) -> None:
        """Refuse connections and cut those there are, as a way to the server that is closed; what runs goes on."""
        self._end_serving()
        for connection in self.sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def crash(self) -> None:
        """End as by SIGKILL: nobody writes the ends of what runs, whose commands the nodes kill."""
        self.vanish()
        with self.core.lock:
            self.core.orphans.update(row.id for row in self.core.rows.values() if row.status == RUNNING)
            for execution in self.core.executions.values():
                execution.kill("killed")

    def come_back(self) -> None:
        """Serve again at the same address."""
        self._server = _Server(self, self.port)
        self._serve()

    def fail(self, fault: Fault, path: str = "/api/", *, times: int = 1) -> None:
        """Let the next `times` requests whose path starts with `path` go wrong."""
        with self._lock:
            self._planned.append(_Planned(fault, path, times))

    def expire_tokens(self) -> None:
        with self._lock:
            self._tokens.clear()

    def add_foreign_row(self, task_id: int, result: str) -> int:
        """Another run of the task, by somebody else, that has finished."""
        task = self.core.tasks[task_id]
        row = self.core.add_row(task, self.core.hosts_of(task), FINISHED)
        assert isinstance(row, Row)
        row.result = result
        return row.id

    # One request

    def note(self, method: str, target: str, body: str) -> Fault | None:
        """Count a request, and return the fault that it meets."""
        path = urlsplit(target).path
        with self._lock:
            self.requests.append(f"{method} {target}")
            self.bodies.append(body)
            self.counts[f"{method} {re.sub(r'/[0-9]+$', '/:id', path)}"] += 1
            for plan in self._planned:
                if plan.times and path.startswith(plan.path):
                    plan.times -= 1
                    self.fired[plan.fault] += 1
                    return plan.fault
        return None

    def answer(self, method: str, target: str, form: Mapping[str, str], token: str) -> Answer:
        """gocron's code, message and data."""
        parts = urlsplit(target)
        path, query = parts.path.rstrip("/"), dict(parse_qsl(parts.query, True))
        if not self.installed and not path.startswith("/api/install"):
            return 801, "应用未安装", None
        if path == "/api/install/status":
            return 0, "", self.installed
        if (method, path) == ("POST", "/api/user/login"):
            return self._login(form if self.core.dialect == "fork" else query | dict(form))
        user = self._user(token)
        if not user:
            return 401, "认证失败", None
        if user == PLAIN_USER and path not in PLAIN_MAY:
            return 403, "无权访问" if self.core.dialect == "fork" else "您无权限访问", None
        stem, _, last = path.rpartition("/")
        number = int(last) if last.isdecimal() else None
        route = self._routes.get((method, path if number is None else f"{stem}/:id"))
        if route is None:
            fork = self.core.dialect == "fork"
            return 404, "页面不存在" if fork else "您访问的页面不存在", None
        if method == "POST" and path != "/api/task/log/stop":
            form = query | dict(form)
        return route(query if method == "GET" else form, number or 0)

    def _user(self, token: str) -> str:
        with self._lock:
            user, ends = self._tokens.get(token, ("", 0.0))
        return user if time.time() < ends else ""

    def _login(self, form: Mapping[str, str]) -> Answer:
        user, password = form.get("username", "").strip(), form.get("password", "").strip()
        fork = self.core.dialect == "fork"
        if not user or not password:
            return 1, "用户名或密码不能为空" if fork else "用户名、密码不能为空", None
        with self._lock:
            failures, since = self._failures.get(user, (0, 0.0))
            if fork and failures >= LOCKED_AFTER and time.time() < since + LOCKED_FOR:
                return 1, "账户已被锁定，请10分钟后再试", None
            if {USER: PASSWORD, PLAIN_USER: PLAIN_PASSWORD}.get(user) != password:
                self._failures[user] = (failures + 1, time.time())
                left = LOCKED_AFTER - failures - 1
                tries = f"，还剩{left}次尝试机会" if fork and left else ""
                return 1, "用户名或密码错误" + tries, None
            self._failures.pop(user, None)
            token = _token(user)
            self._tokens[token] = (user, time.time() + self.token_life)
            self.core.logins.append((user, time.time()))
        data = {"token": token, "uid": 1, "username": user, "is_admin": int(user == USER)}
        return 0, "操作成功", data


def _token(user: str) -> str:
    """One as both gocrons write it, a JWT; only its claims are real."""
    now = int(time.time())
    claims = {"exp": now + int(TOKEN_LIFE), "iat": now, "issuer": "gocron", "uid": 1, "username": user}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.{secrets.token_hex()}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, fake: FakeGoCron, port: int) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self.fake = self.server.fake
        self.fake.connections += 1
        self.fake.sockets.append(self.connection)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        fault = self.fake.note(self.command, self.path, body)
        time.sleep(self.fake.slow)
        if fault is Fault.HTTP_500:
            self._send(500, "internal server error")
        elif fault is Fault.CUT:
            self.close_connection = True
        elif fault is Fault.CODE_401:
            self._answer((401, "认证失败", None))
        else:
            form = dict(parse_qsl(body, True))
            token = self.headers.get("Auth-Token", "")
            answer = self.fake.answer(self.command, self.path, form, token)
            if fault is Fault.LOST_ANSWER:
                self.close_connection = True
            else:
                self._answer(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def _answer(self, answer: Answer) -> None:
        code, message, data = answer
        fork = self.fake.core.dialect == "fork"
        if fork and self.headers.get("Accept-Language", "zh") not in ("zh", "zh-CN"):
            message = ENGLISH.get(message, message)
        text = json.dumps({"code": code, "message": message, "data": data}, ensure_ascii=False)
        self._send(404 if fork and code == 404 else 200, text)

    def _send(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Date", formatdate(time.time() + self.fake.core.ahead, usegmt=True))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dialect", choices=["original", "fork"], default="original")
    options = parser.parse_args()
    with FakeGoCron(options.dialect, port=options.port) as server:
        print(server.address, flush=True)  # noqa: T201  # whoever started it reads the address
        threading.Event().wait()


if __name__ == "__main__":
    main()
