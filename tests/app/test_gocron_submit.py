"""Jobs that gocron's scheduler starts, as a user sees them: submitted, moved, refused. On both gocrons."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pydag.engines.gocron.names import SCHEDULER_TAG
from pydag.schedule.submission import submission_id
from tests.support.commands import flow, pydag
from tests.support.gocron_schedules import (
    EACH_NEW_YEAR,
    kept,
    main_task,
    node,
    put_out_of_reach,
    refused,
    shown,
    submit,
    there,
    write,
)
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually


def test_a_job_is_put_on_gocrons_scheduler_as_a_main_task_on_the_node(server: Lab, own_home: Path) -> None:
    second = server.nodes()[1]
    write(server)
    lines = submit(server, cron="30 6 * * mon-fri", on=str(second.id))
    assert lines[0] == f"submitted {server.prefix}"
    assert [line[:6] for line in lines[1:]] == ["next: "] * 3
    task = there(server)
    home = ["--home", str(own_home)]
    words = [sys.executable, "-P", "-m", "pydag", "_scheduled", submission_id(server.prefix), *home]
    form = task.form
    assert (form.schedule, form.command) == ("0 30 6 * * mon-fri", " ".join(words))
    assert (form.node_ids, form.timeout, form.single, task.enabled) == ((second.id,), 86_400, False, True)
    assert server.prefix in task.form.name
    document = json.loads(kept(own_home, server).read_text())
    assert (document["node"], document["cron"]) == (second.id, "0 30 6 * * mon-fri")
    assert kept(own_home, server).stat().st_mode & 0o777 == 0o600


def test_the_next_three_fire_times_are_those_that_gocron_names(server: Lab) -> None:
    write(server)
    lines = submit(server, cron="15,45 30 12 1 * *")
    times = [datetime.fromisoformat(line[6:].rsplit(" ", 1)[0]) for line in lines if line.startswith("next: ")]
    zone = times[0].tzinfo
    (raw,) = [
        task
        for task in server.raw("GET", "/api/task", tag=SCHEDULER_TAG)["data"]["data"]
        if task["name"] == there(server).form.name
    ]
    assert datetime.fromisoformat(raw["next_run_time"]).replace(tzinfo=zone) == times[0]
    assert [time.second for time in times] == [15, 45, 15]


def test_a_dry_run_shows_the_entry_and_changes_nothing(server: Lab, own_home: Path) -> None:
    before = main_task(server)
    write(server)
    first, *times = submit(server, "--dry-run", cron="@daily")
    assert first.startswith("0 0 0 * * * ")
    assert first.endswith(f" on node {node(server)}")
    assert len(times) == 3
    assert main_task(server) == before
    assert not own_home.exists()
    submit(server, cron="@hourly")
    before = main_task(server)
    text = kept(own_home, server).read_bytes()
    assert (
        f"would replace its entry: 0 0 * * * * {there(server).form.command} on node " in submit(server, "--dry-run")[1]
    )
    assert (main_task(server), kept(own_home, server).read_bytes()) == (before, text)


def test_submitting_again_replaces_the_entry_says_so_and_keeps_the_task(server: Lab) -> None:
    write(server)
    submit(server, cron="@daily")
    before = there(server)
    server.client.enable_task(before.id, on=False)
    lines = submit(server, cron="@hourly", on=str(server.nodes()[1].id))
    assert lines[1] == f"replaced its entry: 0 0 0 * * * {before.form.command} on node {node(server)}"
    after = there(server)
    assert (after.id, after.form.schedule, after.enabled) == (before.id, "0 0 * * * *", True)
    assert after.form.node_ids == (server.nodes()[1].id,)


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
def test_a_job_moves_between_the_crontab_and_gocron_and_is_on_one_of_them(server: Lab) -> None:
    write(server)
    assert pydag("submit", "flow.py", "--cron=0 1 * * *").returncode == 0
    assert (shown(server)["on"], shown(server)["node"]) == ("crontab", None)
    assert submit(server, "--dry-run")[1].startswith("would take it off the crontab: 0 1 * * * ")
    assert main_task(server) is None
    lines = submit(server)
    assert lines[1].startswith("took it off the crontab: 0 1 * * * ")
    assert (shown(server)["on"], shown(server)["cron"]) == ("gocron", EACH_NEW_YEAR)
    assert pydag("unschedule", server.prefix).stdout == f"{server.prefix} is no longer on gocron's scheduler\n"
    submit(server)
    back = pydag("submit", "flow.py", "--cron=0 2 * * *").stdout.splitlines()
    assert back[1].startswith(f"took it off gocron's scheduler: {EACH_NEW_YEAR} ")
    assert main_task(server) is None
    assert (shown(server)["on"], shown(server)["cron"]) == ("crontab", "0 2 * * *")


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
def test_a_move_that_fails_halfway_leaves_the_job_where_it_was(server: Lab, own_home: Path, directory: Path) -> None:
    write(server)
    assert pydag("submit", "flow.py", "--cron=0 1 * * *").returncode == 0
    before = kept(own_home, server).read_bytes()
    program = directory / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = -l ] && exec /usr/bin/crontab -l; exit 7\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    submitting = ["submit", "flow.py", "--cron=@daily", "--on=gocron", f"--node-id={node(server)}"]
    assert "`crontab -` failed with status 7" in refused(*submitting, status=5, PATH=path)
    assert main_task(server) is None
    assert kept(own_home, server).read_bytes() == before
    assert shown(server)["on"] == "crontab"


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
def test_what_is_on_a_gocron_out_of_reach_is_not_moved(server: Lab, own_home: Path) -> None:
    write(server)
    submit(server)
    document = put_out_of_reach(server, own_home)
    before = there(server)
    assert "http://127.0.0.1:9 cannot be reached" in refused("submit", "flow.py", "--cron=@daily", status=5)
    assert "http://127.0.0.1:9 cannot be reached" in refused("delete", server.prefix, status=5)
    assert there(server) == before
    assert json.loads(kept(own_home, server).read_text()) == document


def test_no_secret_is_in_gocrons_task(server: Lab, own_home: Path) -> None:
    write(server)
    submit(server, "--env=TOKEN", TOKEN="s3cret")
    task = there(server)
    secrets = ("s3cret", "TOKEN", server.password)
    assert not any(secret in f"{task}" for secret in secrets)
    assert not any(secret in pydag("status").stdout + pydag("list", "--json").stdout for secret in secrets)
    assert json.loads(kept(own_home, server).read_text())["environ"]["TOKEN"] == "s3cret"


LONG = ",".join(map(str, range(0, 60, 2)))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--cron=@daily"], 2, "--on gocron needs --node-id N"),
        (["--cron=@daily", "--node-id=0"], 2, "0 is not in the range"),
        (["--cron=@daily", "--node-id=9999"], 6, "gocron has no node 9999: `pydag nodes` lists them"),
        (["--cron=*/0 * * * * *", "--node-id=1"], 2, "second '*/0' has a step of 0: give 1 or more"),
        (["--cron=0 0 0 31 2 *", "--node-id=1"], 2, "never fires"),
        ([f"--cron={LONG} * * * * *", "--node-id=1"], 2, "gocron keeps 64 characters of "),
        (["--cron=@reboot", "--node-id=1"], 2, "the start of the machine is not a time"),
        (["--cron=@daily", "--node-id=1", "--name=None"], 6, "'flow.py' has no job named 'None'"),
    ],
)
def test_what_gocron_could_not_start_is_refused_and_changes_nothing(
    arguments: list[str], status: int, message: str, server: Lab, own_home: Path
) -> None:
    before = main_task(server)
    write(server)
    assert message in refused("submit", "flow.py", "--on=gocron", *arguments, status=status)
    assert main_task(server) == before
    assert not own_home.exists()


def test_a_node_is_for_gocrons_scheduler_only(own_home: Path) -> None:
    flow("with Job('J'):\n    Task('t', 'true')\n")
    message = refused("submit", "flow.py", "--cron=@daily", "--node-id=2")
    assert "--node-id 2 is for gocron's scheduler: add --on gocron, or leave it out" in message
    assert not own_home.exists()


def test_without_a_gocron_its_scheduler_cannot_be_used(own_home: Path) -> None:
    flow("with Job('J'):\n    Task('t', 'true')\n")
    submitting = ["submit", "flow.py", "--cron=@daily", "--on=gocron", "--node-id=1"]
    assert "no gocron is named: set GOCRON_ADDRESS" in refused(*submitting)
    login = {"GOCRON_ADMIN_USER": "admin", "GOCRON_ADMIN_PASSWORD": "x"}
    down = refused(*submitting, status=5, GOCRON_ADDRESS="http://127.0.0.1:9", **login)
    assert down.startswith("pydag: gocron at http://127.0.0.1:9 cannot be reached")
    assert down.count("\n") == 1
    assert not own_home.exists()


def test_a_command_longer_than_gocrons_is_refused_before_anything_changes(server: Lab, directory: Path) -> None:
    write(server)
    home = str(directory / ("d" * 100) / ("e" * 100))
    submitting = ["submit", "flow.py", "--cron=@daily", "--on=gocron", f"--node-id={node(server)}"]
    message = refused(*submitting, PYDAG_HOME=home)
    assert "characters, and gocron takes 256: use shorter paths for Python" in message
    assert main_task(server) is None
    assert not Path(home).exists()


def test_a_zone_that_is_not_gocrons_is_refused_by_name(server: Lab, own_home: Path) -> None:
    write(server)
    offset = server.client.utc_offset(datetime.now(UTC))
    other = "Asia/Kathmandu" if offset != timedelta(hours=5, minutes=45) else "UTC"
    submitting = ["submit", "flow.py", "--cron=@daily", "--on=gocron", f"--node-id={node(server)}"]
    message = refused(*submitting, "--dry-run", TZ=other)
    assert message.startswith("pydag: gocron's clock is at UTC")
    assert f" and {other} is not: set TZ to gocron's zone for this command, such as TZ=" in message
    assert refused(*submitting, TZ=other) == message
    assert main_task(server) is None
    assert not own_home.exists()


@pytest.mark.parametrize("name", ["'a\"; touch evil $(touch evil) `%\\ 🦀 工", ":" + "n" * 191])
def test_a_hostile_name_does_no_harm_on_gocrons_scheduler(name: str, server: Lab) -> None:
    own = f"{server.prefix}{name}"
    flow(f"with Job({own!r}, engine='local'):\n    Task('t', 'true')\n")
    submit(server, cron="* * * * * *")
    task = main_task(server, own)
    assert task is not None
    assert task.form.name.startswith(server.prefix)
    eventually(
        lambda: any(run["state"] == "success" for run in json.loads(pydag("log", "--json", "--", own).stdout)["runs"])
    )
    assert pydag("unschedule", "--", own).returncode == 0
    assert main_task(server, own) is None
    assert not Path("evil").exists()
