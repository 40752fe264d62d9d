"""Directed graphs over names: cycles, order, layers. Knows nothing of tasks.

A graph here is a mapping from each name to the names it comes after (its upstream), as the standard library's
`graphlib` takes it. Every function is linear in names and edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError as _FoundCycle
from graphlib import TopologicalSorter

from pydag.errors import CycleError

Upstream = Mapping[str, Iterable[str]]


def order(upstream: Upstream) -> list[str]:
    """All names, each after everything upstream of it; names of one depth keep the order of the mapping.

    Raises `CycleError` with the whole circle, written in the direction of the edges.
    """
    sorter = TopologicalSorter(upstream)
    try:
        return list(sorter.static_order())
    except _FoundCycle as found:
        raise CycleError(found.args[1]) from None


def downstream(upstream: Upstream) -> dict[str, list[str]]:
    """The same edges seen from their other end: each name to the names that come after it."""
    after: dict[str, list[str]] = {name: [] for name in upstream}
    for name, befores in upstream.items():
        for before in befores:
            after[before].append(name)
    return after


def layers(upstream: Upstream) -> list[list[str]]:
    """Names by depth: a name stands one layer below the deepest of its upstream."""
    depth: dict[str, int] = {}
    for name in order(upstream):
        depth[name] = 1 + max((depth[before] for before in upstream[name]), default=-1)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in upstream:
        rows[depth[name]].append(name)
    return rows
