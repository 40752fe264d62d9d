"""The command for those who used the program before this pydag: it takes over their history and their crontab."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable

import click

from pydag.app import migration
from pydag.app.migration import Takeover
from pydag.cli.help import Command
from pydag.errors import count
from pydag.view.terminal import print_stderr


@click.command(
    cls=Command,
    examples=(
        ("pydag migrate --dry-run", "only show what it would do"),
        ("pydag migrate", "copy the runs, and ask about the crontab"),
    ),
    statuses=(0, 2, 4, 5),
)
@click.option("--yes", is_flag=True, help="Take the entries on the crontab over without asking.")
@click.option("--dry-run", is_flag=True, help="Show what it would do, and change nothing.")
def migrate(yes: bool, dry_run: bool) -> None:
    """Take over the history and the crontab of the earlier pydag.

    Each run is copied once; what is on Redis and gocron stays as it is.
    """
    if dry_run:
        _show_runs()
    else:
        _copy_runs()
    found = migration.takeovers(dry_run=True)
    for each in found:
        _show(each)
    possible = count(sum(each.possible for each in found), "entry").replace("entrys", "entries")
    if not dry_run and not possible.startswith("0"):
        if yes or (sys.stdin.isatty() and click.confirm(f"Take over {possible} of the crontab?")):
            _take_over()
        else:
            print_stderr(f"the crontab stays as it is; `pydag migrate --yes` takes over {possible} of it")


def _show_runs() -> None:
    runs = migration.new_runs()
    click.echo(f"would copy {count(len(runs), 'run')}")
    for run in runs:
        click.echo(f"  {run.job} of {run.started:%Y-%m-%d %H:%M:%S} UTC")


def _copy_runs() -> None:
    done = migration.migrate()
    click.echo(f"copied {count(done.runs, 'run')}; {done.present} were copied before")
    if done.without_output:
        print_stderr(f"gocron's log no longer has {count(done.without_output, 'execution')}: no output and no start")
    for key in done.unreadable:
        print_stderr(f"not readable: {key}")


def _show(found: Takeover) -> None:
    click.echo(f"on the crontab: {found.block.expression} {found.block.command}")
    if found.possible:
        click.echo(f"  would become: pydag {shlex.join(found.command)}")
        _echo(f"  {line}" for line in found.said.splitlines())
    else:
        print_stderr(f"  it stays as it is: {found.said.removeprefix('pydag: ')}")


def _take_over() -> None:
    for each in migration.takeovers(dry_run=False):
        if each.possible:
            _echo(each.said.splitlines())
        else:
            print_stderr(f"{each.block.name} stays as it is: {each.said.removeprefix('pydag: ')}")


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
