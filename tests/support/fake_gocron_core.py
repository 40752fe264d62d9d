"""What the stand-in for gocron keeps and does: tasks, nodes, log rows, and commands run for real.

In memory, in both dialects. Main tasks start when their schedule says so, and when a test does. It leaves out
notifications and retries. What a node does is in `fake_gocron_node`.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydag.schedule.expression import CronExpression
from pydag.schedule.fire_times import FireTimes
from pydag.schedule.zone import local_zone
from tests.support.fake_gocron_node import STOPPED, Dialect, Execution, ask, carried

FAILED, RUNNING, FINISHED, CANCELLED = 0, 1, 2, 3
HTTP, SHELL = 1, 2
UNREACHABLE = "无法连接远程服务器"
ORPHANED = "系统重启后手动停止"
BY_HAND = "手动运行"


@dataclass(kw_only=True)
class Host:
    id: int
    name: str
    alias: str
    port: int
    remark: str = ""


@dataclass(kw_only=True)
class Task:
    id: int
    name: str
    level: int
    spec: str
    protocol: int
    command: str
    http_method: int
    timeout: int
    multi: int
    tag: str
    remark: str
    notify_status: int
    notify_type: int
    host_ids: list[int] = field(default_factory=list)
    enabled: bool = True
    created: float = field(default_factory=time.time)


@dataclass(kw_only=True)
class Row:
    id: int
    task: Task
    hostname: str
    status: int
    spec: str = BY_HAND
    result: str = ""
    started: float = field(default_factory=time.time)
    ended: float = field(default_factory=time.time)


class FakeCore:
    """One server's state. The switches at the end of `__init__` make it misbehave."""

    def __init__(self, dialect: Dialect, queue: int = 500) -> None:
        self.dialect = dialect
        self.lock = threading.RLock()
        self.tasks: dict[int, Task] = {}
        self.rows: dict[int, Row] = {}
        self.hosts: dict[int, Host] = {}
        self.agents = {("127.0.0.1", 5921), ("localhost", 5922)}
        self.executions: dict[tuple[str, int, int], Execution] = {}
        self.single_running: set[int] = set()
        self.queue = threading.BoundedSemaphore(queue)
        self.logins: list[tuple[str, float]] = []
        self.zone = local_zone(os.environ.get("TZ"))
        """That of the server's clock."""
        self.ahead = 0.0
        """Seconds that the server's clock is ahead of this machine's."""
        self.orphans: set[int] = set()
        """Rows of a server that was killed: nobody writes their end."""
        self._closed = threading.Event()
        self._scheduler: threading.Thread | None = None
        self._last = {"task": 0, "row": 0, "host": 0}
        for number, (name, port) in enumerate(sorted(self.agents), start=1):
            self.add_host(name=name, alias=f"node{number}", port=port, remark="")
        self.row_delay = 0.0
        """Seconds between the answer to `run` and its row."""
        self.never_ends: set[str] = set()
        """Tasks (by name) whose rows stay "running" though the command ended."""
        self.panics: set[str] = set()
        """Tasks inside whose runs gocron panics: "finished", with an empty result."""
        self.unreachable: set[str] = set()
        """Nodes (by name) out of reach."""
        self.restarted: set[str] = set()
        """Nodes (by name) that were restarted since their last run."""

    def next_id(self, kind: str) -> int:
        with self.lock:
            self._last[kind] += 1
            return self._last[kind]

    def same(self, one: str, other: str) -> bool:
        """MySQL, under the original, ignores case and blanks at the end."""
        if self.dialect == "original":
            return one.rstrip(" ").casefold() == other.rstrip(" ").casefold()
        return one == other

    def storable(self, text: str) -> bool:
        return self.dialect == "fork" or all(ord(char) <= 0xFFFF for char in text)

    # Nodes

    def add_host(self, *, name: str, alias: str, port: int, remark: str) -> Host:
        host = Host(id=self.next_id("host"), name=name, alias=alias, port=port, remark=remark)
        self.hosts[host.id] = host
        return host

    def reachable(self, host: Host) -> bool:
        known = (host.name, host.port) in self.agents
        return known and host.name not in self.unreachable

    def _meets_restart(self, host: Host) -> bool:
        """Whether this run is the first after a restart of the node, whose old connection the original still uses."""
        with self.lock:
            restarted = host.name in self.restarted
            self.restarted.discard(host.name)
        return restarted and self.dialect == "original"

    def hosts_of(self, task: Task) -> list[Host]:
        """A node that is not there has no name and no port: the server joins it from nothing."""
        nobody = Host(id=0, name="", alias="", port=0)
        return [replace(self.hosts.get(i, nobody), id=i) for i in task.host_ids]

    # Tasks

    def save(self, task: Task) -> bool:
        """Store a new task (id 0) or change one. A change of a missing one changes nothing."""
        texts = (task.name, task.command, task.tag, task.remark)
        too_long = len(task.tag) > 32 or len(task.remark) > 100
        if (self.dialect == "original" and too_long) or not all(map(self.storable, texts)):
            return False
        with self.lock:
            if not task.id:
                task.id = self.next_id("task")
                if self.dialect == "fork":
                    task.multi = task.multi or 1
                    task.notify_status = task.notify_status or 1
                self.tasks[task.id] = task
            elif old := self.tasks.get(task.id):
                kept = {"level": old.level, "enabled": old.enabled, "created": old.created}
                self.tasks[task.id] = replace(task, **kept)  # type: ignore[arg-type]  # fields of the same class
            if task.level == 1 and self._scheduler is None:
                self._scheduler = threading.Thread(target=self._schedule, daemon=True)
                self._scheduler.start()
        return True

    def name_taken(self, name: str, but: int) -> bool:
        with self.lock:
            return any(task.enabled and task.id != but and self.same(task.name, name) for task in self.tasks.values())

    def find_tasks(self, query: Mapping[str, str]) -> list[Task]:
        """As the list filters: LIKE for the name, and for the fork's tag; newest first."""
        name, tag = query.get("name", "").strip(), query.get("tag", "").strip()
        number = {key: _number(query.get(key, "")) for key in ("id", "host_id", "protocol")}
        status = _number(query.get("status", ""))
        with self.lock:
            tasks = sorted(self.tasks.values(), key=lambda task: -task.id)
        return [
            task
            for task in tasks
            if (not name or self._like(name, task.name))
            and (not tag or self._tag_matches(tag, task.tag))
            and number["id"] in (0, task.id)
            and number["protocol"] in (0, task.protocol)
            and (number["host_id"] < 1 or number["host_id"] in task.host_ids)
            and (status < 1 or (status == 2) == task.enabled)
        ]

    def _tag_matches(self, tag: str, text: str) -> bool:
        return self._like(tag, text) if self.dialect == "fork" else self.same(tag, text)

    def _like(self, pattern: str, text: str) -> bool:
        parts = {"%": ".*", "_": "."}
        regex = "".join(parts.get(char, re.escape(char)) for char in f"%{pattern}%")
        return re.fullmatch(regex, text, re.DOTALL | re.IGNORECASE) is not None

    # Runs

    def run(self, task_id: int) -> bool:
        """Start a task by hand."""
        return self._start(task_id, BY_HAND)

    def fire(self, task_id: int, moment: datetime | None = None) -> None:
        """Start a main task, where it is still there, as its schedule does: at a moment or now."""
        if task := self.tasks.get(task_id):
            self._start(task_id, task.spec, moment)

    def next_run(self, task: Task) -> datetime | None:
        """When its schedule starts a task."""
        if task.level != 1 or not task.enabled or not task.spec or "@" in task.spec:
            return None
        (fire,) = FireTimes(CronExpression.for_gocron(task.spec), self.zone).after(datetime.now(UTC), 1)
        return fire

    def _schedule(self) -> None:
        """Second by second, start what is due."""
        due = datetime.now(UTC).replace(microsecond=0)
        while True:
            due += timedelta(seconds=1)
            if self._closed.wait(max(0.0, (due - datetime.now(UTC)).total_seconds())):
                return
            with self.lock:
                main = [task for task in self.tasks.values() if self.next_run(task)]
            for task in main:
                fire_times = FireTimes(CronExpression.for_gocron(task.spec), self.zone)
                if any(fire_times.between(due, due + timedelta(seconds=1))):
                    self.fire(task.id)

    def _start(self, task_id: int, spec: str, moment: datetime | None = None) -> bool:
        with self.lock:
            task = self.tasks.get(task_id)
            if task is None:
                return False
            task = replace(task, host_ids=list(task.host_ids))
            hosts = self.hosts_of(task)
        threading.Thread(target=self._job, args=(task, hosts, spec, moment), daemon=True).start()
        return True

    def _job(self, task: Task, hosts: list[Host], spec: str, moment: datetime | None) -> None:
        time.sleep(self.row_delay)
        with self.lock:
            overlap = task.multi == 0 and task.id in self.single_running
            row = self.add_row(task, hosts, CANCELLED if overlap else RUNNING)
            if row is not None:
                row.spec = spec
                row.started = moment.timestamp() if moment else row.started
            if row is None or (overlap and self.dialect == "original"):
                return
            if task.multi == 0:
                self.single_running.add(task.id)
        with self.queue:
            failed, result = self._execute(task, hosts, row)
            self._finish(row, failed=failed, result=result)
        with self.lock:
            self.single_running.discard(task.id)

    def add_row(self, task: Task, hosts: Iterable[Host], status: int) -> Row | None:
        """None where MySQL cannot hold the nodes' names: then nothing runs, and there is no error."""
        hostname = "".join(f"{host.alias} - {host.name}<br>" for host in hosts)
        if self.dialect == "original" and len(hostname) > 128:
            return None
        with self.lock:
            row = Row(id=self.next_id("row"), task=task, hostname=hostname, status=status)
            self.rows[row.id] = row
        return row

    def _finish(self, row: Row, *, failed: bool, result: bytes) -> None:
        if row.task.name in self.never_ends or row.id in self.orphans:
            return
        try:
            text = result.decode()
        except UnicodeDecodeError:
            return
        if not self.storable(text):
            return
        with self.lock:
            row.status = FAILED if failed else FINISHED
            row.result = text
            row.ended = time.time()

    def _execute(self, task: Task, hosts: list[Host], row: Row) -> tuple[bool, bytes]:
        if task.name in self.panics:
            return False, b""
        if task.protocol == HTTP:
            return ask(task.command, post=task.http_method == 2, timeout=task.timeout)
        if not hosts:
            return self.dialect == "fork", b""
        ends: list[tuple[str, bytes]] = []
        threads = [threading.Thread(target=lambda h=host: ends.append(self._on_node(task, h, row))) for host in hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return any(error for error, _ in ends), b"".join(text for _, text in ends)

    def _on_node(self, task: Task, host: Host, row: Row) -> tuple[str, bytes]:
        error, output = UNREACHABLE, b""
        if self.reachable(host) and not self._meets_restart(host):
            ended = self._bash(task, (host.name, host.port, row.id))
            error, output = carried(*ended, dialect=self.dialect)
        head = f"主机: [{host.alias}-{host.name}:{host.port}]\n".encode()
        if self.dialect == "original":
            return error, head + error.encode() + b"\n" + output + b"\n\n"
        return error, head + (error + "\n" if error else "").encode() + output.strip()

    def _bash(self, task: Task, key: tuple[str, int, int]) -> tuple[str, bytes]:
        with self.lock:
            execution = self.executions[key] = Execution(task.command)
        expired = "timeout killed" if self.dialect == "original" else "执行超时, 强制结束"
        ended = execution.wait(task.timeout, expired)
        with self.lock:
            del self.executions[key]
        return ended

    def stop(self, row_id: int, task: Task) -> None:
        with self.lock:
            for host in self.hosts_of(task):
                execution = self.executions.get((host.name, host.port, row_id))
                row = self.rows.get(row_id)
                if execution is not None:
                    execution.kill(STOPPED)
                elif self.dialect == "fork" and row is not None:
                    row.status, row.result = CANCELLED, ORPHANED

    def kill_all(self) -> None:
        self._closed.set()
        with self.lock:
            for execution in self.executions.values():
                execution.kill(STOPPED)

    # As JSON

    def task_json(self, task: Task) -> dict[str, Any]:
        original = self.dialect == "original"
        never = "0001-01-01T00:00:00Z"
        fire = self.next_run(task)
        at = self._clock(fire.timestamp()) if fire else never if original else ""
        hosts = [{"host_id": h.id, "name": h.name, "alias": h.alias, "port": h.port} for h in self.hosts_of(task)]
        hidden = ("host_ids", "enabled", "created")
        return {key: value for key, value in vars(task).items() if key not in hidden} | {
            "status": int(task.enabled),
            "dependency_task_id": "",
            "dependency_status": 1,
            "retry_times": 0,
            "retry_interval": 0,
            "notify_receiver_id": "",
            "notify_keyword": "",
            "created": self.moment_json(int(task.created)),
            "deleted": never if original else None,
            "hosts": hosts,
            "next_run_time": at,
        }

    def row_json(self, row: Row) -> dict[str, Any]:
        end = time.time() if row.status == RUNNING else row.ended
        return {
            "id": row.id,
            "task_id": row.task.id,
            "name": row.task.name,
            "spec": row.spec,
            "protocol": row.task.protocol,
            "command": row.task.command,
            "timeout": row.task.timeout,
            "retry_times": 0,
            "hostname": row.hostname,
            "start_time": self._clock(row.started),
            "end_time": self._clock(row.ended),
            "status": row.status,
            "result": row.result,
            "total_time": int(end - row.started),
        }

    def moment_json(self, moment: float) -> str:
        """A time as Go writes it, on the server's clock; the fork's has nanoseconds."""
        moment += self.ahead
        text = datetime.fromtimestamp(moment, self.zone).isoformat(timespec="seconds").replace("+00:00", "Z")
        return text if self.dialect == "original" else f"{text[:19]}.{int(moment % 1 * 1e9):09}{text[19:]}"

    def _clock(self, moment: float) -> str:
        if self.dialect == "original":
            return self.moment_json(moment)
        return f"{datetime.fromtimestamp(moment + self.ahead, self.zone):%Y-%m-%d %H:%M:%S}"


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0
