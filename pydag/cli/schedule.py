"""The commands of schedules: parse, call, print. What they do is in `pydag.app`: schedule, start, backfill."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import TextIO

import click

from pydag.app import schedule
from pydag.app.backfill import Backfill, plan_backfill, run_fire_times
from pydag.app.schedule import Submitted
from pydag.app.start import run_submission
from pydag.cli.arguments import Workflow, workflow_arguments
from pydag.cli.help import STOPPED, Command
from pydag.cli.names import JobName
from pydag.cli.options import job_option
from pydag.view.outlet import Outlet
from pydag.view.terminal import print_lines, print_stderr
from pydag.view.text import sanitized
from pydag.view.times import fire_time
from pydag.view.wording import given_values


class Day(click.ParamType["date"]):
    """A date as 2025-10-26."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Refuse what is not a date, naming it."""
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2025-10-26", param, ctx)


@click.command(
    cls=Command,
    examples=(
        ('pydag submit load.py --cron "30 6 * * mon-fri" --dry-run', "only show"),
        ('pydag submit load.py --cron "30 6 * * mon-fri"', "on your crontab"),
        ("pydag submit load.py --cron @daily --on gocron --node-id 1", "on gocron"),
    ),
    statuses=(0, 2, 4, 5, 6),
)
@workflow_arguments
@click.option(
    "--cron", required=True, metavar="EXPR", help="When: five fields, or a name such as @daily; for gocron also six."
)
@click.option(
    "--on", type=click.Choice(["crontab", "gocron"]), default="crontab", show_default=True, help="What starts the job."
)
@click.option("--node-id", "node", type=click.IntRange(1), metavar="N", help="With gocron: the node that starts it.")
@job_option
@click.option("--env", multiple=True, metavar="NAME", help="Keep this variable for the job too. Can be repeated.")
@click.option("--catch-up", type=click.IntRange(1), metavar="N", help="Make up for at most N missed fire times.")
@click.option("--dry-run", is_flag=True, help="Show the entry and the next fire times, and change nothing.")
def submit(
    workflow: Workflow,
    cron: str,
    on: str,
    node: int | None,
    name: str | None,
    env: tuple[str, ...],
    catch_up: int | None,
    dry_run: bool,
) -> None:
    """Put the job in FILE on your crontab, or on gocron's scheduler."""
    _check_node(on, node)
    missed = 0 if catch_up is None else catch_up
    done = schedule.submit(
        workflow.file, cron, node=node, name=name, params=workflow.values, env=env, catch_up=missed, dry_run=dry_run
    )
    print_lines(_submitted(done, dry_run=dry_run), sys.stdout)


def _check_node(on: str, node: int | None) -> None:
    if on == "gocron" and node is None:
        raise click.UsageError("--on gocron needs --node-id N, the node that starts the job: `pydag nodes` lists them")
    if on == "crontab" and node is not None:
        raise click.UsageError(f"--node-id {node} is for gocron's scheduler: add --on gocron, or leave it out")


def _submitted(done: Submitted, *, dry_run: bool) -> Iterator[str]:
    yield done.line if dry_run else f"submitted {sanitized(done.job)}"
    if done.params:
        yield f"with {given_values(done.params)}"
    if done.replaced:
        yield f"{'would replace' if dry_run else 'replaced'} its entry: {done.replaced}"
    if done.moved:
        yield f"{'would take' if dry_run else 'took'} it off {done.moved_from}: {done.moved}"
    for time in done.times:
        yield f"next: {fire_time(time)}"


@click.command(
    cls=Command, examples=(("pydag unschedule Report", "it starts no more by itself"),), statuses=(0, 2, 4, 5, 6)
)
@click.argument("job", type=JobName())
def unschedule(job: str) -> None:
    """Take JOB off its scheduler; its history stays."""
    click.echo(f"{sanitized(job)} is no longer on {schedule.unschedule(job)}")


@click.command(
    cls=Command,
    examples=(("pydag backfill Report --from 2026-03-01 --to 2026-03-31", "all of March"),),
    statuses=(0, 1, 2, 4, 5, 6, *STOPPED),
)
@click.argument("job", type=JobName())
@click.option("--from", "first", type=Day(), required=True, metavar="DATE", help="The first day.")
@click.option("--to", "last", type=Day(), required=True, metavar="DATE", help="The last day.")
@click.option(
    "--parallel", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="How many run at once."
)
@click.option("--dry-run", is_flag=True, help="Show the fire times, and run nothing.")
def backfill(job: str, first: date, last: date, parallel: int, dry_run: bool) -> None:
    """Run JOB for each past fire time without a successful run."""
    if last < first:
        raise click.UsageError(f"--to {last} lies before --from {first}: give the earlier day first")
    plan = plan_backfill(job, first, last)
    if dry_run or not plan.due:
        _show_plan(plan)
    else:
        click.get_current_context().exit(_run_plan(plan, parallel))


def _show_plan(plan: Backfill) -> None:
    for time in plan.due:
        click.echo(fire_time(time))
    print_stderr(f"{sanitized(plan.submission.job)}: {len(plan.due)} to run, {plan.done} success before")


def _run_plan(plan: Backfill, parallel: int) -> int:
    """Run what is due, print each end, and return the exit status."""
    statuses: list[int] = []
    out = Outlet(sys.stdout)

    def ended(time: datetime, status: int) -> None:
        statuses.append(status)
        out.finish(f"{fire_time(time)}  {_ENDS.get(status, 'did not start')}\n")

    stopped = run_fire_times(plan.submission, plan.due, parallel=parallel, ended=ended)
    good = statuses.count(0)
    out.finish(
        f"{plan.submission.job}: {good} of {len(plan.due)} success, {plan.done} before; `pydag log` shows each\n"
    )
    return stopped or int(good < len(plan.due))


_ENDS = {
    0: "success",
    1: "failed",
    3: "cancelled or timed out",
    -15: "stopped before it started",
    **dict.fromkeys(STOPPED, "stopped"),
}
"""What the exit status of a run's process says."""


@click.command(name="_scheduled", hidden=True)
@click.argument("submission")
@click.option("--home", metavar="DIR")
@click.option("--for", "at", metavar="TIME")
def scheduled(submission: str, home: str | None, at: str | None) -> None:
    """Run what was submitted under this id. Schedulers call it."""
    if home is not None:
        os.environ["PYDAG_HOME"] = home
    due = None if at is None else datetime.fromisoformat(at)
    stderr = _silence()

    def report(line: str) -> None:
        stderr.write(f"pydag: {line}\n")
        stderr.flush()

    run_submission(submission, due, report)


def _silence() -> TextIO:
    """Discard all output of this process, also that of the job's file: cron would mail it. Returns stderr as it was."""
    stderr = os.fdopen(os.dup(2), "w", errors="backslashreplace")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(null, number)
    return stderr


COMMANDS = (submit, unschedule, backfill, scheduled)
