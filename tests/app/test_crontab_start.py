"""Jobs on the real crontab: started as cron starts them, also when that fails or comes late."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pydag.schedule.submission import Submissions, submission_id
from tests.support.commands import PYDAG, gate, pydag, simple, started
from tests.support.crontab_jobs import TWO, fire, kept, runs, submitted
from tests.support.waiting import eventually

pytestmark = [pytest.mark.cron, pytest.mark.usefixtures("own_crontab")]


def test_a_run_has_the_directory_the_environment_and_the_fire_time_of_its_submission(directory: Path) -> None:
    file = simple("pwd; echo $TOKEN; echo $PYDAG_TASK_TIMEOUT; echo $PYDAG_SCHEDULED_FOR", run="")
    submitted("--env=TOKEN", file=file, cron="0 0 1 1 *", TOKEN="s3cret", PYDAG_TASK_TIMEOUT="50")
    done = fire()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (run,) = runs()
    (attempt,) = json.loads(pydag("log", "TestJob", "--task_name=t0", "--json").stdout)["attempts"]
    cwd, token, timeout, fire_time = attempt["output"].splitlines()
    assert (cwd, token, timeout) == (str(directory), "s3cret", "50")
    assert datetime.fromisoformat(fire_time) == datetime.fromisoformat(run["scheduled_for"])
    assert (datetime.fromisoformat(fire_time).month, datetime.fromisoformat(fire_time).day) == (1, 1)


LOAD = """\
from pydag import Job, Task, param
day = param("DAY", default="scheduled", type="date")
city = param("CITY", default="Berlin")
with Job("TestJob"):
    Task("t0", "echo $DAY $CITY")
"""


def test_a_run_has_the_values_of_its_submission_and_the_scheduled_day(directory: Path) -> None:
    directory.joinpath("flow.py").write_text(LOAD)
    submitted("CITY=Paris", cron="0 0 1 1 *")
    assert fire().returncode == 0
    (run,) = runs()
    day = f"{datetime.now().year}-01-01"
    assert run["params"] == {"DAY": day, "CITY": "Paris"}
    (attempt,) = json.loads(pydag("log", "TestJob", "--task-name=t0", "--json").stdout)["attempts"]
    assert attempt["output"] == f"{day} Paris\n"


def test_a_value_that_has_become_wrong_is_a_run_that_never_started(directory: Path) -> None:
    directory.joinpath("flow.py").write_text(LOAD)
    submitted("CITY=Paris", cron="0 0 1 1 *")
    directory.joinpath("flow.py").write_text(LOAD.replace('"Berlin")', '"Rome", choices=["Rome"])'))
    done = fire()
    assert (done.returncode, done.stdout) == (2, "")
    (run,) = runs()
    assert (run["state"], run["detail"]) == ("failed", "CITY='Paris' is not one of 'Rome': choose one of them")


@pytest.mark.parametrize("mode", ["job.run('submit')", "job.run('execute')", ""])
def test_a_job_runs_when_its_time_comes_whatever_mode_its_file_says(mode: str) -> None:
    simple("echo ran", run=f"print('noise')\n{mode}\nprint('after')")
    pydag("submit", "flow.py", "--cron=0 0 1 1 *")
    done = fire()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [run["state"] for run in runs()] == ["success"]


def test_a_second_start_for_one_fire_time_does_nothing() -> None:
    simple("true", run="")
    submitted(cron="0 0 1 1 *")
    assert [fire().returncode, fire().returncode] == [0, 0]
    assert len(runs()) == 1


def test_a_run_that_fails_is_in_the_history_and_not_in_crons_mail() -> None:
    simple("echo broken; exit 3", run="")
    submitted(cron="0 0 1 1 *")
    done = fire()
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert [(run["state"], run["detail"]) for run in runs()] == [("failed", "")]


BREAKS = [
    (lambda work: work.joinpath("flow.py").unlink(), "there is no file '{work}/flow.py'"),
    (lambda work: work.joinpath("flow.py").write_text("oops"), "line 1, at `oops`: NameError"),
    (
        lambda work: work.joinpath("flow.py").write_text(TWO.join(["from pydag import *\n", ""])),
        "no job named 'TestJob'",
    ),
    (lambda work: work.joinpath("flow.py").write_text("import sys; sys.exit(3)"), "ended itself while it was imported"),
    (lambda work: work.rename(work.with_name("moved")), "the working directory {work} cannot be used"),
    (lambda work: next(work.parent.glob("home/schedules/*.json")).unlink(), "what was submitted is gone"),
    (
        lambda work: next(work.parent.glob("home/schedules/*.json")).write_text("{"),
        "cannot be read: submit the job again",
    ),
    (
        lambda work: next(work.parent.glob("home/schedules/*.json")).write_text('{"format": 99}'),
        "is of another version: use the pydag that wrote it",
    ),
]


@pytest.mark.parametrize(("damage", "cause"), BREAKS, ids=[cause[:30] for _, cause in BREAKS])
def test_a_run_that_cannot_start_is_in_the_history_with_its_cause(damage: Any, cause: str, directory: Path) -> None:
    simple("true", run="")
    submitted(cron="0 0 1 1 *")
    damage(directory)
    done = fire()
    assert (done.returncode > 0, done.stdout, done.stderr) == (True, "", "")
    os.chdir(directory.parent)
    (run,) = runs()
    assert run["state"] == "failed"
    assert cause.format(work=directory) in run["detail"]
    assert {(task["state"], task["reason"]) for task in run["tasks"]} == {("cancelled", "not started")}
    for command in (["status"], ["log", "TestJob"], ["log", "TestJob", "--style=tree"], ["log", "TestJob", "-f"]):
        assert f"never started: {run['detail']}" in pydag(*command).stdout


def test_a_machine_without_bash_shows_as_a_run_that_never_started(directory: Path) -> None:
    simple("true", run="")
    submitted(cron="0 0 1 1 *")
    file = next(directory.parent.glob("home/schedules/*.json"))
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "environ": {"PATH": str(directory)}}))
    assert fire().returncode == 5
    assert "bash" in runs()[0]["detail"]


def test_a_run_that_is_due_while_the_last_one_goes_on_is_shown_as_cancelled(directory: Path) -> None:
    simple(gate(), run="")
    submitted(cron="* * * * *")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("gate.open").exists)
        assert fire().returncode == 7
        directory.joinpath("gate").touch()
        assert process.wait(60) == 0
    late, by_hand = runs()
    assert (late["state"], by_hand["state"]) == ("cancelled", "success")
    assert late["detail"] == f"the last run still goes on (run {by_hand['id']})"
    assert fire().returncode == 0
    assert runs()[0]["state"] == "success"


def test_a_run_that_cannot_start_is_recorded_in_a_history_that_was_emptied(own_home: Path) -> None:
    simple("true", run="")
    submitted(cron="0 0 1 1 *")
    Path("flow.py").unlink()
    for file in own_home.glob("history.sqlite*"):
        file.unlink()
    assert (fire().returncode, fire().stderr) == (2, "")
    assert "never started: there is no file" in pydag("log", "TestJob").stdout
    assert "never started: there is no file" in pydag("log", "TestJob", "--style=tree").stdout
    assert pydag("list", "--job-name=TestJob").returncode == 0


def test_a_start_of_what_nobody_submitted_is_an_error_for_crons_mail(own_home: Path) -> None:
    done = pydag("_scheduled", "0123456789abcdef")
    assert (done.returncode, done.stdout) == (6, "")
    assert "0123456789abcdef: what was submitted is gone" in done.stderr
    assert own_home.joinpath("schedules", "0123456789abcdef.errors").read_text() in done.stderr


def test_a_start_does_not_overtake_the_one_before(own_home: Path) -> None:
    simple("true", run="")
    submitted(cron="0 0 1 1 *")
    with Submissions(own_home).start_lock(submission_id("TestJob")) as alone:
        assert alone
        assert fire().returncode == 7
    assert [(run["state"], run["detail"]) for run in runs()] == [("cancelled", "the last run still goes on")]
    assert fire().returncode == 0
    assert [run["state"] for run in runs()] == ["success", "cancelled"]


def test_a_job_that_is_deleted_while_it_runs_does_not_come_back_as_one_that_never_started(own_home: Path) -> None:
    simple(f"{sys.executable} -m pydag delete TestJob --force", run="")
    submitted(cron="0 0 1 1 *")
    done = fire()
    assert done.returncode == 6
    assert "not in the history: its run had begun" in done.stderr
    assert pydag("list").stdout == ""


def test_what_the_history_does_not_take_goes_to_crons_mail_and_beside_the_submission(own_home: Path) -> None:
    simple("true", run="")
    submitted(cron="0 0 1 1 *")
    own_home.joinpath("history.sqlite").write_text("no database " * 1000)
    done = fire()
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("pydag: 2")
    assert str(own_home / "history.sqlite") in done.stderr
    assert kept(own_home).with_suffix(".errors").read_text() == done.stderr.removeprefix("pydag: ")


def missed_since(home: Path, submitted: str, catch_up: int) -> None:
    """Move the submission into the past."""
    document = json.loads(kept(home).read_text())
    kept(home).write_text(json.dumps({**document, "submitted": submitted, "catch_up": catch_up}))


def dates(found: list[Any]) -> list[str]:
    return [run["scheduled_for"][:10] for run in found]


def test_a_start_first_makes_up_for_the_newest_fire_times_that_were_missed(own_home: Path) -> None:
    simple("echo $PYDAG_SCHEDULED_FOR", run="")
    submitted("--catch-up=2", cron="0 0 1 1 *")
    year = datetime.now(UTC).year
    missed_since(own_home, f"{year - 9}-06-01T00:00:00+00:00", 2)
    assert fire().returncode == 0
    assert [each[:4] for each in reversed(dates(runs()))] == [str(year - 2), str(year - 1), str(year)]
    assert [run["state"] for run in runs()] == ["success"] * 3


def test_nothing_before_the_submission_or_before_the_last_run_is_made_up_for(own_home: Path) -> None:
    simple("true", run="")
    submitted("--catch-up=9", cron="0 0 1 1 *")
    year = datetime.now(UTC).year
    missed_since(own_home, f"{year - 2}-06-01T00:00:00+00:00", 9)
    assert fire().returncode == 0
    assert [each[:4] for each in reversed(dates(runs()))] == [str(year - 1), str(year)]
    missed_since(own_home, f"{year - 5}-06-01T00:00:00+00:00", 9)
    assert fire().returncode == 0
    assert len(runs()) == 2


def test_a_fire_time_whose_run_never_started_is_made_up_for(own_home: Path, directory: Path) -> None:
    simple("true", run="")
    submitted(cron="* * * * *")
    missed_since(own_home, "2020-01-01T00:00:00+00:00", 1)
    text = directory.joinpath("flow.py").read_text()
    directory.joinpath("flow.py").unlink()
    fire()
    never = runs()
    assert {run["state"] for run in never} == {"failed"}
    directory.joinpath("flow.py").write_text(text)
    fire()
    assert {run["scheduled_for"] for run in runs() if run["state"] == "success"} >= {
        never[0]["scheduled_for"],
    }
