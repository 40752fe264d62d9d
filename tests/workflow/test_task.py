"""Task: what it takes and refuses, and the ways to write an edge."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pydag import GoCronJob, GoCronTask, HttpTask, InvalidJob, Job, Task, When
from pydag.model.actions import HttpRequest, Shell

A_YEAR = 365 * 86400


def make(**options: Any) -> Task:
    return Task("fetch", "true", **options)


@pytest.fixture
def four() -> tuple[Task, Task, Task, Task]:
    a, b, c, d = (Task(name, "true") for name in "abcd")
    return a, b, c, d


def edges(*tasks: Task) -> set[str]:
    """Every edge as both of its ends tell it; a test fails here where they disagree."""
    down = {f"{task.name}{after.name}" for task in tasks for after in task.downstream}
    up = {f"{before.name}{task.name}" for task in tasks for before in task.upstream}
    assert down == up
    return down


# Edges.


def test_an_arrow_makes_one_edge_and_gives_its_right_side(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    assert (a >> b) is b
    assert (c << d) is d
    assert edges(*four) == {"ab", "dc"}


def test_arrows_chain_over_tasks_and_lists(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    a >> [b, c] >> d
    assert edges(*four) == {"ab", "ac", "bd", "cd"}


def test_arrows_to_the_left_chain_over_tasks_and_lists(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    d << [b, c] << a
    assert edges(*four) == {"ab", "ac", "bd", "cd"}


def test_a_list_may_stand_on_the_left_of_either_arrow(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    [a, b] >> c
    (c, b) << d
    assert edges(*four) == {"ac", "bc", "dc", "db"}


def test_set_downstream_and_set_upstream_take_one_task_or_several_or_lists(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    a.set_downstream(b, [c, d])
    d.set_upstream([b], c)
    assert edges(*four) == {"ab", "ac", "ad", "bd", "cd"}


def test_after_gives_its_own_task(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    assert d.after(a, [b]).after(c) is d
    assert edges(*four) == {"ad", "bd", "cd"}


def test_the_same_edge_said_from_either_side_is_one(four: tuple[Task, ...]) -> None:
    a, b, *_ = four
    a >> b
    a >> [b, b]
    b << a
    b.after(a)
    b.set_upstream(a)
    a.set_downstream(b)
    assert list(a.downstream) == [b]
    assert list(b.upstream) == [a]


def test_a_generator_of_tasks_is_taken_once_and_whole(four: tuple[Task, ...]) -> None:
    a, *rest = four
    a.set_downstream(task for task in rest)
    assert edges(*four) == {"ab", "ac", "ad"}


def test_a_generator_between_two_arrows_is_connected_on_both_sides(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    a >> (task for task in [b, c]) >> d
    assert edges(*four) == {"ab", "ac", "bd", "cd"}


def test_a_generator_inside_a_list_is_connected_on_both_sides(four: tuple[Task, ...]) -> None:
    a, b, c, d = four
    groups: Any = [b, (task for task in [c])]
    d << groups << a
    assert edges(*four) == {"ab", "ac", "bd", "cd"}


@pytest.mark.parametrize("wrong", ["b", None, 3])
def test_an_edge_to_something_else_names_it(four: tuple[Task, ...], wrong: Any) -> None:
    with pytest.raises(InvalidJob) as caught:
        four[0].set_downstream(wrong)
    assert str(caught.value) == f"{wrong!r} is not a Task: an edge goes from task to task, give Task objects"


@pytest.mark.parametrize("wrong", ["b", None, 3, ["b"], [None]])
def test_an_arrow_to_something_else_is_the_same_error(four: tuple[Task, ...], wrong: Any) -> None:
    with pytest.raises(InvalidJob, match="is not a Task: an edge goes from task to task"):
        four[0] >> wrong
    with pytest.raises(InvalidJob, match="is not a Task: an edge goes from task to task"):
        four[0] << wrong
    with pytest.raises(InvalidJob, match="is not a Task: an edge goes from task to task"):
        wrong >> four[0]


def test_a_refused_list_makes_no_edge_at_all(four: tuple[Task, ...]) -> None:
    a, b, *_ = four
    with pytest.raises(InvalidJob):
        a.set_downstream(b, "c")  # type: ignore[arg-type]
    assert edges(*four) == set()


# What a task takes.


def test_a_task_has_the_documented_defaults() -> None:
    task = make()
    assert (task.timeout, task.retries, task.retry_delay) == (None, 0, 0.0)
    assert (task.action, task.when) == (Shell("true", strict=True), When.SUCCESS)
    assert task.strict is None


@pytest.mark.parametrize("when", [*When, "success", "failure", "always"])
def test_when_is_given_as_text_or_as_its_enum(when: Any) -> None:
    assert make(when=when).when is When(when)


@pytest.mark.parametrize(
    "name", ["x" * 200, " spaces ", "é", '"', "../x", "100%", "*", "[red]", "a:b", "$(id)", "👩‍🚀", "-n"]
)
def test_a_name_of_any_printable_characters_is_kept_as_it_is(name: str) -> None:
    assert Task(name, "true").name == name


def test_a_path_is_taken_as_cwd() -> None:
    assert make(cwd=Path("/tmp/x")).action == Shell("true", cwd="/tmp/x", strict=True)


# What it refuses: the whole message, because the message is the promise.


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the name of a task is empty (''): give it one"),
        (" \t ", "the name of a task is empty (' \\t '): give it one"),
        (None, "the name of a task must be text, not None"),
        (7, "the name of a task must be text, not 7"),
        ("a\nb", "the name 'a\\nb' of a task holds the control character '\\n': take it out, a name is one line"),
        (
            "a\x1b[1m",
            "the name 'a\\x1b[1m' of a task holds the control character '\\x1b': take it out, a name is one line",
        ),
        ("a\x85", "the name 'a\\x85' of a task holds the control character '\\x85': take it out, a name is one line"),
        ("y" * 201, f"the name of a task has 201 characters, at most 200 are allowed: '{'y' * 40}'..."),
    ],
)
def test_a_wrong_name_is_refused(name: Any, message: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        Task(name, "true")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "task 'fetch': the command is empty (''); `true` does nothing"),
        (" \n", "task 'fetch': the command is empty (' \\n'); `true` does nothing"),
        (["ls"], "task 'fetch': the command must be text, not ['ls']"),
        ("a\0b", "task 'fetch': the command holds '\\x00', which cannot be passed to a program"),
        ("cat \udcff", "task 'fetch': the command holds '\\udcff', which cannot be passed to a program"),
        ("x" * 131072, "task 'fetch': the command is longer than 131071 bytes; write it into a file and run that"),
        ("é" * 65536, "task 'fetch': the command is longer than 131071 bytes; write it into a file and run that"),
    ],
)
def test_a_wrong_command_is_refused(command: Any, message: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        Task("fetch", command)
    assert str(caught.value) == message


_YEAR = f"must lie between 0 and {A_YEAR} seconds (a year)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": -1}, f"task 'fetch': timeout=-1 {_YEAR}"),
        ({"timeout": A_YEAR + 1}, f"task 'fetch': timeout={A_YEAR + 1} {_YEAR}"),
        ({"timeout": float("inf")}, f"task 'fetch': timeout=inf {_YEAR}"),
        ({"timeout": 10**400}, f"task 'fetch': timeout={'1'.ljust(80, '0')}... {_YEAR}"),
        ({"retry_delay": 10**5000}, f"task 'fetch': retry_delay=a number of thousands of digits {_YEAR}"),
        ({"timeout": float("nan")}, "task 'fetch': timeout=nan is not a number of seconds"),
        ({"timeout": "60"}, "task 'fetch': timeout='60' is not a number of seconds"),
        ({"timeout": True}, "task 'fetch': timeout=True is not a number of seconds"),
        ({"timeout": 0}, "task 'fetch': timeout=0 leaves no time to run; give seconds above 0"),
        ({"retry_delay": -0.5}, f"task 'fetch': retry_delay=-0.5 {_YEAR}"),
        ({"retries": -1}, "task 'fetch': retries=-1 must be a whole number, from 0 to 1000000"),
        ({"retries": 1.5}, "task 'fetch': retries=1.5 must be a whole number, from 0 to 1000000"),
        ({"retries": True}, "task 'fetch': retries=True must be a whole number, from 0 to 1000000"),
        ({"retries": 10**7}, "task 'fetch': retries=10000000 must be a whole number, from 0 to 1000000"),
        ({"when": "never"}, "task 'fetch': when='never' is unknown; use one of 'success', 'failure', 'always'"),
        ({"when": None}, "task 'fetch': when=None is unknown; use one of 'success', 'failure', 'always'"),
        ({"env": {"A=B": "1"}}, "task 'fetch': env has the name 'A=B'; use a variable's name, without '='"),
        ({"env": {"": "1"}}, "task 'fetch': env has the name ''; use a variable's name, without '='"),
        ({"env": {"A": 1}}, "task 'fetch': env['A'] is of type int, not text; use str(...)"),
        ({"env": {"A": "\0"}}, "task 'fetch': env['A'] holds '\\x00', which cannot be passed to a program"),
        ({"env": "A=1"}, "task 'fetch': env='A=1' is not a dict; write it as env={'NAME': 'value'}"),
        ({"cwd": ""}, "task 'fetch': cwd='' is not the path of a directory; give one as text or as a Path"),
        ({"cwd": 3}, "task 'fetch': cwd=3 is not the path of a directory; give one as text or as a Path"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        make(**options)
    assert str(caught.value) == message


# Files as tasks.


def test_from_file_runs_a_python_file_with_this_interpreter(directory: Path) -> None:
    directory.joinpath("it's train.py").write_text("import sys; print(sys.executable)")
    task = Task.from_file("it's train.py", retries=2)
    assert (task.name, task.retries) == ("it's train", 2)
    done = subprocess.run(["bash", "-c", task.command], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sys.executable


def test_from_file_gives_a_python_file_its_arguments_as_they_are(directory: Path) -> None:
    directory.joinpath("train.py").write_text("import sys; print(sys.argv[1:])")
    task = Task.from_file("train.py", "--lr", 0.1, "it's $HOME\n", 3, True, date(2026, 3, 1), Path("a b"), name="t")
    done = subprocess.run(["bash", "-c", task.command], capture_output=True, text=True, check=True)
    assert done.stdout == str(["--lr", "0.1", "it's $HOME\n", "3", "true", "2026-03-01", "a b"]) + "\n"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("train.py", "'train.py': the argument ['x'] is not text: write it as text"),
        (
            "report.ipynb",
            "'report.ipynb' is a notebook, which takes no arguments (['x']): give env={\"NAME\": \"value\"}, or",
        ),
    ],
)
def test_from_file_refuses_arguments_that_cannot_be_given(directory: Path, file: str, message: str) -> None:
    directory.joinpath(file).touch()
    with pytest.raises(InvalidJob) as caught:
        Task.from_file(file, ["x"])  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_from_file_runs_a_notebook_through_nbconvert(directory: Path) -> None:
    notebook = directory / "my report.ipynb"
    notebook.touch()
    task = Task.from_file(notebook, name="report")
    assert task.name == "report"
    assert task.command == f"{sys.executable} -m jupyter nbconvert --execute --to notebook '{notebook}'"


def test_from_file_refuses_a_file_that_is_not_there(directory: Path) -> None:
    with pytest.raises(InvalidJob) as caught:
        Task.from_file("missing.py")
    assert str(caught.value) == f"there is no file 'missing.py' (looked in {directory}): give the path of a file"


@pytest.mark.parametrize("path", [None, 3, b"train.py"])
def test_from_file_refuses_what_is_no_path(path: Any) -> None:
    with pytest.raises(InvalidJob) as caught:
        Task.from_file(path)
    assert str(caught.value) == f"{path!r} is not the path of a file: give one as text or as a Path"


def test_from_file_refuses_a_name_longer_than_files_have() -> None:
    with pytest.raises(InvalidJob, match=r"^there is no file 'x{300}\.py' \(looked in "):
        Task.from_file("x" * 300 + ".py")


def test_from_file_refuses_an_ending_it_does_not_know(directory: Path) -> None:
    directory.joinpath("run.sh").touch()
    with pytest.raises(InvalidJob) as caught:
        Task.from_file("run.sh")
    assert str(caught.value) == (
        "'run.sh' is neither .py nor .ipynb: give another file's command as Task(name, command)"
    )


# For gocron.


def test_nodes_are_given_by_id_and_alias_one_or_several() -> None:
    def nodes_of(**options: Any) -> tuple[int | str, ...]:
        action = make(**options).action
        assert isinstance(action, Shell)
        return action.nodes

    assert nodes_of(node_id=2) == (2,)
    assert nodes_of(node="big") == ("big",)
    assert nodes_of(node_id=[2, 3], node=("big", "small")) == (2, 3, "big", "small")


@pytest.mark.parametrize(
    "options", [{"node_id": 0}, {"node_id": 10**5000}, {"node_id": True}, {"node_id": "2"}, {"node": ""}, {"node": [1]}]
)
def test_what_is_no_node_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidJob, match=r"is not the (id|alias) of a node; `pydag nodes` lists them"):
        make(**options)


def test_an_http_task_is_a_url_and_a_method() -> None:
    task = HttpTask("ask", "https://host/path?a=1", "POST", retries=2, when="always")
    assert task.action == HttpRequest("https://host/path?a=1", "POST")
    assert (task.command, task.retries, task.when) == ("https://host/path?a=1", 2, When.ALWAYS)
    assert HttpTask("ask", "http://host").action == HttpRequest("http://host", "GET")


@pytest.mark.parametrize(("url", "method"), [("ftp://host", "GET"), ("host", "GET"), ("http://host", "PUT")])
def test_an_http_task_of_another_kind_is_refused(url: str, method: str) -> None:
    with pytest.raises(InvalidJob, match="task 'ask': "):
        HttpTask("ask", url, method)


def test_the_node_of_a_gocron_task_may_be_its_third_argument() -> None:
    task = GoCronTask("a", "cmd", 2)
    assert task.action == Shell("cmd", nodes=(2,))
    assert task.action == GoCronTask("a", "cmd", node_id=2).action
    assert (task.id, task.task_id) == ("a", None)


def test_gocrons_words_are_words_for_the_same_things() -> None:
    assert issubclass(GoCronTask, Task)
    job = GoCronJob(name="J", task_manager="a manager")
    assert (job.engine, job.task_manager) == ("gocron", "a manager")
    assert GoCronJob("J").task_manager is None


@pytest.mark.parametrize("task", [make(node_id=2), HttpTask("fetch", "http://host")])
def test_what_only_gocron_has_is_refused_on_this_machine(task: Task) -> None:
    job = Job("J", engine="local")
    job.add_task(task)
    with pytest.raises(InvalidJob, match=r"task 'fetch' .* which only gocron has: set GOCRON_ADDRESS to run it there"):
        job.run()
