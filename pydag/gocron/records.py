"""What a gocron server keeps, as records: nodes, tasks and log rows, read from the answers of both gocrons.

Pure: no request is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from pydag.gocron.forms import HttpMethod, Protocol, TaskForm


class Dialect(Enum):
    """Which of the two gocrons a server is."""

    ORIGINAL = "original"
    FORK = "fork"


class LogStatus(Enum):
    """State of a log row, numbered as in the answer; as a query filter the number is one higher."""

    FAILED = 0
    RUNNING = 1
    FINISHED = 2
    CANCELLED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine that runs gocron's agent. `name` is the host to which gocron connects."""

    id: int
    name: str
    alias: str
    port: int
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTask:
    """A task on the server; its `form` would make it again.

    People enable and disable tasks in gocron's pages. The schedule of a disabled task does not start it.
    """

    id: int
    form: TaskForm
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One execution of a task. Times are full seconds of the server's clock.

    The original names its zone; the fork does not, so its times come without one. `schedule` is the expression that
    started the task, or gocron's words for a start by hand.
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


def read_node(row: Mapping[str, Any]) -> Node:
    """A node from gocron's answer. Raises `LookupError`, `TypeError` or `ValueError` for anything else."""
    return Node(
        id=int(row["id"]),
        name=str(row["name"]),
        alias=str(row["alias"]),
        port=int(row["port"]),
        remark=str(row["remark"]),
    )


def read_task(row: Mapping[str, Any]) -> RemoteTask:
    """A task from gocron's answer; raises as `read_node` does."""
    form = TaskForm(
        name=str(row["name"]),
        tag=str(row["tag"]),
        command=str(row["command"]),
        node_ids=tuple(int(host["host_id"]) for host in row["hosts"] or ()),
        protocol=Protocol(row["protocol"]),
        http_method=HttpMethod(row["http_method"]),
        timeout=int(row["timeout"]),
        single=row["multi"] == 0,
        remark=str(row["remark"]),
        schedule=str(row["spec"]) if row["level"] == 1 else "",
    )
    return RemoteTask(id=int(row["id"]), form=form, enabled=row["status"] == 1)


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
    """A moment, or None for the year 1, which stands for "never"."""
    moment = datetime.fromisoformat(text)
    return moment if moment.year > 1 else None
