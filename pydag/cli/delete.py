"""The command that deletes a job."""

from __future__ import annotations

import click

from pydag.app import schedule
from pydag.cli.names import JobName


@click.command()
@click.argument("job", type=JobName())
@click.option("--force", is_flag=True, help="Delete it even while it runs: that run breaks off.")
def delete(job: str, force: bool) -> None:
    """Delete JOB, its history and its schedule."""
    place = schedule.delete(job, force=force)
    click.echo(f"deleted {job} and its history" + (f", and took it off {place}" if place else ""))
