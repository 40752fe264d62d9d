"""Main tasks, which gocron's scheduler starts: how both dialects treat them, on the stand-in and on real servers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pydag.schedule.expression import CronExpression
from pydag.schedule.fire_times import FireTimes
from tests.support.gocron_targets import Lab, listed
from tests.support.waiting import eventually


def test_a_main_task_is_started_by_its_schedule_and_its_row_names_it(lab: Lab) -> None:
    task_id = lab.create(schedule="* * * * * *")
    eventually(lambda: len(lab.client.logs(task_id=task_id)) > 1)
    lab.client.enable_task(task_id, on=False)
    by_hand = lab.start(task_id)
    assert by_hand.schedule != "* * * * * *"
    rows = [row for row in lab.client.logs(task_id=task_id) if row.id != by_hand.id]
    assert {row.schedule for row in rows} == {"* * * * * *"}
    assert len({row.started for row in rows}) == len(rows)


def test_gocron_takes_the_translation_of_five_fields_and_fires_at_their_times(lab: Lab) -> None:
    now = datetime.now(UTC)
    zone = timezone(lab.client.utc_offset(now))
    for cron in ("30 6 * * mon-fri", "*/20 8-18/2 1,15 * *", "0 0 13 * 5", "@weekly", "5 4 * jan-mar sun,7"):
        expression = CronExpression.for_gocron(cron)
        name = lab.name()
        lab.client.store_task(lab.form(name=name, schedule=expression.text))
        (raw,) = listed(lab, name=name)
        assert (raw["level"], raw["spec"]) == (1, expression.text)
        fire = datetime.fromisoformat(raw["next_run_time"]).replace(tzinfo=zone)
        (own,) = FireTimes(expression, zone).after(now, 1)
        assert abs(fire - own) in (timedelta(), timedelta(hours=1))  # until then the server's clock may shift


def test_an_update_keeps_the_schedule_and_a_disabled_task_is_not_started(lab: Lab) -> None:
    task = lab.form(schedule="0 0 0 1 1 *")
    task_id = lab.client.create_task(task)
    lab.client.update_task(task_id, lab.form(name=task.name, schedule="0 0 0 1 2 *"))
    (found,) = lab.client.tasks(name=task.name)
    assert (found.form.schedule, found.enabled) == ("0 0 0 1 2 *", True)
    lab.client.enable_task(task_id, on=False)
    lab.client.update_task(task_id, lab.form(name=task.name, schedule="* * * * * *"))
    (found,) = lab.client.tasks(name=task.name)
    assert (found.form.schedule, found.enabled) == ("* * * * * *", False)
    (raw,) = listed(lab, name=task.name)
    assert raw["next_run_time"] in ("", "0001-01-01T00:00:00Z")
    assert lab.client.logs(task_id=task_id) == []
    lab.client.enable_task(task_id)
    eventually(lambda: bool(lab.client.logs(task_id=task_id)))
    lab.client.enable_task(task_id, on=False)


@pytest.mark.parametrize("spec", ["", "0 0 * *"])
def test_gocron_refuses_a_main_task_whose_schedule_it_cannot_read(lab: Lab, spec: str) -> None:
    assert lab.raw_store(level=1, spec=spec)["code"] == 1


def test_the_newest_login_shows_the_offset_of_the_servers_clock(lab: Lab) -> None:
    lab.raw_store(level=1, spec="* * * * * *", command="true")
    now = datetime.now(UTC)
    (raw,) = listed(lab)
    fire = datetime.fromisoformat(raw["next_run_time"]).replace(tzinfo=UTC)
    assert abs(fire - now - lab.client.utc_offset(now)) < timedelta(minutes=7)
