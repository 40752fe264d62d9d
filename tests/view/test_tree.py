from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.testing import job_of
from pydag.view import tree
from tests.support.samples import fan, layered


@pytest.mark.parametrize(
    "spec", [layered(20, 50, 3), layered(20, 50, 50), fan(1000), job_of("Chain", 1000)], ids=lambda s: s.name
)
def test_a_graph_that_would_explode_has_each_task_once(spec: JobSpec) -> None:
    rows = tree.rows(spec)
    written = [row.task for row in rows if not row.continued]
    assert sorted(written) == list(range(len(spec.tasks)))
    assert len(rows) == len(spec.tasks) + sum(row.goes_on for row in rows)
    assert max(len(row.guide) for row in rows) == 4 * min(tree.MAX_DEPTH, max(len(row.guide) // 4 for row in rows))


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(*(st.sets(st.integers(0, max(i - 1, 0))) for i in range(n)))))
def test_a_tree_draws_or_names_every_edge(befores: tuple[set[int], ...]) -> None:
    upstream = [tuple(sorted(each)) if number else () for number, each in enumerate(befores)]
    tasks = tuple(TaskSpec(name=str(n), action=Shell("true"), upstream=each) for n, each in enumerate(upstream))
    edges = {(before, number) for number, each in enumerate(upstream) for before in each}
    path: dict[int, int] = {}
    found = set()
    for row in tree.rows(JobSpec(name="J", tasks=tasks)):
        depth = len(row.guide) // 4
        path[depth] = row.task
        if depth > 1:
            found.add((path[depth - 1], row.task))
        elif depth == 1 and 0 in path:
            found.add((path[0], row.task))
        found |= {(before, row.task) for before in row.also}
    assert found == edges
