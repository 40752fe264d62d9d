"""A job as the lines of a tree. A task stands under what it comes after; graphs that would explode stay small."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pydag.model.spec import JobSpec

MOST = 100
"""A tree of more lines than this writes each task once."""

DEEPEST = 12
"""Levels of one tree; what lies deeper goes on in a tree of its own, so that it still fits on a screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: `guide` draws the branches before the task.

    `also` holds the upstream tasks under which this task is not written. A row that `goes_on` has its downstream tasks
    in a later tree; that tree begins with a row of the same task that is `continued`.
    """

    guide: str
    task: int
    also: tuple[int, ...] = ()
    goes_on: bool = False
    continued: bool = False


def rows(spec: JobSpec) -> list[Row]:
    """The job's tree, from the tasks without upstream tasks down.

    A task is written under every one of its upstream tasks, as long as that gives no more than `MOST` lines and
    `DEEPEST` levels. Otherwise it is written once, under the first of its upstream tasks, and `also` names the others:
    the number of lines is that of the tasks, and of the trees that go on.
    """
    roots = [number for number, task in enumerate(spec.tasks) if not task.upstream]
    full = list(islice(_walk(roots, spec.downstream()), MOST + 1))
    if len(full) <= MOST and not any(row.goes_on for row in full):
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
        goes_on = depth == DEEPEST and bool(under[task])
        yield Row(guide=guide, task=task, also=also[task] if also else (), goes_on=goes_on)
        if goes_on:
            later.append(task)
        else:
            stack += _siblings(under[task], rest, depth + 1)


def _siblings(tasks: list[int], guide: str, depth: int) -> list[tuple[int, str, str, int]]:
    """Tasks of one level, the first last: each with its guide, the guide of what comes below it, and its depth."""
    last = len(tasks) - 1
    level = [
        (task, guide + ("└── " if place == last else "├── "), guide + ("    " if place == last else "│   "), depth)
        for place, task in enumerate(tasks)
    ]
    level.reverse()
    return level
