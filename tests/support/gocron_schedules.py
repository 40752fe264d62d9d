"""A job on gocron's scheduler: commands that submit it, and what gocron, the history and `status` say of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pydag.engines.gocron.names import SCHEDULER_TAG
from pydag.gocron.records import RemoteTask
from pydag.schedule.submission import submission_id
from tests.support.commands import flow, pydag
from tests.support.gocron_targets import Lab

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


def shown(lab: Lab, **environ: str) -> Any:
    """What `status --json` says of the job's schedule."""
    jobs = json.loads(pydag("status", "--json", **environ).stdout)["jobs"]
    (job,) = [job for job in jobs if job["name"] == lab.prefix]
    return job["schedule"]


def scheduled_row(lab: Lab) -> str:
    lines = pydag("status").stdout.splitlines()
    (row,) = [line for line in lines[lines.index("Scheduled") :] if f" {lab.prefix}" in line]
    return row
