"""gocron's scheduler: a main task for each job, on the node that starts it.

Main tasks have a tag of their own, so that they are not taken for tasks of a job; their commands say whose they are.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timezone, tzinfo
from pathlib import Path

from pydag.engines.gocron.names import SCHEDULER_TAG
from pydag.errors import EngineError, InvalidSetting, NotFound
from pydag.gocron.client import PAGE_SIZE, GoCronClient
from pydag.gocron.forms import COMMAND_LIMIT, NAME_LIMIT, REMARK_LIMIT, TIMEOUT_LIMIT, TaskForm
from pydag.gocron.records import LogRow, LogStatus, RemoteTask
from pydag.gocron.results import EndReason, parse_result
from pydag.schedule.expression import CronExpression
from pydag.schedule.fire_times import FireTimes
from pydag.schedule.schedulers.base import FailedStart, ScheduleEntry, Scheduler, Undo, refuse_another_home
from pydag.schedule.submission import Submission, id_of, start_command, submission_id
from pydag.schedule.zone import local_zone

_DIGEST = 12  # hexadecimal digits, as in the shortened names of a job's tasks
_BEGAN = frozenset({EndReason.TIMEOUT, EndReason.STOPPED, EndReason.SIGNAL})
"""How a command ends that did run: pydag has recorded it, or was killed before it could."""

_WHY = {EndReason.UNREACHABLE: "the node could not be reached"}
"""Replaces gocron's own words, which also speak of connections that broke later: those runs pydag has recorded."""


class GoCronScheduler(Scheduler):
    """`client` is the server's, and is closed with this; `home` is the PYDAG_HOME whose jobs it starts."""

    name = "gocron"
    title = "gocron's scheduler"
    unreadable = "gocron does not answer"

    def __init__(self, client: GoCronClient, home: Path) -> None:
        self._client = client
        self._home = home

    def parse(self, text: str) -> CronExpression:
        """Six fields with seconds; five fields, and names such as `@daily`, become six."""
        return CronExpression.for_gocron(text)

    def zone_name(self, job: str) -> str:
        """That of TZ, else this machine's. Raises `InvalidSetting` where the server's clock has another offset now."""
        zone = local_zone(os.environ.get("TZ"))
        now = datetime.now(UTC)
        offset = self._client.utc_offset(now)
        if now.astimezone(zone).utcoffset() != offset:
            raise InvalidSetting(
                f"gocron's clock is at {timezone(offset)} and {zone.key} is not: set TZ to gocron's zone for this "
                f"command, such as TZ={'Europe/Berlin' if offset else 'UTC'}"
            )
        return zone.key

    def line(self, submission: Submission) -> str:
        """The expression, the command and the node."""
        form = main_task(submission, self._home)
        if all(node.id != submission.node for node in self._client.hosts()):
            raise NotFound(f"gocron has no node {submission.node}: `pydag nodes` lists them")
        return str(_entry(form, enabled=True))

    def entries(self) -> Mapping[str, ScheduleEntry]:
        """One for each job that has a main task; of several the newest."""
        oldest_first = reversed(self._client.tasks(tag=SCHEDULER_TAG))
        return {
            found: _entry(task.form, enabled=task.enabled)
            for task in oldest_first
            if (found := id_of(task.form.command))
        }

    def put(self, submission: Submission) -> Undo:
        """A main task that is there keeps its id, and its log on gocron; one that was disabled is enabled."""
        new, before = main_task(submission, self._home), self._tasks(submission.job)[:1]

        def undo() -> None:
            if not before:
                self._remove(submission.job)
            for task in before:
                self._client.update_task(task.id, task.form)
                self._client.enable_task(task.id, on=task.enabled)

        try:
            if not before:
                self._client.store_task(new)
            for task in before:
                self._client.update_task(task.id, new)
                self._client.enable_task(task.id)
        except BaseException:
            with suppress(EngineError):
                undo()
            raise
        return undo

    def remove(self, job: str) -> bool:
        """Starts that have begun continue."""
        for task in self._tasks(job):
            refuse_another_home(task.form.command, job, self._home, self.title)
        return self._remove(job)

    def failed_starts(self, submission: Submission) -> list[FailedStart]:
        """Among the newest 1000 failed rows of its task, those in which pydag cannot have run."""
        zone = submission.fire_times.zone
        tasks = self._tasks(submission.job)
        rows = (
            row
            for task in tasks
            for row in self._client.logs(task_id=task.id, status=LogStatus.FAILED, limit=PAGE_SIZE)
        )
        found = [_failed_start(row, submission.job, zone) for row in rows]
        return [start for start in found if start and start.due > submission.submitted]

    def close(self) -> None:
        self._client.close()

    def _tasks(self, job: str) -> list[RemoteTask]:
        """The job's main task; several, the newest first, where people copied it in gocron's pages."""
        return [
            task for task in self._client.tasks(tag=SCHEDULER_TAG) if id_of(task.form.command) == submission_id(job)
        ]

    def _remove(self, job: str) -> bool:
        tasks = self._tasks(job)
        for task in tasks:
            self._client.delete_task(task.id)
        return bool(tasks)


def main_task(submission: Submission, home: Path) -> TaskForm:
    """The main task of a submission. Several starts may run at once, so that pydag sees, and records, an early one.

    Raises `InvalidSetting` where gocron does not take its command.
    """
    command = shlex.join(start_command(submission.id, home, name_home=True))
    if len(command) > COMMAND_LIMIT:
        raise InvalidSetting(
            f"the command that starts job {submission.job!r} has {len(command)} characters, and gocron takes "
            f"{COMMAND_LIMIT}: use shorter paths for Python ({sys.executable}) and PYDAG_HOME ({home})"
        )
    assert submission.node is not None  # else it is the crontab's
    name = _readable(submission.job)
    return TaskForm(
        name=f"{name[: NAME_LIMIT - _DIGEST - 1]}@{submission.id[:_DIGEST]}",
        tag=SCHEDULER_TAG,
        command=command,
        node_ids=(submission.node,),
        timeout=TIMEOUT_LIMIT,
        remark=f"pydag starts job {name}"[:REMARK_LIMIT].strip(),
        schedule=submission.expression.text,
    )


def _readable(job: str) -> str:
    """The name as each database of gocron keeps it, and without a colon, which tasks of jobs have in their names."""
    return "".join(char if char.isprintable() and char <= "\uffff" and char != ":" else "_" for char in job).strip()


def _entry(form: TaskForm, *, enabled: bool) -> ScheduleEntry:
    node = next(iter(form.node_ids), None)
    return ScheduleEntry(expression=form.schedule, command=form.command, node=node, enabled=enabled)


def _failed_start(row: LogRow, job: str, zone: tzinfo) -> FailedStart | None:
    """What a failed row says of the fire time; None where pydag has run, or where somebody started it by hand."""
    cause = _cause(row)
    if not cause or not row.started:
        return None
    try:
        expression = CronExpression.for_gocron(row.schedule)
    except InvalidSetting:
        return None  # somebody started it by hand: the scheduler asked for nothing
    # The fork writes times of the server's clock without its zone.
    tried = (row.started if row.started.tzinfo else row.started.replace(tzinfo=zone)).astimezone(UTC)
    due = FireTimes(expression, zone).latest(tried).astimezone(UTC)
    return FailedStart(job=job, due=due, tried=tried, cause=cause, engine=GoCronScheduler.name)


def _cause(row: LogRow) -> str:
    """Why a row's command could not run pydag; empty where pydag has run.

    pydag prints nothing when a scheduler starts it, and keeps its own records: words beside an exit status come from
    bash or from Python, or say that the history could not be written.
    """
    end = parse_result(row.result, status=row.status, hosts=row.hosts)
    said = " ".join(end.output.split())[:500]
    if end.reason is None or end.reason in _BEGAN or (end.reason is EndReason.EXIT_STATUS and not said):
        return ""
    why = _WHY.get(end.reason, end.detail or end.reason.value)
    return f"gocron could not start it on {end.host or 'its node'}: {why}" + (f", {said}" if said else "")
