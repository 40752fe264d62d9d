"""The gocron engine: attempts are runs of tasks on a gocron server, observed through its log.

gocron's answers become true slowly: a trigger returns before its log row exists, and a row says "running" while it
waits, or for ever. So only a row above the newest one before the trigger counts, only the line of a node makes a
success, and what nobody can know is `lost`, with the reason.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from pydag.engines.base import Engine, Event
from pydag.engines.gocron.forms import job_forms
from pydag.engines.gocron.pace import Pace
from pydag.engines.gocron.sync import synchronize
from pydag.engines.gocron.threads import THREADS
from pydag.engines.gocron.triggers import Triggers
from pydag.engines.gocron.verdict import STRANGER, Verdict, verdict
from pydag.errors import EngineError
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import seconds_allowed
from pydag.gocron.http import NoAnswer
from pydag.gocron.records import LogRow, RemoteTask
from pydag.gocron.results import parse_result
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State
from pydag.settings import RunNew

LOST_AFTER = 60.0
"""Seconds after its timeout at which a run that gocron still calls running is given up as lost."""

APPEAR_WITHIN = 30.0
"""Seconds in which the log row of a run must appear, where gocron's answer to the trigger was lost."""

STOP_WITHIN = 30.0
"""Seconds in which a stopped run must be seen to end."""

NO_END_SEEN = (
    "gocron still calls it running: it was restarted, its node died, or it could not store the output "
    "(not UTF-8, or too large)"
)
"""Why a run is given up `LOST_AFTER` its timeout."""

NO_STOP_SEEN = "it was asked to stop, and gocron did not say that it ended"

QUEUE = 500
"""Rows that gocron executes at the same time; further ones say "running" too while they wait."""

_FEW = 5  # up to so many ended runs are read one by one, more of them by whole pages

_log = logging.getLogger("pydag.gocron")


@dataclass(slots=True, eq=False)
class _Running:
    task: int
    number: int
    task_id: int
    timeout: float
    newest_before: int = 0  # the newest log row before the trigger
    row: int = 0  # the log row of this attempt, once it was seen
    triggered: bool = False
    unconfirmed: bool = False  # the answer to the trigger was lost
    deadline: float = 0.0  # when it is given up as lost, by the monotonic clock
    lost_because: str = ""  # the reason then


class GoCronEngine(Engine):
    """Runs attempts on a gocron server. `rounds_time` and `task_timeout` are in seconds.

    A round is one status check. One that fails ends no attempt; the next round repeats it.
    """

    name = "gocron"
    slots = None
    shares_tasks = True

    def __init__(self, client: GoCronClient, *, run_new: RunNew, rounds_time: float, task_timeout: float) -> None:
        self._client = client
        self._run_new = run_new
        self._task_timeout = task_timeout
        self._pace = Pace(rounds_time)
        self._tasks: list[RemoteTask] = []
        self._new: list[_Running] = []  # started, not yet triggered
        self._running: dict[int, _Running] = {}
        self._events: list[Event] = []
        self._wakeup = threading.Event()
        self._woken = False
        self._stopping = False
        self._in_trouble = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="pydag-gocron")
        self._triggers: Triggers[_Running] = Triggers(self._pool, client.run_task, self._wakeup.set)

    def prepare(self, spec: JobSpec) -> None:
        """Create the job's tasks on gocron, or find them there, as PYDAG_RUN_NEW says."""
        nodes = self._client.hosts() if any(isinstance(task.action, Shell) for task in spec.tasks) else []
        self._tasks = synchronize(self._client, job_forms(spec, nodes, self._task_timeout), self._run_new)
        self.task_ids = [task.id for task in self._tasks]

    def start(self, task: int, number: int, env: Mapping[str, str]) -> None:
        """Accept it; the next `wait` triggers all that were started before it, several at the same time.

        `env` is not used: a task on gocron has the same command in every run.
        """
        remote = self._tasks[task]
        attempt = _Running(task, number, remote.id, seconds_allowed(remote.form))
        self._running[task] = attempt
        self._new.append(attempt)

    def wait(self, timeout: float | None) -> list[Event]:
        """Trigger what was started, and check what runs when a round is due."""
        until = None if timeout is None else time.monotonic() + timeout
        self._trigger_new()
        while not self._events and not self._woken:
            now = time.monotonic()
            self._read_answers()
            if self._events:
                break
            if self._running and now >= self._pace.due:
                self._round()
                continue
            if until is not None and now >= until:
                break
            self._sleep(now, until)
        self._woken = False
        events, self._events = self._events, []
        return events

    def wake(self) -> None:
        """Set a flag and end the sleep."""
        self._woken = True
        self._wakeup.set()

    def stop(self, *, force: bool) -> None:
        """Have gocron kill what runs: it has no gentle stop. With `force`, what does not end immediately is lost."""
        self._stopping = True
        for attempt in self._new:
            self._end(attempt, Verdict(State.CANCELLED, Reason.INTERRUPTED))
        self._new.clear()
        deadline = time.monotonic() + (0.0 if force else STOP_WITHIN)
        for attempt in self._running.values():
            attempt.deadline, attempt.lost_because = deadline, NO_STOP_SEEN
            if attempt.row:
                self._ask_to_stop(attempt)
        self._pace.news(time.monotonic())

    def close(self) -> None:
        """Ask gocron to stop what runs, even what was not seen yet, and close the connections."""
        if self._running:
            with suppress(EngineError):
                self._stop_all()
        self._running.clear()
        self._pool.shutdown()
        self._client.close()

    def _stop_all(self) -> None:
        self._triggers.wait()
        self._read_answers()
        self._stopping = True
        for attempt in self._running.values():
            attempt.row = 0  # a row is stopped when it is first seen
        self._check()

    # Starting.

    def _trigger_new(self) -> None:
        """One read of the newest row serves all that start now: every row above it came later."""
        if not self._new:
            return
        starting, self._new = self._new, []
        try:
            newest = self._client.logs(limit=1)
        except EngineError as error:
            for attempt in starting:
                self._not_started(attempt, error)
            return
        for attempt in starting:
            attempt.newest_before = newest[0].id if newest else 0
            self._triggers.send(attempt, attempt.task_id)
        self._pace.news(time.monotonic())

    def _read_answers(self) -> None:
        """Take note of the triggers that were answered. A trigger is never repeated: it may have had its effect."""
        for attempt, error in self._triggers.answers():
            if error is None:
                attempt.triggered = True
                self._wait_for_end(attempt)
            elif isinstance(error, NoAnswer) and error.sent:
                attempt.triggered = attempt.unconfirmed = True
                self._give_up_in(APPEAR_WITHIN, attempt, f"{error}, and no run of it was seen after that")
            else:
                self._not_started(attempt, error)

    def _not_started(self, attempt: _Running, error: EngineError) -> None:
        self._end(attempt, Verdict(State.FAILED, Reason.NOT_STARTED, str(error)))

    def _wait_for_end(self, attempt: _Running) -> None:
        self._give_up_in(attempt.timeout + LOST_AFTER, attempt, NO_END_SEEN)

    def _give_up_in(self, seconds: float, attempt: _Running, reason: str) -> None:
        if not self._stopping:  # else the time for its stop runs already
            attempt.deadline = time.monotonic() + seconds
            attempt.lost_because = reason

    # Rounds.

    def _round(self) -> None:
        """One status check, after which the next round is planned."""
        began = time.monotonic()
        before = len(self._events)
        try:
            self._check()
            if self._in_trouble:
                _log.warning("gocron answers again")
                self._in_trouble = False
        except EngineError as error:
            if not self._in_trouble:
                _log.warning("%s; its runs go on, pydag asks again", error)
                self._in_trouble = True
        self._give_up_overdue()
        now = time.monotonic()
        self._pace.round_done(now, now - began, news=len(self._events) > before)

    def _check(self) -> None:
        """One request shows which rows run; the rows of attempts that do not run any more are read."""
        triggered = [attempt for attempt in self._running.values() if attempt.triggered]
        if not triggered:
            return
        rows = self._client.running()
        if len(rows) >= QUEUE:
            self._extend_deadlines(triggered)
        running = _by_task(rows)
        not_running = []
        for attempt in triggered:
            own = _rows_since(attempt, running)
            if own:
                self._seen_running(attempt, own[0].id)
            else:
                not_running.append(attempt)
        self._read_ends(not_running)

    def _extend_deadlines(self, attempts: Iterable[_Running]) -> None:
        """While gocron's queue is full, no row shows whether it runs or waits: its time has not begun."""
        for attempt in attempts:
            if not attempt.unconfirmed:
                self._wait_for_end(attempt)

    def _seen_running(self, attempt: _Running, row: int) -> None:
        if attempt.unconfirmed:
            attempt.unconfirmed = False
            self._wait_for_end(attempt)
        first_seen = attempt.row != row
        attempt.row = row
        if self._stopping and first_seen:
            self._ask_to_stop(attempt)

    def _read_ends(self, attempts: list[_Running]) -> None:
        """Read the rows of these attempts; one that has no row yet is left for the next round."""
        if not attempts:
            return
        found = _by_task(self._rows_of(attempts))
        for attempt in attempts:
            own = _rows_since(attempt, found)
            if own:
                self._read_end(attempt, own)

    def _rows_of(self, attempts: list[_Running]) -> list[LogRow]:
        if len(attempts) > _FEW:
            return self._client.logs(after_id=min(attempt.newest_before for attempt in attempts))
        # Not in the pool: there these requests would wait for every trigger before them.
        rows = []
        for attempt in attempts:
            rows += self._client.logs(task_id=attempt.task_id, after_id=attempt.newest_before)
        return rows

    def _read_end(self, attempt: _Running, rows: list[LogRow]) -> None:
        """The first row after the trigger is this attempt's; further ones are runs that somebody else started."""
        if not all(self._client.has_ended(row) for row in rows):
            self._seen_running(attempt, rows[0].id)
            return
        ends = [parse_result(row.result, status=row.status, protocol=row.protocol, hosts=row.hosts) for row in rows]
        found = verdict(ends)
        if found is STRANGER:
            self._end(attempt, found)
            return
        output = ends[0].output.encode()
        if output:
            self._events.append(Output(task=attempt.task, number=attempt.number, data=output))
        self._end(attempt, found, host=ends[0].host or "")

    def _give_up_overdue(self) -> None:
        now = time.monotonic()
        for attempt in list(self._running.values()):
            if attempt.triggered and now >= attempt.deadline:
                self._end(attempt, Verdict(State.LOST, Reason.UNKNOWN, attempt.lost_because))

    def _ask_to_stop(self, attempt: _Running) -> None:
        def ask() -> None:
            try:
                self._client.stop_task(attempt.row, attempt.task_id)
            except EngineError as error:
                _log.warning("%s", error)

        self._pool.submit(ask)

    def _end(self, attempt: _Running, found: Verdict, *, host: str = "") -> None:
        del self._running[attempt.task]
        self._events.append(
            Attempt(
                task=attempt.task,
                number=attempt.number,
                state=found.state,
                exit_status=found.exit_status,
                reason=found.reason,
                detail=found.detail,
                host=host,
            )
        )

    def _sleep(self, now: float, until: float | None) -> None:
        """Until the next round, the end of the wait, the answer to a trigger, or a wake."""
        moments = [self._pace.due] if any(attempt.triggered for attempt in self._running.values()) else []
        moments += [] if until is None else [until]
        self._wakeup.wait(max(0.0, min(moments) - now) if moments else None)
        self._wakeup.clear()


def _by_task(rows: Iterable[LogRow]) -> dict[int, list[LogRow]]:
    """The rows of each task, the oldest first."""
    found: dict[int, list[LogRow]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        found.setdefault(row.task_id, []).append(row)
    return found


def _rows_since(attempt: _Running, rows: dict[int, list[LogRow]]) -> list[LogRow]:
    """The rows of the attempt's task that came after its trigger."""
    return [row for row in rows.get(attempt.task_id, ()) if row.id > attempt.newest_before]
