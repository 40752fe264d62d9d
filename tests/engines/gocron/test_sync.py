"""Synchronizing a gocron server with a job: the tasks there become those of the job, or stay as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pydag.engines.gocron.forms import job_forms
from pydag.engines.gocron.sync import delete_job, job_names, synchronize
from pydag.errors import EngineError, EngineRefused, StillRunning
from pydag.gocron.client import GoCronClient
from pydag.gocron.records import RemoteTask
from pydag.model.actions import HttpRequest, Shell
from pydag.model.params import ParamSpec
from pydag.model.spec import TaskSpec
from pydag.settings import RunNew
from tests.support.fake_gocron import FakeGoCron, Fault
from tests.support.gocron_runs import job_of
from tests.support.gocron_targets import Lab

NOW = datetime.now(UTC)


@pytest.fixture
def sync(lab: Lab) -> Callable[..., list[int]]:
    """Synchronize the lab's gocron with a job of these tasks, and return their ids."""

    def sync(run_new: RunNew, *tasks: str | TaskSpec) -> list[int]:
        spec = job_of(*tasks, name=lab.prefix)
        return [task.id for task in synchronize(lab.client, job_forms(spec, lab.nodes(), 60.0), run_new)]

    return sync


def there(lab: Lab) -> dict[str, RemoteTask]:
    return {task.form.name.removeprefix(f"{lab.prefix}:"): task for task in lab.client.tasks(tag=lab.prefix)}


Sync = Callable[..., list[int]]


@pytest.mark.parametrize("run_new", [RunNew.YES, RunNew.AUTO])
def test_a_new_job_is_made(lab: Lab, sync: Sync, run_new: RunNew) -> None:
    ids = sync(run_new, "a", "b")
    made = there(lab)
    assert ids == [made["a"].id, made["b"].id]
    form = made["a"].form
    assert (form.command, form.node_ids, form.timeout, form.schedule) == ("echo a", (lab.nodes()[0].id,), 60, "")


def test_yes_refuses_an_existing_job_and_says_what_to_do(lab: Lab, sync: Sync) -> None:
    sync(RunNew.YES, "a", "b")
    with pytest.raises(EngineRefused) as raised:
        sync(RunNew.YES, "a", "b")
    assert str(raised.value) == (
        f"job {lab.prefix!r} exists on gocron (2 tasks): set PYDAG_RUN_NEW=no to run it as it is there, "
        "=auto to make it agree with the file, or delete it first"
    )


def test_no_finds_the_job_as_it_is_there(lab: Lab, sync: Sync) -> None:
    ids = sync(RunNew.YES, "a", "b")
    before = there(lab)
    assert sync(RunNew.NO, TaskSpec(name="b", action=Shell("changed"))) == [ids[1]]
    assert there(lab) == before


def test_no_runs_a_job_with_parameters_only_with_the_values_that_are_there(lab: Lab) -> None:
    def sync(run_new: RunNew, day: str) -> list[int]:
        spec = replace(job_of("a", "b", name=lab.prefix), params=(ParamSpec("DAY"),)).with_variables((("DAY", day),))
        return [task.id for task in synchronize(lab.client, job_forms(spec, lab.nodes(), 60.0), run_new)]

    ids = sync(RunNew.YES, "2026-03-01")
    before = there(lab)
    assert before["a"].form.command == "export DAY=2026-03-01; echo a"
    assert sync(RunNew.NO, "2026-03-01") == ids
    with pytest.raises(EngineRefused) as raised:
        sync(RunNew.NO, "2026-03-02")
    assert str(raised.value) == (
        f"the command of '{lab.prefix}:a' on gocron is not that of this run's parameters: "
        "set PYDAG_RUN_NEW=auto to change it there, or give the values with which it was made"
    )
    assert there(lab) == before
    assert sync(RunNew.AUTO, "2026-03-02") == ids
    assert there(lab)["b"].form.command == "export DAY=2026-03-02; echo b"


def test_no_refuses_a_job_that_is_not_there_or_not_whole(lab: Lab, sync: Sync) -> None:
    sync(RunNew.YES, "a")
    with pytest.raises(EngineRefused) as raised:
        sync(RunNew.NO, "a", "b", "c")
    assert str(raised.value) == (
        f"gocron has no task '{lab.prefix}:b', which job {lab.prefix!r} needs (2 of 3 tasks missing): "
        "set PYDAG_RUN_NEW=auto to have it made, or =yes for a new job"
    )
    assert list(there(lab)) == ["a"]


def test_auto_makes_what_is_missing_updates_what_changed_and_removes_what_is_gone(lab: Lab, sync: Sync) -> None:
    first, second = lab.nodes()
    kept, changed, moved, _ = sync(RunNew.YES, "kept", "changed", "moved", "gone")
    ids = sync(
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
    assert (now["changed"].form.command, now["changed"].form.timeout) == ("echo other", 5)
    assert sorted(now["moved"].form.node_ids) == sorted((first.id, second.id))


def test_auto_does_not_touch_unchanged_tasks(fake: FakeGoCron, gocron: GoCronClient) -> None:
    job = job_forms(job_of("a", "b", TaskSpec(name="c", action=HttpRequest("http://h/", "POST"))), gocron.hosts(), 60.0)
    synchronize(gocron, job, RunNew.AUTO)
    stores = fake.counts["POST /api/task/store"]
    synchronize(gocron, job, RunNew.AUTO)
    assert fake.counts["POST /api/task/store"] == stores == 3


def test_a_job_whose_tasks_cannot_all_be_made_leaves_none_behind(fake: FakeGoCron, gocron: GoCronClient) -> None:
    lab = Lab(gocron, fake)
    lab.raw_store(name="J:taken", tag="another job")
    job = job_forms(job_of("a", "b", "taken", *(f"t{n}" for n in range(20))), gocron.hosts(), 60.0)
    with pytest.raises(EngineRefused, match="refused to save task 'J:taken'"):
        synchronize(gocron, job, RunNew.YES)
    assert [task.form.name for task in gocron.tasks()] == ["J:taken"]


def test_a_job_that_broke_off_because_gocron_failed_leaves_none_behind(fake: FakeGoCron, gocron: GoCronClient) -> None:
    job = job_forms(job_of(*(f"t{n}" for n in range(20))), gocron.hosts(), 60.0)
    fake.fail(Fault.HTTP_500, "/api/task/store", times=30)
    with pytest.raises(EngineError, match="HTTP 500"):
        synchronize(gocron, job, RunNew.YES)
    assert fake.fired[Fault.HTTP_500] > 1
    assert gocron.tasks() == []


def test_creates_whose_answers_were_lost_make_no_task_twice(fake: FakeGoCron, gocron: GoCronClient) -> None:
    job = job_forms(job_of(*(f"t{n}" for n in range(20))), gocron.hosts(), 60.0)
    fake.fail(Fault.LOST_ANSWER, "/api/task/store", times=5)
    assert len({task.id for task in synchronize(gocron, job, RunNew.YES)}) == 20
    assert fake.fired[Fault.LOST_ANSWER] == 5
    assert set(Counter(task.form.name for task in gocron.tasks()).values()) == {1}


# Deleting, listing.


def stuck(gocron: GoCronClient, fake: FakeGoCron) -> datetime:
    """Make a job with a row that never ends; when that row began."""
    (task,) = synchronize(gocron, job_forms(job_of("a"), gocron.hosts(), 60.0), RunNew.YES)
    row = fake.core.add_row(fake.core.tasks[task.id], [], 1)
    assert row
    return datetime.fromtimestamp(row.started, UTC).replace(microsecond=0)


def test_what_may_run_is_not_deleted_and_the_message_names_the_row(fake: FakeGoCron, gocron: GoCronClient) -> None:
    began = stuck(gocron, fake)
    with pytest.raises(StillRunning) as raised:
        delete_job(gocron, "J", now=began + timedelta(seconds=119), ended=began - timedelta(seconds=1))
    assert str(raised.value) == (
        f"gocron says that job 'J' runs now ('J:a' since {began:%H:%M:%S} UTC, row 1 of its log): wait for its end, or "
        "stop it in gocron's pages; if it cannot end, as gocron or its node was restarted, delete it with --force"
    )
    assert delete_job(gocron, "J", now=began, force=True) == 1


def test_a_row_that_is_older_than_its_timeout_keeps_nothing_from_being_deleted(
    fake: FakeGoCron, gocron: GoCronClient
) -> None:
    began = stuck(gocron, fake)
    assert delete_job(gocron, "J", now=began + timedelta(seconds=120)) == 1


def test_a_row_from_before_the_last_known_end_keeps_nothing_from_being_deleted(
    fake: FakeGoCron, gocron: GoCronClient
) -> None:
    began = stuck(gocron, fake)
    assert delete_job(gocron, "J", now=began, ended=began + timedelta(seconds=1)) == 1


def test_delete_takes_every_task_of_the_job_and_no_other(fake: FakeGoCron, gocron: GoCronClient) -> None:
    lab = Lab(gocron, fake)
    for number in range(1001):
        lab.raw_store(name=f"J:{number}", tag="J")
    for name in ("J2:a", "j%:a", "JJ:a"):
        lab.raw_store(name=name, tag=name[:-2])
    assert delete_job(gocron, "J", now=NOW) == 1001
    assert {task.form.name for task in gocron.tasks()} == {"J2:a", "j%:a", "JJ:a"}
    assert delete_job(gocron, "J", now=NOW) == 0


def test_jobs_are_tags_whose_tasks_are_named_as_pydag_names_them(lab: Lab, sync: Sync) -> None:
    sync(RunNew.YES, "a", "b")
    lab.raw_store(name=f"{lab.prefix}x", tag=f"{lab.prefix}other")
    lab.raw_store(name=f"{lab.prefix}y", tag="")
    found = [job for job in job_names(lab.client) if job.startswith(lab.prefix)]
    assert found == [lab.prefix]


def test_what_people_made_by_hand_under_the_same_tag_is_left_alone(lab: Lab, sync: Sync) -> None:
    sync(RunNew.YES, "a")
    lab.raw_store(name=f"{lab.prefix}z", tag=lab.prefix)
    sync(RunNew.AUTO, "a", "b")
    assert job_names(lab.client).count(lab.prefix) == 1
    assert delete_job(lab.client, lab.prefix, now=NOW) == 2
    assert [task.form.name for task in lab.client.tasks(tag=lab.prefix)] == [f"{lab.prefix}z"]


def test_a_job_with_a_long_name_is_listed_in_full(fake: FakeGoCron, gocron: GoCronClient) -> None:
    name = "A job whose name is longer than gocron takes"
    synchronize(gocron, job_forms(job_of("t", name=name), gocron.hosts(), 60.0), RunNew.YES)
    assert job_names(gocron) == [name]
    assert delete_job(gocron, name, now=NOW) == 1
