"""A client for a gocron server's operations: nodes, tasks, runs and log rows, on the original and on the fork.

It reports what gocron says, as records; what the end of a run means for a workflow is decided by the engine.
Nothing here prints, and every request has a timeout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from pygocron.pygocron import PyGoCron

from pydag.errors import EngineError, EngineRefused, EngineUnreachable
from pydag.gocron.clock import Span
from pydag.gocron.forms import TaskForm, check_form, form_fields
from pydag.gocron.http import Declined, GoCronHttp, NoAnswer, NoRights, NoSuchPath
from pydag.gocron.records import Dialect, LogRow, LogStatus, Node, RemoteTask, read_node, read_row, read_task

PAGE_SIZE = 1000
"""Records requested at once."""

_SAVE_FAILED = ("保存失败", "Save failed")
"""gocron's message where its database could not store something. Only a hint in an error depends on it."""

Record = TypeVar("Record", Node, RemoteTask, LogRow)


class GoCronClient(PyGoCron):  # type: ignore[misc]  # its base brings no types
    """A `PyGoCron` whose operations may be called from several threads at the same time.

    Errors: `NoAnswer` where nothing came back (its `sent` says whether the request may have taken effect),
    `EngineUnreachable` for anything that is not an installed gocron, `EngineRefused` for what gocron declined. Reads
    are repeated after a broken connection; nothing else is, except as `store_task` says.
    """

    def __init__(self, address: str, user: str, password: str, *, token: str = "", timeout: float = 30.0) -> None:
        """Make no request: the first operation logs in, unless `token` is that of a login.

        `timeout`: seconds for each request.
        """
        self._http = GoCronHttp(address, user, password, token=token, timeout=timeout)
        self._base_url = self._http.address  # for the inherited methods
        self._dialect: Dialect | None = None

    @classmethod
    def from_pygocron(cls, manager: PyGoCron, *, user: str = "", password: str = "", timeout: float = 30.0) -> Self:
        """A client with the address and the login of a plain `PyGoCron`, without a new login.

        `user` and `password` are used when that login expires; without them this is an error.
        """
        if isinstance(manager, cls):
            return manager
        # pygocron has no public names for its address and its login.
        token = str((manager._headers or {}).get("Auth-Token", ""))
        return cls(manager._base_url, user, password, token=token, timeout=timeout)

    @property
    def _headers(self) -> dict[str, str]:
        """What the inherited methods send. They do not renew a login that has expired."""
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
        """Log in now, to find out early whether that works."""
        self._http.login(stale="")

    @property
    def clock_ahead(self) -> Span:
        """How far the server's clock (seconds since 1970) is ahead of `time.monotonic()`, as its answers showed it."""
        return self._http.clock.ahead

    @property
    def refused(self) -> float | None:
        """When nobody listened at the address, the last time, by `time.monotonic()`."""
        return self._http.refused

    def dialect(self) -> Dialect:
        """Which of the two gocrons this is; one request, the first time."""
        if self._dialect is None:
            self._dialect = self._ask_dialect()
        return self._dialect

    def _ask_dialect(self) -> Dialect:
        try:
            self._http.read("/api/user/2fa/status", {}, what="name its version")
        except (NoSuchPath, NoRights):
            return Dialect.ORIGINAL
        return Dialect.FORK

    def utc_offset(self, now: datetime) -> timedelta:
        """How far the local time of the server is ahead of UTC at `now`, rounded to a quarter of an hour.

        No answer of gocron contains its zone, so this logs in and reads the time that gocron recorded for the login.
        Whatever zone the database adds to that time, its digits are those of the server's clock.
        """
        self._http.login(stale=self._http.token)
        what = "name the time"
        data = self._http.read("/api/system/login-log", {"page": 1, "page_size": 1}, what=what)
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
        """Register a node. gocron does not check that it answers: `check_host` does."""
        what = f"add node {name!r}"
        if not 0 < port < 65_536 or not 0 < len(name) <= 64 or not 0 < len(alias) <= 32:
            raise EngineRefused(
                f"cannot {what} with alias {alias!r} and port {port}: gocron takes 1 to 64"
                " characters for the name, 1 to 32 for the alias, a port up to 65535"
            )
        form: dict[str, str | int] = {"name": name, "port": port, "alias": alias, "remark": remark}
        self._http.send("POST", "/api/host/store", form, what=what)
        for node in self.hosts():
            if node.name == name.strip():
                return node
        raise EngineError(f"gocron at {self._http.address} saved node {name!r}, but does not list it")

    def check_host(self, node_id: int) -> None:
        """Raise `EngineRefused`, with gocron's reason, where gocron does not reach the node."""
        self._http.send("GET", f"/api/host/ping/{node_id}", {}, what=f"reach node {node_id}")

    def remove_host(self, node_id: int) -> None:
        """Remove a node. Refused while a task names it, and where no node has that id."""
        if all(node.id != node_id for node in self.hosts()):
            raise EngineRefused(f"gocron at {self._http.address} has no node {node_id}: list them")
        what = f"remove node {node_id}"
        self._http.send("POST", f"/api/host/remove/{node_id}", {}, what=what)

    def tasks(self, name: str | None = None, tag: str | None = None) -> list[RemoteTask]:
        """The tasks of exactly this name and this tag, newest first; every task without them.

        gocron's own filters only make the answer shorter: in them `%` and `_` match anything, and upper and lower
        case may be the same.
        """
        params = {key: text for key, text in (("name", name), ("tag", tag)) if text}
        found = self._pages("/api/task", params, read_task, what="list the tasks")
        return [task for task in found if name in (None, task.form.name) and tag in (None, task.form.tag)]

    def create_task(self, form: TaskForm) -> int:
        """Create a task and return its id. Raises as `store_task`."""
        self.store_task(form)
        created = self.tasks(name=form.name)
        if not created:
            raise EngineError(f"gocron at {self._http.address} saved task {form.name!r}, but does not list it")
        return created[0].id

    def store_task(self, form: TaskForm) -> None:
        """Create a task without a request for its id: `tasks(tag=...)` gives the ids of many at once.

        Where the answer to a create was lost, the task is looked up by its exact name, and created once more if it is
        not there. `EngineRefused`: a limit of gocron's, or a task of that name exists.
        """
        check_form(form)
        try:
            self._store(form, 0)
        except NoAnswer as lost:
            if not self._was_stored(form, lost):
                self._store_again(form)

    def _store_again(self, form: TaskForm) -> None:
        try:
            self._store(form, 0)
        except (NoAnswer, EngineRefused) as error:
            if not self._was_stored(form, error):
                raise

    def _was_stored(self, form: TaskForm, error: EngineError) -> bool:
        """Whether the create that met this error took effect; raises the error where this cannot be known."""
        expected = (form.tag, form.command.strip(), form.protocol)
        try:
            found = [task.form for task in self.tasks(name=form.name)]
        except NoAnswer:
            raise error from None
        return any((each.tag, each.command, each.protocol) == expected for each in found)

    def update_task(self, task_id: int, form: TaskForm) -> None:
        """Change a task to this form. It keeps its id, and stays enabled or disabled.

        Whether it is a main task never changes in gocron, whatever the form says. gocron calls the update of a
        missing task a success; here it is `EngineRefused`.
        """
        check_form(form)
        self._store(form, task_id)
        params = {"id": task_id}
        if not list(self._pages("/api/task", params, read_task, what=f"find task {task_id}")):
            raise EngineRefused(f"gocron at {self._http.address} has no task {task_id} to update")

    def _store(self, form: TaskForm, task_id: int) -> None:
        if form.single and self.dialect() is Dialect.FORK:
            form = replace(form, single=False)
        fields = form_fields(form) | ({"id": task_id} if task_id else {})
        try:
            self._http.send("POST", "/api/task/store", fields, what=f"save task {form.name!r}")
        except Declined as error:
            if error.reason not in _SAVE_FAILED or not _beyond_mysql(form):
                raise
            hint = "take the characters beyond U+FFFF out of it, such as emoji"
            raise EngineRefused(f"{error}: {hint}") from None

    def enable_task(self, task_id: int, *, on: bool = True) -> None:
        """Let the schedule of a main task start it from now on, or no longer. May be repeated."""
        path = f"/api/task/{'enable' if on else 'disable'}/{task_id}"
        self._http.send("POST", path, {}, what=f"{'enable' if on else 'disable'} task {task_id}")

    def delete_task(self, task_id: int) -> None:
        """Delete a task; a missing one is a success. Its log rows stay.

        Its running commands go on, and can no longer be stopped.
        """
        self._http.send("POST", f"/api/task/remove/{task_id}", {}, what=f"delete task {task_id}")

    def run_task(self, task_id: int) -> None:
        """Start a task, and return before its log row exists. Never repeated.

        Ask for `newest_log_id` before: only a row above it can belong to this run. After a `NoAnswer` with `sent`,
        such a row shows that the task has started.
        """
        self._http.send("GET", f"/api/task/run/{task_id}", {}, what=f"run task {task_id}")

    def stop_task(self, log_id: int, task_id: int) -> bool:
        """Ask gocron to kill the command of a row; False where that row has ended by itself.

        The fork would overwrite the row of a run that has ended, so the row is read first. A row that waits in
        gocron's queue has no command yet, and will run all the same: the original ignores the stop, and the fork
        calls the row cancelled until its command ends (`EndReason.ORPHANED`). So check again, and stop again. In the
        first milliseconds of a command, either gocron may end the row as stopped and leave the command running;
        nothing in its answers shows this.
        """
        rows = self.logs(task_id=_checked_id(task_id), after_id=log_id - 1)
        if not rows or rows[-1].id != log_id or self.has_ended(rows[-1]):
            return False
        form = {"id": log_id, "task_id": task_id}
        self._http.send("POST", "/api/task/log/stop", form, what=f"stop run {log_id}")
        return True

    def has_ended(self, row: LogRow) -> bool:
        """Whether the row's status is final.

        The fork executes a cancelled row all the same, and then writes how it ended.
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

        Each holds its whole output, so ask for as few as possible.
        """
        params: dict[str, str | int] = {}
        if task_id is not None:
            params["task_id"] = task_id
        if status is not None:
            params["status"] = status.value + 1
        size = min(limit or PAGE_SIZE, PAGE_SIZE)
        rows: list[LogRow] = []
        for row in self._pages("/api/task/log", params, read_row, what="read the log", size=size):
            if row.id <= after_id:
                break
            rows.append(row)
            if len(rows) == limit:
                break
        return rows

    def running(self) -> list[LogRow]:
        """Every row that runs or waits in gocron's queue; one request for each 1000 of them."""
        return self.logs(status=LogStatus.RUNNING)

    def newest_log_id(self, task_id: int) -> int:
        """The id of the task's newest row, or 0 where it has none."""
        rows = self.logs(task_id=_checked_id(task_id), limit=1)
        return rows[0].id if rows else 0

    def _pages(
        self,
        path: str,
        params: Mapping[str, str | int],
        read: Callable[[Mapping[str, Any]], Record],
        *,
        what: str,
        size: int = PAGE_SIZE,
    ) -> Iterator[Record]:
        """Every record of a list once, even where rows are added while the pages are read."""
        seen: set[int] = set()
        page = 0
        rows: list[Any] = [None] * size
        while len(rows) >= size:
            page += 1
            data = self._http.read(path, {**params, "page": page, "page_size": size}, what=what)
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
        return EngineUnreachable(
            f"the answer of {self._http.address} to the request to {what} is not gocron's"
            f" ({type(error).__name__}): check GOCRON_ADDRESS and gocron's version"
        )


def _beyond_mysql(form: TaskForm) -> bool:
    return any(ord(char) > 0xFFFF for char in form.name + form.command + form.tag + form.remark)


def _checked_id(task_id: int) -> int:
    """The id: gocron would take 0 for "every task"."""
    if task_id < 1:
        raise ValueError(f"{task_id} is not the id of a task")
    return task_id
