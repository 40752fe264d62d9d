from __future__ import annotations

import os
import random
import stat
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydag.errors import InvalidSetting, PictureError
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State, When
from pydag.testing import HOSTILE_NAMES
from pydag.view import dot, picture

SVG = "{http://www.w3.org/2000/svg}"
NAMES = st.text(min_size=1, max_size=220)
LINK_TITLE = "{http://www.w3.org/1999/xlink}title"
SHORT_NAMES = [name for name in HOSTILE_NAMES if len(name) < 100]
"""Those that are not cut."""


def task(name: str, *upstream: int, when: When = When.SUCCESS) -> TaskSpec:
    return TaskSpec(name=name, action=Shell("true"), upstream=upstream, when=when)


def job(*names: str, name: str = "Job") -> JobSpec:
    """A job of tasks one after the other."""
    return JobSpec(name=name, tasks=tuple(task(each, *([n - 1] if n else [])) for n, each in enumerate(names)))


def fan(width: int) -> JobSpec:
    middle = (task(f"part {number}", 0) for number in range(width))
    return JobSpec(name="Fan", tasks=(task("split"), *middle, task("merge", *range(1, width + 1))))


def layered(layers: int, width: int, upstream: int) -> JobSpec:
    chance = random.Random(7)
    tasks = []
    for layer in range(layers):
        above = range((layer - 1) * width, layer * width)
        for number in range(width):
            befores = chance.sample(above, upstream) if layer else []
            tasks.append(task(f"layer {layer} step {number}", *befores))
    return JobSpec(name="Layers", tasks=tuple(tasks))


def svg(spec: JobSpec, directory: Path, states: Mapping[str, State] | None = None) -> ElementTree.Element:
    return ElementTree.parse(picture.write(spec, directory / "picture.svg", states)).getroot()


def groups(picture: ElementTree.Element, kind: str) -> dict[str, ElementTree.Element]:
    """What was drawn for each node or edge, by its identifier in the DOT text."""
    found = {}
    for group in picture.iter(f"{SVG}g"):
        if group.get("class") == kind:
            found[group.findtext(f"{SVG}title") or ""] = group
    return found


def lines(element: ElementTree.Element) -> list[str]:
    return [(text.text or "").replace("\N{NO-BREAK SPACE}", " ") for text in element.iter(f"{SVG}text")]


def tooltips(element: ElementTree.Element) -> list[str]:
    titles = (link.get(LINK_TITLE, "") for link in element.iter(f"{SVG}a"))
    return [title.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ") for title in titles]


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", head[16:])
    return width, height


def put_dot(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    """Make this script the `dot` that is found."""
    directory.mkdir(exist_ok=True)
    program = directory / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


# What the picture shows.


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
def test_states_are_told_by_colour_and_by_word(directory: Path) -> None:
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
def test_states_are_told_inside_a_block_and_counted_in_the_title(directory: Path) -> None:
    states = {f"part {number}": State.SUCCESS for number in range(29)} | {"part 29": State.FAILED}
    shown = lines(svg(fan(30), directory, states))
    assert sum(line == "✓ success" for line in shown) == 29
    assert sum(line == "✗ failed" for line in shown) == 1
    assert shown[1] == "32 tasks: 29 ok, 1 failed"


@pytest.mark.dot
def test_a_condition_other_than_success_stands_at_its_dashed_edge(directory: Path) -> None:
    tasks = (task("a"), task("b", 0), task("c", 0, when=When.FAILURE), task("d", 1, 2, when=When.ALWAYS))
    edges = groups(svg(JobSpec(name="Job", tasks=tasks), directory), "edge")
    told = {edge: "".join(lines(group)).strip() for edge, group in edges.items()}
    assert told == {"t0->t1": "", "t0->t2": "on failure", "t1->t3": "always", "t2->t3": "always"}
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


# Sizes and times.


@pytest.mark.dot
@pytest.mark.parametrize(
    "spec",
    [fan(98), layered(20, 5, 2), layered(5, 20, 2), job(*map(str, range(100)))],
    ids=["fan", "deep", "wide", "chain"],
)
def test_the_png_of_100_tasks_is_bounded_and_its_text_can_be_read(spec: JobSpec, directory: Path) -> None:
    size = png_size(picture.write(spec, directory / "job.png"))
    assert max(size) <= picture.MAX_PIXELS
    points = svg(spec, directory).get("viewBox", "").split()
    # Names are 12 points high: at 0.8 pixels a point they are as high as small print on a web page.
    assert size[1] / float(points[3]) > 0.8


@pytest.mark.dot
@pytest.mark.parametrize(
    "spec",
    [fan(998), layered(20, 50, 3), job(*map(str, range(1000)))],
    ids=["fan", "layers", "chain"],
)
def test_1000_tasks_are_drawn_in_seconds(spec: JobSpec, directory: Path) -> None:
    assert picture.write_beside(spec, directory, timeout=20) is None
    assert max(png_size(directory / f"{spec.name}.png")) <= picture.MAX_PIXELS


# Files.


@pytest.mark.dot
@pytest.mark.parametrize(
    ("suffix", "head"),
    [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".dot", b"digraph"), (".SVG", b"<?xml")],
)
def test_the_suffix_says_what_is_written(suffix: str, head: bytes, directory: Path) -> None:
    path = directory / f"out{suffix}"
    assert picture.write(job("a", "b"), path) == path
    assert path.read_bytes().startswith(head)
    assert os.listdir(directory) == [path.name]


@pytest.mark.parametrize("name", ["out.gif", "out", "out.png.txt", ".png"])
def test_an_unknown_suffix_is_named_with_the_known_ones(name: str, directory: Path) -> None:
    with pytest.raises(InvalidSetting) as caught:
        picture.write(job("a"), directory / name)
    assert str(directory / name) in str(caught.value)
    assert all(kind in str(caught.value) for kind in picture.SUFFIXES)


def test_a_missing_directory_is_named(directory: Path) -> None:
    with pytest.raises(PictureError, match=r"no directory .*missing"):
        picture.write(job("a"), directory / "missing" / "out.dot")


def test_a_directory_that_takes_no_file_is_a_clear_error() -> None:
    # Not even root can make a file in /proc.
    with pytest.raises(PictureError, match=r"'/proc/out\.dot' cannot be written"):
        picture.write(job("a"), Path("/proc/out.dot"))


def test_a_crash_while_writing_leaves_the_picture_of_before(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture.write(job("a"), directory / "out.dot")
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        picture.write(job("b"), path)
    assert path.read_bytes() == before
    assert os.listdir(directory) == ["out.dot"]


def test_a_new_picture_has_the_mode_that_the_umask_asks_for(directory: Path) -> None:
    old = os.umask(0o027)
    try:
        path = picture.write(job("a"), directory / "out.dot")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# Names of files.


@pytest.mark.parametrize(
    "name", ["TestJob", "my job", "日本語 🚀", "100 %*[red]:$(x)", 'a"b', "a\\nb", "x" * 200, "v1.2"]
)
def test_a_safe_name_is_the_name_of_the_file(name: str) -> None:
    assert picture.file_name(name, ".png") == f"{name}.png"


@pytest.mark.parametrize(
    "name", ["..", ".", "../../etc/passwd", "/abs", "a/b", ".hidden", "-rf", "🚀" * 200, "a\nb", "\0"]
)
def test_an_unsafe_name_is_changed(name: str) -> None:
    assert picture.file_name(name, ".png") != f"{name}.png"


def test_two_names_never_share_a_file() -> None:
    names = ["a/b", "a_b", "a\nb", "🚀" * 199, "🚀" * 200, "..", "_."]
    assert len({picture.file_name(name, ".png") for name in names}) == len(names)


@given(st.text(min_size=1, max_size=300))
def test_any_name_gives_a_file_that_fits_and_stays_inside(name: str) -> None:
    found = picture.file_name(name, ".png")
    assert len(found.encode()) <= 255
    assert found.endswith(".png")
    assert found[0] not in ".-"
    assert not set(found) & {"/", "\0", "\n"}


# What `print(job)` does.


@pytest.mark.dot
@pytest.mark.parametrize("name", ["TestJob", "..", "../escape", "a/b/c", "/abs", "🚀" * 200, "x" * 200])
def test_the_picture_beside_stays_inside_its_directory(name: str, directory: Path) -> None:
    inside = directory / "inside"
    inside.mkdir()
    assert picture.write_beside(job("a", name=name), inside) is None
    assert os.listdir(directory) == ["inside"]
    (made,) = inside.iterdir()
    assert made.name == picture.file_name(name, ".png")
    assert min(png_size(made)) > 50


@pytest.mark.parametrize("path", ["", "/nonexistent"])
def test_without_dot_the_dot_file_and_one_line_tell_the_way(
    path: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path)
    said = picture.write_beside(job("a", name="My Job"), directory)
    assert said is not None
    assert said.endswith("install graphviz; then run: dot -Tpng 'My Job.dot' -o 'My Job.png'")
    assert "\n" not in said
    assert os.listdir(directory) == ["My Job.dot"]
    with pytest.raises(PictureError, match="install graphviz"):
        picture.write(job("a"), directory / "out.png")


@pytest.mark.dot
def test_the_dot_file_makes_the_picture_as_the_line_says(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "it's $(touch x) `touch y`; ok"
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        said = picture.write_beside(job(*HOSTILE_NAMES, name=name), directory)
    assert said is not None
    subprocess.run(said.partition("then run: ")[2], shell=True, cwd=directory, check=True)
    assert sorted(os.listdir(directory)) == [f"{name}.dot", f"{name}.png"]


def test_a_dot_that_fails_is_quoted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", "echo 'no fonts here' >&2; exit 3")
    said = picture.write_beside(job("a", name="J"), directory)
    assert said is not None
    assert "made no picture (status 3): no fonts here" in said
    assert sorted(os.listdir(directory)) == ["J.dot", "bin"]


def test_a_dot_that_draws_nothing_leaves_no_empty_picture(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", "exit 0")
    with pytest.raises(PictureError, match="made no picture"):
        picture.write(job("a"), directory / "out.png")
    assert os.listdir(directory) == ["bin"]


def test_a_dot_that_cannot_start_is_told(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", "")
    (directory / "bin" / "dot").write_text("#!/nonexistent/interpreter\n")
    said = picture.write_beside(job("a", name="J"), directory)
    assert said is not None
    assert "does not start" in said


def test_a_dot_that_hangs_is_ended_with_its_children(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", f"sleep 600 & echo $! > '{directory}/child'; wait")
    started = time.monotonic()
    said = picture.write_beside(job("a", name="J"), directory, timeout=0.5)
    assert time.monotonic() - started < 5
    assert said is not None
    assert "took longer than 0.5 s" in said
    child = int((directory / "child").read_text())
    assert ended(child), "the child of dot lives on"


def ended(process: int) -> bool:
    """Whether this process is gone, or dead and waits for its new parent, within 5 s."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
    return False


@pytest.mark.parametrize("place", ["/proc", "/dev/null", "/nonexistent/place"])
def test_a_place_that_takes_no_file_is_one_line(place: str) -> None:
    said = picture.write_beside(job("a", name="J"), Path(place))
    assert said is not None
    assert said.startswith("no picture of the job 'J': ")
    assert "cannot be written" in said


@pytest.mark.dot
@settings(max_examples=25, deadline=None)
@given(name=NAMES, tasks=st.lists(NAMES, min_size=1, max_size=4), about=st.text())
def test_the_picture_beside_never_raises(name: str, tasks: list[str], about: str) -> None:
    spec = replace(job(*dict.fromkeys(tasks), name=name), description=about)
    with TemporaryDirectory() as directory:
        assert picture.write_beside(spec, Path(directory)) is None
        assert os.listdir(directory) == [picture.file_name(name, ".png")]


def test_a_broken_job_is_one_line_too(directory: Path) -> None:
    said = picture.write_beside(JobSpec(name="J", tasks=(task("a", 7),)), directory)
    assert said is not None
    assert said.startswith("no picture of the job 'J': ")


def test_importing_the_module_does_not_import_graphviz() -> None:
    code = "import sys, pydag.view.dot; sys.exit('graphviz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
