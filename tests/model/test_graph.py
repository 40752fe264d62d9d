"""graph: order, circles, layers, held against graphs that hypothesis makes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag import CycleError
from pydag.model.graph import downstream, layers, order

DIAMOND = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}


@st.composite
def upstreams(draw: st.DrawFn) -> dict[str, list[str]]:
    """A graph without circles, its names in no particular order."""
    names = [f"n{number}" for number in range(draw(st.integers(0, 12)))]
    edges = {
        name: draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        for place, name in enumerate(names)
    }
    return {name: edges[name] for name in draw(st.permutations(names))}


@given(upstreams())
def test_order_has_every_name_once_and_after_its_upstream(graph: dict[str, list[str]]) -> None:
    found = order(graph)
    assert sorted(found) == sorted(graph)
    for name, befores in graph.items():
        assert all(found.index(before) < found.index(name) for before in befores)


@given(upstreams())
def test_layers_put_a_name_right_below_its_deepest_upstream(graph: dict[str, list[str]]) -> None:
    rows = layers(graph)
    depth = {name: number for number, row in enumerate(rows) for name in row}
    assert sorted(depth) == sorted(graph)
    for name, befores in graph.items():
        assert depth[name] == max((depth[before] + 1 for before in befores), default=0)


@given(upstreams())
def test_downstream_is_the_same_edges_from_their_other_end(graph: dict[str, list[str]]) -> None:
    after = downstream(graph)
    assert {(before, name) for name, befores in graph.items() for before in befores} == {
        (before, name) for before, names in after.items() for name in names
    }


@given(upstreams(), st.data())
def test_an_edge_back_is_found_and_told_as_a_closed_walk_along_edges(
    graph: dict[str, list[str]], data: st.DataObject
) -> None:
    names = order(graph)
    after = downstream(graph)
    closable = [(before, name) for before in names for name in after[before]]
    if not closable:
        return
    first, second = data.draw(st.sampled_from(closable))
    circular = {name: [*befores, second] if name == first else befores for name, befores in graph.items()}
    with pytest.raises(CycleError) as caught:
        order(circular)
    path = caught.value.path
    assert path[0] == path[-1]
    assert all(before in circular[name] for before, name in itertools.pairwise(path))


def test_layers_keep_the_order_of_the_mapping() -> None:
    assert layers(DIAMOND) == [["a"], ["b", "c"], ["d"]]


def test_an_empty_graph_has_no_layers() -> None:
    assert (order({}), layers({}), downstream({})) == ([], [], {})


def test_a_chain_of_any_length_needs_no_recursion() -> None:
    chain = {str(number): [str(number - 1)] if number else [] for number in range(20_000)}
    assert len(layers(chain)) == 20_000
