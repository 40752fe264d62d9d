"""Hooks of scheduled jobs: after runs that cron started, after those that could not start, and in a backfill."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PYDAG, flow, gate, pydag, started
from tests.support.crontab_jobs import fire, runs, submitted
from tests.support.gocron_schedules import runs as runs_on_gocron
from tests.support.gocron_schedules import submit, there
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually

HOOKS = "on_failure='cat > run.json; pwd > place; echo $PYDAG_RUN_STATE >> said', on_success='echo ok >> said'"


def job(command: str = "true", hooks: str = HOOKS, name: str = "TestJob", engine: str = "local") -> None:
    flow(f"with Job({name!r}, engine={engine!r}, {hooks}):\n    Task('t0', {command!r})\n")


def said() -> list[str]:
    return Path("said").read_text().splitlines()


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
@pytest.mark.parametrize(("command", "lines"), [("true", ["ok"]), ("exit 3", ["failed"])])
def test_hooks_follow_a_run_that_cron_started(command: str, lines: list[str]) -> None:
    job(command)
    submitted(cron="0 0 1 1 *")
    done = fire()
    assert (done.returncode, done.stdout, done.stderr) == (int(command != "true"), "", "")
    assert said() == lines


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
def test_a_start_whose_file_is_gone_runs_the_hooks_of_the_last_definition(directory: Path) -> None:
    job()
    submitted(cron="0 0 1 1 *")
    Path("flow.py").unlink()
    done = fire()
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    assert (said(), Path("place").read_text()) == (["failed"], f"{directory}\n")
    read: dict[str, Any] = json.loads(Path("run.json").read_text())
    (run,) = runs()
    assert read["detail"] == run["detail"] != ""
    assert (read["id"], read["scheduled_for"]) == (run["id"], run["scheduled_for"])
    assert [(hook["name"], hook["state"]) for hook in run["hooks"]] == [("on_failure", "success")]
    assert "✓ `on_failure`" in pydag("log", "TestJob").stdout


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
def test_a_start_that_comes_too_early_counts_as_a_failure_too(directory: Path) -> None:
    job(gate())
    submitted(cron="* * * * *")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("gate.open").exists)
        assert fire().returncode == 7
        assert said() == ["cancelled"]
        directory.joinpath("gate").touch()
        assert process.wait(60) == 0


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
@pytest.mark.parametrize("breaks", [False, True], ids=["failed", "never started"])
def test_a_hook_that_fails_under_cron_is_a_line_to_mail(breaks: bool) -> None:
    job("exit 3", "on_failure='exit 4'")
    submitted(cron="0 0 1 1 *")
    if breaks:
        Path("flow.py").unlink()
    done = fire()
    line = "pydag: `on_failure` of TestJob: exit 4; its output: pydag log TestJob --task_name on_failure -n 1\n"
    assert (done.stdout, done.stderr.replace("--task-name", "--task_name")) == ("", line)
    assert done.returncode == (2 if breaks else 1)


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
def test_hooks_follow_each_run_of_a_backfill() -> None:
    job()
    submitted(cron="0 0 1 1 *")
    year = datetime.now(UTC).year
    assert pydag("backfill", "TestJob", f"--from={year - 2}-01-01", f"--to={year}-01-01").returncode == 0
    assert said() == ["ok"] * 3


@pytest.mark.parametrize(("command", "lines"), [("true", ["ok"]), ("false | true", ["failed"])])
def test_hooks_follow_a_run_that_gocrons_scheduler_started(server: Lab, command: str, lines: list[str]) -> None:
    job(command, name=server.prefix, engine="gocron")
    submit(server)
    server.client.run_task(there(server).id)
    eventually(lambda: Path("said").exists() and runs_on_gocron(server)[0]["hooks"][0]["state"] == "success")
    assert said() == lines


def test_a_hook_that_fails_there_is_not_taken_for_a_failed_start(server: Lab) -> None:
    job("exit 3", "on_failure='exit 4'", name=server.prefix)
    submit(server)
    task = there(server).id
    server.client.run_task(task)
    eventually(lambda: runs_on_gocron(server) and runs_on_gocron(server)[0]["hooks"])
    eventually(lambda: task not in {row.task_id for row in server.client.running()})  # others may have rows there
    assert [(run["state"], run["detail"]) for run in runs_on_gocron(server)] == [("failed", "")]
