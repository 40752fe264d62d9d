"""Which tasks of a job a run is asked for: names and patterns, what comes after a task, what comes before one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from pydag.errors import InvalidSetting, NotFound, nearest
from pydag.model.spec import JobSpec


class Selection(NamedTuple):
    """What `--only`, `--from` and `--until` say: each has names, or patterns such as `Load*`, of tasks.

    `only` selects these tasks, `start` these and all that come after them, `until` these and all that they wait for.
    Several values of one of them add up. A task is selected if each of the three that has a value selects it.
    """

    only: Sequence[str] = ()
    start: Sequence[str] = ()
    until: Sequence[str] = ()

    def left_out(self, spec: JobSpec) -> list[int]:
        """The numbers of the tasks that are not selected.

        Raises `NotFound` for a name or pattern that no task has, and `InvalidSetting` where no task is left.
        """
        selected = set(range(len(spec.tasks)))
        if self.only:
            selected &= _matching(spec, self.only)
        if self.start:
            selected &= reached(_matching(spec, self.start), spec.downstream().__getitem__)
        if self.until:
            selected &= reached(_matching(spec, self.until), lambda number: spec.tasks[number].upstream)
        if not selected:
            raise InvalidSetting(
                f"--only, --from and --until together leave no task of {spec.name!r}: "
                "a task runs if each of them that is given selects it"
            )
        return [number for number in range(len(spec.tasks)) if number not in selected]


def _matching(spec: JobSpec, patterns: Iterable[str]) -> set[int]:
    return {number for pattern in patterns for number in _one(spec, pattern)}


def _one(spec: JobSpec, pattern: str) -> list[int]:
    """The task of that name, or else those that the pattern matches."""
    number = spec.number(pattern)
    if number is not None:
        return [number]
    found = [number for number, task in enumerate(spec.tasks) if fnmatchcase(task.name, pattern)]
    if not found:
        raise NotFound(_nothing_like(spec, pattern))
    return found


def _nothing_like(spec: JobSpec, pattern: str) -> str:
    names = [task.name for task in spec.tasks]
    stem = pattern.rstrip("*?")
    is_pattern = any(sign in pattern for sign in "*?[")
    # Of a pattern only the beginning can be like that of a name.
    heads = {name[: len(stem) + 1] if is_pattern else name: name for name in reversed(names)}
    near = nearest(stem, heads)
    what = f"no task of {spec.name!r} matches {pattern!r}" if is_pattern else f"{spec.name!r} has no task {pattern!r}"
    if near:
        return f"{what}; did you mean {heads[near]!r}?"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{what}: it has {', '.join(map(repr, names[:5]))}{more}"


def reached(tasks: set[int], following: Callable[[int], Iterable[int]]) -> set[int]:
    """These tasks and all that can be reached from them."""
    reached, new = set(tasks), list(tasks)
    while new:
        for number in following(new.pop()):
            if number not in reached:
                reached.add(number)
                new.append(number)
    return reached


ALL = Selection()
"""Every task."""
