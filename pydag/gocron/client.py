"""Talks to a gocron server: nodes, tasks, runs, log rows. The original and the fork alike.

Says what gocron says, as records; what a run's end means for a workflow is the engine's business.
Nothing here prints, and every request has a timeout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from pygocron.pygocron import PyGoCron

from pydag.errors import EngineError, EngineRefused, EngineUnreachable
from pydag.gocron.http import Declined, GoCronHttp, NoAnswer, NoRights, NoSuchPath
from pydag.gocron.records import (
    Dialect,
    LogRow,
    LogStatus,
    NewTask,
    Node,
    RemoteTask,
    check_task,
    read_node,
    read_row,
    read_task,
    task_form,
)

PAGE = 1000
"""Rows asked for at once."""

SAVE_FAILED = ("保存失败", "Save failed")
"""gocron's word for "the database could not keep it"; only a hint in a message hangs on it."""

Record = TypeVar("Record", Node, RemoteTask, LogRow)


class GoCronClient(PyGoCron):  # type: ignore[misc]  # its base brings no types
    """A `PyGoCron` whose operations may be called from several threads at once.

    Errors: `NoAnswer` where nothing came back (its `sent` tells whether the request may have
    taken effect), `EngineUnreachable` for what is no installed gocron, `EngineRefused` for what
    gocron declined. Reads are tried again by themselves; nothing else is, but see `store_task`.
    """

    def __init__(self, address: str, user: str, password: str, *, timeout: float = 30.0) -> None:
        """Makes no request: the first operation logs in. `timeout`: seconds for each request."""
        self._take(GoCronHttp(address, user, password, timeout=timeout))

    @classmethod
    def adopt(cls, manager: PyGoCron, *, user: str = "", password: str = "", timeout: float = 30.0) -> Self:
        """A client with the address and the login of a plain `PyGoCron`, without a new login.

        `user` and `password` serve when that login ends; without them its end is an error.
        """
        if isinstance(manager, cls):
            return manager
        token = str((manager._headers or {}).get("Auth-Token", ""))
        client = cls.__new__(cls)
        http = GoCronHttp(manager._base_url, user, password, token=token, timeout=timeout)
        client._take(http)
        return client

    def _take(self, http: GoCronHttp) -> None:
        self._http = http
        self._base_url = http.address
        self._dialect: Dialect | None = None

    @property
    def _headers(self) -> dict[str, str]:
        """What the inherited methods send; they know of no login that ends."""
        return {"Auth-Token": self._http.token or self._http.login(stale="")}

    def __repr__(self) -> str:
        return f"GoCronClient(address={self._http.address!r}, user={self._http.user!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def login(self) -> None:
        """Log in now, to learn early whether that works."""
        self._http.login(stale="")

    def dialect(self) -> Dialect:
        """Which of the two gocrons this is; asked once."""
        if self._dialect is None:
            self._dialect = self._ask_dialect()
        return self._dialect

    def _ask_dialect(self) -> Dialect:
        try:
            self._http.get("/api/user/2fa/status", {}, what="tell its version")
        except (NoSuchPath, NoRights):
            return Dialect.ORIGINAL
        return Dialect.FORK

    def utc_offset(self, now: datetime) -> timedelta:
        """How far the clock on the server's wall is ahead of UTC at `now`, to a quarter of an hour.

        gocron tells its zone nowhere. But it writes down when a user logs in, which this does
        here; whatever zone its database puts beside that time, the digits are those of its clock.
        """
        self._http.login(stale=self._http.token)
        what = "tell its time"
        data = self._http.get("/api/system/login-log", {"page": 1, "page_size": 1}, what=what)
        try:
            wall = datetime.fromisoformat(data["data"][0]["created"]).replace(tzinfo=UTC)
        except (LookupError, TypeError, ValueError) as error:
            raise self._unreadable(what, error) from error
        quarter = timedelta(minutes=15)
        return round((wall - now) / quarter) * quarter

    def hosts(self) -> list[Node]:
        """Every node, lowest id first."""
        nodes = self._pages("/api/host", {}, read_node, what="list the nodes")
        return sorted(nodes, key=lambda node: node.id)

    def add_host(self, name: str, port: int, alias: str, remark: str = "") -> Node:
        """Register a node. gocron does not look whether it answers: `check_host` does."""
        what = f"add node {name!r}"
        if not 0 < port < 65_536 or not 0 < len(name) <= 64 or not 0 < len(alias) <= 32:
            raise EngineRefused(
                f"cannot {what} with alias {alias!r} and port {port}: gocron takes 1 to 64"
                " characters for the name, 1 to 32 for the alias, a port up to 65535"
            )
        form: dict[str, str | int] = {"name": name, "port": port, "alias": alias, "remark": remark}
        self._http.once("POST", "/api/host/store", form, what=what)
        for node in self.hosts():
            if node.name == name.strip():
                return node
        raise EngineError(f"gocron at {self._http.address} saved node {name!r} and lists it not")

    def check_host(self, node_id: int) -> None:
        """Raise `EngineRefused`, with gocron's reason, unless gocron reaches the node."""
        self._http.once("GET", f"/api/host/ping/{node_id}", {}, what=f"reach node {node_id}")

    def remove_host(self, node_id: int) -> None:
        """Take a node away. Refused while a task names it, and where there is none of that id."""
        if all(node.id != node_id for node in self.hosts()):
            raise EngineRefused(f"gocron at {self._http.address} has no node {node_id}: list them")
        what = f"remove node {node_id}"
        self._http.once("POST", f"/api/host/remove/{node_id}", {}, what=what)

    def tasks(self, name: str | None = None, tag: str | None = None) -> list[RemoteTask]:
        """The tasks of exactly this name and this tag, newest first; every task without them.

        gocron's own filters only narrow the answer: to them `%` and `_` match anything, and
        upper and lower case may be the same.
        """
        params = {key: text for key, text in (("name", name), ("tag", tag)) if text}
        found = self._pages("/api/task", params, read_task, what="list the tasks")
        return [task for task in found if (name is None or task.name == name) and (tag is None or task.tag == tag)]

    def create_task(self, task: NewTask) -> int:
        """Create a task and return its id. Raises as `store_task`."""
        self.store_task(task)
        made = self.tasks(name=task.name)
        if not made:
            at = self._http.address
            raise EngineError(f"gocron at {at} saved task {task.name!r} and lists it not")
        return made[0].id

    def store_task(self, task: NewTask) -> None:
        """Create a task without asking for its id: `tasks(tag=...)` tells those of many at once.

        A create whose answer was lost is looked up by its exact name, and repeated once where it
        is not there. `EngineRefused`: a limit of gocron's, or a task of that name exists.
        """
        check_task(task)
        try:
            self._store(task, 0)
        except NoAnswer as lost:
            if not self._was_stored(task, lost):
                self._store_again(task)

    def _store_again(self, task: NewTask) -> None:
        try:
            self._store(task, 0)
        except (NoAnswer, EngineRefused) as error:
            if not self._was_stored(task, error):
                raise

    def _was_stored(self, task: NewTask, error: EngineError) -> bool:
        """Whether the create that met this error had its effect; raises it if nobody can tell."""
        wanted = (task.tag, task.command.strip(), task.protocol)
        try:
            found = self.tasks(name=task.name)
        except NoAnswer:
            raise error from None
        return any((one.tag, one.command, one.protocol) == wanted for one in found)

    def update_task(self, task_id: int, task: NewTask) -> None:
        """Make a task as described, and keep its id and whether it is enabled.

        gocron keeps it a main task, or one that no schedule starts, whatever is asked. It calls
        the update of a missing task a success; this is `EngineRefused` here.
        """
        check_task(task)
        self._store(task, task_id)
        params = {"id": task_id}
        if not list(self._pages("/api/task", params, read_task, what=f"find task {task_id}")):
            raise EngineRefused(f"gocron at {self._http.address} has no task {task_id} to update")

    def _store(self, task: NewTask, task_id: int) -> None:
        if task.single and self.dialect() is Dialect.FORK:
            task = replace(task, single=False)
        form = task_form(task) | ({"id": task_id} if task_id else {})
        try:
            self._http.once("POST", "/api/task/store", form, what=f"save task {task.name!r}")
        except Declined as error:
            if error.reason not in SAVE_FAILED or not _beyond_mysql(task):
                raise
            hint = "take the characters beyond U+FFFF out of it, such as emoji"
            raise EngineRefused(f"{error}: {hint}") from None

    def enable_task(self, task_id: int, *, on: bool = True) -> None:
        """Have the schedule of a main task start it from now on, or no longer; again is no error."""
        path = f"/api/task/{'enable' if on else 'disable'}/{task_id}"
        self._http.once("POST", path, {}, what=f"{'enable' if on else 'disable'} task {task_id}")

    def delete_task(self, task_id: int) -> None:
        """Delete a task; one that is not there is a success. Its log rows stay.

        What runs of it goes on, and can no longer be stopped.
        """
        self._http.once("POST", f"/api/task/remove/{task_id}", {}, what=f"delete task {task_id}")

    def run_task(self, task_id: int) -> None:
        """Start a task, and return before its log row exists. Never repeated.

        Note `newest_log_id` before: only a row above it can be this run's. After a `NoAnswer`
        with `sent`, such a row tells that the task started.
        """
        self._http.once("GET", f"/api/task/run/{task_id}", {}, what=f"run task {task_id}")

    def stop_task(self, log_id: int, task_id: int) -> bool:
        """Ask gocron to kill what a row executes; False where that row has ended by itself.

        The fork would overwrite the row of a run that has ended, hence the look before. A row
        whose command has not begun (gocron's queue) runs all the same: the original ignores the
        stop, the fork calls the row cancelled until its command ends (`EndReason.ORPHANED`). So
        look again, and stop again. Within milliseconds of the command's beginning, either may end
        the row as stopped and leave the command running: gocron does not tell.
        """
        rows = self.logs(task_id=_positive(task_id), after_id=log_id - 1)
        if not rows or rows[-1].id != log_id or self.has_ended(rows[-1]):
            return False
        form = {"id": log_id, "task_id": task_id}
        self._http.once("POST", "/api/task/log/stop", form, what=f"stop run {log_id}")
        return True

    def has_ended(self, row: LogRow) -> bool:
        """Whether the row's status is gocron's last word.

        The fork executes what it calls cancelled all the same, and then writes how it ended.
        """
        if row.status is LogStatus.CANCELLED:
            return self.dialect() is Dialect.ORIGINAL
        return row.status is not LogStatus.RUNNING

    def logs(
        self,
        *,
        task_id: int | None = None,
        status: LogStatus | None = None,
        after_id: int = 0,
        limit: int | None = None,
    ) -> list[LogRow]:
        """Log rows above `after_id`, newest first, `limit` of them at most.

        Each holds its whole output: ask for as few as will do.
        """
        params: dict[str, str | int] = {}
        if task_id is not None:
            params["task_id"] = task_id
        if status is not None:
            params["status"] = status.value + 1
        size = min(limit or PAGE, PAGE)
        rows: list[LogRow] = []
        for row in self._pages("/api/task/log", params, read_row, what="read the log", size=size):
            if row.id <= after_id:
                break
            rows.append(row)
            if len(rows) == limit:
                break
        return rows

    def running(self) -> list[LogRow]:
        """Every row that runs or waits in gocron's queue: one request for up to 1000 of them."""
        return self.logs(status=LogStatus.RUNNING)

    def newest_log_id(self, task_id: int) -> int:
        """The id of the task's newest row, 0 where it has none."""
        rows = self.logs(task_id=_positive(task_id), limit=1)
        return rows[0].id if rows else 0

    def _pages(
        self,
        path: str,
        params: Mapping[str, str | int],
        read: Callable[[Mapping[str, Any]], Record],
        *,
        what: str,
        size: int = PAGE,
    ) -> Iterator[Record]:
        """Every record of a list, once each, though rows are added while its pages are read."""
        seen: set[int] = set()
        page = 0
        rows: list[Any] = [None] * size
        while len(rows) >= size:
            page += 1
            asked = {**params, "page": page, "page_size": size}
            data = self._http.get(path, asked, what=what)
            try:
                rows = data["data"] or []
                records = [read(row) for row in rows]
            except (LookupError, TypeError, ValueError) as error:
                raise self._unreadable(what, error) from error
            for record in records:
                if record.id not in seen:
                    seen.add(record.id)
                    yield record

    def _unreadable(self, what: str, error: Exception) -> EngineUnreachable:
        kind = type(error).__name__
        return EngineUnreachable(
            f"the answer of {self._http.address} to the request to {what} is not gocron's"
            f" ({kind}): check GOCRON_ADDRESS and gocron's version"
        )


def _beyond_mysql(task: NewTask) -> bool:
    return any(ord(char) > 0xFFFF for char in task.name + task.command + task.tag + task.remark)


def _positive(task_id: int) -> int:
    if task_id < 1:
        raise ValueError(f"{task_id} is no id of a task")
    return task_id
