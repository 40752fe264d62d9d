"""Jobs on gocron's scheduler, as a user sees them: submitted, started, shown, moved, taken off. On both gocrons."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from pydag.engines.gocron.names import SCHEDULER_TAG
from pydag.gocron.records import LogStatus, RemoteTask
from pydag.schedule.expression import CronExpression
from pydag.schedule.fire_times import FireTimes
from pydag.schedule.submission import Submissions, submission_id
from tests.support.commands import flow, pydag
from tests.support.fake_gocron import FakeGoCron
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually, holds_within

EACH_NEW_YEAR = "0 0 0 1 1 *"
"""It does not come while a test runs."""


@pytest.fixture
def server(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A gocron that the environment names, and a TZ that is its own."""
    monkeypatch.setenv("GOCRON_ADDRESS", lab.address)
    monkeypatch.setenv("GOCRON_ADMIN_USER", lab.user)
    monkeypatch.setenv("GOCRON_ADMIN_PASSWORD", lab.password)
    hours = round(lab.client.utc_offset(datetime.now(UTC)) / timedelta(hours=1))
    monkeypatch.setenv("TZ", f"Etc/GMT{-hours:+d}" if hours else "UTC")
    return lab


def write(lab: Lab, *commands: str, engine: str = "local", name: str = "") -> str:
    """The file of a job that has the lab's name."""
    tasks = "".join(f"    Task('t{number}', {command!r})\n" for number, command in enumerate(commands or ["true"]))
    return flow(f"with Job({name or lab.prefix!r}, engine={engine!r}):\n{tasks}")


def node(lab: Lab) -> str:
    return str(lab.nodes()[0].id)


def submit(lab: Lab, *arguments: str, cron: str = EACH_NEW_YEAR, on: str = "", **environ: str) -> list[str]:
    """Submit a job to gocron's scheduler; the lines that the command said."""
    done = pydag(
        "submit", "flow.py", f"--cron={cron}", "--on=gocron", f"--node-id={on or node(lab)}", *arguments, **environ
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def refused(*arguments: str, status: int = 2, **environ: str) -> str:
    """What kept a command from being done."""
    done = pydag(*arguments, **environ)
    assert (done.returncode, done.stdout) == (status, "")
    return done.stderr


def main_task(lab: Lab, job: str = "") -> RemoteTask | None:
    name = f"@{submission_id(job or lab.prefix)[:12]}"
    found = [task for task in lab.client.tasks(tag=SCHEDULER_TAG) if task.form.name.endswith(name)]
    assert len(found) < 2
    return found[0] if found else None


def there(lab: Lab) -> RemoteTask:
    task = main_task(lab)
    assert task is not None
    return task


def kept(home: Path, lab: Lab) -> Path:
    return home / "schedules" / f"{submission_id(lab.prefix)}.json"


def put_out_of_reach(lab: Lab, home: Path) -> Any:
    """Make the submission one on a gocron that is not there, and give its document."""
    document = json.loads(kept(home, lab).read_text())
    document["environ"]["GOCRON_ADDRESS"] = "http://127.0.0.1:9"
    kept(home, lab).write_text(json.dumps(document))
    return document


def runs(lab: Lab) -> list[Any]:
    found: list[Any] = json.loads(pydag("log", lab.prefix, "-n", "100", "--json").stdout)["runs"]
    return found


def shown_soon(condition: Callable[[], bool]) -> None:
    """`until`, for what a command is asked: that takes longer than a request does."""
    assert holds_within(15.0, condition), "the history never showed it"


def shown(lab: Lab, **environ: str) -> Any:
    """What `status --json` says of the job's schedule."""
    jobs = json.loads(pydag("status", "--json", **environ).stdout)["jobs"]
    (job,) = [job for job in jobs if job["name"] == lab.prefix]
    return job["schedule"]


def scheduled_row(lab: Lab) -> str:
    lines = pydag("status").stdout.splitlines()
    (row,) = [line for line in lines[lines.index("Scheduled") :] if f" {lab.prefix}" in line]
    return row


# Submitting.


def test_a_job_is_put_on_gocrons_clock_as_a_main_task_on_the_node(server: Lab, own_home: Path) -> None:
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
    assert server.prefix in form.name
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
    before = server.client.tasks()
    write(server)
    first, *times = submit(server, "--dry-run", cron="@daily")
    assert first.startswith("0 0 0 * * * ")
    assert first.endswith(f" on node {node(server)}")
    assert len(times) == 3
    assert server.client.tasks() == before
    assert not own_home.exists()
    submit(server, cron="@hourly")
    before = server.client.tasks()
    text = kept(own_home, server).read_bytes()
    assert (
        f"would replace its entry: 0 0 * * * * {there(server).form.command} on node " in submit(server, "--dry-run")[1]
    )
    assert (server.client.tasks(), kept(own_home, server).read_bytes()) == (before, text)


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
        (["--cron=@reboot", "--node-id=1"], 2, "a start of the machine has no time"),
        (["--cron=@daily", "--node-id=1", "--name=None"], 6, "'flow.py' has no job named 'None'"),
    ],
)
def test_what_gocron_could_not_start_is_refused_and_changes_nothing(
    arguments: list[str], status: int, message: str, server: Lab, own_home: Path
) -> None:
    before = server.client.tasks()
    write(server)
    assert message in refused("submit", "flow.py", "--on=gocron", *arguments, status=status)
    assert server.client.tasks() == before
    assert not own_home.exists()


def test_a_node_is_for_gocrons_clock_alone(own_home: Path) -> None:
    flow("with Job('J'):\n    Task('t', 'true')\n")
    message = refused("submit", "flow.py", "--cron=@daily", "--node-id=2")
    assert "--node-id 2 is for gocron's scheduler: add --on gocron, or leave it out" in message
    assert not own_home.exists()


def test_without_a_gocron_there_is_no_such_clock(own_home: Path) -> None:
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
def test_a_hostile_name_does_no_harm_on_gocrons_clock(name: str, server: Lab) -> None:
    own = f"{server.prefix}{name}"
    flow(f"with Job({own!r}, engine='local'):\n    Task('t', 'true')\n")
    submit(server, cron="* * * * * *")
    task = main_task(server, own)
    assert task is not None
    assert task.form.name.startswith(server.prefix)
    shown_soon(
        lambda: any(run["state"] == "success" for run in json.loads(pydag("log", "--json", "--", own).stdout)["runs"])
    )
    assert pydag("unschedule", "--", own).returncode == 0
    assert main_task(server, own) is None
    assert not Path("evil").exists()


# Being started.


@pytest.mark.parametrize("engine", ["local", "gocron"])
def test_gocron_starts_a_job_and_its_runs_have_their_fire_times(server: Lab, engine: str) -> None:
    write(server, "echo for $PYDAG_SCHEDULED_FOR", engine=engine)
    submit(server, cron="*/2 * * * * *")
    shown_soon(lambda: [run["state"] for run in runs(server)].count("success") > 1)
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
    shown_soon(lambda: [run["state"] for run in runs(server)] == ["success"])
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
    shown_soon(lambda: [run["state"] for run in runs(server)] == ["success"] * 3)
    times = [datetime.fromisoformat(run["scheduled_for"]) + timedelta(hours=15) for run in runs(server)]
    assert [time.year for time in times] == [year, year - 1, year - 2]


def test_a_submission_of_before_gocrons_clock_is_the_crontabs(own_home: Path) -> None:
    own_home.joinpath("schedules").mkdir(parents=True)
    file = own_home / "schedules" / "0123456789abcdef.json"
    document = {"format": 1, "job": "J", "file": "f", "directory": "/", "cron": "@daily", "zone": None, "catch_up": 0}
    file.write_text(json.dumps({**document, "submitted": "2026-01-01T00:00:00+00:00", "environ": {}}))
    assert Submissions(own_home).load("0123456789abcdef").node is None


def test_a_start_while_the_last_one_goes_on_is_in_the_history_with_its_cause(server: Lab, directory: Path) -> None:
    write(server, f"until [ -e {directory}/gate ]; do sleep 0.02; done")
    submit(server, cron="* * * * * *")
    try:
        shown_soon(lambda: any("the last run still goes on" in run["detail"] for run in runs(server)))
        assert pydag("unschedule", server.prefix).returncode == 0
    finally:
        directory.joinpath("gate").touch()
    shown_soon(lambda: "running" not in {run["state"] for run in runs(server)})
    assert {run["state"] for run in runs(server)} == {"success", "cancelled"}


def test_a_start_whose_file_is_gone_is_in_the_history_with_its_cause(server: Lab) -> None:
    write(server)
    submit(server, cron="* * * * * *")
    Path("flow.py").unlink()
    shown_soon(lambda: any("there is no file" in run["detail"] for run in runs(server)))
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


def looked_at_by_several(lab: Lab) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert {done.returncode for done in pool.map(lambda _: pydag("status"), range(4))} == {0}


def submitted_anew(lab: Lab) -> None:
    submit(lab, cron="@yearly")


@pytest.mark.parametrize(
    ("damage", "cause", "first"),
    [
        (damaged_by_node, "the node could not be reached", looked_at_by_several),
        (damaged_by_interpreter, "/gone/python: No such file", submitted_anew),
    ],
)
def test_what_gocron_could_not_start_is_taken_into_the_history_once(
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
    first(server)
    found = runs(server)
    assert len(found) == failed()
    assert runs(server) == found
    assert {(run["state"], run["engine"], cause in run["detail"]) for run in found} == {("failed", "gocron", True)}
    assert len({run["scheduled_for"] for run in found}) == len(found)
    for run in found:
        tried, due = (datetime.fromisoformat(run[key]) for key in ("started", "scheduled_for"))
        assert timedelta() <= tried - due <= timedelta(seconds=1)
    for command in (["status"], ["log", server.prefix]):
        assert "never started: gocron could not start it on " in pydag(*command).stdout


# Showing and taking off.


def test_status_and_list_say_which_clock_a_job_is_on(server: Lab) -> None:
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


def test_a_gocron_on_whose_clock_nothing_is_is_not_asked(
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
    message = f"deleted {server.prefix} and its history, and took it off gocron's scheduler\n"
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


def test_a_backfill_runs_the_fire_times_of_gocrons_clock(server: Lab) -> None:
    write(server, "echo $PYDAG_SCHEDULED_FOR")
    submit(server, cron="0 30 */12 * * *")
    done = pydag("backfill", server.prefix, "--from=2025-06-01", "--to=2025-06-01")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[11:19] for line in done.stdout.splitlines()[:2]] == ["00:30:00", "12:30:00"]
    assert {run["state"] for run in runs(server)} == {"success"}
