"""Board: what the live display knows of a run. The tracker's thread updates it, the drawing thread takes snapshots."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock

from pydag.model.run import Attempt, Output, tried_again
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view.tails import OutputTails

SMALL = 300
"""A job of at most so many tasks may fit on a terminal as a whole, so all of its tasks are remembered."""

_FAILURES = 50  # the newest failures that a larger job shows: they fill any terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A run at one moment. `states` and `newest` (the newest attempt of each task) are empty for a large job."""

    counts: dict[State, int]
    running: Sequence[Attempt]
    failed: Sequence[Attempt]
    states: Sequence[State]
    newest: dict[int, Attempt]
    stopping: bool


class Board:
    """All calls are cheap: a run may have 100,000 tasks of a millisecond each."""

    def __init__(self, spec: JobSpec) -> None:
        self.tails = OutputTails(spec)
        self.stopping = False
        self._spec = spec
        self._lock = Lock()
        self._small = len(spec.tasks) <= SMALL
        self._states = [State.PENDING] * len(spec.tasks)
        self._counts = dict.fromkeys(State, 0)
        self._counts[State.PENDING] = len(spec.tasks)
        self._running: dict[int, Attempt] = {}
        self._failed: deque[Attempt] = deque(maxlen=_FAILURES)
        self._newest: dict[int, Attempt] = {}

    def update(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        """The arguments are those of `Reporter.changed`."""
        with self._lock:
            for output in outputs:
                self.tails.add(output)
            for attempt in attempts:
                self._update(attempt)

    def snapshot(self, max_running: int) -> Snapshot:
        """The run as it is now, with at most so many of the running attempts, the longest running first."""
        with self._lock:
            return Snapshot(
                counts=self._counts.copy(),
                running=list(islice(self._running.values(), max_running)),
                failed=list(self._failed),
                states=self._states.copy() if self._small else (),
                newest=self._newest.copy(),
                stopping=self.stopping,
            )

    def _update(self, attempt: Attempt) -> None:
        task, state = attempt.task, attempt.state
        if state is State.RUNNING:
            self._running[task] = attempt
        else:
            self._running.pop(task, None)
            self.tails.ended(attempt)
            if tried_again(self._spec.tasks[task], attempt):
                state = State.PENDING
            elif state is State.FAILED or state is State.LOST:
                self._failed.append(attempt)
        self._counts[self._states[task]] -= 1
        self._counts[state] += 1
        self._states[task] = state
        if self._small and attempt.attempted:
            self._newest[task] = attempt
