"""The gocron engine: attempts are runs of tasks on a gocron server, observed through its log.

gocron's answers become true slowly: a trigger returns before its log row exists, and a row says "running" while it
waits, or for ever. So only a row above the newest one before the trigger counts, only the line of a node makes a
success, and what nobody can know is `lost`, with the reason.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

from pydag.engines.base import Engine, Event
from pydag.engines.gocron.attempt import RunningAttempt
from pydag.engines.gocron.forms import job_forms
from pydag.engines.gocron.notices import notices
from pydag.engines.gocron.outage import WAIT, Outage
from pydag.engines.gocron.pace import Pace
from pydag.engines.gocron.sync import synchronize
from pydag.engines.gocron.threads import THREADS
from pydag.engines.gocron.times import times, wall
from pydag.engines.gocron.triggers import Triggers
from pydag.engines.gocron.verdict import STRANGER, Verdict, verdict
from pydag.errors import EngineError
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import seconds_allowed
from pydag.gocron.http import NoAnswer, TooLarge
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

RESTARTED = (
    f"gocron was away while it ran, and {WAIT:g} s after that it still called it running: it was restarted, and writes "
    "no end of it"
)
"""Why a run is given up after an outage."""

NO_STOP_SEEN = "it was asked to stop, and gocron did not say that it ended"

QUEUE = 500
"""Rows that gocron executes at the same time; further ones say "running" too while they wait."""

_FEW = 5  # up to so many ended runs are read one by one, more of them by whole pages

_log = logging.getLogger("pydag.gocron")


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
        self._new: list[RunningAttempt] = []  # started, not yet triggered
        self._running: dict[int, RunningAttempt] = {}
        self._events: list[Event] = []
        self._wakeup = threading.Event()
        self._woken = False
        self._stopping = False
        self._in_trouble = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="pydag-gocron")
        self._triggers: Triggers[RunningAttempt] = Triggers(self._pool, self._send, self._wakeup.set)
        self._outage = Outage()
        self._happened = 0.0  # when something was started or ended, the last time

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
        attempt = RunningAttempt(task, number, remote.id, seconds_allowed(remote.form))
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
            if now >= self._pace.due:
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
        now = time.monotonic()
        for attempt in self._running.values():
            attempt.deadline, attempt.lost_because = now + (0.0 if force else STOP_WITHIN), NO_STOP_SEEN
            attempt.since = now
            if attempt.row:
                self._ask_to_stop(attempt)
        self._pace.started(now)

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
            self._triggers.send(attempt)

    def _send(self, attempt: RunningAttempt) -> None:
        attempt.sent = attempt.since = time.monotonic()
        self._client.run_task(attempt.task_id)

    def _read_answers(self) -> None:
        """Take note of the triggers that were answered. A trigger is never repeated: it may have had its effect."""
        for attempt, error in self._triggers.answers():
            self._happened = time.monotonic()
            self._pace.started(attempt.since)
            if error is None:
                attempt.triggered = True
                self._wait_for_end(attempt)
            elif isinstance(error, NoAnswer) and error.sent:
                attempt.triggered = attempt.unconfirmed = True
                self._give_up_in(APPEAR_WITHIN, attempt, f"{error}, and no run of it was seen after that")
            else:
                self._not_started(attempt, error)

    def _not_started(self, attempt: RunningAttempt, error: EngineError) -> None:
        self._end(attempt, Verdict(State.FAILED, Reason.NOT_STARTED, str(error)))

    def _wait_for_end(self, attempt: RunningAttempt) -> None:
        self._give_up_in(attempt.timeout + LOST_AFTER, attempt, NO_END_SEEN)

    def _give_up_in(self, seconds: float, attempt: RunningAttempt, reason: str) -> None:
        if not self._stopping:  # else the time for its stop runs already
            attempt.deadline = time.monotonic() + seconds
            attempt.lost_because = reason

    # Rounds.

    def _round(self) -> None:
        """One status check, after which the next round is planned."""
        began = time.monotonic()
        try:
            self._check()
            self._outage.answered(began, self._client.refused)
            if self._in_trouble:
                _log.warning("gocron answers again")
                self._in_trouble = False
        except EngineError as error:
            if not self._in_trouble:
                _log.warning("%s; its runs go on, pydag asks again", error)
                self._in_trouble = True
        now = time.monotonic()
        self._give_up_overdue(now)
        self._say_what_lasts(now)
        triggered = self._triggered()
        age = max(0.0, began - max(attempt.since for attempt in triggered)) if triggered else None
        self._pace.round_done(began, now - began, age)

    def _triggered(self) -> list[RunningAttempt]:
        return [attempt for attempt in self._running.values() if attempt.triggered]

    def _check(self) -> None:
        """One request shows what runs: the row of the only attempt, or all running rows.

        The rows of attempts that do not run any more are read.
        """
        triggered = self._triggered()
        if len(triggered) == 1 and triggered[0].executes:
            self._check_only(triggered[0])
        elif triggered:
            self._check_all(triggered)

    def _check_only(self, attempt: RunningAttempt) -> None:
        asked = time.monotonic()
        rows = self._client.logs(task_id=attempt.task_id, limit=1)
        if [row.id for row in rows] != [attempt.row]:  # somebody else started the task since, or cleared the log
            rows = self._client.logs(task_id=attempt.task_id, after_id=attempt.newest_before)[::-1]
        if rows:
            self._read_end(attempt, rows, asked)

    def _check_all(self, triggered: list[RunningAttempt]) -> None:
        asked = time.monotonic()
        rows = self._client.running()
        if len(rows) >= QUEUE:
            self._extend_deadlines(triggered)
        running = _by_task(rows)
        not_running = []
        for attempt in triggered:
            own = attempt.rows_of(running)
            if own:
                attempt.executes = attempt.executes or len(rows) < QUEUE
                self._seen_running(attempt, own[0].id, asked)
            else:
                not_running.append(attempt)
        self._read_ends(not_running)

    def _extend_deadlines(self, attempts: Iterable[RunningAttempt]) -> None:
        """While gocron's queue is full, no row shows whether it runs or waits: its time has not begun."""
        for attempt in attempts:
            if not attempt.unconfirmed:
                self._wait_for_end(attempt)

    def _seen_running(self, attempt: RunningAttempt, row: int, asked: float) -> None:
        if attempt.unconfirmed:
            attempt.unconfirmed = False
            self._wait_for_end(attempt)
        attempt.alive = asked
        if attempt.seen(row, time.monotonic()) and self._stopping:
            self._ask_to_stop(attempt)

    def _read_ends(self, attempts: list[RunningAttempt]) -> None:
        """Read the rows of these attempts; one that has no row yet is left for the next round."""
        if not attempts:
            return
        asked = time.monotonic()
        found = _by_task(self._rows_of(attempts))
        for attempt in attempts:
            own = attempt.rows_of(found)
            if own:
                self._read_end(attempt, own, asked)

    def _rows_of(self, attempts: list[RunningAttempt]) -> list[LogRow]:
        if len(attempts) > _FEW:
            with suppress(TooLarge):  # each alone may have less output
                return self._client.logs(after_id=min(attempt.newest_before for attempt in attempts))
        # Not in the pool: there these requests would wait for every trigger before them.
        rows = []
        for attempt in attempts:
            rows += self._client.logs(task_id=attempt.task_id, after_id=attempt.newest_before)
        return rows

    def _read_end(self, attempt: RunningAttempt, rows: list[LogRow], asked: float) -> None:
        """The first row after the trigger is this attempt's; further ones are runs that somebody else started."""
        if not all(self._client.has_ended(row) for row in rows):
            self._seen_running(attempt, rows[0].id, asked)
            return
        now = time.monotonic()
        attempt.seen(rows[0].id, now)
        self._outage.ended(attempt.sent, attempt.alive)
        ends = [parse_result(row.result, status=row.status, protocol=row.protocol, hosts=row.hosts) for row in rows]
        found = verdict(ends)
        if found is STRANGER:
            self._end(attempt, found)
            return
        output = ends[0].output.encode()
        if output:
            self._events.append(Output(task=attempt.task, number=attempt.number, data=output))
        start, end = times(rows[0], attempt, now, self._client.clock_ahead)
        self._end(attempt, found, host=ends[0].host or "", started=wall(start, now), ended=wall(end, now))

    def _give_up_overdue(self, now: float) -> None:
        for attempt in self._triggered():
            if now >= attempt.deadline:
                self._end(attempt, Verdict(State.LOST, Reason.UNKNOWN, attempt.lost_because))
            elif now >= (self._outage.orphans(attempt.sent) or now + 1):
                self._end(attempt, Verdict(State.LOST, Reason.UNKNOWN, RESTARTED))

    def _say_what_lasts(self, now: float) -> None:
        for attempt, detail in notices(self._triggered(), self._outage, happened=self._happened, now=now):
            self._events.append(Attempt(task=attempt.task, number=attempt.number, state=State.RUNNING, detail=detail))

    def _ask_to_stop(self, attempt: RunningAttempt) -> None:
        def ask() -> None:
            try:
                self._client.stop_task(attempt.row, attempt.task_id)
            except EngineError as error:
                _log.warning("%s", error)

        self._pool.submit(ask)

    def _end(
        self,
        attempt: RunningAttempt,
        found: Verdict,
        *,
        host: str = "",
        started: datetime | None = None,
        ended: datetime | None = None,
    ) -> None:
        del self._running[attempt.task]
        self._happened = time.monotonic()
        self._events.append(
            Attempt(
                task=attempt.task,
                number=attempt.number,
                state=found.state,
                started=started,
                ended=ended,
                exit_status=found.exit_status,
                reason=found.reason,
                detail=found.detail,
                host=host,
            )
        )

    def _sleep(self, now: float, until: float | None) -> None:
        """Until the next round, the end of the wait, the answer to a trigger, or a wake."""
        due = min(self._pace.due, math.inf if until is None else until)
        self._wakeup.wait(max(0.0, due - now) if due < math.inf else None)
        self._wakeup.clear()


def _by_task(rows: Iterable[LogRow]) -> dict[int, list[LogRow]]:
    """The rows of each task, the oldest first."""
    found: dict[int, list[LogRow]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        found.setdefault(row.task_id, []).append(row)
    return found
