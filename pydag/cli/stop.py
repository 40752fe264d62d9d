"""The command that stops what runs."""

from __future__ import annotations

import click

from pydag.app import stop as stop_app
from pydag.cli.help import Command
from pydag.cli.names import JobName


@click.command(
    cls=Command,
    examples=(
        ("pydag stop Report", "every run of it that goes on"),
        ("pydag stop 20261126T0512", "one run, by the beginning of its id"),
    ),
    statuses=(0, 4, 5, 6),
)
@click.argument("job", type=JobName())
@click.argument("run", required=False)
@click.option("--force", is_flag=True, help="Kill, without the seconds that tasks have to end in order.")
@click.option("--kill-orphans", is_flag=True, help="Also end processes that left the session of their task.")
def stop(job: str, run: str | None, force: bool, kill_orphans: bool) -> None:
    """Stop what runs of JOB, or its run RUN, and wait for the end.

    The children of its tasks are stopped too; what they wrote so far is kept. A run's id, or its beginning, may stand
    in the place of JOB. A second `pydag stop` kills, as a second Ctrl-C does.
    """
    stop_app.stop(job, run, stop_app.Order(force=force, kill_orphans=kill_orphans), click.echo)
