"""A job as the rows of a tree: each task once, below the last of its upstream tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pydag.model.spec import JobSpec

MAX_DEPTH = 12
"""Levels of a tree where nothing else bounds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task, `depth` levels down (the first has 0).

    `guide` is the branches before it, and `rest` those before the next lines of the same row, where it is wrapped; both
    are `4 * (depth + 1)` columns wide. `also` has the upstream tasks below which it does not stand.
    """

    task: int
    depth: int
    guide: str
    rest: str
    also: tuple[int, ...] = ()


class _Place(NamedTuple):
    """A task that waits for its row: what it stands below, and whether it is the last one there."""

    task: int
    parent: int | None
    depth: int
    above: str
    last: bool


def rows(spec: JobSpec, max_depth: int = MAX_DEPTH) -> Iterator[Row]:
    """The job's tree from the tasks without upstream tasks down. Each task comes after all of its upstream tasks.

    It has at most `max_depth` levels, so that rows stay short: a task that would be deeper stands on the last level,
    behind its upstream tasks, and `also` has all of these.
    """
    after = spec.downstream()
    missing = [len(task.upstream) for task in spec.tasks]
    roots = [number for number, task in enumerate(spec.tasks) if not task.upstream]
    stack = _level(roots, None, 0, "", ends=True)
    while stack:  # without recursion: a job may be a chain of any length
        task, parent, depth, above, last = stack.pop()
        complete = []
        for number in after[task]:
            missing[number] -= 1
            if not missing[number]:
                complete.append(number)
        deepest = depth + 1 >= max_depth
        guide, rest = branch(above, last=last and not (deepest and complete))
        also = tuple(number for number in spec.tasks[task].upstream if number != parent)
        yield Row(task=task, depth=depth, guide=guide, rest=rest, also=also)
        if deepest:
            stack += _level(complete, None, depth, above, ends=last)
        else:
            stack += _level(complete, task, depth + 1, rest, ends=True)


def branch(above: str = "", *, last: bool) -> tuple[str, str]:
    """What stands before a row, and before its next lines. `above` is what stands before its level."""
    return (above + "└── ", above + "    ") if last else (above + "├── ", above + "│   ")


def _level(tasks: list[int], parent: int | None, depth: int, above: str, *, ends: bool) -> list[_Place]:
    """Tasks of one level in reverse order; the last of them is the last of its level where that `ends` with them."""
    return [_Place(task, parent, depth, above, ends and task == tasks[-1]) for task in reversed(tasks)]
