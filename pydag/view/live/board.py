"""Board: what a live display knows of a run. The tracker's thread writes it, the drawing thread takes views."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock

from pydag.model.run import Attempt, Output, tried_again
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view.summary import Tails

SMALL = 300
"""A job of so many tasks at most may fit on a screen as a whole, so all of its attempts are remembered."""

_FAILURES = 50  # the newest failures that a larger job shows; more than that fill any screen


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A moment of a run. `states` and `newest` (of each task its newest attempt) are empty for a large job."""

    counts: dict[State, int]
    running: Sequence[Attempt]
    failed: Sequence[Attempt]
    states: Sequence[State]
    newest: dict[int, Attempt]
    stopping: bool


class Board:
    """All calls are cheap: a run may have 100,000 tasks of a millisecond each."""

    def __init__(self, spec: JobSpec) -> None:
        self.tails = Tails(spec)
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

    def note(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        """Take in what the tracker says."""
        with self._lock:
            for output in outputs:
                self.tails.add(output)
            for attempt in attempts:
                self._note(attempt)

    def view(self, most: int) -> View:
        """The run as it is now, with at most so many of the running attempts, the longest running first."""
        with self._lock:
            return View(
                counts=self._counts.copy(),
                running=list(islice(self._running.values(), most)),
                failed=list(self._failed),
                states=self._states.copy() if self._small else (),
                newest=self._newest.copy(),
                stopping=self.stopping,
            )

    def _note(self, attempt: Attempt) -> None:
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
