"""gocron's scheduler by itself, on the stand-in: what it makes of a job, an error halfway, and rows that failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.engines.gocron import sync
from pydag.engines.gocron.names import SCHEDULER_TAG, tag_of, task_names
from pydag.errors import EngineError, NotFound
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import NAME_LIMIT, REMARK_LIMIT
from pydag.gocron.records import LogStatus, RemoteTask
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.schedule.expression import CronExpression
from pydag.schedule.schedulers.gocron import GoCronScheduler, main_task
from pydag.schedule.submission import Submission
from tests.support.fake_gocron import FakeGoCron, Fault
from tests.support.waiting import eventually

HOME = Path("/home/me/.pydag")
DAILY, HOURLY = "0 0 0 * * *", "0 0 * * * *"


def submission(job: str = "TestJob", cron: str = DAILY, zone: str = "UTC") -> Submission:
    return Submission(
        job=job,
        file="/srv/flow.py",
        directory="/work",
        expression=CronExpression.for_gocron(cron),
        zone_name=zone,
        catch_up=0,
        submitted=datetime(2026, 3, 1, 12, tzinfo=UTC),
        environ={"GOCRON_ADDRESS": "http://127.0.0.1:5920"},
        node=1,
    )


@pytest.fixture
def scheduler(gocron: GoCronClient) -> GoCronScheduler:
    return GoCronScheduler(gocron, HOME)


def there(gocron: GoCronClient) -> list[RemoteTask]:
    return gocron.tasks(tag=SCHEDULER_TAG)


# Names.


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.text(min_size=1, max_size=10))
def test_a_main_tasks_name_fits_and_is_that_of_no_task_of_any_job(job: str, task: str) -> None:
    main = main_task(submission(job), HOME)
    assert 0 < len(main.name) <= NAME_LIMIT
    assert len(main.remark) <= REMARK_LIMIT
    assert main.name == main.name.strip()
    assert max(map(ord, main.name)) <= 0xFFFF
    names = task_names(JobSpec(name=job, tasks=(TaskSpec(name=task, action=Shell("true")),)))
    assert main.name not in names
    assert main.name not in task_names(JobSpec(name=main.name, tasks=(TaskSpec(name=task, action=Shell("true")),)))


def test_names_that_a_database_takes_for_one_are_told_apart() -> None:
    jobs = ["job", "JOB", "job ", "j" * 40, "j" * 41, "🙂", "🙃", "a:b", "a_b"]
    names = {main_task(submission(job), HOME).name.casefold() for job in jobs}
    assert len(names) == len(jobs)


def test_the_tag_of_main_tasks_is_no_jobs(gocron: GoCronClient, scheduler: GoCronScheduler) -> None:
    assert tag_of(SCHEDULER_TAG) != SCHEDULER_TAG
    scheduler.put(submission(SCHEDULER_TAG))
    assert sync.tasks_of(gocron, SCHEDULER_TAG) == []
    assert sync.job_names(gocron) == []
    assert sync.delete_job(gocron, SCHEDULER_TAG, now=datetime.now(UTC)) == 0
    assert len(there(gocron)) == 1


# An error halfway.


@pytest.mark.parametrize("path", ["/api/task/store", "/api/task/enable"])
@pytest.mark.parametrize("fault", [Fault.HTTP_500, Fault.CUT, Fault.LOST_ANSWER])
@pytest.mark.parametrize("enabled", [True, False])
def test_a_replacement_that_fails_leaves_the_entry_of_before(
    path: str, fault: Fault, enabled: bool, fake: FakeGoCron, gocron: GoCronClient, scheduler: GoCronScheduler
) -> None:
    scheduler.put(submission())
    gocron.enable_task(there(gocron)[0].id, on=enabled)
    before = there(gocron)
    fake.fail(fault, path)
    with pytest.raises(EngineError):
        scheduler.put(submission(cron=HOURLY))
    assert fake.fired[fault] == 1
    assert there(gocron) == before


@pytest.mark.parametrize("fault", [Fault.HTTP_500, Fault.CUT])
def test_a_first_entry_that_fails_twice_leaves_none(
    fault: Fault, fake: FakeGoCron, gocron: GoCronClient, scheduler: GoCronScheduler
) -> None:
    fake.fail(fault, "/api/task/store", times=2)
    with pytest.raises(EngineError):
        scheduler.put(submission())
    assert fake.fired[fault] == 2
    assert there(gocron) == []


def test_what_was_put_is_taken_back(gocron: GoCronClient, scheduler: GoCronScheduler) -> None:
    undo = scheduler.put(submission())
    before = there(gocron)
    gocron.enable_task(before[0].id, on=False)
    scheduler.put(submission(cron=HOURLY))()
    assert there(gocron) == [replace(before[0], enabled=False)]
    undo()
    assert there(gocron) == []


def test_all_copies_of_a_main_task_are_taken_and_another_homes_is_not(
    gocron: GoCronClient, scheduler: GoCronScheduler
) -> None:
    scheduler.put(submission())
    gocron.store_task(replace(main_task(submission(), HOME), name="a copy"))
    scheduler.put(submission("Other"))
    assert scheduler.remove("TestJob")
    assert [task.form.name.split("@")[0] for task in there(gocron)] == ["Other"]
    assert not scheduler.remove("TestJob")
    with pytest.raises(NotFound, match="for another history: set PYDAG_HOME to /home/me/\\.pydag"):
        GoCronScheduler(gocron, Path("/home/you/.pydag")).remove("Other")


# What gocron could not start.


@pytest.fixture
def fired(fake: FakeGoCron, gocron: GoCronClient, scheduler: GoCronScheduler) -> Callable[..., None]:
    """Have the job's main task started at a moment, by its schedule, with another command; and wait for its end."""

    def fire(moment: datetime, command: str = "", **changes: int) -> None:
        (task,) = there(gocron)
        kept = fake.core.tasks[task.id]
        fake.core.tasks[task.id] = replace(kept, command=command or kept.command, timeout=changes.get("timeout", 0))
        rows = len(gocron.logs(task_id=task.id))
        fake.core.fire(task.id, moment)
        eventually(lambda: len(gocron.logs(task_id=task.id)) > rows and not gocron.running())
        fake.core.tasks[task.id] = kept

    return fire


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns"])
def test_what_could_not_be_started_has_its_fire_time_by_the_servers_clock(
    zone: str, fake: FakeGoCron, scheduler: GoCronScheduler, fired: Callable[..., None]
) -> None:
    fake.core.zone = ZoneInfo(zone)
    scheduler.put(submission(zone=zone))
    fake.core.unreachable.add("127.0.0.1")
    midnight = datetime(2026, 3, 3, tzinfo=ZoneInfo(zone))
    fired(midnight + timedelta(seconds=1))
    fired(midnight + timedelta(days=1))
    newest, oldest = scheduler.failed_starts(submission(zone=zone))
    assert (oldest.due, oldest.tried) == (midnight, midnight + timedelta(seconds=1))
    assert newest.due == midnight + timedelta(days=1)
    assert oldest.cause.startswith("gocron could not start it on node1-127.0.0.1:5921: the node could not be reached")


def test_what_failed_before_the_submission_or_by_hand_is_not_told(
    fake: FakeGoCron, gocron: GoCronClient, scheduler: GoCronScheduler, fired: Callable[..., None]
) -> None:
    scheduler.put(submission())
    fake.core.unreachable.add("127.0.0.1")
    fired(datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC))
    (task,) = there(gocron)
    gocron.run_task(task.id)
    eventually(lambda: len(gocron.logs(task_id=task.id, status=LogStatus.FAILED)) == 2)
    assert scheduler.failed_starts(submission()) == []


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("/gone/python -P", "exit status 127, /bin/bash: line 1: /gone/python: No such file or directory"),
        ("echo No module named pydag; exit 1", "exit status 1, No module named pydag"),
        ("exit 2", None),
        ("kill -9 $$", None),
        ("echo noise; sleep 60", None),
        ("true", None),
    ],
)
def test_where_pydag_has_run_its_own_record_counts(
    command: str, cause: str | None, scheduler: GoCronScheduler, fired: Callable[..., None]
) -> None:
    scheduler.put(submission())
    fired(datetime(2026, 3, 3, tzinfo=UTC), command, timeout=1)
    causes = [each.cause for each in scheduler.failed_starts(submission())]
    assert causes == ([f"gocron could not start it on node1-127.0.0.1:5921: {cause}"] if cause else [])
