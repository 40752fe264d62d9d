"""The gocron servers the tests run on: both dialects of the stand-in, and real ones where named.

`PYDAG_TEST_GOCRON` holds addresses of real servers with commas between them,
`PYDAG_TEST_GOCRON_USER` and `PYDAG_TEST_GOCRON_PASSWORD` the logins in the same order. Each has
two nodes, on this machine. A test deletes what it creates; gocron keeps the log rows.
"""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
from pygocron.pygocron import PyGoCron

from pydag.errors import EngineError
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import Protocol, TaskForm
from pydag.gocron.records import Dialect, LogRow, LogStatus, Node
from pydag.gocron.results import RowEnd, parse_result
from tests.support.fake_gocron import PASSWORD, USER, FakeGoCron
from tests.support.waiting import eventually, holds_within

REAL = [address for address in os.environ.get("PYDAG_TEST_GOCRON", "").split(",") if address]
STAND_INS = ("original", "fork")


@dataclass
class Lab:
    """A server, a client of it, and what the test has created there."""

    client: GoCronClient
    fake: FakeGoCron | None
    address: str = ""
    user: str = USER
    password: str = PASSWORD
    prefix: str = field(default_factory=lambda: secrets.token_hex(4))
    made: list[int] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        if self.fake:
            self.address = self.fake.address

    @cached_property
    def token(self) -> str:
        """That of a login besides the client's."""
        form = {"username": self.user, "password": self.password}
        answer = requests.post(f"{self.address}/api/user/login", data=form).json()
        return str(answer["data"]["token"])

    def new_client(self, **options: Any) -> GoCronClient:
        """Another client of the same server."""
        return GoCronClient(self.address, self.user, self.password, **options)

    @property
    def dialect(self) -> Dialect:
        return self.client.dialect()

    @property
    def original(self) -> bool:
        return self.dialect is Dialect.ORIGINAL

    def nodes(self) -> list[Node]:
        return self.client.hosts()[:2]

    def name(self, suffix: str = "") -> str:
        return f"{self.prefix}:{next(self.numbers)}{suffix}"

    def form(self, command: str = "echo hi", **changes: Any) -> TaskForm:
        values: dict[str, Any] = {"name": self.name(), "command": command, "tag": self.prefix}
        if changes.get("protocol", Protocol.SHELL) is Protocol.SHELL:
            values["node_ids"] = (self.nodes()[0].id,)
        return TaskForm(**(values | changes))

    def create(self, command: str = "echo hi", **changes: Any) -> int:
        task_id = self.client.create_task(self.form(command, **changes))
        self.made.append(task_id)
        return task_id

    def start(self, task_id: int) -> LogRow:
        """Run a task and return its new row, as soon as there is one."""
        before = self.client.newest_log_id(task_id)
        self.client.run_task(task_id)
        eventually(lambda: self.client.newest_log_id(task_id) > before)
        return self.client.logs(task_id=task_id, limit=1)[0]

    def begin(self, folder: Path, **changes: Any) -> LogRow:
        """Start a command that lasts, and wait until it has begun on its node.

        A stop that comes sooner can end the row and leave the command running.
        """
        file = folder / self.name()
        row = self.start(self.create(f"touch {file}; exec sleep 300", **changes))
        eventually(file.exists)
        return row

    def row(self, row: LogRow) -> LogRow:
        rows = self.client.logs(task_id=row.task_id)
        return next(found for found in rows if found.id == row.id)

    def ended(self, row: LogRow) -> LogRow:
        eventually(lambda: self.row(row).status is not LogStatus.RUNNING)
        return self.row(row)

    def stop(self, row: LogRow) -> RowEnd:
        """Stop a run; asked again only after a while, as a stop of an ended run spoils its row."""

        def ended() -> bool:
            return self.client.has_ended(self.row(row))

        for _ in range(6):
            self.client.stop_task(row.id, row.task_id)
            if holds_within(5.0, ended):
                return end_of(self.row(row))
        raise AssertionError("it could not be stopped")

    def run(self, command: str, **changes: Any) -> LogRow:
        return self.ended(self.start(self.create(command, **changes)))

    def end_of(self, command: str, **changes: Any) -> RowEnd:
        return end_of(self.run(command, **changes))

    def raw(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        """gocron's own answer, past the client."""
        params, data = (fields, None) if method == "GET" else (None, fields)
        headers = {"Auth-Token": self.token}
        answer = requests.request(method, self.address + path, params=params, data=data, headers=headers)
        decoded: dict[str, Any] = answer.json()
        return decoded

    def raw_store(self, **changes: Any) -> dict[str, Any]:
        """Store a task as a web page would, with gocron's checks alone."""
        form = {"name": self.name(), "command": "echo hi", "level": 2, "dependency_status": 1}
        form |= {"protocol": 2, "http_method": 1, "host_id": self.nodes()[0].id, "timeout": 0}
        form |= {"multi": 1, "notify_status": 1, "notify_type": 2, "tag": self.prefix}
        return self.raw("POST", "/api/task/store", **(form | changes))

    def pygocron(self) -> PyGoCron:
        """A plain `PyGoCron` that is logged in to this server."""
        return _LoggedIn(self.address, self.token)

    def clean(self) -> None:
        mine = [task.id for task in self.client.tasks() if self.prefix in (task.form.name[:8], task.form.tag)]
        for task_id in {*self.made, *mine}:
            self.client.delete_task(task_id)
        for node in self.client.hosts():
            if node.remark == self.prefix:
                self.client.remove_host(node.id)


def listed(lab: Lab, **query: Any) -> list[dict[str, Any]]:
    """gocron's own list of the tasks that this test made, as JSON."""
    data = lab.raw("GET", "/api/task", **query)["data"]["data"]
    return [task for task in data if task["name"].startswith(lab.prefix)]


def end_of(row: LogRow) -> RowEnd:
    return parse_result(row.result, status=row.status, protocol=row.protocol, hosts=row.hosts)


class _LoggedIn(PyGoCron):  # type: ignore[misc]  # its base brings no types
    """A `PyGoCron` after its login; its own constructor cannot log in to the fork."""

    def __init__(self, address: str, token: str) -> None:
        self._base_url = address
        self._headers = {"Auth-Token": token}


def in_threads(count: int, call: Callable[[], object]) -> list[object]:
    """Call from so many threads at the same moment; errors are results."""
    barrier = threading.Barrier(count)

    def one(_: int) -> object:
        barrier.wait()
        try:
            return call()
        except EngineError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture(scope="session")
def real_labs() -> Iterator[dict[str, Lab]]:
    """One for each real server; its client is shared by the tests."""
    users = os.environ.get("PYDAG_TEST_GOCRON_USER", "").split(",")
    passwords = os.environ.get("PYDAG_TEST_GOCRON_PASSWORD", "").split(",")
    labs = {
        address: Lab(GoCronClient(address, user, password), None, address, user, password)
        for address, user, password in zip(REAL, users, passwords, strict=bool(REAL))
    }
    yield labs
    for lab in labs.values():
        lab.client.close()


@pytest.fixture(params=[*STAND_INS, *REAL])
def lab(request: pytest.FixtureRequest, real_labs: dict[str, Lab]) -> Iterator[Lab]:
    if request.param not in STAND_INS:
        shared = real_labs[request.param]
        real = Lab(shared.client, None, shared.address, shared.user, shared.password)
        yield real
        real.clean()
        return
    with FakeGoCron(request.param) as fake, GoCronClient(fake.address, USER, PASSWORD) as client:
        yield Lab(client, fake)


@pytest.fixture(params=STAND_INS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeGoCron]:
    with FakeGoCron(request.param) as server:
        yield server


@pytest.fixture
def gocron(fake: FakeGoCron) -> Iterator[GoCronClient]:
    with GoCronClient(fake.address, USER, PASSWORD, timeout=5) as made:
        yield made
