"""Jobs on the real crontab: shown, removed, deleted; many at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pydag.schedule.schedulers.crontab_text import blocks
from pydag.schedule.submission import submission_id
from tests.support.commands import PYDAG, flow, gate, pydag, simple, started
from tests.support.crontab_jobs import crontab, fire, kept, refused, submitted
from tests.support.user_crontab import install
from tests.support.waiting import eventually

pytestmark = [pytest.mark.cron, pytest.mark.usefixtures("own_crontab")]


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
        assert "runs now" in refused("delete", "TestJob", status=7)
        assert kept(own_home).exists()
        assert [block.name for block in blocks(crontab())] == ["TestJob"]
        directory.joinpath("gate").touch()
        assert process.wait(60) == 0


@pytest.mark.parametrize("name", ["$(touch evil) %", "-n", "a\\n'b\"", "../../x", "工" * 100])
def test_a_hostile_name_does_no_harm_on_the_crontab(name: str, own_home: Path) -> None:
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
