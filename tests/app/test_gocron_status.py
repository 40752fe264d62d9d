"""Jobs that gocron's scheduler starts, as a user sees them: shown, removed, deleted. On both gocrons."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from pydag.engines.gocron.names import SCHEDULER_TAG
from tests.support.commands import flow, pydag
from tests.support.fake_gocron import FakeGoCron
from tests.support.gocron_schedules import (
    EACH_NEW_YEAR,
    kept,
    main_task,
    node,
    put_out_of_reach,
    refused,
    runs,
    scheduled_row,
    shown,
    submit,
    there,
    write,
)
from tests.support.gocron_targets import Lab


def test_status_and_list_say_which_scheduler_has_a_job(server: Lab) -> None:
    write(server)
    submit(server)
    expected = {"cron": EACH_NEW_YEAR, "on": "gocron", "node": server.nodes()[0].id, "detail": ""}
    schedule = shown(server)
    assert {key: schedule[key] for key in expected} == expected
    (listed,) = json.loads(pydag("list", "--json").stdout)["jobs"]
    assert listed["schedule"] == schedule
    assert datetime.fromisoformat(schedule["next"]).tzinfo is not None
    row = scheduled_row(server)
    assert row.startswith(f"○ {server.prefix}  {EACH_NEW_YEAR}  2")
    assert row.endswith(f"on gocron, node {node(server)}")
    assert server.prefix not in json.loads(pydag("list", "--json", PYDAG_HOME="other").stdout)["on_gocron_alone"]


def test_what_people_do_in_gocrons_pages_is_shown(server: Lab) -> None:
    write(server)
    submit(server)
    server.client.enable_task(there(server).id, on=False)
    assert (shown(server)["next"], shown(server)["detail"]) == (None, "switched off in gocron's pages")
    assert scheduled_row(server).endswith(": switched off in gocron's pages")
    server.client.enable_task(there(server).id)
    server.raw_store(
        id=there(server).id,
        name=there(server).form.name,
        command=there(server).form.command,
        tag=SCHEDULER_TAG,
        level=1,
        spec="@every 9h",
    )
    assert shown(server)["cron"] == "@every 9h"
    assert shown(server)["detail"] == f"changed by hand, it was {EACH_NEW_YEAR}: submit it again"
    server.client.delete_task(there(server).id)
    assert shown(server) is None
    assert "Scheduled" not in pydag("status").stdout
    message = f"pydag: job '{server.prefix}' is not on gocron's scheduler: `pydag status` shows what is\n"
    assert refused("unschedule", server.prefix, status=6) == message
    assert submit(server)[0] == f"submitted {server.prefix}"


def test_a_gocron_that_does_not_answer_is_said_and_the_rest_is_shown(server: Lab, own_home: Path) -> None:
    write(server)
    submit(server)
    put_out_of_reach(server, own_home)
    done = pydag("status")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith(f"on gocron, node {node(server)}: gocron does not answer")
    assert done.stderr.startswith("pydag: gocron at http://127.0.0.1:9 cannot be reached")
    assert (shown(server)["next"], shown(server)["detail"]) == (None, "gocron does not answer")
    logged = pydag("log", server.prefix)
    assert (logged.returncode, server.prefix in logged.stdout) == (0, True)


def test_the_gocron_of_the_submission_is_asked_whatever_the_shell_names(server: Lab) -> None:
    write(server)
    submit(server)
    assert shown(server, GOCRON_ADDRESS="", GOCRON_ADMIN_PASSWORD="")["on"] == "gocron"
    assert shown(server, GOCRON_ADDRESS="http://127.0.0.1:9")["detail"] == ""
    assert pydag("unschedule", server.prefix, GOCRON_ADDRESS="").returncode == 0
    assert main_task(server) is None


def test_a_gocron_that_starts_no_job_is_not_asked(
    fake: FakeGoCron, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOCRON_ADDRESS", fake.address)
    flow("with Job('J', engine='local') as job:\n    Task('t', 'true')\njob.run()\n")
    assert pydag("run", "flow.py").returncode == 0
    own_home.joinpath("schedules").mkdir()
    for command in (["status"], ["status", "--json"], ["log", "J"]):
        assert (pydag(*command).returncode, pydag(*command).stderr) == (0, "")
    assert fake.requests == []


def test_the_login_of_the_shell_serves_where_it_is_for_the_same_gocron(server: Lab, own_home: Path) -> None:
    write(server)
    submit(server)
    document = json.loads(kept(own_home, server).read_text())
    document["environ"]["GOCRON_ADMIN_USER"] = ""
    kept(own_home, server).write_text(json.dumps(document))
    assert shown(server)["detail"] == ""
    assert shown(server, GOCRON_ADDRESS="")["detail"] == "gocron does not answer"


def test_unschedule_takes_the_main_task_alone(server: Lab, own_home: Path) -> None:
    write(server, engine="gocron")
    assert pydag("run", "flow.py").returncode == 0
    submit(server)
    assert pydag("unschedule", server.prefix).stdout == f"{server.prefix} is no longer on gocron's scheduler\n"
    assert main_task(server) is None
    assert len(server.client.tasks(tag=server.prefix)) == 1
    assert kept(own_home, server).exists()
    assert len(runs(server)) == 1
    assert shown(server) is None


def test_delete_takes_the_main_task_the_jobs_tasks_and_the_history(server: Lab, own_home: Path) -> None:
    write(server, engine="gocron")
    assert pydag("run", "flow.py").returncode == 0
    submit(server)
    message = f"deleted {server.prefix}, its history and its task on gocron, and took it off gocron's scheduler\n"
    assert pydag("delete", server.prefix, GOCRON_ADDRESS="").stdout == message
    assert main_task(server) is None
    assert server.client.tasks(tag=server.prefix) == []
    assert list(own_home.joinpath("schedules").iterdir()) == []
    assert pydag("list").stdout == ""


def test_a_history_leaves_the_main_task_of_another_alone(server: Lab, directory: Path) -> None:
    write(server)
    submit(server)
    other = {"PYDAG_HOME": str(directory.parent / "other")}
    assert f"--home {directory.parent / 'home'} on node" in submit(server, **other)[1]
    assert shown(server) is None
    assert shown(server, **other)["on"] == "gocron"
    message = f"is on gocron's scheduler for another history: set PYDAG_HOME to {directory.parent / 'other'}\n"
    assert refused("unschedule", server.prefix, status=6).endswith(message)
    assert pydag("delete", server.prefix).stdout == f"deleted {server.prefix} and its history\n"
    assert there(server)


def test_a_backfill_runs_the_fire_times_of_gocrons_scheduler(server: Lab) -> None:
    write(server, "echo $PYDAG_SCHEDULED_FOR")
    submit(server, cron="0 30 */12 * * *")
    done = pydag("backfill", server.prefix, "--from=2025-06-01", "--to=2025-06-01")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[11:19] for line in done.stdout.splitlines()[:2]] == ["00:30:00", "12:30:00"]
    assert {run["state"] for run in runs(server)} == {"success"}
