"""Tracker: the loop that asks the plan, starts attempts on the engine, waits, records and reports.

The history comes first: an attempt is written before it starts, and its end is written before its successors start.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pydag.engines.base import Engine
from pydag.errors import NotFound, StoreError, TakenOver
from pydag.model.run import Attempt, Output, Run, RunRecord, lost, record_of
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State
from pydag.runs.earlier import NOTHING, Earlier
from pydag.runs.plan import Plan
from pydag.runs.reporter import Reporter
from pydag.stores.base import RunHandle, Store

OUTPUT_DELAY = 0.1
"""Seconds for which output of a running attempt may wait for more before it is written."""

HEARTBEAT = 10.0
"""Seconds after which the tracker says again in the history that it lives: for those who cannot see its process."""

OUTPUT_BATCH = 256 * 1024
"""Bytes of output that are written at once, however fresh."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the tracker's time comes from: `now` for the records, `monotonic` (seconds) for waiting."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


REAL_CLOCK = Clock(lambda: datetime.now(UTC), time.monotonic)


def _nothing(record: RunRecord) -> RunRecord:
    return record


class Tracker:
    """Tracks one run from its first attempt to its end.

    `max_parallel` bounds the attempts that run at once; None leaves it to the engine, whose room bounds them anyway.
    `output_limit` is the number of bytes that are kept of each attempt's output, from its beginning. `earlier` is what
    there is before it begins; `handle` that of a run that was taken over, so that it goes on. `afterwards` is called
    once the run's end is in the history, and before it is reported: it returns the record with what it added.
    """

    def __init__(
        self,
        spec: JobSpec,
        run: Run,
        *,
        engine: Engine,
        store: Store,
        reporter: Reporter,
        output_limit: int,
        max_parallel: int | None = None,
        earlier: Earlier = NOTHING,
        handle: RunHandle | None = None,
        clock: Clock = REAL_CLOCK,
        afterwards: Callable[[RunRecord], RunRecord] = _nothing,
    ) -> None:
        self._spec = spec
        self._run = run
        self._engine = engine
        self._store = store
        self._handle = handle  # the run in the store, once it was begun
        self._reporter = reporter
        self._output_limit = output_limit
        wanted = max_parallel or spec.max_parallel or engine.slots or len(spec.tasks)
        self._slots = min(wanted, engine.room or wanted)
        self._clock = clock
        self._afterwards = afterwards
        self._environ = {"PYDAG_JOB": spec.name, "PYDAG_RUN_ID": run.id}
        self._earlier = earlier
        self._plan = Plan(spec, earlier.ended)
        self._running: dict[int, Attempt] = {}
        self._retries: list[tuple[float, int, int]] = []  # when (monotonic), task, number of the attempt: a heap
        self._due: deque[tuple[int, int]] = deque()  # retries whose time has come: task, number
        self._attempts: list[Attempt] = []  # not yet written
        self._done: list[Attempt] = []  # ended, and written
        self._output: dict[tuple[int, int], list[bytes]] = {}  # not yet written, by task and number
        self._output_seen: dict[int, int] = {}  # bytes of the running attempt so far, kept or not, by task
        self._output_bytes = 0
        self._output_since: float | None = None
        self._beat_due = clock.monotonic() + HEARTBEAT
        self._stop_requests = self._stops_done = 0

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self._stop_requests > 0

    def interrupt(self) -> None:
        """Ask the run to stop: once for an orderly stop, again for a kill. Safe in a signal handler."""
        self._stop_requests += 1
        self._engine.wake()

    def track(self) -> RunRecord:
        """Run the job to its end and return what happened. The engine and the store stay open.

        Where an error breaks it off, also one out of the caller's signal handler, the run ends as `lost`, and the
        engine is closed.
        """
        try:
            self.begin()
            while not self.done:
                self.turn()
            self.end()
        except BaseException as error:
            if self._handle is None and isinstance(error, StoreError):
                raise  # nothing was begun; a run of this id, if there is one, is another's
            with suppress(StoreError, NotFound):  # it may be the very error
                self._break_off(type(error).__name__)
            self._engine.close()
            if not isinstance(error, NotFound | TakenOver):  # else the run was deleted, or goes on elsewhere
                self._afterwards(self._record())
            raise
        record = self._afterwards(self._record())
        self._reporter.run_ended(record)
        return record

    def _record(self) -> RunRecord:
        record = record_of(self._run, self._spec, self._done)
        return lost(record) if record.state is State.LOST else record

    # The steps of `track`, for tests that look between them.

    @property
    def done(self) -> bool:
        """Whether every task has ended."""
        return self._plan.done

    def begin(self) -> None:
        """Write the run to the history and report it."""
        if self._handle is None:
            self._handle = self._store.begin(self._run, self._spec)
        self._reporter.run_started(self._run, self._spec)
        self._done += self._earlier.kept
        self._report(list(self._earlier.kept), [])
        self._attempts += self._earlier.new
        for task in self._plan.skipped_at_start:
            self._end_unattempted(task, State.SKIPPED, Reason.UPSTREAM)

    def turn(self) -> None:
        """One turn of the loop: pass on a stop, start what may start, wait for the engine, take its events."""
        self._pass_on_stops()
        self.start_ready()
        if self.done:
            return
        for event in self._engine.wait(self._longest_wait()):
            if isinstance(event, Output):
                self._take_output(event)
            elif event.state.final:
                self._take_end(event)
            else:
                self._take_detail(event)

    def start_ready(self) -> None:
        """Write what ended and what starts now in one step, start it, and then report it."""
        starting = []
        while len(self._running) < self._slots:
            following = self._next()
            if following is None:
                break
            attempt = Attempt(task=following[0], number=following[1], state=State.RUNNING, started=self._clock.now())
            self._running[attempt.task] = attempt
            self._attempts.append(attempt)
            starting.append(attempt)
        something = self._attempts or self._output_is_due() or self._beat_due <= self._clock.monotonic()
        attempts, outputs = self._write() if something else ([], [])
        for attempt in starting:
            task = self._spec.tasks[attempt.task].name
            env = {**self._environ, "PYDAG_TASK": task, "PYDAG_ATTEMPT": str(attempt.number)}
            self._engine.start(attempt.task, attempt.number, env)
        self._report(attempts, outputs)  # last: a reader can wait, an empty slot cannot

    def end(self) -> None:
        """Write and report what is left, and write the run's end."""
        self._report(*self._write())
        self._finish(self._plan.outcome(), self._clock.now())

    def _break_off(self, error: str) -> None:
        """The tracker gives up: what runs is lost, and what waits will not start."""
        self._cancel_waiting()
        now = self._clock.now()
        for attempt in self._running.values():
            self._attempts.append(
                attempt._replace(
                    state=State.LOST,
                    ended=now,
                    reason=Reason.UNKNOWN,
                    detail=f"the run was broken off by {error}",
                    output_dropped=self._dropped(attempt.task),
                )
            )
        try:
            self._write()
        finally:
            self._finish(State.LOST, now)

    def _finish(self, state: State, ended: datetime) -> None:
        """Write the run's end, which is set once: a second call writes the first one's again."""
        if not self._run.state.final:
            self._run = self._run._replace(state=state, ended=ended)
        self._stored_run().finish(self._run.state, self._run.ended or ended)

    def _stored_run(self) -> RunHandle:
        """The run in the store. An interrupt may have come after its begin and before the answer."""
        if self._handle is None:
            self._handle = self._store.reopen(self._run.id)
        return self._handle

    def _pass_on_stops(self) -> None:
        while self._stops_done < self._stop_requests:
            if not self._stops_done:
                self._reporter.stopping(self._clock.now())
                self._cancel_waiting()
            self._engine.stop(force=self._stops_done > 0)
            self._stops_done += 1

    def _cancel_waiting(self) -> None:
        """Nothing starts any more: neither pending tasks nor the next attempts of failed ones."""
        waiting = [task for _, task, _ in self._retries] + [task for task, _ in self._due]
        self._retries.clear()
        self._due.clear()
        for task in self._plan.cancel() + waiting:
            self._end_unattempted(task, State.CANCELLED, Reason.INTERRUPTED)
        for task in waiting:
            self._plan.finish(task, State.CANCELLED)

    def _next(self) -> tuple[int, int] | None:
        """The next task to start and the number of its attempt."""
        while self._retries and self._retries[0][0] <= self._clock.monotonic():
            _, task, number = heapq.heappop(self._retries)
            self._due.append((task, number))
        if self._due:
            return self._due.popleft()
        task_or_none = self._plan.take()
        return None if task_or_none is None else (task_or_none, self._earlier.numbers.get(task_or_none, 1))

    def _take_detail(self, event: Attempt) -> None:
        """The attempt runs on, and there is something to say about it."""
        attempt = self._running[event.task]._replace(detail=event.detail)
        self._running[event.task] = attempt
        self._attempts.append(attempt)

    def _take_end(self, event: Attempt) -> None:
        attempt = self._running[event.task]
        task = self._spec.tasks[event.task]
        started, ended = _times(attempt, event, self._clock.now())
        self._attempts.append(event._replace(started=started, ended=ended, output_dropped=self._dropped(event.task)))
        del self._running[event.task]  # last: should a signal handler raise here, its attempt must not stay `running`
        self._output_seen.pop(event.task, None)
        # Only a failure is known to have ended: what is lost may still be running, and must not run twice.
        if event.state is State.FAILED and event.number <= task.retries and not self.interrupted:
            at = self._clock.monotonic() + task.retry_delay
            heapq.heappush(self._retries, (at, event.task, event.number + 1))
            return
        for skipped in self._plan.finish(event.task, event.state):
            self._end_unattempted(skipped, State.SKIPPED, Reason.UPSTREAM)

    def _end_unattempted(self, task: int, state: State, reason: Reason) -> None:
        self._attempts.append(Attempt.not_attempted(task, state, ended=self._clock.now(), reason=reason))

    def _take_output(self, output: Output) -> None:
        """Keep what is within the limit; what is over it is only counted."""
        seen = self._output_seen.get(output.task, 0)
        self._output_seen[output.task] = seen + len(output.data)
        kept = output.data[: max(0, self._output_limit - seen)]
        if not kept:
            return
        self._output.setdefault((output.task, output.number), []).append(kept)
        self._output_bytes += len(kept)
        if self._output_since is None:
            self._output_since = self._clock.monotonic()

    def _dropped(self, task: int) -> int:
        return max(0, self._output_seen.get(task, 0) - self._output_limit)

    def _output_is_due(self) -> bool:
        if self._output_since is None:
            return False
        return self._output_bytes >= OUTPUT_BATCH or self._clock.monotonic() - self._output_since >= OUTPUT_DELAY

    def _write(self) -> tuple[list[Attempt], list[Output]]:
        """Write all that is new in one step, and return it."""
        attempts = self._attempts
        outputs = [
            Output(task=task, number=number, data=b"".join(pieces)) for (task, number), pieces in self._output.items()
        ]
        heard = None
        if self._beat_due <= self._clock.monotonic():
            self._beat_due = self._clock.monotonic() + HEARTBEAT
            heard = self._clock.now()
        if attempts or outputs or heard:
            self._stored_run().write(attempts, outputs, heard=heard)
        self._done += [attempt for attempt in attempts if attempt.state.final]
        self._attempts = []
        self._output = {}
        self._output_bytes, self._output_since = 0, None
        return attempts, outputs

    def _report(self, attempts: list[Attempt], outputs: list[Output]) -> None:
        if attempts or outputs:
            self._reporter.changed(attempts, outputs)

    def _longest_wait(self) -> float:
        """Seconds that the engine may wait: until a sign of life or a retry is due, or output has waited enough."""
        now = self._clock.monotonic()
        due = [self._beat_due - now]
        if self._retries:
            due.append(self._retries[0][0] - now)
        if self._output_since is not None:
            due.append(self._output_since + OUTPUT_DELAY - now)
        return max(0.0, min(due))


def _times(attempt: Attempt, end: Attempt, now: datetime) -> tuple[datetime, datetime]:
    """Start and end of an attempt: the engine's, within the time from the attempt's first record to now.

    So no successor starts before its predecessor's end, whatever other clocks say.
    """
    first = attempt.started or now
    started = max(first, min(end.started or first, now))
    return started, max(started, min(end.ended or now, now))
