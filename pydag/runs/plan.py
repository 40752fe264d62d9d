"""Plan: which tasks may start now, which ended, which will never run. No I/O, no clock, no thread.

All decisions about the order of tasks are here. The tracker calls `take`, does the work elsewhere, and calls `finish`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from pydag.model.spec import JobSpec
from pydag.model.states import State, When, worst


class Plan:
    """One walk through a job. Tasks are numbers, as in `JobSpec.tasks`.

    A task is decided when the last of its upstream tasks has ended: it becomes ready, or it is skipped. Each task is
    taken at most once, and every task ends exactly once.

    `ended` are the tasks that have ended before the walk begins, and how: they are never taken. `skipped_at_start` are
    those that are skipped whatever happens.
    """

    def __init__(self, spec: JobSpec, ended: Mapping[int, State] | None = None) -> None:
        tasks = spec.tasks
        self.states = [State.PENDING] * len(tasks)
        self._when = [task.when for task in tasks]
        self._downstream = spec.downstream()
        self._waiting = [len(task.upstream) for task in tasks]  # upstream tasks that have not ended
        self._unsuccessful = bytearray(len(tasks))  # an upstream task did not succeed
        self._bad_upstream = bytearray(len(tasks))  # it failed, or was skipped because of one that failed
        self._ready: deque[int] = deque()
        self._open = len(tasks)
        ended = ended or {}
        for number, state in ended.items():
            self.states[number] = state  # all of them first: one of them may be upstream of another
        for number, state in ended.items():
            self._end(number, state, bad=state is not State.SUCCESS)
        decidable = (number for number, count in enumerate(self._waiting) if not count and number not in ended)
        self.skipped_at_start = self._decide(list(decidable))

    @property
    def done(self) -> bool:
        """Whether every task has ended."""
        return not self._open

    def take(self) -> int | None:
        """The next task to start, now `running`; None while none is ready."""
        if not self._ready:
            return None
        number = self._ready.popleft()
        self.states[number] = State.RUNNING
        return number

    def finish(self, number: int, state: State) -> list[int]:
        """A taken task ended in a final state. Returns the tasks that are skipped because of it."""
        if self.states[number] is not State.RUNNING:
            raise ValueError(f"task {number} is {self.states[number].value}, only a running task can end")
        if not state.final:
            raise ValueError(f"{state.value} is not an end")
        return self._decide(self._end(number, state, bad=state is not State.SUCCESS))

    def cancel(self) -> list[int]:
        """Start nothing more. Returns the tasks that will now never run; the running ones still have to end."""
        never = [number for number, state in enumerate(self.states) if state is State.PENDING]
        for number in never:
            self.states[number] = State.CANCELLED
        self._open -= len(never)
        self._ready.clear()
        return never

    def outcome(self) -> State:
        """The state of the whole run."""
        return worst(self.states) if self.done else State.RUNNING

    def _end(self, number: int, state: State, bad: bool) -> list[int]:
        """Record one end. Returns the downstream tasks that waited only for this one."""
        self.states[number] = state
        self._open -= 1
        decidable = []
        for after in self._downstream[number]:
            self._waiting[after] -= 1
            self._unsuccessful[after] |= state is not State.SUCCESS
            self._bad_upstream[after] |= bad
            if not self._waiting[after] and self.states[after] is State.PENDING:
                decidable.append(after)
        return decidable

    def _decide(self, tasks: list[int]) -> list[int]:
        """Make each of these tasks ready, or skip it, which may decide further tasks. Returns the skipped ones."""
        skipped = []
        queue = deque(tasks)
        while queue:
            number = queue.popleft()
            if self._may_start(number):
                self._ready.append(number)
            else:
                skipped.append(number)
                queue.extend(self._end(number, State.SKIPPED, bad=bool(self._bad_upstream[number])))
        return skipped

    def _may_start(self, number: int) -> bool:
        when = self._when[number]
        if when is When.SUCCESS:
            return not self._unsuccessful[number]
        return when is When.ALWAYS or bool(self._bad_upstream[number])
