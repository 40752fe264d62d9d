"""The operations of the stand-in for gocron: each takes the fields of a request and its `:id`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.fake_gocron_core import HTTP, SHELL, FakeCore, Task

Answer = tuple[int, str, Any]
"""gocron's code, message and data."""

ENGLISH = {
    "表单验证失败, 请检测输入": "Form validation failed, please check your input",
    "任务名称已存在": "Task name already exists",
    "保存成功": "Saved successfully",
    "认证失败": "Authentication failed",
    "应用未安装": "Application not installed",
    "无权访问": "Unauthorized access",
    "页面不存在": "Page not found",
    "请选择主机名": "Please select hostname",
    "获取任务详情失败": "Failed to get task details",
    "任务已开始运行, 请到任务日志中查看结果": "Task started, please check task log for results",
    "主机不存在": "Host does not exist",
    "主机名已存在": "Hostname already exists",
    "连接成功": "Connection successful",
    "有任务引用此主机，不能删除": "Host is in use by tasks and cannot be deleted",
}


class Api:
    """What a logged-in user may ask; without logins, faults and HTTP."""

    def __init__(self, core: FakeCore) -> None:
        self.core = core

    def routes(self) -> dict[tuple[str, str], Callable[[Mapping[str, str], int], Answer]]:
        """By method and path."""
        routes = {
            ("GET", "/api/task"): self._tasks,
            ("GET", "/api/task/:id"): self._task,
            ("POST", "/api/task/store"): self._store,
            ("POST", "/api/task/remove/:id"): self._remove,
            ("POST", "/api/task/enable/:id"): self._enable,
            ("POST", "/api/task/disable/:id"): self._disable,
            ("GET", "/api/task/run/:id"): self._run,
            ("GET", "/api/task/log"): self._log,
            ("POST", "/api/task/log/stop"): self._stop,
            ("POST", "/api/task/log/clear"): self._clear,
            ("GET", "/api/host"): self._hosts,
            ("GET", "/api/host/all"): self._all_hosts,
            ("POST", "/api/host/store"): self._store_host,
            ("POST", "/api/host/remove/:id"): self._remove_host,
            ("GET", "/api/host/ping/:id"): self._ping,
            ("GET", "/api/system/login-log"): self._logins,
        }
        if self.core.dialect == "fork":
            routes["GET", "/api/user/2fa/status"] = _no_second_factor
        return routes

    # Tasks

    def _tasks(self, query: Mapping[str, str], _: int) -> Answer:
        return _page([self.core.task_json(t) for t in self.core.find_tasks(query)], query)

    def _task(self, _: Mapping[str, str], task_id: int) -> Answer:
        task = self.core.tasks.get(task_id)
        return 0, "操作成功", task and self.core.task_json(task)

    def _store(self, form: Mapping[str, str], _: int) -> Answer:
        task = read_task(form)
        if task is None:
            return 1, "表单验证失败, 请检测输入", None
        if self.core.name_taken(task.name, task.id):
            return 1, "任务名称已存在", None
        if refusal := _refusal(task, form):
            return 1, refusal, None
        if not self.core.save(task):
            return 1, "保存失败", None
        return 0, "保存成功", None

    def _remove(self, _: Mapping[str, str], task_id: int) -> Answer:
        with self.core.lock:
            self.core.tasks.pop(task_id, None)
        return 0, "操作成功", None

    def _enable(self, _: Mapping[str, str], task_id: int) -> Answer:
        return self._switch(task_id, on=True)

    def _disable(self, _: Mapping[str, str], task_id: int) -> Answer:
        return self._switch(task_id, on=False)

    def _switch(self, task_id: int, *, on: bool) -> Answer:
        if task := self.core.tasks.get(task_id):
            task.enabled = on
        return 0, "操作成功", None

    def _run(self, _: Mapping[str, str], task_id: int) -> Answer:
        if not self.core.run(task_id):
            return 1, "获取任务详情失败", None
        return 0, "任务已开始运行, 请到任务日志中查看结果", None

    # Log rows

    def _log(self, query: Mapping[str, str], _: int) -> Answer:
        task_id, status = _int(query, "task_id"), _int(query, "status")
        protocol = _int(query, "protocol")
        with self.core.lock:
            rows = [
                self.core.row_json(row)
                for row in sorted(self.core.rows.values(), key=lambda row: -row.id)
                if task_id in (0, row.task.id)
                and protocol in (0, row.task.protocol)
                and (status < 1 or row.status == status - 1)
            ]
        return _page(rows, query)

    def _stop(self, form: Mapping[str, str], _: int) -> Answer:
        if self.core.dialect == "fork" and (_int(form, "id") < 1 or _int(form, "task_id") < 1):
            return 1, "参数错误: 无效的日志ID", None
        task = self.core.tasks.get(_int(form, "task_id"))
        if task is None or task.protocol != SHELL:
            return 1, "仅支持SHELL任务手动停止", None
        self.core.stop(_int(form, "id"), task)
        return 0, "已执行停止操作, 请等待任务退出", None

    def _clear(self, _: Mapping[str, str], __: int) -> Answer:
        self.core.rows.clear()
        return 0, "操作成功", None

    # Nodes

    def _hosts(self, query: Mapping[str, str], _: int) -> Answer:
        return _page(self._host_rows(), query)

    def _all_hosts(self, _: Mapping[str, str], __: int) -> Answer:
        return 0, "操作成功", self._host_rows()

    def _host_rows(self) -> list[dict[str, Any]]:
        return [vars(h) for h in sorted(self.core.hosts.values(), key=lambda h: -h.id)]

    def _store_host(self, form: Mapping[str, str], _: int) -> Answer:
        name, alias, port = form.get("name", ""), form.get("alias", ""), _int(form, "port")
        top = 65_535 if self.core.dialect == "fork" else 1 << 31
        if not 0 < len(name) <= 64 or not 0 < len(alias) <= 32 or not 0 < port <= top:
            return 1, "表单验证失败, 请检测输入", None
        if any(host.name == name for host in self.core.hosts.values()):
            return 1, "主机名已存在", None
        self.core.add_host(name=name, alias=alias, port=port, remark=form.get("remark", ""))
        return 0, "保存成功", None

    def _remove_host(self, _: Mapping[str, str], host_id: int) -> Answer:
        if any(host_id in task.host_ids for task in self.core.tasks.values()):
            return 1, "有任务引用此主机，不能删除", None
        if self.core.hosts.pop(host_id, None) is None and self.core.dialect == "fork":
            return 1, "主机不存在", None
        return 0, "操作成功", None

    def _ping(self, _: Mapping[str, str], host_id: int) -> Answer:
        host = self.core.hosts.get(host_id)
        if host is None:
            return 1, "主机不存在", None
        if not self.core.reachable(host):
            return 1, "连接失败-无法连接远程服务器 ", None
        return 0, "连接成功", None

    def _logins(self, query: Mapping[str, str], _: int) -> Answer:
        rows = [
            {"id": number, "username": user, "ip": "127.0.0.1", "created": self.core.moment_json(at)}
            for number, (user, at) in enumerate(self.core.logins, start=1)
        ]
        return _page(rows[::-1], query)


def _no_second_factor(_: Mapping[str, str], __: int) -> Answer:
    return 0, "获取成功", {"enabled": False}


def _int(fields: Mapping[str, str], key: str) -> int:
    text = fields.get(key, "")
    return int(text) if text.lstrip("-").isdecimal() else 0


def _page(rows: list[dict[str, Any]], query: Mapping[str, str]) -> Answer:
    page, size = max(1, _int(query, "page")), _int(query, "page_size")
    size = size if size > 0 else 20
    return 0, "操作成功", {"total": len(rows), "data": rows[(page - 1) * size : page * size]}


def read_task(form: Mapping[str, str]) -> Task | None:
    """The task of a form, None where gocron's validation declines it."""
    task = Task(
        id=_int(form, "id"),
        name=form.get("name", ""),
        level=_int(form, "level"),
        spec=form.get("spec", "") if _int(form, "level") == 1 else "",
        protocol=_int(form, "protocol"),
        command=form.get("command", "").strip(),
        http_method=_int(form, "http_method"),
        timeout=_int(form, "timeout"),
        multi=1 if _int(form, "multi") == 1 else 0,
        tag=form.get("tag", ""),
        remark=form.get("remark", ""),
        notify_status=_int(form, "notify_status") - 1,
        notify_type=_int(form, "notify_type") - 1,
    )
    if task.protocol == SHELL:
        task.host_ids = [_int({"": part}, "") for part in form.get("host_id", "").split(",")]
    valid = (
        0 < len(task.name) <= 32
        and 0 < len(form.get("command", "")) <= 256
        and 0 <= task.timeout <= 86_400
        and {task.level, task.protocol, task.http_method, _int(form, "multi")} <= {1, 2}
        and {task.notify_status, task.notify_type} <= {0, 1, 2, 3}
    )
    return task if valid else None


def _refusal(task: Task, form: Mapping[str, str]) -> str:
    if task.protocol == SHELL and not form.get("host_id"):
        return "请选择主机名"
    if task.notify_status and task.notify_type != 3 and not form.get("notify_receiver_id"):
        return "至少选择一个通知接收者"
    if task.protocol == HTTP and not task.command.lower().startswith(("http://", "https://")):
        return "请输入正确的URL地址"
    if task.protocol == HTTP and task.timeout > 300:
        return "HTTP任务超时时间不能超过300秒"
    if _int(form, "dependency_status") not in (1, 2):
        return "请选择依赖关系"
    if task.level == 1 and not re.fullmatch(r"@\w+( .*)?|\S+( +\S+){4,5}", task.spec):
        return "crontab表达式解析失败"
    return ""
