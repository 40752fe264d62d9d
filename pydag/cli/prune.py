"""The command that makes a history smaller."""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from pydag.app import prune as prune_app
from pydag.cli.help import Command
from pydag.cli.names import JobName
from pydag.cli.options import Count
from pydag.errors import count, shown
from pydag.settings import Keep, age_from
from pydag.view.terminal import print_lines
from pydag.view.text import sanitized


class _Age(click.ParamType[timedelta]):
    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        age = age_from(str(value))
        if age is None:
            self.fail(f"{shown(value)} is not a time such as 12h, 90d, 8w or 1y", param, ctx)
        return age


@click.command(
    cls=Command,
    examples=(
        ("pydag prune --older-than 90d --dry-run", "say what would go"),
        ("pydag prune Report --keep 200", "keep the newest 200 runs"),
    ),
    statuses=(0, 2, 4, 6),
)
@click.argument("job", type=JobName(), required=False)
@click.option("--keep", type=Count(), help="How many runs of each job stay, the newest ones.")
@click.option("--older-than", type=_Age(), metavar="AGE", help="Prune runs that started longer ago: 12h, 90d, 8w, 1y.")
@click.option("--output-only", is_flag=True, help="The runs stay, and lose the output of their tasks.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(job: str | None, keep: int | None, older_than: timedelta | None, output_only: bool, dry_run: bool) -> None:
    """Delete old runs of JOB, or of all jobs.

    A run goes if it is beyond --keep or older than --older-than. Without both, PYDAG_KEEP says what stays. A run that
    goes on stays, and so do the newest success and the newest failure of each job.
    """
    limits = Keep(runs=keep, age=older_than) if keep or older_than else None
    done = prune_app.prune(job, limits, only_output=output_only, dry_run=dry_run)
    what = "the output of " if output_only else ""
    verb = "would delete" if dry_run else "deleted"
    lines = [f"{sanitized(each.job)}: {verb} {what}{count(each.gone, 'run')}, {each.kept} stay" for each in done]
    print_lines(lines or ["nothing to prune"], sys.stdout)
