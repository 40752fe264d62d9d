"""Jobs that gocron's scheduler starts, as a user sees them: started, missed, failed. On both gocrons."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from pydag.app import schedule as schedule_app
from pydag.app.backends import opened_store
from pydag.gocron.records import LogStatus, RemoteTask
from pydag.schedule.expression import CronExpression
from pydag.schedule.fire_times import FireTimes
from pydag.settings import Settings
from tests.support.commands import pydag
from tests.support.gocron_schedules import (
    kept,
    runs,
    submit,
    there,
    write,
)
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually


@pytest.mark.parametrize("engine", ["local", "gocron"])
def test_gocron_starts_a_job_and_its_runs_have_their_fire_times(server: Lab, engine: str) -> None:
    write(server, "echo for $PYDAG_SCHEDULED_FOR", engine=engine)
    submit(server, cron="*/2 * * * * *")
    eventually(lambda: [run["state"] for run in runs(server)].count("success") > 1)
    assert pydag("unschedule", server.prefix).returncode == 0
    found = [run for run in runs(server) if run["state"] == "success"]
    assert {run["engine"] for run in found} == {engine}
    times = [datetime.fromisoformat(run["scheduled_for"]) for run in found]
    assert len(set(times)) == len(times)
    every_two = FireTimes(CronExpression.for_gocron("*/2 * * * * *"), UTC)
    for run, time in zip(found, times, strict=True):
        started = datetime.fromisoformat(run["started"])
        assert every_two.latest(time) == time <= started + timedelta(seconds=2)
    if engine == "local":
        (output,) = json.loads(pydag("log", server.prefix, "--task_name=t0", "-n1", "--json").stdout)["attempts"]
        assert output["output"].startswith("for 20")
    else:
        assert [task.form.name for task in server.client.tasks(tag=server.prefix)] == [f"{server.prefix}:t0"]


def test_a_start_in_gocrons_pages_stands_for_no_fire_time(server: Lab) -> None:
    write(server, "echo ${PYDAG_SCHEDULED_FOR-none}")
    submit(server)
    server.client.run_task(there(server).id)
    eventually(lambda: [run["state"] for run in runs(server)] == ["success"])
    assert runs(server)[0]["scheduled_for"] is None
    (output,) = json.loads(pydag("log", server.prefix, "--task_name=t0", "--json").stdout)["attempts"]
    assert output["output"] == "none\n"


def test_a_start_makes_up_for_what_was_missed(server: Lab, own_home: Path) -> None:
    write(server)
    submit(server, "--catch-up=2")
    document = json.loads(kept(own_home, server).read_text())
    year = datetime.now(UTC).year
    kept(own_home, server).write_text(json.dumps({**document, "submitted": f"{year - 5}-06-01T00:00:00+00:00"}))
    server.client.run_task(there(server).id)
    eventually(lambda: [run["state"] for run in runs(server)] == ["success"] * 3)
    times = [datetime.fromisoformat(run["scheduled_for"]) + timedelta(hours=15) for run in runs(server)]
    assert [time.year for time in times] == [year, year - 1, year - 2]


def test_a_start_while_the_last_one_goes_on_is_in_the_history_with_its_cause(server: Lab, directory: Path) -> None:
    write(server, f"until [ -e {directory}/gate ]; do sleep 0.02; done")
    submit(server, cron="* * * * * *")
    try:
        eventually(lambda: any("the last run still goes on" in run["detail"] for run in runs(server)))
        assert pydag("unschedule", server.prefix).returncode == 0
    finally:
        directory.joinpath("gate").touch()
    eventually(lambda: "running" not in {run["state"] for run in runs(server)})
    assert {run["state"] for run in runs(server)} == {"success", "cancelled"}


def test_a_start_whose_file_is_gone_is_in_the_history_with_its_cause(server: Lab) -> None:
    write(server)
    submit(server, cron="* * * * * *")
    Path("flow.py").unlink()
    eventually(lambda: any("there is no file" in run["detail"] for run in runs(server)))
    assert pydag("unschedule", server.prefix).returncode == 0
    (detail,) = {run["detail"] for run in runs(server) if run["state"] == "failed"}
    for command in (["status"], ["log", server.prefix]):
        assert f"never started: {detail}" in pydag(*command).stdout


def damaged_by_node(lab: Lab, task: RemoteTask) -> None:
    dead = lab.client.add_host("127.0.0.77", 1, f"dead{lab.prefix}", remark=lab.prefix)
    store(lab, task, node_ids=(dead.id,))


def damaged_by_interpreter(lab: Lab, task: RemoteTask) -> None:
    store(lab, task, command=task.form.command.replace(sys.executable, "/gone/python"))


def store(lab: Lab, task: RemoteTask, **changes: Any) -> None:
    """Change the main task as somebody does in gocron's pages, and have it started each second."""
    lab.client.update_task(task.id, replace(task.form, **{"schedule": "* * * * * *", **changes}))


def shown_by_several(lab: Lab) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert {done.returncode for done in pool.map(lambda _: pydag("status"), range(4))} == {0}


def submitted_anew(lab: Lab) -> None:
    submit(lab, cron="@yearly")


@pytest.mark.parametrize(
    ("damage", "cause", "first"),
    [
        (damaged_by_node, "the node could not be reached", shown_by_several),
        (damaged_by_interpreter, "/gone/python: No such file", submitted_anew),
    ],
)
def test_what_gocron_could_not_start_is_recorded_in_the_history_once(
    damage: Any, cause: str, first: Any, server: Lab
) -> None:
    write(server)
    submit(server)
    damage(server, there(server))

    def failed() -> int:
        return len(server.client.logs(task_id=there(server).id, status=LogStatus.FAILED))

    eventually(lambda: failed() > 1)
    server.client.enable_task(there(server).id, on=False)
    sleep(1)  # a start that was on its way has its row by then
    eventually(lambda: LogStatus.RUNNING not in {row.status for row in server.client.logs(task_id=there(server).id)})
    failed_starts = schedule_app.scheduled(datetime.now(UTC)).failed_starts
    assert len(failed_starts) == failed()
    with opened_store(Settings.load(), reading=True) as store:
        assert store.runs(server.prefix) == []  # reading does not write
    first(server)
    found = runs(server)
    assert runs(server) == found
    assert {(run["state"], run["engine"], cause in run["detail"]) for run in found} == {("failed", "gocron", True)}
    # On a busy machine two starts may come within one second: they are one fire time.
    assert sorted(datetime.fromisoformat(run["scheduled_for"]) for run in found) == sorted(
        {start.due for start in failed_starts}
    )
    for run in found:
        tried, due = (datetime.fromisoformat(run[key]) for key in ("started", "scheduled_for"))
        assert timedelta() <= tried - due <= timedelta(seconds=1)
    for command in (["status"], ["log", server.prefix]):
        assert "never started: gocron could not start it on " in pydag(*command).stdout
