"""The forms of a job's tasks on gocron."""

from __future__ import annotations

import pytest

from pydag.engines.gocron.forms import job_forms
from pydag.errors import InvalidJob
from pydag.gocron.forms import HttpMethod, Protocol, TaskForm
from pydag.gocron.records import Node
from pydag.model.actions import Action, HttpRequest, Shell
from pydag.model.spec import TaskSpec
from tests.support.gocron_runs import job_of

NODES = (Node(id=1, name="127.0.0.1", alias="first", port=5921), Node(id=4, name="b", alias="second", port=5921))


def form_of(task: TaskSpec, nodes: tuple[Node, ...] = NODES) -> TaskForm:
    (form,) = job_forms(job_of(task), nodes, 3600.0).forms
    return form


def test_a_task_that_names_no_node_gets_the_first() -> None:
    assert form_of(TaskSpec(name="t", action=Shell("true"))).node_ids == (1,)


def test_ids_and_aliases_name_nodes_once_each() -> None:
    assert form_of(TaskSpec(name="t", action=Shell("true", nodes=(4, "first", "second")))).node_ids == (4, 1)


@pytest.mark.parametrize("node", [7, "third"])
def test_a_node_that_is_not_there_is_named_with_those_that_are(node: int | str) -> None:
    with pytest.raises(InvalidJob) as raised:
        form_of(TaskSpec(name="t", action=Shell("true", nodes=(node,))))
    assert str(raised.value) == f"task 't': gocron has no node {node!r}; it has 1 (first), 4 (second)"


def test_without_a_node_the_error_says_how_to_get_one() -> None:
    with pytest.raises(InvalidJob, match=r"gocron has no node to run commands on: .*`pydag nodes add --name HOST"):
        form_of(TaskSpec(name="t", action=Shell("true")), nodes=())


def test_a_command_of_256_characters_is_taken_and_one_of_257_refused_with_the_way_out() -> None:
    assert len(form_of(TaskSpec(name="t", action=Shell("x" * 256))).command) == 256
    with pytest.raises(InvalidJob) as raised:
        form_of(TaskSpec(name="t", action=Shell("x" * 257)))
    assert str(raised.value) == (
        "task 't': the command has 257 characters with its cwd and variables, gocron takes 256: "
        "put it into a script file on the node and run that"
    )


def test_directory_and_variables_count_as_part_of_the_command() -> None:
    task = TaskSpec(name="t", action=Shell("x" * 200, cwd="/a b", env=(("A", "b" * 60),)))
    with pytest.raises(InvalidJob, match="has 293 characters with its cwd and variables"):
        form_of(task)


def test_a_strict_command_begins_with_what_makes_it_strict_and_keeps_its_lines() -> None:
    command = "# a comment\ncat <<END | sort\n$HOME\nEND"
    task = TaskSpec(name="t", action=Shell(command, cwd="/a b", env=(("A", "b c"),), strict=True))
    assert form_of(task).command == f"set -eo pipefail; cd -- '/a b' || exit; export A='b c'; {command}"


@pytest.mark.parametrize("command", ["x" * 256, "python train.py --epochs 3", "echo 'one two'", "false"])
def test_a_strict_command_that_only_starts_one_program_stays_as_it_is(command: str) -> None:
    assert form_of(TaskSpec(name="t", action=Shell(command, strict=True))).command == command


def test_what_makes_a_command_strict_counts_as_part_of_it() -> None:
    fits = "x|" * 119
    assert form_of(TaskSpec(name="t", action=Shell(fits, strict=True))).command == f"set -eo pipefail; {fits}"
    with pytest.raises(
        InvalidJob, match="has 257 characters with its cwd, its variables and `set -eo pipefail`, gocron takes"
    ):
        form_of(TaskSpec(name="t", action=Shell(fits + "x", strict=True)))


@pytest.mark.parametrize(("timeout", "seconds"), [(0.2, 1), (1.0, 1), (1.5, 2), (86_400.0, 86_400), (None, 3600)])
def test_a_timeout_is_whole_seconds_rounded_up_and_never_0(timeout: float | None, seconds: int) -> None:
    assert form_of(TaskSpec(name="t", action=Shell("true"), timeout=timeout)).timeout == seconds


@pytest.mark.parametrize(
    ("action", "timeout", "limit"), [(Shell("true"), 86_401.0, 86_400), (HttpRequest("http://h/"), 301.0, 300)]
)
def test_a_timeout_over_gocrons_limit_is_refused(action: Action, timeout: float, limit: int) -> None:
    with pytest.raises(InvalidJob, match=rf"timeout={timeout:g}, but gocron takes at most {limit} s"):
        form_of(TaskSpec(name="t", action=action, timeout=timeout))


def test_an_http_task_needs_no_node_and_has_gocrons_time_at_most() -> None:
    form = form_of(TaskSpec(name="t", action=HttpRequest("http://h/", "POST")), nodes=())
    assert (form.protocol, form.http_method, form.node_ids, form.timeout) == (Protocol.HTTP, HttpMethod.POST, (), 300)
