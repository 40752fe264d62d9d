"""JobSpec: what is written can be read back, whatever names and commands hold."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.errors import StoreFormatError
from pydag.model.actions import Action, HttpRequest, Shell
from pydag.model.spec import HOOKS, JobSpec, TaskSpec, digest
from pydag.model.states import When

_SECONDS = st.floats(0, 365 * 86400)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@st.composite
def actions(draw: st.DrawFn) -> Action:
    if draw(st.booleans()):
        return HttpRequest(draw(_TEXT), draw(st.sampled_from(["GET", "POST"])))
    return Shell(
        draw(_TEXT),
        env=tuple(draw(st.dictionaries(_TEXT, _TEXT, max_size=2)).items()),
        cwd=draw(st.none() | _TEXT),
        nodes=tuple(draw(st.lists(st.integers(1) | _TEXT, max_size=2))),
        strict=draw(st.booleans()),
    )


@st.composite
def specs(draw: st.DrawFn) -> JobSpec:
    names = draw(st.lists(_TEXT, min_size=1, max_size=4, unique=True))
    tasks = tuple(
        TaskSpec(
            name=name,
            action=draw(actions()),
            upstream=tuple(draw(st.lists(st.integers(0, number - 1), unique=True))) if number else (),
            when=draw(st.sampled_from(When)),
            timeout=draw(st.none() | _SECONDS),
            retries=draw(st.integers(0, 1_000_000)),
            retry_delay=draw(_SECONDS),
        )
        for number, name in enumerate(names)
    )
    hooks = tuple(
        TaskSpec(name=name, action=Shell(draw(_TEXT), strict=draw(st.booleans())), timeout=draw(st.none() | _SECONDS))
        for name in HOOKS
        if draw(st.booleans())
    )
    return JobSpec(
        name=draw(_TEXT),
        tasks=tasks,
        description=draw(_TEXT),
        max_parallel=draw(st.none() | st.integers(1, 10**6)),
        hooks=hooks,
    )


@given(specs())
def test_a_job_comes_back_from_its_json_as_it_was_and_is_one_line(spec: JobSpec) -> None:
    text = spec.to_json()
    assert JobSpec.from_json(text) == spec
    assert JobSpec.from_json(text).to_json() == text
    assert "\n" not in text
    assert json.loads(text)["format"] == 3


@given(specs())
def test_a_job_that_differs_has_another_digest(spec: JobSpec) -> None:
    *others, last = spec.tasks
    other = replace(spec, tasks=(*others, last._replace(action=Shell(last.action.text + " ", cwd="/other"))))
    assert digest(spec.to_json()) == digest(replace(spec).to_json())
    assert digest(spec.to_json()) != digest(other.to_json())


@given(specs())
def test_both_directions_of_the_edges_agree(spec: JobSpec) -> None:
    after = spec.downstream()
    assert [
        tuple(sorted(before for before, others in enumerate(after) if number in others))
        for number in range(len(spec.tasks))
    ] == [tuple(sorted(task.upstream)) for task in spec.tasks]


@given(specs())
def test_a_task_is_found_by_its_name(spec: JobSpec) -> None:
    assert [spec.number(task.name) for task in spec.tasks] == list(range(len(spec.tasks)))
    assert spec.number("".join(task.name for task in spec.tasks) + "!") is None


@pytest.mark.parametrize("text", ["", "job", "[]", "3", "{}", '{"name": "x"}', "null"])
def test_what_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(StoreFormatError) as caught:
        JobSpec.from_json(text)
    assert str(caught.value) == (
        f"the history holds a job that cannot be read, {text!r}: move the history away, "
        "or set PYDAG_HOME to another directory"
    )


def test_another_format_is_refused_and_named() -> None:
    with pytest.raises(StoreFormatError) as caught:
        JobSpec.from_json('{"format": 4, "name": "x"}')
    assert str(caught.value) == (
        "the history holds a job in format 4, this pydag knows 3: use the pydag that wrote it, or a newer one"
    )


NO_TASKS: list[object] = [
    [{"name": "a"}],
    [{"name": "a", "shell": {}}],
    [{"name": "a", "shell": {"command": "true", "speed": 3}}],
    [{"name": "a", "shell": {"command": "true"}, "weight": 3}],
    [{"name": "a", "shell": {"command": "true"}, "http": {"url": "http://h", "method": "GET"}}],
    [{"name": "a", "python": {"module": "m"}}],
    3,
]


@pytest.mark.parametrize(
    "document",
    [
        {"format": 1},
        {"format": 1, "name": "x", "description": "", "max_parallel": None, "tasks": [{"name": "a"}]},
        {"format": 1, "name": "x", "description": "", "max_parallel": None, "tasks": [{"name": "a", "weight": 3}]},
        *({"format": 2, "name": "x", "description": "", "max_parallel": None, "tasks": tasks} for tasks in NO_TASKS),
    ],
)
def test_a_job_of_our_format_with_something_missing_or_unknown_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(StoreFormatError, match=r"^the history holds a job that cannot be read, "):
        JobSpec.from_json(json.dumps(document))


def test_a_digest_stays_the_same_from_one_version_to_the_next() -> None:
    # They stand in histories, in crontabs and on gocron.
    assert digest("TestJob") == "37ed76a86dfbed6879450058d49b17ad"
    assert digest("täglich 🦀", 16) == "61477faf7215943c"
    assert digest("half \ud800", 12) == "711a43f0c3b7"


def test_a_job_of_format_1_is_read_as_what_it_was() -> None:
    """There the options of both kinds stood beside the task's own, and a URL was a command with a method."""
    command = {"name": "a", "command": "true", "env": [["A", "x=y"]], "cwd": "/tmp", "nodes": [2, "big"], "retries": 1}
    request = {"name": "b", "command": "http://h/", "http_method": "POST", "upstream": [0], "when": "always"}
    document = {"format": 1, "name": "J", "description": "", "max_parallel": 4, "tasks": [command, request]}
    assert JobSpec.from_json(json.dumps(document)) == JobSpec(
        name="J",
        tasks=(
            TaskSpec(name="a", action=Shell("true", (("A", "x=y"),), "/tmp", (2, "big")), retries=1),
            TaskSpec(name="b", action=HttpRequest("http://h/", "POST"), upstream=(0,), when=When.ALWAYS),
        ),
        max_parallel=4,
    )


def test_a_command_of_format_2_is_plain_bash() -> None:
    task = {"name": "a", "shell": {"command": "true", "cwd": "/tmp"}}
    document = {"format": 2, "name": "J", "description": "", "max_parallel": None, "tasks": [task]}
    read = JobSpec.from_json(json.dumps(document))
    assert read.tasks == (TaskSpec(name="a", action=Shell("true", cwd="/tmp", strict=False)),)
