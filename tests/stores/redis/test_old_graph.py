"""The pickled graph of an older job is read as data, and executes nothing."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.stores.redis.old_graph import read_graph
from tests.support.old_pydag import graph, pickled

# What networkx 2.5 and Python 3.8 wrote for a -> "b b", with protocol 4, by hand: opcode by opcode.
BY_HAND = (
    b"\x80\x04\x8c\x18networkx.classes.digraph\x8c\x07DiGraph\x93)\x81}(\x8c\x05_node}"
    b"(\x8c\x01a}\x8c\x07command\x8c\x04trues\x8c\x03b b}\x8c\x07command\x8c\x05falsesu"
    b"\x8c\x04_adj}(\x8c\x01a}\x8c\x03b b}s\x8c\x03b b}uub."
)


def test_tasks_commands_and_edges_are_read() -> None:
    first = TaskSpec(name="a", action=Shell("true"))
    assert read_graph("J", BY_HAND) == JobSpec(
        name="J", tasks=(first, TaskSpec(name="b b", action=Shell("false"), upstream=(0,)))
    )
    spec = read_graph("J", graph({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}))
    assert spec
    assert spec.upstream_names() == {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


class Bomb:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("inside", [False, True])
def test_what_a_pickle_asks_to_be_called_is_not_called(tmp_path: Path, inside: bool) -> None:
    bomb = Bomb(tmp_path / "it-ran")
    assert read_graph("J", pickled({"_node": bomb, "_adj": {}}) if inside else pickle.dumps(bomb)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no pickle",
        BY_HAND[:-20],
        pickle.dumps({"a": 1}),
        pickle.dumps(getattr),
        pickled({"_node": {}}),
        pickled({"_node": {"a": {"command": 1}}, "_adj": {}}),
        pickled({"_node": {1: {"command": "true"}}, "_adj": {}}),
        pickled({"_node": {"a": {"command": "true"}}, "_adj": {"a": {"b": {}}}}),
        pickled({"_node": {"a": {"command": "true"}}, "_adj": {"a": {"a": {}}}}),
    ],
)
def test_anything_else_is_no_graph(data: bytes) -> None:
    assert read_graph("J", data) is None
