"""Jobs on the real crontab: submitted, shown, started as cron starts them, taken off again."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pydag.schedule.schedulers.crontab_text import blocks
from pydag.schedule.submission import Submissions, submission_id
from tests.support.commands import PYDAG, flow, gate, pydag, simple, started
from tests.support.user_crontab import install
from tests.support.waiting import eventually

pytestmark = [pytest.mark.cron, pytest.mark.usefixtures("own_crontab")]

TWO = "with Job('A'):\n    Task('a', 'true')\nwith Job('B'):\n    Task('b', 'true')\n"


def submitted(*arguments: str, file: str = "flow.py", cron: str = "0 0 * * *", **environ: str) -> str:
    """Submit a job; what the command said."""
    done = pydag("submit", file, f"--cron={cron}", *arguments, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refused(*arguments: str, status: int = 2, **environ: str) -> str:
    """The one line that says why a command was not done."""
    done = pydag(*arguments, **environ)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("pydag: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("pydag: ").rstrip("\n")


def crontab() -> bytes:
    return subprocess.run(["crontab", "-l"], capture_output=True).stdout


def kept(home: Path, job: str = "TestJob") -> Path:
    return home / "schedules" / f"{submission_id(job)}.json"


def fire(job: str = "TestJob") -> subprocess.CompletedProcess[str]:
    """Start the job's entry as cron does: from the home directory, with next to no environment."""
    (block,) = [block for block in blocks(crontab()) if block.name == job]
    environ = {"HOME": str(Path.home()), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "me"}
    return subprocess.run(
        ["/bin/sh", "-c", block.command], cwd="/", env=environ, capture_output=True, text=True, timeout=60
    )


def runs(job: str = "TestJob") -> list[Any]:
    found: list[Any] = json.loads(pydag("log", job, "-n", "100", "--json").stdout)["runs"]
    return found


# Submitting.


def test_a_job_is_put_on_the_crontab_and_every_other_byte_stays(own_home: Path) -> None:
    install(b"# mine\n5 4 * * * true\n")
    simple("true", run="")
    assert submitted(cron="@daily").splitlines()[0] == "submitted TestJob"
    block_id = submission_id("TestJob")
    command = shlex.join([sys.executable, "-P", "-m", "pydag", "_scheduled", block_id, "--home", str(own_home)])
    assert crontab().decode() == (
        f'# mine\n5 4 * * * true\n# pydag begin {block_id} "TestJob"\n@daily {command}\n# pydag end {block_id}\n'
    )
    assert pydag("list").stdout == "TestJob\n"
    (backup,) = own_home.glob("crontab.*.bak")
    assert backup.read_bytes() == b"# mine\n5 4 * * * true\n"


def test_the_next_three_fire_times_are_shown_with_their_zone() -> None:
    simple("true", run="")
    lines = submitted("--dry-run", cron="0 12 1 1 *").splitlines()[1:]
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("next: 2")
        time, zone = line.removeprefix("next: ").rsplit(" ", 1)
        assert datetime.fromisoformat(time).tzinfo is not None
        assert zone


def test_a_dry_run_shows_the_line_and_changes_nothing(own_home: Path) -> None:
    simple("true", run="")
    shown = submitted("--dry-run", cron="5 4 * * mon").splitlines()[0]
    assert shown.startswith("5 4 * * mon ")
    assert not own_home.exists()
    assert crontab() == b""
    submitted(cron="5 4 * * mon")
    assert crontab().decode().splitlines()[1] == shown


def test_submitting_again_replaces_the_entry_and_says_so(own_home: Path) -> None:
    simple("true", run="")
    submitted(cron="0 1 * * *")
    assert "would replace its entry: 0 1 * * * " in submitted("--dry-run", cron="0 2 * * *")
    assert "\nreplaced its entry: 0 1 * * * " in submitted(cron="0 2 * * *")
    assert [block.expression for block in blocks(crontab())] == ["0 2 * * *"]
    assert json.loads(kept(own_home).read_text())["cron"] == "0 2 * * *"


def test_a_file_with_several_jobs_needs_a_name() -> None:
    flow(TWO)
    assert refused("submit", "flow.py", "--cron=@daily") == "'flow.py' has 2 jobs: choose one with --job, of 'A', 'B'"
    done = refused("submit", "flow.py", "--cron=@daily", "--name=C", status=6)
    assert done == "'flow.py' has no job named 'C', only 'A', 'B'"
    submitted("--name=B")
    assert [block.name for block in blocks(crontab())] == ["B"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["flow.py", "--cron=0 0 31 2 *"], "'0 0 31 2 *' never fires: none of its months has one of its days"),
        (["flow.py", "--cron=0 0 * *"], "five fields are asked for, not 4"),
        (["flow.py", "--cron=@reboot"], "a start of the machine has no time"),
        (["gone.py", "--cron=@daily"], "there is no file 'gone.py'"),
        (["flow.py", "--cron=@daily", "--env=NOT_SET"], "--env 'NOT_SET': there is no such variable now: set it"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_and_changes_nothing(
    arguments: list[str], message: str, own_home: Path
) -> None:
    simple("true", run="")
    assert message in refused("submit", *arguments)
    assert not own_home.exists()
    assert crontab() == b""


def test_a_job_that_cannot_be_right_is_refused() -> None:
    flow("with Job('J'):\n    a, b = Task('a', 'true'), Task('b', 'true')\n    a >> b >> a\n")
    assert "the tasks wait for each other" in refused("submit", "flow.py", "--cron=@daily")
    assert crontab() == b""


def test_a_cron_tz_that_this_cron_ignores_is_refused() -> None:
    simple("true", run="")
    install(b"CRON_TZ=Asia/Tokyo\n")
    assert "CRON_TZ=Asia/Tokyo stands in the crontab, and this machine's cron ignores it" in refused(
        "submit", "flow.py", "--cron=@daily"
    )
    assert crontab() == b"CRON_TZ=Asia/Tokyo\n"


def test_a_crontab_that_cannot_be_written_leaves_nothing_scheduled(own_home: Path, directory: Path) -> None:
    simple("true", run="")
    program = directory / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n[ $1 = -l ] && echo '# foreign' && exit; exit 7\n")
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    assert "`crontab -` failed with status 7" in refused("submit", "flow.py", "--cron=@daily", status=5, PATH=path)
    assert not kept(own_home).exists()


def test_what_is_kept_is_private_and_the_crontab_holds_no_secret(own_home: Path) -> None:
    simple("true", run="")
    submitted("--env", "TOKEN", TOKEN="s3cret", GOCRON_PASSWORD="pa55", OTHER="0ther", PYDAG_TASK="left")
    file = kept(own_home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    document = json.loads(file.read_text())
    assert document["format"] == 1
    assert document["environ"] == {"PATH": os.environ["PATH"], "TOKEN": "s3cret", "GOCRON_PASSWORD": "pa55"}
    shown = crontab() + (pydag("status").stdout + pydag("list", "--json").stdout).encode()
    assert not any(secret in shown for secret in (b"s3cret", b"pa55", b"TOKEN"))


# Being started.


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
    (lambda work: work.joinpath("flow.py").write_text("oops"), "cannot be imported (line 1): NameError"),
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
        assert fire().returncode == 2
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


def test_a_start_of_what_nobody_submitted_is_told_to_cron(own_home: Path) -> None:
    done = pydag("_scheduled", "0123456789abcdef")
    assert (done.returncode, done.stdout) == (6, "")
    assert "0123456789abcdef: what was submitted is gone" in done.stderr
    assert own_home.joinpath("schedules", "0123456789abcdef.errors").read_text() in done.stderr


def test_a_start_does_not_overtake_the_one_before(own_home: Path) -> None:
    simple("true", run="")
    submitted(cron="0 0 1 1 *")
    with Submissions(own_home).start_lock(submission_id("TestJob")) as alone:
        assert alone
        assert fire().returncode == 2
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


def test_what_the_history_does_not_take_is_told_to_cron_and_kept_beside_the_submission(own_home: Path) -> None:
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


# Showing and taking off.


def test_status_and_list_show_what_is_scheduled() -> None:
    simple("true", run="")
    submitted(cron="0 12 1 1 *")
    (shown,) = json.loads(pydag("status", "--json").stdout)["jobs"]
    assert shown["schedule"]["cron"] == "0 12 1 1 *"
    assert json.loads(pydag("list", "--json").stdout)["jobs"][0]["schedule"] == shown["schedule"]
    title, row = pydag("status").stdout.splitlines()[-2:]
    assert title == "Scheduled"
    assert row.startswith("○ TestJob  0 12 1 1 *  2")


def test_unschedule_takes_the_entry_alone(own_home: Path) -> None:
    simple("true", run="")
    submitted()
    assert pydag("unschedule", "TestJob").stdout == "TestJob is no longer on the crontab\n"
    assert crontab() == b""
    assert kept(own_home).exists()
    assert pydag("list").stdout == "TestJob\n"
    assert json.loads(pydag("list", "--json").stdout)["jobs"][0]["schedule"] is None
    assert "Scheduled" not in pydag("status").stdout
    assert (
        refused("unschedule", "TestJob", status=6)
        == "job 'TestJob' is not on the crontab: `pydag status` shows what is"
    )


def test_delete_takes_the_entry_the_submission_and_the_history(own_home: Path) -> None:
    install(b"# mine\n")
    simple("true", run="")
    submitted()
    fire()
    assert pydag("delete", "TestJob").stdout == "deleted TestJob and its history, and took it off the crontab\n"
    assert crontab() == b"# mine\n"
    assert list(own_home.joinpath("schedules").iterdir()) == []
    assert pydag("list").stdout == ""


def test_delete_takes_the_entry_of_a_job_whose_history_was_emptied(own_home: Path) -> None:
    simple("true", run="")
    submitted()
    for file in own_home.glob("history.sqlite*"):
        file.unlink()
    assert pydag("delete", "TestJob").returncode == 0
    assert crontab() == b""
    assert not kept(own_home).exists()


def test_a_job_that_runs_is_deleted_from_nowhere_without_force(own_home: Path, directory: Path) -> None:
    simple(gate(), run="")
    submitted()
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("gate.open").exists)
        assert "runs now" in refused("delete", "TestJob")
        assert kept(own_home).exists()
        assert [block.name for block in blocks(crontab())] == ["TestJob"]
        directory.joinpath("gate").touch()
        assert process.wait(60) == 0


@pytest.mark.parametrize("name", ["$(touch evil) %", "-n", "a\\n'b\"", "../../x", "工" * 100])
def test_a_hostile_name_does_no_harm_on_the_clock(name: str, own_home: Path) -> None:
    flow(f"with Job({name!r}):\n    Task('t', 'true')\n")
    submitted(cron="0 0 1 1 *")
    assert fire(name).returncode == 0
    assert json.loads(pydag("status", "--json").stdout)["jobs"][0]["schedule"] is not None
    assert pydag("unschedule", "--", name).returncode == 0
    assert crontab() == b""
    assert not Path("evil").exists()
    assert [path.parent.name for path in own_home.rglob("*.json")] == ["schedules"]


def test_a_history_leaves_the_entry_of_another_alone(directory: Path) -> None:
    simple("true", run="")
    submitted()
    other = {"PYDAG_HOME": str(directory.parent / "other")}
    assert f"--home {directory.parent / 'home'}\n" in submitted(**other)
    assert json.loads(pydag("list", "--json").stdout)["jobs"][0]["schedule"] is None
    assert json.loads(pydag("list", "--json", **other).stdout)["jobs"][0]["schedule"] is not None
    assert refused("unschedule", "TestJob", status=6).endswith(f"set PYDAG_HOME to {directory.parent / 'other'}")
    assert pydag("delete", "TestJob").stdout == "deleted TestJob and its history\n"
    assert [block.name for block in blocks(crontab())] == ["TestJob"]


def test_status_works_where_the_crontab_does_not(directory: Path) -> None:
    simple("true", run="")
    submitted()
    done = pydag("status", PATH=str(directory))
    assert done.returncode == 0
    assert "TestJob" in done.stdout
    assert done.stderr == "pydag: there is no `crontab` command on PATH: install cron (`apt-get install cron`)\n"


def test_fifty_processes_that_submit_and_delete_at_once_lose_nothing(own_home: Path) -> None:
    install(b"# mine\n")
    jobs = "".join(f"with Job('J{number}'):\n    Task('t', 'true')\n" for number in range(25))
    flow(jobs)

    def work(number: int) -> tuple[int, int]:
        name = f"J{number % 25}"
        first = pydag("submit", "flow.py", "--cron=@daily", f"--name={name}").returncode
        return first, pydag("delete", name).returncode if number % 2 == number // 25 else 0

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(work, range(50)))
    assert {first for first, _ in statuses} == {0}
    assert {second for _, second in statuses} <= {0, 6}  # its twin may have deleted it first
    text = crontab()
    assert text.startswith(b"# mine\n")
    on_crontab = [block.id for block in blocks(text)]
    assert len(on_crontab) == len(set(on_crontab))
    assert {path.stem for path in own_home.glob("schedules/*.json")} == set(on_crontab)
    shown = json.loads(pydag("list", "--json").stdout)["jobs"]
    assert {submission_id(job["name"]) for job in shown if job["schedule"]} == set(on_crontab)
