"""The gocron engine: attempts are runs of tasks on a gocron server, seen through its log.

gocron's answers are slow to be true: a trigger returns before its log row exists, a row says "running" while it waits,
and may say so for ever. So only a row above the newest one before the trigger counts, only a node's own line makes a
success, and what nobody can know is `lost`, with the reason.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import dataclass

from pydag.engines.base import Engine, Event
from pydag.engines.gocron.pace import Pace
from pydag.engines.gocron.sync import THREADS, agree, wanted
from pydag.errors import EngineError
from pydag.gocron.client import GoCronClient
from pydag.gocron.http import NoAnswer
from pydag.gocron.records import LogRow
from pydag.gocron.results import END_UNKNOWN, EndReason, RowEnd, parse_result
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State
from pydag.settings import RunNew

LOST_AFTER = 60.0
"""Seconds after its timeout at which a run that gocron still calls running is given up as lost."""

APPEAR_WITHIN = 30.0
"""Seconds in which the log row of a run appears, where gocron's answer to the trigger was lost."""

STOP_WITHIN = 30.0
"""Seconds in which a stopped run must be seen to end."""

STILL_RUNNING = (
    "gocron still calls it running: it was restarted, its node died, or it could not store the output "
    "(not UTF-8, or too large)"
)
"""Why a run is given up: all that is known of one whose time is over."""

QUEUE = 500
"""Rows that gocron executes at once; the others say "running" too while they wait."""

_FEW = 5  # so many ended runs are asked for one by one, more of them by whole pages

_log = logging.getLogger("pydag.gocron")


@dataclass(slots=True, eq=False)
class _Attempt:
    task: int
    number: int
    timeout: float
    task_id: int
    note: int = 0  # the newest log row before the trigger
    row: int = 0  # this attempt's log row, once it was seen
    triggered: bool = False
    doubtful: bool = False  # the answer to the trigger was lost
    deadline: float = 0.0  # when it is given up, by the monotonic clock
    gives_up: str = ""  # why it is then lost


class GoCronEngine(Engine):
    """Runs attempts on a gocron server. `rounds_time` and `task_timeout` are in seconds.

    A status check that fails is repeated at the next round; it ends no attempt.
    """

    name = "gocron"
    slots = None
    shares_tasks = True

    def __init__(self, client: GoCronClient, *, run_new: RunNew, rounds_time: float, task_timeout: float) -> None:
        self._client = client
        self._run_new = run_new
        self._task_timeout = task_timeout
        self._pace = Pace(rounds_time)
        self._spec: JobSpec | None = None
        self._ids: list[int] = []
        self._new: list[_Attempt] = []  # started, not yet triggered
        self._running: dict[int, _Attempt] = {}
        self._events: list[Event] = []
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="pydag-gocron")
        self._triggers: list[tuple[_Attempt, Future[None]]] = []
        self._wakeup = threading.Event()
        self._woken = False
        self._stopping = False
        self._in_trouble = False

    def prepare(self, spec: JobSpec) -> None:
        """Make the job's tasks on gocron, or find them there, as PYDAG_RUN_NEW says."""
        nodes = self._client.hosts() if any(isinstance(task.action, Shell) for task in spec.tasks) else []
        self._ids = agree(self._client, wanted(spec, nodes, self._task_timeout), self._run_new)
        self._spec = spec

    def start(self, task: int, number: int, env: Mapping[str, str]) -> None:
        """Take it up; the next `wait` triggers all that were started before it, several at a time.

        `env` is not used: a task on gocron has the same command in every run.
        """
        assert self._spec is not None
        own_timeout = self._spec.tasks[task].timeout
        timeout = self._task_timeout if own_timeout is None else own_timeout
        attempt = _Attempt(task, number, timeout, self._ids[task])
        self._running[task] = attempt
        self._new.append(attempt)

    def wait(self, timeout: float | None) -> list[Event]:
        """Trigger what was started, and look at what runs when a round is due."""
        until = None if timeout is None else time.monotonic() + timeout
        self._trigger_new()
        while not self._events and not self._woken:
            now = time.monotonic()
            self._take_in_triggers()
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
        """Have gocron kill what runs: it knows no gentle stop. With `force`, what does not end at once is lost."""
        self._stopping = True
        for attempt in self._new:
            self._end(attempt, State.CANCELLED, reason=Reason.INTERRUPTED)
        self._new.clear()
        for attempt in list(self._running.values()):
            within = 0.0 if force else STOP_WITHIN
            attempt.deadline = time.monotonic() + within
            attempt.gives_up = "it was asked to stop, and gocron did not say that it ended"
            if attempt.row:
                self._ask_to_stop(attempt)
        self._pace.news(time.monotonic())

    def close(self) -> None:
        """Ask for the end of what runs, also of what was not seen yet, and close the connections."""
        if self._running:
            with suppress(EngineError):
                self._stop_all()
        self._running.clear()
        self._pool.shutdown()
        self._client.close()

    def _stop_all(self) -> None:
        wait_for([trigger for _, trigger in self._triggers])
        self._take_in_triggers()
        self._stopping = True
        for attempt in self._running.values():
            attempt.row = 0  # a row is stopped when it is first seen
        self._look()

    # Starting.

    def _trigger_new(self) -> None:
        """One look at the log serves all that start now: what is above its newest row came after it."""
        if not self._new:
            return
        starting, self._new = self._new, []
        try:
            newest = self._client.logs(limit=1)
        except EngineError as error:
            for attempt in starting:
                self._end(attempt, State.FAILED, reason=Reason.NOT_STARTED, detail=str(error))
            return
        for attempt in starting:
            attempt.note = newest[0].id if newest else 0
            trigger = self._pool.submit(self._client.run_task, attempt.task_id)
            trigger.add_done_callback(lambda _: self._wakeup.set())
            self._triggers.append((attempt, trigger))
        self._pace.news(time.monotonic())

    def _take_in_triggers(self) -> None:
        pending, self._triggers = self._triggers, []
        for attempt, trigger in pending:
            if not trigger.done():  # asked once: a moment later the answer may be another
                self._triggers.append((attempt, trigger))
                continue
            try:
                trigger.result()
            except NoAnswer as error:
                self._unanswered(attempt, error)
            except EngineError as error:
                self._end(attempt, State.FAILED, reason=Reason.NOT_STARTED, detail=str(error))
            else:
                self._give(attempt, attempt.timeout + LOST_AFTER, STILL_RUNNING)
                attempt.triggered = True

    def _unanswered(self, attempt: _Attempt, error: NoAnswer) -> None:
        if not error.sent:
            self._end(attempt, State.FAILED, reason=Reason.NOT_STARTED, detail=str(error))
            return
        attempt.triggered = attempt.doubtful = True
        self._give(attempt, APPEAR_WITHIN, f"{error}, and no run of it was seen after that")

    def _give(self, attempt: _Attempt, seconds: float, gives_up: str) -> None:
        if self._stopping:
            return  # the time for its stop runs already
        attempt.deadline = time.monotonic() + seconds
        attempt.gives_up = gives_up

    # Looking.

    def _round(self) -> None:
        """One request tells which rows run; what does not run any more is read."""
        began = time.monotonic()
        before = len(self._events)
        try:
            self._look()
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

    def _look(self) -> None:
        triggered = [attempt for attempt in self._running.values() if attempt.triggered]
        if not triggered:
            return
        rows = self._client.running()
        if len(rows) >= QUEUE:
            self._be_patient(triggered)
        goes_on: dict[int, list[LogRow]] = {}
        for row in rows:
            goes_on.setdefault(row.task_id, []).append(row)
        quiet = []
        for attempt in triggered:
            mine = [row for row in goes_on.get(attempt.task_id, ()) if row.id > attempt.note]
            if mine:
                self._seen_running(attempt, min(row.id for row in mine))
            else:
                quiet.append(attempt)
        self._read_ends(quiet)

    def _be_patient(self, attempts: Iterable[_Attempt]) -> None:
        """While gocron's queue is full, no row tells whether it runs or waits: its time has not begun."""
        for attempt in attempts:
            if not self._stopping and not attempt.doubtful:
                attempt.deadline = time.monotonic() + attempt.timeout + LOST_AFTER

    def _seen_running(self, attempt: _Attempt, row: int) -> None:
        if attempt.doubtful:
            attempt.doubtful = False
            self._give(attempt, attempt.timeout + LOST_AFTER, STILL_RUNNING)
        unseen = attempt.row != row
        attempt.row = row
        if self._stopping and unseen:
            self._ask_to_stop(attempt)

    def _read_ends(self, attempts: list[_Attempt]) -> None:
        """Read the rows of these attempts; one that has none yet is left for the next round."""
        if not attempts:
            return
        found: dict[int, list[LogRow]] = {}
        for row in self._rows_of(attempts):
            found.setdefault(row.task_id, []).append(row)
        for attempt in attempts:
            rows = [row for row in found.get(attempt.task_id, ()) if row.id > attempt.note]
            if rows:
                self._ended(attempt, rows)

    def _rows_of(self, attempts: list[_Attempt]) -> list[LogRow]:
        if len(attempts) > _FEW:
            return self._client.logs(after_id=min(attempt.note for attempt in attempts))
        # Not by the pool: there they would wait for every trigger that stands before them.
        rows = []
        for attempt in attempts:
            rows += self._client.logs(task_id=attempt.task_id, after_id=attempt.note)
        return rows

    def _ended(self, attempt: _Attempt, rows: list[LogRow]) -> None:
        """The first row after the trigger is this run's; with several, somebody else started the task too."""
        rows.sort(key=lambda row: row.id)
        if not all(self._client.has_ended(row) for row in rows):
            self._seen_running(attempt, rows[0].id)
            return
        ends = [parse_result(row.result, status=row.status, protocol=row.protocol, hosts=row.hosts) for row in rows]
        mine = ends[0]
        if len({(end.reason, end.exit_status) for end in ends}) > 1:
            self._end(
                attempt,
                State.LOST,
                reason=Reason.UNKNOWN,
                detail="somebody else ran this task on gocron at the same time, and the two ended differently",
            )
            return
        output = mine.output.encode()
        if output:
            self._events.append(Output(task=attempt.task, number=attempt.number, data=output))
        state, reason, detail = self._verdict(mine)
        exit_status = 0 if state is State.SUCCESS else mine.exit_status
        self._end(
            attempt,
            state,
            reason=reason,
            detail=detail,
            exit_status=exit_status,
            host=mine.host or "",
        )

    def _verdict(self, end: RowEnd) -> tuple[State, Reason | None, str]:
        """What a row's end means for the attempt. Only what gocron knows is success or failure."""
        why = end.reason
        if why is None:
            return State.SUCCESS, None, ""
        if why is EndReason.EXIT_STATUS:
            return State.FAILED, None, ""
        if why is EndReason.TIMEOUT:
            return State.FAILED, Reason.TIMEOUT, why.value
        if why is EndReason.STOPPED:
            return State.CANCELLED, Reason.INTERRUPTED, why.value
        if why is EndReason.OVERLAP:
            return State.FAILED, Reason.NOT_STARTED, why.value
        detail = f"{why.value}: {end.detail}" if end.detail else why.value
        if why in END_UNKNOWN or why is EndReason.UNREACHABLE:
            return State.LOST, Reason.UNKNOWN, detail
        return State.FAILED, None, detail

    def _give_up_overdue(self) -> None:
        now = time.monotonic()
        for attempt in list(self._running.values()):
            if attempt.triggered and now >= attempt.deadline:
                self._end(attempt, State.LOST, reason=Reason.UNKNOWN, detail=attempt.gives_up)

    def _ask_to_stop(self, attempt: _Attempt) -> None:
        def ask() -> None:
            try:
                self._client.stop_task(attempt.row, attempt.task_id)
            except EngineError as error:
                _log.warning("%s", error)

        self._pool.submit(ask)

    def _end(
        self,
        attempt: _Attempt,
        state: State,
        *,
        reason: Reason | None = None,
        detail: str = "",
        exit_status: int | None = None,
        host: str = "",
    ) -> None:
        del self._running[attempt.task]
        self._events.append(
            Attempt(
                task=attempt.task,
                number=attempt.number,
                state=state,
                exit_status=exit_status,
                reason=reason,
                detail=detail,
                host=host,
            )
        )

    def _sleep(self, now: float, until: float | None) -> None:
        """Until the next round, the end of the wait, a trigger's answer or a wake."""
        due = [self._pace.due] if self._running and not self._only_triggering() else []
        due += [] if until is None else [until]
        self._wakeup.wait(max(0.0, min(due) - now) if due else None)
        self._wakeup.clear()

    def _only_triggering(self) -> bool:
        return not any(attempt.triggered for attempt in self._running.values())
