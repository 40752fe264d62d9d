"""The commands of time: parse, call, print. What they do is in `pydag.app.schedule` and `pydag.app.start`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pydag.cli.names import JobName
from pydag.cli.options import job_option

if TYPE_CHECKING:
    from datetime import date, datetime


class Day(click.ParamType["date"]):
    """A date as 2025-10-26."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Refuse what is no date, naming it."""
        from datetime import date

        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2025-10-26", param, ctx)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--cron", required=True, metavar="EXPR", help="When: five fields, or @daily and friends; gocron takes six too."
)
@click.option("--on", type=click.Choice(["crontab", "gocron"]), default="crontab", show_default=True, help="The clock.")
@click.option("--node-id", "node", type=click.IntRange(1), metavar="N", help="With gocron: the node that starts it.")
@job_option
@click.option("--env", multiple=True, metavar="NAME", help="Keep this variable for the job too. Can be repeated.")
@click.option(
    "--catch-up", type=click.IntRange(1), default=None, metavar="N", help="Make up for at most N missed fire times."
)
@click.option("--dry-run", is_flag=True, help="Show the entry and the next fire times, and change nothing.")
def submit(file: Path, cron: str, on: str, node: int | None, dry_run: bool, **options: Any) -> None:
    """Put the job in FILE on your crontab, or on gocron's clock."""
    from pydag.app import schedule as schedule_app
    from pydag.view import terminal

    if on == "gocron" and node is None:
        raise click.UsageError("--on gocron needs --node-id N, the node that starts the job: `pydag nodes` lists them")
    if on == "crontab" and node is not None:
        raise click.UsageError(f"--node-id {node} is for gocron's clock: add --on gocron, or leave it out")
    options["catch_up"] = options["catch_up"] or 0
    done = schedule_app.submit(file, cron, node=node, dry_run=dry_run, **options)
    terminal.print_lines(_submitted(done, dry_run), sys.stdout)


def _submitted(done: Any, dry_run: bool) -> list[str]:
    from pydag.view.text import fire_time

    lines = [done.line] if dry_run else [f"submitted {done.job}"]
    if done.replaced:
        lines.append(f"{'would replace' if dry_run else 'replaced'} its entry: {done.replaced}")
    if done.moved:
        lines.append(f"{'would take' if dry_run else 'took'} it off {done.moved_from}: {done.moved}")
    return [*lines, *(f"next: {fire_time(time)}" for time in done.times)]


@click.command()
@click.argument("job", type=JobName())
def unschedule(job: str) -> None:
    """Take JOB off its clock; its history stays."""
    from pydag.app import schedule as schedule_app

    click.echo(f"{job} is no longer on {schedule_app.unschedule(job)}")


@click.command()
@click.argument("job", type=JobName())
@click.option("--from", "first", type=Day(), required=True, metavar="DATE", help="The first day.")
@click.option("--to", "last", type=Day(), required=True, metavar="DATE", help="The last day.")
@click.option("--parallel", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="So many at once.")
@click.option("--dry-run", is_flag=True, help="Show the fire times, and run nothing.")
def backfill(job: str, first: date, last: date, parallel: int, dry_run: bool) -> None:
    """Run JOB for each past fire time without a successful run."""
    from pydag.app import backfill as backfill_app
    from pydag.view.outlet import Outlet
    from pydag.view.terminal import print_stderr
    from pydag.view.text import fire_time

    if last < first:
        raise click.UsageError(f"--to {last} lies before --from {first}: give the earlier day first")
    plan = backfill_app.backfill(job, first, last)
    if dry_run or not plan.due:
        for time in plan.due:
            click.echo(fire_time(time))
        print_stderr(f"{job}: {len(plan.due)} to run, {plan.done} done before")
        return
    statuses: list[int] = []
    out = Outlet(sys.stdout)

    def told(time: datetime, status: int) -> None:
        statuses.append(status)
        out.finish(f"{fire_time(time)}  {_ENDS.get(status, 'did not start')}\n")

    stopped = backfill_app.make_up(plan.submission, plan.due, parallel=parallel, told=told)
    well = statuses.count(0)
    out.finish(f"{job}: {well} of {len(plan.due)} succeeded, {plan.done} done before; `pydag log` shows each\n")
    click.get_current_context().exit(130 if stopped else int(well < len(plan.due)))


_ENDS = {0: "success", 1: "failed", 3: "cancelled or timed out", 130: "stopped", -15: "stopped before it started"}
"""What the exit status of a run's process says."""


@click.command(name="_scheduled", hidden=True)
@click.argument("submission")
@click.option("--home", metavar="DIR")
@click.option("--for", "at", metavar="TIME")
def scheduled(submission: str, home: str | None, at: str | None) -> None:
    """Run what was submitted under this id. For the clocks."""
    from datetime import datetime

    from pydag.app import start as start_app

    if home is not None:
        os.environ["PYDAG_HOME"] = home
    start_app.run_submission(submission, datetime.fromisoformat(at) if at else None)
