"""gocron's scheduler as a clock: a main task for each job, on the node that runs it.

These tasks bear a tag of their own, so that they are none of any job's tasks; their commands tell whose they are.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timezone
from pathlib import Path

from pydag.errors import EngineError, InvalidSetting, NotFound
from pydag.gocron.client import PAGE, GoCronClient
from pydag.gocron.records import (
    CLOCK_TAG,
    COMMAND_LIMIT,
    NAME_LIMIT,
    REMARK_LIMIT,
    TIMEOUT_LIMIT,
    LogRow,
    LogStatus,
    NewTask,
    RemoteTask,
)
from pydag.gocron.results import EndReason, parse_result
from pydag.schedule.expression import Schedule
from pydag.schedule.schedulers.base import Clock, Entry, Undo, Unstarted, refuse_another
from pydag.schedule.schedulers.crontab_text import entry_id
from pydag.schedule.submission import Submission, id_of, words
from pydag.schedule.zone import local_zone

_DIGEST = 12  # hexadecimal digits, as in the shortened names of a job's tasks
_BEGAN = frozenset({EndReason.TIMEOUT, EndReason.STOPPED, EndReason.SIGNAL})
"""Ends of a command that ran: pydag has its record, or was killed before it could make one."""

_WHY = {EndReason.UNREACHABLE: "the node could not be reached"}
"""Said in place of gocron's own words: where the connection broke later, pydag has a record."""


class GoCronClock(Clock):
    """`client` is the server's, and is closed with this; `home` is the PYDAG_HOME whose jobs it starts."""

    place = "gocron's clock"

    def __init__(self, client: GoCronClient, home: Path) -> None:
        self._client = client
        self._home = home

    def read(self, expression: str) -> Schedule:
        """Six fields with seconds; five, and `@daily` and friends, become such six."""
        return Schedule.for_gocron(expression)

    def zone(self, job: str) -> str:
        """TZ's, or else this machine's. Raises `InvalidSetting` where the server's clock has another offset now."""
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
        form = _form(submission, self._home)
        if all(node.id != submission.node for node in self._client.hosts()):
            raise NotFound(f"gocron has no node {submission.node}: `pydag nodes` lists them")
        return str(_entry(form))

    def entries(self) -> Mapping[str, Entry]:
        """Each main task that bears the tag; of several for one job the newest."""
        oldest_first = reversed(self._client.tasks(tag=CLOCK_TAG))
        return {found: _entry(task) for task in oldest_first if (found := id_of(task.command))}

    def put(self, submission: Submission) -> Undo:
        """One that was there keeps its id, and its log on gocron; one that was disabled there is enabled."""
        form, before = _form(submission, self._home), self._tasks(submission.job)[:1]

        def undo() -> None:
            if not before:
                self._remove(submission.job)
            for task in before:
                self._client.update_task(task.id, _again(task))
                self._client.enable_task(task.id, on=task.enabled)

        try:
            if not before:
                self._client.store_task(form)
            for task in before:
                self._client.update_task(task.id, form)
                self._client.enable_task(task.id)
        except BaseException:
            with suppress(EngineError):
                undo()
            raise
        return undo

    def take(self, job: str) -> bool:
        """What runs of it goes on."""
        for task in self._tasks(job):
            refuse_another(task.command, job, self._home, self.place)
        return self._remove(job)

    def unstarted(self, submission: Submission) -> list[Unstarted]:
        """Among the newest 1000 rows of its task that failed, those in which pydag cannot have run."""
        found, zone = [], submission.clock
        for task in self._tasks(submission.job):
            for row in self._client.logs(task_id=task.id, status=LogStatus.FAILED, limit=PAGE):
                schedule, cause = _schedule_of(row), _cause(row)
                if schedule and cause and row.started:
                    # The fork writes times of the server's clock without its zone.
                    tried = (row.started if row.started.tzinfo else row.started.replace(tzinfo=zone)).astimezone(UTC)
                    due = schedule.previous(tried, zone).astimezone(UTC)
                    if due > submission.submitted:
                        found.append(Unstarted(due=due, tried=tried, cause=cause))
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _tasks(self, job: str) -> list[RemoteTask]:
        """The job's main task; several, the newest first, where people copied it in gocron's pages."""
        return [task for task in self._client.tasks(tag=CLOCK_TAG) if id_of(task.command) == entry_id(job)]

    def _remove(self, job: str) -> bool:
        tasks = self._tasks(job)
        for task in tasks:
            self._client.delete_task(task.id)
        return bool(tasks)


def _form(submission: Submission, home: Path) -> NewTask:
    """The main task of a submission. Several may run at once, so that pydag sees, and records, a start too early."""
    command = shlex.join(words(submission.id, home, everywhere=True))
    if len(command) > COMMAND_LIMIT:
        raise InvalidSetting(
            f"the command that starts job {submission.job!r} has {len(command)} characters, and gocron takes "
            f"{COMMAND_LIMIT}: use shorter paths for Python ({sys.executable}) and PYDAG_HOME ({home})"
        )
    assert submission.node is not None  # else it is the crontab's
    name = _readable(submission.job)
    return NewTask(
        name=f"{name[: NAME_LIMIT - _DIGEST - 1]}@{submission.id[:_DIGEST]}",
        tag=CLOCK_TAG,
        command=command,
        node_ids=(submission.node,),
        timeout=TIMEOUT_LIMIT,
        remark=f"pydag starts job {name}"[:REMARK_LIMIT].strip(),
        schedule=submission.cron,
    )


def _readable(job: str) -> str:
    """The name as every database of gocron's keeps it, without the colon that a task of a job has in its name."""
    return "".join(char if char.isprintable() and char <= "\uffff" and char != ":" else "_" for char in job).strip()


def _again(task: RemoteTask) -> NewTask:
    """The form from which a main task was made."""
    return NewTask(
        name=task.name,
        tag=task.tag,
        command=task.command,
        node_ids=task.node_ids,
        timeout=task.timeout,
        single=task.single,
        remark=task.remark,
        schedule=task.schedule,
    )


def _entry(task: NewTask | RemoteTask) -> Entry:
    enabled = task.enabled if isinstance(task, RemoteTask) else True
    node = next(iter(task.node_ids), None)
    return Entry(schedule=task.schedule, command=task.command, node=node, enabled=enabled)


def _schedule_of(row: LogRow) -> Schedule | None:
    """What started it; None where somebody did, by hand, and the clock asked for nothing."""
    try:
        return Schedule.for_gocron(row.schedule)
    except InvalidSetting:
        return None


def _cause(row: LogRow) -> str:
    """Why a row's command could not run pydag; empty where pydag has run.

    pydag prints nothing when it is started like this, and keeps its own records: words beside an exit status are of
    bash, of Python, or say that the history could not be written.
    """
    end = parse_result(row.result, status=row.status, hosts=row.hosts)
    said = " ".join(end.output.split())[:500]
    if end.reason is None or end.reason in _BEGAN or (end.reason is EndReason.EXIT_STATUS and not said):
        return ""
    why = _WHY.get(end.reason, end.detail or end.reason.value)
    return f"gocron could not start it on {end.host or 'its node'}: {why}" + (f", {said}" if said else "")
