"""The commands that show all jobs: their names, what runs now, and their last results."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from pydag.app import jobs
from pydag.cli.help import Command
from pydag.cli.names import JobName
from pydag.cli.options import json_option
from pydag.cli.schedules import schedules_of
from pydag.errors import EngineError
from pydag.model.run import JobEntry
from pydag.view import json as json_view
from pydag.view import listing
from pydag.view import status as status_view
from pydag.view.terminal import display_for, print_lines, print_stderr
from pydag.view.text import sanitized


@click.command(
    "list",
    cls=Command,
    examples=(
        ("pydag list", "one name a line, the newest first"),
        ("pydag list --json", "with last runs and schedules"),
    ),
    statuses=(0, 2, 4),
)
@click.option("--job-name", "job", type=JobName(), hidden=True)  # the seed's spelling of `tasks`
@json_option
def list_(job: str | None, as_json: bool) -> None:
    """List the jobs."""
    if job is None:
        _list_jobs(as_json)
    else:
        _list_tasks(job, as_json)


@click.command(
    cls=Command,
    examples=(("pydag tasks Report", "one name a line"), ("pydag tasks Report --json", "with commands and options")),
    statuses=(0, 2, 4, 6),
)
@click.argument("job", type=JobName())
@json_option
def tasks(job: str, as_json: bool) -> None:
    """List the tasks of JOB."""
    _list_tasks(job, as_json)


def _list_tasks(job: str, as_json: bool) -> None:
    spec, in_history = jobs.listed_spec(job)
    if not in_history:
        print_stderr(f"{sanitized(job)} is on gocron, not in this history; gocron does not know the order of its tasks")
    _print([json_view.tasks(spec)] if as_json else listing.tasks(spec, display_for(sys.stdout)))


def _list_jobs(as_json: bool) -> None:
    display = display_for(sys.stdout)
    schedules = schedules_of(None) if as_json or display.width is not None else {}
    entries = jobs.jobs()
    elsewhere = _on_gocron_alone(entries)
    if as_json:
        _print([json_view.jobs(entries, schedules, elsewhere, now=datetime.now(UTC))])
        return
    if not entries and not elsewhere:
        print_stderr(listing.NO_JOBS)  # on stdout it would read as the name of a job
    _print(listing.jobs(entries, schedules, now=datetime.now(UTC), display=display))
    _print(f"{sanitized(job)}  (on gocron, not in this history)" for job in elsewhere)


def _on_gocron_alone(entries: list[JobEntry]) -> list[str]:
    try:
        return jobs.jobs_on_gocron_alone(entries)
    except EngineError as error:
        print_stderr(f"pydag: {error}; jobs that are on gocron alone are left out")
        return []


@click.command(
    cls=Command,
    examples=(("pydag status", "of all jobs"), ("pydag status Report", "of one")),
    statuses=(0, 2, 4, 6),
)
@click.argument("job", type=JobName(), required=False)
@json_option
def status(job: str | None, as_json: bool) -> None:
    """Show what runs now, and the last result of each job."""
    schedules, found, now = schedules_of(job), jobs.status(job), datetime.now(UTC)
    if as_json:
        _print([json_view.status(*found, schedules, now=now)])
    else:
        _print(status_view.status(*found, schedules, now=now, display=display_for(sys.stdout)))


def _print(lines: Iterable[str]) -> None:
    print_lines(lines, sys.stdout)
