"""What gocron keeps, as records: nodes, tasks, log rows, and what the text of a finished row tells.

Pure: no request is made here. Both gocrons are read, the original and the maintained fork.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from pydag.errors import EngineRefused

NAME_LIMIT = 32
TAG_LIMIT = 32
COMMAND_LIMIT = 256
TIMEOUT_LIMIT = 86_400
HTTP_TIMEOUT_LIMIT = 300
REMARK_LIMIT = 100
NODE_ID_LIMIT = 32_767

CLOCK_TAG = "pydag@clock"
"""The tag of the tasks that start jobs by gocron's scheduler; no job's own tasks bear it."""


class Dialect(Enum):
    """Which of the two gocrons a server is."""

    ORIGINAL = "original"
    FORK = "fork"


class Protocol(Enum):
    """Who executes a task: gocron itself asks a URL, or a node runs a command."""

    HTTP = 1
    SHELL = 2


class HttpMethod(Enum):
    """How an HTTP task asks; POST sends the URL's query as a form."""

    GET = 1
    POST = 2


class LogStatus(Enum):
    """State of a log row, numbered as the answer numbers it; the query filter is one higher."""

    FAILED = 0
    RUNNING = 1
    FINISHED = 2
    CANCELLED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine that runs gocron's agent. `name` is the host that gocron connects to."""

    id: int
    name: str
    alias: str
    port: int
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What a task on gocron shall be: never retried, no notification.

    `schedule` is an expression of six fields, or empty for a task that no clock starts; a task
    that has one is a "main task". `timeout` is in seconds, 0 means gocron's own (a day; 300 s for
    HTTP). `single` lets one instance run at a time, in the original; the fork cannot, and is not
    asked to. `node_ids` is for commands; a task on several nodes runs on each.
    """

    name: str
    command: str
    tag: str = ""
    node_ids: tuple[int, ...] = ()
    protocol: Protocol = Protocol.SHELL
    http_method: HttpMethod = HttpMethod.GET
    timeout: int = 0
    single: bool = False
    remark: str = ""
    schedule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTask:
    """A task as gocron has it. `schedule` is empty where it has none.

    One that is not `enabled`, which people set in its web pages, is not started by its schedule.
    """

    id: int
    name: str
    tag: str
    command: str
    node_ids: tuple[int, ...]
    protocol: Protocol
    http_method: HttpMethod
    timeout: int
    single: bool
    remark: str
    enabled: bool
    schedule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One execution of a task. Times are full seconds of the server's clock.

    The original names its zone, the fork does not: its times come without one. `schedule` is the
    expression that started it, or gocron's words for a start by hand.
    """

    id: int
    task_id: int
    name: str
    protocol: Protocol
    status: LogStatus
    result: str
    started: datetime | None
    ended: datetime | None
    hosts: tuple[str, ...]
    schedule: str


def check_task(task: NewTask) -> None:
    """Raise `EngineRefused` where gocron is known to refuse the task, or to keep it otherwise."""
    where = f"task {task.name!r}"
    _check_length("the name of", where, task.name, NAME_LIMIT, "choose a shorter one")
    _check_length("the tag of", where, task.tag, TAG_LIMIT, "choose a shorter one")
    _check_length("the remark of", where, task.remark, REMARK_LIMIT, "shorten it")
    way_out = "put it in a script file on the node and run that"
    _check_length("the command of", where, task.command, COMMAND_LIMIT, way_out)
    if not task.name or not task.command.strip():
        raise EngineRefused(f"{where} needs a name and a command")
    http = task.protocol is Protocol.HTTP
    limit = HTTP_TIMEOUT_LIMIT if http else TIMEOUT_LIMIT
    if not 0 <= task.timeout <= limit:
        raise EngineRefused(f"the timeout of {where} is {task.timeout} s: gocron takes 0 to {limit}")
    if http and not task.command.strip().lower().startswith(("http://", "https://")):
        raise EngineRefused(f"the URL of {where} is {task.command!r}: start it with http(s)://")
    if not http:
        _check_nodes(where, task.node_ids)


def _check_length(what: str, where: str, text: str, limit: int, way_out: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise EngineRefused(f"{what} {where} is no valid text: write it in UTF-8") from None
    if len(text) > limit:
        size = f"has {len(text)} characters, gocron takes {limit}"
        raise EngineRefused(f"{what} {where} {size}: {way_out}")


def _check_nodes(where: str, node_ids: Sequence[int]) -> None:
    if not node_ids:
        raise EngineRefused(f"{where} names no node: give it a node_id")
    for node_id in node_ids:
        if not 0 < node_id <= NODE_ID_LIMIT:
            raise EngineRefused(f"{where} names node {node_id}: no node of gocron has that id")


def task_form(task: NewTask) -> dict[str, str | int]:
    """The form gocron stores a task from; level 1 is a main task, 2 one that no schedule starts."""
    return {
        "name": task.name,
        "command": task.command,
        "tag": task.tag,
        "level": 1 if task.schedule else 2,
        "spec": task.schedule,
        "dependency_status": 1,
        "protocol": task.protocol.value,
        "http_method": task.http_method.value,
        "host_id": ",".join(map(str, task.node_ids)),
        "timeout": task.timeout,
        "multi": 2 if task.single else 1,
        "notify_status": 1,
        "notify_type": 2,
        "retry_times": 0,
        "retry_interval": 0,
        "remark": task.remark,
    }


def read_node(row: Mapping[str, Any]) -> Node:
    """A node from gocron's answer; `LookupError`, `TypeError`, `ValueError` where it is none."""
    return Node(
        id=int(row["id"]),
        name=str(row["name"]),
        alias=str(row["alias"]),
        port=int(row["port"]),
        remark=str(row["remark"]),
    )


def read_task(row: Mapping[str, Any]) -> RemoteTask:
    """A task from gocron's answer; raises as `read_node` does."""
    return RemoteTask(
        id=int(row["id"]),
        name=str(row["name"]),
        tag=str(row["tag"]),
        command=str(row["command"]),
        node_ids=tuple(int(host["host_id"]) for host in row["hosts"] or ()),
        protocol=Protocol(row["protocol"]),
        http_method=HttpMethod(row["http_method"]),
        timeout=int(row["timeout"]),
        single=row["multi"] == 0,
        remark=str(row["remark"]),
        enabled=row["status"] == 1,
        schedule=str(row["spec"]) if row["level"] == 1 else "",
    )


def read_row(row: Mapping[str, Any]) -> LogRow:
    """A log row from gocron's answer; raises as `read_node` does."""
    hosts = (host.rpartition(" - ") for host in str(row["hostname"]).split("<br>") if host)
    return LogRow(
        id=int(row["id"]),
        task_id=int(row["task_id"]),
        name=str(row["name"]),
        protocol=Protocol(row["protocol"]),
        status=LogStatus(row["status"]),
        result=str(row["result"]),
        started=_time(row["start_time"]),
        ended=None if row["status"] == LogStatus.RUNNING.value else _time(row["end_time"]),
        hosts=tuple(f"{alias}-{name}" for alias, _, name in hosts),
        schedule=str(row["spec"]),
    )


def _time(text: str) -> datetime | None:
    moment = datetime.fromisoformat(text)
    return moment if moment.year > 1 else None
