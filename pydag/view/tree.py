"""A job as the rows of a tree: each task below its upstream tasks, in a bounded number of rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pydag.model.spec import JobSpec

MAX_ROWS = 100
"""A tree that would have more rows than this has each task once."""

MAX_DEPTH = 12
"""Levels of one tree; deeper tasks are in a tree of their own, so that the rows stay short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: `guide` is the branches before the task.

    `also` has the upstream tasks below which this task is not repeated. A row that `goes_on` has its downstream tasks
    in a later tree, which begins with a row of the same task that is `continued`.
    """

    guide: str
    task: int
    also: tuple[int, ...] = ()
    goes_on: bool = False
    continued: bool = False


def rows(spec: JobSpec) -> list[Row]:
    """The job's tree, from the tasks without upstream tasks down.

    A task has a row below each of its upstream tasks, as long as that gives at most `MAX_ROWS` rows and `MAX_DEPTH`
    levels. Otherwise it has one row, below the first of its upstream tasks, and `also` has the others: then there are
    as many rows as tasks, and one more for each tree that continues another.
    """
    roots = [number for number, task in enumerate(spec.tasks) if not task.upstream]
    full = list(islice(_walk(roots, spec.downstream()), MAX_ROWS + 1))
    if len(full) <= MAX_ROWS and not any(row.goes_on for row in full):
        return full
    under: list[list[int]] = [[] for _ in spec.tasks]
    for number, task in enumerate(spec.tasks):
        if task.upstream:
            under[task.upstream[0]].append(number)
    also = [task.upstream[1:] for task in spec.tasks]
    return list(_walk(roots, under, also))


def _walk(roots: list[int], under: list[list[int]], also: list[tuple[int, ...]] | None = None) -> Iterator[Row]:
    """Depth first, without recursion: a job may be a chain of any length."""
    later: deque[int] = deque()
    stack = _siblings(roots, "", 1)
    while stack or later:
        if not stack:
            task = later.popleft()
            yield Row(guide="", task=task, continued=True)
            stack = _siblings(under[task], "", 1)
        task, guide, rest, depth = stack.pop()
        goes_on = depth == MAX_DEPTH and bool(under[task])
        yield Row(guide=guide, task=task, also=also[task] if also else (), goes_on=goes_on)
        if goes_on:
            later.append(task)
        else:
            stack += _siblings(under[task], rest, depth + 1)


def _siblings(tasks: list[int], guide: str, depth: int) -> list[tuple[int, str, str, int]]:
    """Tasks of one level, in reverse order: each with its guide, the guide of the rows below it, and its depth."""
    last = len(tasks) - 1
    level = [
        (task, guide + ("└── " if place == last else "├── "), guide + ("    " if place == last else "│   "), depth)
        for place, task in enumerate(tasks)
    ]
    level.reverse()
    return level
