"""What the picture of a job shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.model.spec import JobSpec
from pydag.model.states import State, When
from pydag.testing import HOSTILE_NAMES
from pydag.view import dot
from tests.support.pictures import SVG, fan, groups, job, lines, svg, task, tooltips

SHORT_NAMES = [name for name in HOSTILE_NAMES if len(name) < 100]
"""Those that are not cut."""


@pytest.mark.dot
def test_every_hostile_name_of_a_task_is_shown_as_it_is(directory: Path) -> None:
    nodes = groups(svg(job(*SHORT_NAMES), directory), "node")
    assert len(nodes) == len(SHORT_NAMES)
    for number, name in enumerate(SHORT_NAMES):
        assert "".join(lines(nodes[f"t{number}"])) == name
        assert tooltips(nodes[f"t{number}"]) == [name]


@pytest.mark.dot
def test_every_hostile_name_in_a_block_is_shown_as_it_is(directory: Path) -> None:
    spec = JobSpec(name="Block", tasks=tuple(task(name) for name in SHORT_NAMES))
    (block,) = groups(svg(spec, directory), "node").values()
    assert lines(block)[0] == f"{len(SHORT_NAMES)} tasks side by side"
    assert "".join(lines(block)[1:]) == "".join(SHORT_NAMES)


@pytest.mark.dot
@pytest.mark.parametrize("name", SHORT_NAMES)
def test_a_hostile_name_of_a_job_is_shown_as_it_is(name: str, directory: Path) -> None:
    assert lines(svg(job("one", name=name), directory))[0] == name


@pytest.mark.dot
def test_a_long_name_is_wrapped_with_nothing_lost(directory: Path) -> None:
    name = "recompute_all_features for/every customer-segment of the last year"
    node = groups(svg(job(name), directory), "node")["t0"]
    assert "".join(lines(node)) == name
    assert len(lines(node)) == 3


@pytest.mark.dot
@pytest.mark.parametrize("name", ["x" * 200, "word " * 39 + "word.", "日本" * 100, "🚀" * 200, "\\N" * 100])
def test_a_name_of_200_characters_is_shortened_and_whole_in_the_tooltip(name: str, directory: Path) -> None:
    node = groups(svg(job(name), directory), "node")["t0"]
    start, _, end = "".join(lines(node)).partition("…")
    assert name.startswith(start)
    assert name.endswith(end)
    assert len(start) > len(end) > 0
    assert tooltips(node) == [name]


@pytest.mark.dot
def test_a_shortened_name_in_a_block_is_whole_in_the_tooltip(directory: Path) -> None:
    names = [f'{number} <b>\\N "x" &amp; {"y" * 100}' for number in range(20)]
    spec = JobSpec(name="Block", tasks=tuple(task(name) for name in names))
    assert tooltips(svg(spec, directory)) == names


@pytest.mark.dot
def test_what_xml_cannot_hold_does_not_break_the_picture(directory: Path) -> None:
    spec = replace(job("a\uffffb"), description="tab\tbell\a\ud800 end")
    shown = lines(svg(spec, directory))
    assert shown[-1] == "a\N{REPLACEMENT CHARACTER}b"
    assert shown[1] == "tab bell\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} end"


@pytest.mark.dot
def test_layers_go_from_top_to_bottom(directory: Path) -> None:
    nodes = groups(svg(job("first", "second", "third"), directory), "node")
    heights = [float(next(nodes[f"t{number}"].iter(f"{SVG}text")).get("y", "")) for number in range(3)]
    assert heights == sorted(set(heights))


@pytest.mark.dot
def test_each_state_has_a_colour_and_a_word(directory: Path) -> None:
    names = {state.value.upper(): state for state in State}
    nodes = groups(svg(job(*names), directory, names), "node")
    colours = set()
    for number, state in enumerate(State):
        name, word = lines(nodes[f"t{number}"])
        assert name == state.value.upper()
        assert word.endswith(f" {state.value}")
        colours.add(next(nodes[f"t{number}"].iter(f"{SVG}path")).get("fill"))
    assert len(colours) == len(State)


@pytest.mark.dot
def test_states_are_shown_in_a_block_and_counted_in_the_title(directory: Path) -> None:
    states = {f"part {number}": State.SUCCESS for number in range(29)} | {"part 29": State.FAILED}
    shown = lines(svg(fan(30), directory, states))
    assert sum(line == "✓ success" for line in shown) == 29
    assert sum(line == "✗ failed" for line in shown) == 1
    assert shown[1] == "32 tasks: 29 success, 1 failed"


@pytest.mark.dot
def test_a_condition_other_than_success_is_written_at_its_dashed_edge(directory: Path) -> None:
    tasks = (task("a"), task("b", 0), task("c", 0, when=When.FAILURE), task("d", 1, 2, when=When.ALWAYS))
    edges = groups(svg(JobSpec(name="Job", tasks=tasks), directory), "edge")
    shown = {edge: "".join(lines(group)).strip() for edge, group in edges.items()}
    assert shown == {"t0->t1": "", "t0->t2": "on failure", "t1->t3": "always", "t2->t3": "always"}
    dashed = {edge for edge, group in edges.items() if next(group.iter(f"{SVG}path")).get("stroke-dasharray")}
    assert dashed == {"t0->t2", "t1->t3", "t2->t3"}


def edges_told(spec: JobSpec) -> Sequence[str]:
    return [line.strip() for line in dot.source(spec).splitlines() if "->" in line]


def test_many_tasks_with_the_same_neighbours_are_one_block_with_one_edge_each_side() -> None:
    assert edges_told(fan(9)) == ["t0 -> b1", "b1 -> t10"]


def test_a_few_tasks_with_the_same_neighbours_keep_their_own_edges() -> None:
    assert len(edges_told(fan(8))) == 16


def test_another_edge_takes_a_task_out_of_the_block() -> None:
    spec = fan(10)
    spec = replace(spec, tasks=(*spec.tasks, task("also after part 3", 4)))
    assert sorted(edges_told(spec)) == ["b1 -> t11", "t0 -> b1", "t0 -> t4", "t4 -> t11", "t4 -> t12"]


@pytest.mark.dot
def test_many_equal_chains_are_one_block_that_shows_their_inner_edges(directory: Path) -> None:
    tasks = [task("split")]
    for number in range(10):
        tasks += [task(f"get {number}", 0), task(f"mend {number}", 2 * number + 1, when=When.FAILURE)]
    spec = JobSpec(name="Chains", tasks=(*tasks, task("merge", *range(2, 21, 2))))
    assert edges_told(spec) == ["t0 -> b1", "b1 -> t21"]
    shown = lines(groups(svg(spec, directory), "node")["b1"])
    assert shown[0] == "10 chains of 2 tasks side by side"
    assert shown.count("↓") == 10
    assert [line.strip() for line in shown].count("on failure") == 10


@given(st.data())
def test_no_task_and_no_edge_outside_a_block_is_left_out(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 30))
    befores = [data.draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set() for n in range(count)]
    whens = data.draw(st.lists(st.sampled_from(When), min_size=count, max_size=count))
    tasks = [task(f"name{n}.", *befores[n], when=whens[n]) for n in range(count)]
    text = dot.source(JobSpec(name="Job", tasks=tuple(tasks)))
    assert all(text.count(f">name{n}.<") + text.count(f"label=<name{n}.>") == 1 for n in range(count))
    outside = {n for n in range(count) if f"\tt{n} [" in text}
    for number, before in ((n, b) for n in outside for b in befores[n] & outside):
        assert f"\tt{before} -> t{number}" in text


def test_importing_the_module_does_not_import_graphviz() -> None:
    code = "import sys, pydag.view.dot; sys.exit('graphviz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
