"""A job's tasks on gocron: their names, their forms, and that gocron agrees with the job or is left alone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydag.engines.gocron import sync
from pydag.engines.gocron.names import names_of, tag_of
from pydag.engines.gocron.sync import agree, delete, jobs, wanted
from pydag.errors import EngineError, EngineRefused, InvalidJob
from pydag.gocron.client import GoCronClient
from pydag.gocron.records import NAME_LIMIT, TAG_LIMIT, HttpMethod, Node, Protocol, RemoteTask
from pydag.model.actions import Action, HttpRequest, Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.settings import RunNew
from tests.support.fake_gocron import FakeGoCron, Fault
from tests.support.gocron_targets import Lab

NODES = (Node(id=1, name="127.0.0.1", alias="first", port=5921), Node(id=4, name="b", alias="second", port=5921))


def job_of(*tasks: str | TaskSpec, name: str = "J") -> JobSpec:
    given = (
        task if isinstance(task, TaskSpec) else TaskSpec(name=task, action=Shell(f"echo {task}")) for task in tasks
    )
    return JobSpec(name=name, tasks=tuple(given))


def form_of(task: TaskSpec, nodes: tuple[Node, ...] = NODES) -> Any:
    (form,) = wanted(job_of(task), nodes, 3600.0).tasks
    return form


# Names.


def test_names_that_fit_are_those_of_the_older_program() -> None:
    assert names_of(job_of("Sync Data", "Feature Engineering1", name="TestJob")) == [
        "TestJob:Sync Data",
        "TestJob:Feature Engineering1",
    ]
    assert tag_of("TestJob") == "TestJob"


def test_a_name_of_32_characters_is_kept_and_one_of_33_is_shortened() -> None:
    fits, long = names_of(job_of("t" * 30, "t" * 31))
    assert fits == "J:" + "t" * 30
    assert (len(long), long[:20]) == (NAME_LIMIT, "J:" + "t" * 17 + "~")


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param(["Sync", "sync"], id="case"),
        pytest.param(["t" * 40, "t" * 41], id="long"),
        pytest.param(["a ", "a"], id="blank at the end"),
        pytest.param(["🙂", "🙃"], id="emoji"),
        pytest.param(["ß", "ss"], id="sharp s"),
    ],
)
def test_names_that_a_database_takes_for_one_are_told_apart(tasks: list[str]) -> None:
    names = names_of(job_of(*tasks))
    assert len({name.casefold().rstrip() for name in names}) == len(tasks)


def test_a_colon_in_a_job_leads_to_no_other_jobs_task() -> None:
    assert names_of(job_of("c", name="a:b")) != names_of(job_of("b:c", name="a"))


name_texts = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]) | st.sampled_from("aA :~🙂\u00a0"),
    min_size=1,
    max_size=60,
).filter(str.strip)


@given(name_texts, st.lists(name_texts, min_size=1, max_size=8, unique=True))
@settings(max_examples=300)
def test_names_fit_are_unique_whatever_the_case_and_depend_on_nothing_else(job: str, tasks: list[str]) -> None:
    names = names_of(job_of(*tasks, name=job))
    assert names == names_of(job_of(*tasks, name=job))
    assert len({name.casefold() for name in names}) == len(tasks)
    for name in [*names, tag_of(job)]:
        assert 0 < len(name) <= min(NAME_LIMIT, TAG_LIMIT)
        assert name == name.strip()
        assert max(map(ord, name)) <= 0xFFFF


@given(name_texts, name_texts, name_texts, name_texts)
def test_no_task_of_one_job_is_one_of_another(job: str, task: str, other: str, other_task: str) -> None:
    if (job, task) != (other, other_task):
        assert names_of(job_of(task, name=job)) != names_of(job_of(other_task, name=other))


# Forms.


def test_a_task_that_names_no_node_gets_the_first() -> None:
    assert form_of(TaskSpec(name="t", action=Shell("true"))).node_ids == (1,)


def test_ids_and_aliases_name_nodes_once_each() -> None:
    assert form_of(TaskSpec(name="t", action=Shell("true", nodes=(4, "first", "second")))).node_ids == (4, 1)


@pytest.mark.parametrize("node", [7, "third"])
def test_a_node_that_is_not_there_is_named_with_those_that_are(node: int | str) -> None:
    with pytest.raises(InvalidJob) as raised:
        form_of(TaskSpec(name="t", action=Shell("true", nodes=(node,))))
    assert str(raised.value) == f"task 't': gocron has no node {node!r}; it has 1 (first), 4 (second)"


def test_a_gocron_without_nodes_is_told_how_to_get_one() -> None:
    with pytest.raises(InvalidJob, match=r"gocron has no node to run commands on: .*`pydag nodes add --name HOST"):
        form_of(TaskSpec(name="t", action=Shell("true")), nodes=())


def test_a_command_of_256_characters_is_taken_and_one_of_257_refused_with_the_way_out() -> None:
    assert len(form_of(TaskSpec(name="t", action=Shell("x" * 256))).command) == 256
    with pytest.raises(InvalidJob) as raised:
        form_of(TaskSpec(name="t", action=Shell("x" * 257)))
    assert str(raised.value) == (
        "task 't': the command has 257 characters with its cwd and env, gocron takes 256: "
        "put it into a script file on the node and run that"
    )


def test_directory_and_variables_count_as_part_of_the_command() -> None:
    task = TaskSpec(name="t", action=Shell("x" * 200, env=(("A", "b" * 60),), cwd="/a b"))
    with pytest.raises(InvalidJob, match="has 293 characters with its cwd and env"):
        form_of(task)


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


# Making gocron agree.


@pytest.fixture
def settle(lab: Lab) -> Callable[..., list[int]]:
    """Make the lab's gocron agree with a job of these tasks, and give their ids."""

    def settle(run_new: RunNew, *tasks: str | TaskSpec) -> list[int]:
        spec = job_of(*tasks, name=lab.prefix)
        return agree(lab.client, wanted(spec, lab.nodes(), 60.0), run_new)

    return settle


def there(lab: Lab) -> dict[str, RemoteTask]:
    return {task.name.removeprefix(f"{lab.prefix}:"): task for task in lab.client.tasks(tag=lab.prefix)}


Settle = Callable[..., list[int]]


@pytest.mark.parametrize("run_new", [RunNew.YES, RunNew.AUTO])
def test_a_new_job_is_made(lab: Lab, settle: Settle, run_new: RunNew) -> None:
    ids = settle(run_new, "a", "b")
    made = there(lab)
    assert ids == [made["a"].id, made["b"].id]
    assert (made["a"].command, made["a"].node_ids, made["a"].timeout) == ("echo a", (lab.nodes()[0].id,), 60)
    assert made["a"].schedule == ""


def test_yes_refuses_a_job_that_exists_and_says_what_to_do(lab: Lab, settle: Settle) -> None:
    settle(RunNew.YES, "a", "b")
    with pytest.raises(EngineRefused) as raised:
        settle(RunNew.YES, "a", "b")
    assert str(raised.value) == (
        f"job {lab.prefix!r} exists on gocron (2 tasks): set PYDAG_RUN_NEW=no to run it as it is there, "
        "=auto to make it agree with the file, or delete it first"
    )


def test_no_finds_the_job_as_it_is_there(lab: Lab, settle: Settle) -> None:
    ids = settle(RunNew.YES, "a", "b")
    before = there(lab)
    assert settle(RunNew.NO, TaskSpec(name="b", action=Shell("changed"))) == [ids[1]]
    assert there(lab) == before


def test_no_refuses_a_job_that_is_not_there_or_not_whole(lab: Lab, settle: Settle) -> None:
    settle(RunNew.YES, "a")
    with pytest.raises(EngineRefused) as raised:
        settle(RunNew.NO, "a", "b", "c")
    assert str(raised.value) == (
        f"gocron has no task '{lab.prefix}:b', which job {lab.prefix!r} needs (2 of 3 are missing): "
        "set PYDAG_RUN_NEW=auto to have it made, or =yes for a new job"
    )
    assert list(there(lab)) == ["a"]


def test_auto_makes_what_is_missing_updates_what_changed_and_removes_what_is_gone(lab: Lab, settle: Settle) -> None:
    first, second = lab.nodes()
    kept, changed, moved, _ = settle(RunNew.YES, "kept", "changed", "moved", "gone")
    ids = settle(
        RunNew.AUTO,
        "kept",
        TaskSpec(name="changed", action=Shell("echo other"), timeout=5.0),
        TaskSpec(name="moved", action=Shell("echo moved", nodes=(second.id, first.alias))),
        "new",
    )
    now = there(lab)
    assert ids[:3] == [kept, changed, moved]
    assert ids[3] == now["new"].id
    assert set(now) == {"kept", "changed", "moved", "new"}
    assert (now["changed"].command, now["changed"].timeout) == ("echo other", 5)
    assert sorted(now["moved"].node_ids) == sorted((first.id, second.id))


def test_auto_leaves_alone_what_agrees(fake: FakeGoCron, gocron: GoCronClient) -> None:
    job = wanted(job_of("a", "b", TaskSpec(name="c", action=HttpRequest("http://h/", "POST"))), gocron.hosts(), 60.0)
    agree(gocron, job, RunNew.AUTO)
    stores = fake.counts["POST /api/task/store"]
    agree(gocron, job, RunNew.AUTO)
    assert fake.counts["POST /api/task/store"] == stores == 3


def test_a_job_whose_tasks_cannot_all_be_made_leaves_none_behind(fake: FakeGoCron, gocron: GoCronClient) -> None:
    lab = Lab(gocron, fake)
    lab.raw_store(name="J:taken", tag="another job")
    job = wanted(job_of("a", "b", "taken", *(f"t{n}" for n in range(20))), gocron.hosts(), 60.0)
    with pytest.raises(EngineRefused, match="refused to save task 'J:taken'"):
        agree(gocron, job, RunNew.YES)
    assert [task.name for task in gocron.tasks()] == ["J:taken"]


def test_a_job_that_broke_off_because_gocron_failed_leaves_none_behind(fake: FakeGoCron, gocron: GoCronClient) -> None:
    job = wanted(job_of(*(f"t{n}" for n in range(20))), gocron.hosts(), 60.0)
    fake.fail(Fault.HTTP_500, "/api/task/store", times=30)
    with pytest.raises(EngineError, match="HTTP 500"):
        agree(gocron, job, RunNew.YES)
    assert fake.fired[Fault.HTTP_500] > 1
    assert gocron.tasks() == []


def test_creates_whose_answers_were_lost_make_no_task_twice(fake: FakeGoCron, gocron: GoCronClient) -> None:
    job = wanted(job_of(*(f"t{n}" for n in range(20))), gocron.hosts(), 60.0)
    fake.fail(Fault.LOST_ANSWER, "/api/task/store", times=5)
    assert len(set(agree(gocron, job, RunNew.YES))) == 20
    assert fake.fired[Fault.LOST_ANSWER] == 5
    assert set(Counter(task.name for task in gocron.tasks()).values()) == {1}


# Deleting, listing.


def test_delete_takes_every_task_of_the_job_and_no_other(fake: FakeGoCron, gocron: GoCronClient) -> None:
    lab = Lab(gocron, fake)
    for number in range(1001):
        lab.raw_store(name=f"J:{number}", tag="J")
    for name in ("J2:a", "j%:a", "JJ:a"):
        lab.raw_store(name=name, tag=name[:-2])
    assert delete(gocron, "J") == 1001
    assert {task.name for task in gocron.tasks()} == {"J2:a", "j%:a", "JJ:a"}
    assert delete(gocron, "J") == 0


def test_jobs_are_tags_whose_tasks_are_named_as_pydag_names_them(lab: Lab, settle: Settle) -> None:
    settle(RunNew.YES, "a", "b")
    lab.raw_store(name=f"{lab.prefix}x", tag=f"{lab.prefix}other")
    lab.raw_store(name=f"{lab.prefix}y", tag="")
    found = [job for job in jobs(lab.client) if job.startswith(lab.prefix)]
    assert found == [lab.prefix]


def test_what_people_made_by_hand_under_the_same_tag_is_left_alone(lab: Lab, settle: Settle) -> None:
    settle(RunNew.YES, "a")
    lab.raw_store(name=f"{lab.prefix}z", tag=lab.prefix)
    settle(RunNew.AUTO, "a", "b")
    assert jobs(lab.client).count(lab.prefix) == 1
    assert delete(lab.client, lab.prefix) == 2
    assert [task.name for task in lab.client.tasks(tag=lab.prefix)] == [f"{lab.prefix}z"]


def test_a_job_with_a_long_name_is_listed_in_full(fake: FakeGoCron, gocron: GoCronClient) -> None:
    name = "A job whose name is longer than gocron takes"
    agree(gocron, wanted(job_of("t", name=name), gocron.hosts(), 60.0), RunNew.YES)
    assert jobs(gocron) == [name]
    assert delete(gocron, name) == 1


def test_after_an_error_nothing_new_begins() -> None:
    all_given, begun = threading.Event(), []

    def items() -> Iterator[int]:
        yield from range(20_000)
        all_given.set()

    def fails_from_the_second_on(number: int) -> None:
        begun.append(number)
        all_given.wait()
        if number:
            raise EngineError("one of them")

    with pytest.raises(EngineError, match="one of them"):
        sync.at_once(fails_from_the_second_on, items())
    assert len(begun) < 20_000
