"""The command that deletes a job."""

from __future__ import annotations

import click

from pydag.app import schedule
from pydag.app.jobs import Deleted
from pydag.cli.help import Command
from pydag.cli.names import JobName
from pydag.view.text import sanitized


@click.command(cls=Command, examples=(("pydag delete Report", "with its history"),), statuses=(0, 2, 4, 5, 6, 7))
@click.argument("job", type=JobName())
@click.option("--force", is_flag=True, help="Delete it even while it runs: that run breaks off.")
def delete(job: str, force: bool) -> None:
    """Delete JOB, its history and its schedule."""
    click.echo(_said(job, schedule.delete(job, force=force)))


def _said(job: str, done: Deleted) -> str:
    what = [sanitized(job)] + ["its history"] * done.history
    tasks = "task" if done.on_gocron == 1 else f"{done.on_gocron} tasks"
    what += [f"its {tasks} on gocron"] * bool(done.on_gocron)
    off = f", and took it off {done.scheduler}" if done.scheduler else ""
    nothing = "" if done.history else "; it was not in this history"
    return "deleted " + ", ".join([*what[:-2], " and ".join(what[-2:])]) + off + nothing
