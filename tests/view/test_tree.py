from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.testing import job_of
from pydag.view import tree
from tests.support.samples import fan, layered

DEPTHS = st.integers(1, 6)
GRAPHS = st.integers(1, 12).flatmap(lambda n: st.tuples(*(st.sets(st.integers(0, max(i - 1, 0))) for i in range(n))))


def job_with(befores: tuple[set[int], ...]) -> JobSpec:
    """A job whose tasks come after those of the sets; the first comes after none."""
    upstream = [tuple(sorted(each)) if number else () for number, each in enumerate(befores)]
    tasks = tuple(TaskSpec(name=str(n), action=Shell("true"), upstream=each) for n, each in enumerate(upstream))
    return JobSpec(name="J", tasks=tasks)


@pytest.mark.parametrize(
    "spec", [layered(20, 50, 3), layered(20, 50, 50), fan(1000), job_of("Chain", 1000)], ids=lambda s: s.name
)
def test_a_graph_that_would_explode_has_each_task_once(spec: JobSpec) -> None:
    rows = list(tree.rows(spec))
    assert sorted(row.task for row in rows) == list(range(len(spec.tasks)))
    assert max(row.depth for row in rows) < tree.MAX_DEPTH


@given(GRAPHS, DEPTHS)
def test_a_task_comes_after_all_of_its_upstream_tasks_and_each_edge_is_drawn_or_named(
    befores: tuple[set[int], ...], depth: int
) -> None:
    spec = job_with(befores)
    path: dict[int, int] = {}
    seen: set[int] = set()
    for row in tree.rows(spec, depth):
        task = spec.tasks[row.task]
        assert seen.issuperset(task.upstream)
        seen.add(row.task)
        path[row.depth] = row.task
        drawn = {path[row.depth - 1]} if row.depth and len(row.also) < len(task.upstream) else set()
        assert drawn | set(row.also) == set(task.upstream)
    assert len(seen) == len(spec.tasks)


@given(GRAPHS, DEPTHS)
def test_branches_join(befores: tuple[set[int], ...], depth: int) -> None:
    """Each level has one last branch, and a line goes on from each other branch to the next one of its level."""
    rows = list(tree.rows(job_with(befores), depth))
    for above, below in pairwise(rows):
        for level in range(min(above.depth, below.depth) + 1):
            assert (below.guide[4 * level] != " ") == (above.rest[4 * level] == "│")
    assert set(rows[-1].rest) <= {" "}
    assert all(row.depth < depth and len(row.guide) == len(row.rest) == 4 * row.depth + 4 for row in rows)
