"""Backfills: each fire time runs once, also when the clocks change; a stopped backfill can be continued."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pydag.app import jobs as jobs_app
from pydag.app import run as run_app
from pydag.schedule.expression import CronExpression
from pydag.schedule.submission import Submission, Submissions
from pydag.workflow.loader import load_job
from tests.support.commands import PYDAG, flow, gate, pydag, run, simple, started
from tests.support.waiting import eventually

BERLIN = "Europe/Berlin"
YEAR = ["--from=2025-06-01", "--to=2025-06-04"]


@pytest.fixture(autouse=True)
def open_gates(directory: Path) -> Iterator[None]:
    """Whatever a test leaves running behind a gate ends with the test."""
    yield
    directory.joinpath("gate").touch()


def kept(home: Path, cron: str, *, zone: str = BERLIN, file: str = "flow.py", **params: str) -> None:
    """Submit the job of the file, as if the scheduler were in this zone."""
    job = load_job(file)
    run_app.submit_job(job)
    submission = Submission(
        job=job.name,
        file=str(Path(file).absolute()),
        directory=str(Path.cwd()),
        expression=CronExpression.parse(cron),
        zone_name=zone,
        catch_up=0,
        submitted=jobs_app.jobs()[0].saved,
        environ={"PATH": os.environ["PATH"]},
        params=params,
    )
    Submissions(home).save(submission)


def runs() -> list[Any]:
    found: list[Any] = json.loads(pydag("log", "TestJob", "-n", "100", "--json").stdout)["runs"]
    return found


def times(output: str) -> list[str]:
    """The clock times, each with its offset, of the lines that begin with one."""
    return [line[:25] for line in output.splitlines() if line.startswith("20")]


def refused(*arguments: str, status: int = 2) -> str:
    done = pydag("backfill", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    return done.stderr


@pytest.mark.parametrize(
    ("cron", "day", "expected"),
    [
        ("30 2 * * *", "2025-03-30", ["2025-03-30 03:00:00+02:00"]),
        ("*/30 2 * * *", "2025-03-30", []),
        (
            "0 1-4 * * *",
            "2025-03-30",
            ["2025-03-30 01:00:00+01:00", "2025-03-30 03:00:00+02:00", "2025-03-30 04:00:00+02:00"],
        ),
        ("30 2 * * *", "2025-10-26", ["2025-10-26 02:30:00+02:00"]),
        ("30 */2 * * *", "2025-10-26", None),
        (
            "*/30 2 * * *",
            "2025-10-26",
            [f"2025-10-26 02:{minute}:00+0{offset}:00" for offset in (2, 1) for minute in ("00", "30")],
        ),
    ],
)
def test_over_both_shifts_each_fire_time_is_run_once(
    cron: str, day: str, expected: list[str] | None, own_home: Path
) -> None:
    simple("echo $PYDAG_SCHEDULED_FOR", run="")
    kept(own_home, cron)
    shown = pydag("backfill", "TestJob", f"--from={day}", f"--to={day}", "--dry-run")
    assert shown.returncode == 0
    assert expected is None or times(shown.stdout) == expected
    assert runs() == []
    done = pydag("backfill", "TestJob", f"--from={day}", f"--to={day}")
    assert (done.returncode, times(done.stdout)) == (0, times(shown.stdout))
    told = json.loads(pydag("log", "TestJob", "--task_name=t0", "-n=99", "--json").stdout)["attempts"]
    assert [each["output"].strip().replace("T", " ") for each in reversed(told)] == times(shown.stdout)
    again = pydag("backfill", "TestJob", f"--from={day}", f"--to={day}")
    assert (again.returncode, times(again.stdout)) == (0, [])
    assert len(runs()) == len(times(shown.stdout))


def test_both_days_are_in_the_range_and_each_run_has_its_logical_date(own_home: Path) -> None:
    simple("true", run="")
    kept(own_home, "0 12 * * *")
    done = pydag("backfill", "TestJob", *YEAR)
    assert done.stdout.splitlines() == [
        *(f"2025-06-0{day} 12:00:00+02:00 Europe/Berlin  success" for day in (1, 2, 3, 4)),
        "TestJob: 4 of 4 success, 0 before; `pydag log` shows each",
    ]
    assert [run["scheduled_for"] for run in reversed(runs())] == [
        f"2025-06-0{day}T10:00:00.000000+00:00" for day in (1, 2, 3, 4)
    ]


def test_each_run_has_the_day_of_its_fire_time_and_the_values_of_the_submission(own_home: Path) -> None:
    flow(
        "from pydag import param\nday = param('DAY', default='scheduled', type='date')\nparam('CITY', default='')\n"
        "with Job('TestJob'):\n    Task('t0', f'touch {day}-$DAY-$CITY')\n"
    )
    kept(own_home, "0 0 * * *", CITY="Paris")
    assert pydag("backfill", "TestJob", "--from=2025-06-01", "--to=2025-06-02").returncode == 0
    assert {path.name for path in Path().glob("2025*")} == {
        "2025-06-01-2025-06-01-Paris",
        "2025-06-02-2025-06-02-Paris",
    }
    assert [run["params"]["DAY"] for run in runs()] == ["2025-06-02", "2025-06-01"]


def test_only_what_has_no_successful_run_is_run_again(own_home: Path, directory: Path) -> None:
    simple("case $PYDAG_SCHEDULED_FOR in 2025-06-02*) [ -e well ] || exit 3;; esac", run="")
    kept(own_home, "0 12 * * *")
    done = pydag("backfill", "TestJob", *YEAR)
    assert done.returncode == 1
    assert "2025-06-02 12:00:00+02:00 Europe/Berlin  failed" in done.stdout
    directory.joinpath("well").touch()
    done = pydag("backfill", "TestJob", *YEAR)
    assert (done.returncode, times(done.stdout)) == (0, ["2025-06-02 12:00:00+02:00"])
    assert done.stdout.endswith("TestJob: 1 of 1 success, 3 before; `pydag log` shows each\n")


def test_the_future_is_not_run(own_home: Path) -> None:
    simple("true", run="")
    kept(own_home, "0 0 * * *", zone="UTC")
    today = jobs_app.jobs()[0].saved.date()
    shown = pydag("backfill", "TestJob", f"--from={today}", f"--to={today + timedelta(days=9)}", "--dry-run")
    assert all(date.fromisoformat(time[:10]) <= today + timedelta(days=1) for time in times(shown.stdout))
    assert len(times(shown.stdout)) in (1, 2)  # midnight may pass meanwhile


def test_as_many_runs_as_asked_for_go_at_once(own_home: Path, directory: Path) -> None:
    simple("touch up.$PYDAG_RUN_ID; until [ -e gate ]; do sleep 0.02; done", run="")
    kept(own_home, "0 12 * * *")
    with started(*PYDAG, "backfill", "TestJob", *YEAR, "--parallel=3") as process:
        eventually(lambda: len(list(directory.glob("up.*"))) == 3)
        assert len(json.loads(pydag("status", "--json").stdout)["running"]) == 3
        directory.joinpath("gate").touch()
        assert process.wait(60) == 0
    assert len(list(directory.glob("up.*"))) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_stops_what_runs_and_the_rest_can_be_continued(
    number: signal.Signals, own_home: Path, directory: Path
) -> None:
    simple(f"[[ $PYDAG_SCHEDULED_FOR < 2025-06-02 ]] && exit; {gate()}", run="")
    kept(own_home, "0 12 * * *")
    with started(*PYDAG, "backfill", "TestJob", *YEAR) as process:
        eventually(Path("gate.open").exists)
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert [run["state"] for run in runs()] == ["cancelled", "success"]
    assert "2025-06-02 12:00:00+02:00 Europe/Berlin  stopped" in Path("output").read_text()
    directory.joinpath("gate").touch()
    done = pydag("backfill", "TestJob", *YEAR, "--parallel=2")
    assert (done.returncode, len(times(done.stdout))) == (0, 3)
    assert {run["scheduled_for"][:10] for run in runs() if run["state"] == "success"} == {
        f"2025-06-0{day}" for day in (1, 2, 3, 4)
    }


def test_a_run_that_cannot_start_is_shown_and_recorded(own_home: Path, directory: Path) -> None:
    simple("true", run="")
    kept(own_home, "0 12 1 * *")
    directory.joinpath("flow.py").unlink()
    done = pydag("backfill", "TestJob", *YEAR)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[0] == "2025-06-01 12:00:00+02:00 Europe/Berlin  did not start"
    (run,) = runs()
    assert (run["state"], run["scheduled_for"]) == ("failed", "2025-06-01T10:00:00.000000+00:00")


def test_a_wrong_request_is_refused_with_the_reason() -> None:
    flow("with Job('TestJob') as job:\n    Task('a', 'true')\njob.run('submit')\n")
    assert "there is no job 'TestJob' in the history" in refused("TestJob", *YEAR, status=6)
    pydag("run", "flow.py")
    assert "was never submitted, so it has no fire times: use `pydag submit FILE --cron`" in refused(
        "TestJob", *YEAR, status=6
    )
    assert "'tomorrow' is not a date such as 2025-10-26" in refused("TestJob", "--from=tomorrow", "--to=2025-01-01")
    assert "--to 2025-01-01 lies before --from 2025-01-02" in refused("TestJob", "--from=2025-01-02", "--to=2025-01-01")
    assert "Missing option '--to'" in refused("TestJob", "--from=2025-01-01")


def test_a_full_disk_under_the_output_stops_nothing(own_home: Path) -> None:
    simple("true", run="")
    kept(own_home, "0 0 * * *")
    done = run("bash", "-c", f"{' '.join(PYDAG)} backfill TestJob {' '.join(YEAR)} > /dev/full")
    assert done.returncode == 0
    assert done.stderr == "pydag: the output cannot be written: No space left on device; running tasks continue\n"
    assert len(runs()) == 4
