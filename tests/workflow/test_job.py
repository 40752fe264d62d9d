"""Job: collecting tasks, and the check that comes before anything runs."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

from pydag import (
    CycleError,
    GoCronJob,
    GoCronTask,
    HttpTask,
    InvalidJob,
    InvalidSetting,
    Job,
    RunFailed,
    State,
    Task,
)
from pydag.errors import StoreFormatError, StoreUnreachable
from pydag.model.actions import HttpRequest, Shell


def job_of(*tasks: Task, name: str = "TestJob") -> Job:
    job = Job(name)
    job.add_task(*tasks)
    return job


def tasks(names: str) -> list[Task]:
    return [Task(name, "touch ran") for name in names]


# Building.


def test_repr_counts_the_tasks() -> None:
    assert [repr(job_of(*tasks(names))) for names in ("", "a", "abcde")] == [
        "<TestJob with 0 tasks>",
        "<TestJob with 1 task>",
        "<TestJob with 5 tasks>",
    ]


def test_tasks_keep_the_order_in_which_they_were_added() -> None:
    assert [task.name for task in job_of(*tasks("cab")).tasks] == ["c", "a", "b"]


def test_adding_a_task_again_changes_nothing() -> None:
    a, b = tasks("ab")
    job = job_of(a, b, a)
    job.add_task(a)
    assert job.tasks == (a, b)


def test_with_collects_the_tasks_made_inside_and_no_others() -> None:
    before = Task("before", "true")
    with Job("collects") as job:
        a = Task("a", "true")
        b = Task("b", "true").after(a)
    after = Task("after", "true")
    assert job.tasks == (a, b)
    assert (before.job, after.job) == (None, None)


def test_a_job_inside_a_job_collects_for_itself() -> None:
    with Job("outer") as outer:
        first = Task("first", "true")
        with Job("inner") as inner:
            middle = Task("middle", "true")
        last = Task("last", "true")
    assert (outer.tasks, inner.tasks) == ((first, last), (middle,))


def test_with_stops_collecting_when_its_block_raises() -> None:
    with pytest.raises(KeyError), Job("broken"):
        raise KeyError
    assert Task("after", "true").job is None


def test_a_refused_task_is_not_collected() -> None:
    with Job("collects") as job, pytest.raises(InvalidJob):
        Task("a", "")
    assert job.tasks == ()


def test_check_gives_the_job_as_a_record() -> None:
    a, b, c = tasks("abc")
    a >> [b, c]
    b >> c
    job = Job("TestJob", max_parallel=2, description="about")
    job.add_task(c, a, b)
    spec = job.check()
    assert (spec.name, spec.max_parallel, spec.description) == ("TestJob", 2, "about")
    assert spec.upstream_names() == {"c": ["a", "b"], "a": [], "b": ["a"]}


@pytest.mark.parametrize(
    ("of_task", "of_job", "by_default", "strict"),
    [
        (None, None, True, True),
        (None, None, False, False),
        (None, False, True, False),
        (None, True, False, True),
        (False, True, True, False),
        (True, False, False, True),
    ],
)
def test_a_task_decides_whether_it_is_strict_then_its_job_then_the_default(
    of_task: bool | None, of_job: bool | None, by_default: bool, strict: bool
) -> None:
    with Job("TestJob", strict=of_job) as job:
        Task("a", "true", strict=of_task)
    assert job.check(strict=by_default).tasks[0].action == Shell("true", strict=strict)


@pytest.mark.parametrize(
    ("of_task", "of_job", "strict"),
    [(None, None, False), (None, True, True), (True, None, True), (False, True, False), (True, False, True)],
)
def test_a_task_by_gocrons_name_is_strict_only_where_it_or_its_job_says_so(
    of_task: bool | None, of_job: bool | None, strict: bool
) -> None:
    with GoCronJob("TestJob", strict=of_job) as job:
        GoCronTask("a", "true", strict=of_task)
    assert job.check().tasks[0].action == Shell("true", strict=strict)


def test_a_task_that_is_no_command_has_nothing_to_be_strict_about() -> None:
    with Job("TestJob", strict=True) as job:
        HttpTask("a", "http://host")
    assert job.check().tasks[0].action == HttpRequest("http://host")


# Bad input.


def _parallel(given: object) -> str:
    return f"job 'TestJob': max_parallel={given} must be a whole number, from 1 to {sys.maxsize}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "the name of a job is empty (''): give it one"),
        (
            {"name": "a\tb"},
            "the name 'a\\tb' of a job holds the control character '\\t': take it out, a name is one line",
        ),
        ({"name": "z" * 201}, f"the name of a job has 201 characters, at most 200 are allowed: '{'z' * 40}'..."),
        ({"strict": "no"}, "job 'TestJob': strict='no' must be True or False"),
        ({"max_parallel": 0}, _parallel(0)),
        ({"max_parallel": True}, _parallel(True)),
        ({"max_parallel": "2"}, _parallel("'2'")),
        ({"max_parallel": sys.maxsize + 1}, _parallel(sys.maxsize + 1)),
        ({"max_parallel": 10**5000}, _parallel("a number of thousands of digits")),
        ({"max_parallel": -(10**5000)}, _parallel("a number of thousands of digits")),
        ({"description": None}, "job 'TestJob': the description must be text, not None"),
        (
            {"description": "\udcff"},
            "job 'TestJob': the description holds '\\udcff', which cannot be passed to a program",
        ),
    ],
)
def test_a_wrong_job_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        Job(**{"name": "TestJob", **options})
    assert str(caught.value) == message


def refused(job: Job, own_home: Path) -> str:
    """The message with which `run` refuses, having run and recorded nothing."""
    with pytest.raises(InvalidJob) as caught:
        job.run()
    assert not Path("ran").exists()
    assert not own_home.exists()
    return str(caught.value)


def test_a_job_without_tasks_is_refused(own_home: Path) -> None:
    assert refused(Job("TestJob"), own_home) == "job 'TestJob' has no tasks: add some with add_task(...)"


def test_a_cycle_is_refused_with_its_whole_path(own_home: Path) -> None:
    a, b = tasks("ab")
    a >> b >> a
    message = refused(job_of(a, b), own_home)
    assert message == "the tasks wait for each other: a -> b -> a; take one of these edges out"


def test_a_long_cycle_is_told_in_the_direction_of_its_edges(own_home: Path) -> None:
    a, b, c, d, e = tasks("abcde")
    a >> b >> c >> d >> b
    d >> e
    with pytest.raises(CycleError) as caught:
        job_of(a, b, c, d, e).check()
    path = caught.value.path
    assert path[0] == path[-1]
    edges = {f"{before}{after}" for before, after in itertools.pairwise(path)}
    assert edges == {"bc", "cd", "db"}


def test_a_task_after_itself_is_a_cycle(own_home: Path) -> None:
    (a,) = tasks("a")
    a >> a
    assert refused(job_of(a), own_home) == "the tasks wait for each other: a -> a; take one of these edges out"


@pytest.mark.parametrize("added", [0, 1])
def test_a_task_in_an_edge_that_was_never_added_is_refused(added: int, own_home: Path) -> None:
    pair = tasks("ab")
    pair[0] >> pair[1]
    known, missing = pair[added], pair[1 - added]
    assert refused(job_of(known), own_home) == (
        f"task '{missing.name}' has an edge with '{known.name}' but is not in the job 'TestJob': "
        "add it with add_task(...)"
    )


def test_an_edge_into_another_job_is_refused(own_home: Path) -> None:
    a, b = tasks("ab")
    a >> b
    job_of(b, name="Other")
    assert refused(job_of(a), own_home) == (
        "task 'b' has an edge with 'a' but is not in the job 'TestJob': it is in 'Other', and edges stay inside one job"
    )


def test_two_tasks_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidJob) as caught:
        job_of(Task("a", "true"), Task("a", "false"))
    assert str(caught.value) == "job 'TestJob' has two tasks named 'a': rename one of them"


def test_a_task_in_two_jobs_is_refused() -> None:
    (a,) = tasks("a")
    job_of(a, name="First")
    with pytest.raises(InvalidJob) as caught:
        job_of(a, name="Second")
    assert str(caught.value) == "task 'a' belongs to the job 'First' and cannot be in 'Second' too: make a second task"


def test_adding_what_is_no_task_is_refused() -> None:
    with pytest.raises(InvalidJob) as caught:
        job_of(3)  # type: ignore[arg-type]  # that is the claim
    assert str(caught.value) == "job 'TestJob': 3 is not a Task; add Task objects"


def test_adding_a_list_says_how_to_unpack_it() -> None:
    with pytest.raises(InvalidJob, match=r"is not a Task; write add_task\(\*tasks\) for a list of them$"):
        job_of(tasks("ab"))  # type: ignore[arg-type]  # that is the claim


def test_an_unknown_mode_is_refused(own_home: Path) -> None:
    with pytest.raises(InvalidJob) as caught:
        job_of(*tasks("a")).run(mode="later")  # type: ignore[call-overload]  # that is the claim
    assert str(caught.value) == "job 'TestJob': mode='later' is unknown; use \"execute\" or \"submit\""
    assert not own_home.exists()


# What surrounds a run is checked before anything runs.


def test_a_wrong_environment_variable_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    monkeypatch.setenv("PYDAG_TASK_TIMEOUT", "ten")
    with pytest.raises(InvalidSetting, match=r"^PYDAG_TASK_TIMEOUT='ten' is not a number of seconds"):
        job_of(*tasks("a")).run()
    assert not Path("ran").exists()
    assert not own_home.exists()


def test_a_history_that_is_none_is_refused_before_anything_runs(own_home: Path) -> None:
    own_home.mkdir()
    file = own_home / "history.sqlite"
    file.write_text("shopping list" * 100)
    with pytest.raises(StoreFormatError) as caught:
        job_of(*tasks("a")).run()
    assert str(file) in str(caught.value)
    assert "move it away, or set PYDAG_HOME to another directory" in str(caught.value)
    assert not Path("ran").exists()
    assert file.read_text() == "shopping list" * 100


def test_a_history_directory_that_cannot_be_made_is_refused_before_anything_runs(own_home: Path) -> None:
    own_home.write_text("a file where the directory should be")
    with pytest.raises(StoreUnreachable) as caught:
        job_of(*tasks("a")).run()
    assert str(own_home) in str(caught.value)
    assert "make it a directory that you may write, or set PYDAG_HOME to one" in str(caught.value)
    assert not Path("ran").exists()


# Running, as a script sees it. What runs do is the tracker's and the commands' tests.


def test_run_gives_the_record_of_the_run() -> None:
    job = job_of(*tasks("a"))
    record = job.run()
    assert record.state is State.SUCCESS
    assert record.tasks["a"].state is State.SUCCESS
    assert job.last_run is record
    assert Path("ran").exists()


def test_a_failed_run_raises_and_names_the_tasks() -> None:
    job = job_of(Task("good", "true"), Task("bad", "exit 3"), Task("[red]", "exit 1"))
    with pytest.raises(RunFailed) as caught:
        job.run()
    run = caught.value.run
    assert str(caught.value) == f"job 'TestJob' failed: 'bad', '[red]' did not succeed (run {run.id})"
    assert [run.tasks[name].state.value for name in ("good", "bad", "[red]")] == ["success", "failed", "failed"]
    assert job.last_run is run


def test_a_failed_run_names_five_tasks_and_counts_the_others() -> None:
    with pytest.raises(RunFailed, match=r"failed: 't0', 't1', 't2', 't3', 't4' and 2 more did not succeed"):
        job_of(*(Task(f"t{number}", "false") for number in range(7))).run()


def test_check_false_gives_the_record_of_a_failed_run() -> None:
    record = job_of(Task("bad", "exit 3")).run(check=False)
    assert record.state is State.FAILED
    assert record.tasks["bad"].attempts[0].exit_status == 3


def test_submit_records_the_job_and_runs_nothing(own_home: Path) -> None:
    from pydag.app import jobs as jobs_app

    assert job_of(*tasks("a")).run(mode="submit") is None
    assert not Path("ran").exists()
    (entry,) = jobs_app.jobs()
    assert (entry.name, entry.tasks, entry.last_run) == ("TestJob", 1, None)


def test_submit_checks_the_job(own_home: Path) -> None:
    with pytest.raises(InvalidJob, match="has no tasks"):
        Job("TestJob").run(mode="submit")
    assert not own_home.exists()
