"""Groups: tasks of a job whose names differ by their numbers alone, such as `part 1` to `part 498`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view.text import sanitized

_DIGITS = re.compile(r"\d+")
_FEWEST = 3
"""So many tasks of a kind are a group; fewer have a line each."""


class Group:
    """Tasks of a kind: how they are called together, how many there are, and how many of them in each state."""

    def __init__(self, name: str, tasks: Sequence[int], states: Sequence[State]) -> None:
        self.name = name
        self.first = tasks[0]
        self.size = len(tasks)
        self.counts = dict.fromkeys(State, 0)
        for task in tasks:
            self.counts[states[task]] += 1

    @property
    def done(self) -> int:
        """How many have ended."""
        return self.size - self.counts[State.PENDING] - self.counts[State.RUNNING]


class Groups:
    """The groups of a job in the order of their first tasks; `singles` are the tasks of none."""

    def __init__(self, spec: JobSpec, states: Sequence[State]) -> None:
        kinds: dict[str, list[int]] = {}
        for number, task in enumerate(spec.tasks):
            kinds.setdefault(_DIGITS.sub("*", task.name), []).append(number)
        self.all: list[Group] = []
        self.singles: list[int] = []
        self._of: list[Group | None] = [None] * len(spec.tasks)
        for kind, tasks in kinds.items():
            if len(tasks) < _FEWEST:
                self.singles += tasks
                continue
            group = Group(_title(kind), tasks, states)
            self.all.append(group)
            for number in tasks:
                self._of[number] = group
        self.singles.sort()

    def of(self, task: int) -> Group | None:
        """The group of a task."""
        return self._of[task]

    def moved(self, task: int, before: State, after: State) -> None:
        """A task changed its state."""
        group = self._of[task]
        if group:
            group.counts[before] -= 1
            group.counts[after] += 1


def _title(kind: str) -> str:
    """`part *` is `part`; of several numbers in a name the places are shown: `day * of *`."""
    name = kind.rstrip(" *-_.:#") if kind.count("*") == 1 else kind
    return sanitized(name or "*")
