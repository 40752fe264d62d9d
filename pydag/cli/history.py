"""The commands that show what ran, what runs and what is scheduled."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pydag.app import history, jobs
from pydag.cli.names import JobName, TaskName
from pydag.cli.options import Count, json_option
from pydag.errors import EngineError, PyDagException
from pydag.model.run import JobEntry
from pydag.settings import SCHEDULES, Settings
from pydag.view import json as json_view
from pydag.view import listing
from pydag.view import log as log_view
from pydag.view import status as status_view
from pydag.view.lines import LineReporter
from pydag.view.terminal import display_for, print_lines, print_stderr

if TYPE_CHECKING:
    from pydag.schedule.schedulers.base import Upcoming


@click.command("list")
@click.option("--job_name", "--job-name", "job", type=JobName(), help="List the tasks of this job.")
@json_option
def list_(job: str | None, as_json: bool) -> None:
    """List the jobs, or the tasks of one job."""
    if job is None:
        _list_jobs(as_json)
    else:
        spec = jobs.job_spec(job)
        _print([json_view.tasks(spec)] if as_json else listing.tasks(spec))


def _list_jobs(as_json: bool) -> None:
    schedules = _schedules() if as_json else {}
    entries = jobs.jobs()
    elsewhere = _on_gocron_alone(entries)
    if as_json:
        _print([json_view.jobs(entries, schedules, elsewhere, now=datetime.now(UTC))])
        return
    if not entries and not elsewhere:
        print_stderr(listing.NO_JOBS)  # on stdout it would read as the name of a job
    _print(listing.jobs(entries))
    _print(f"{job}  (on gocron, not in this history)" for job in elsewhere)


def _on_gocron_alone(entries: list[JobEntry]) -> list[str]:
    try:
        return jobs.jobs_on_gocron_alone(entries)
    except EngineError as error:
        print_stderr(f"pydag: {error}; jobs that are on gocron alone are left out")
        return []


@click.command()
@click.argument("job", type=JobName())
@click.option(
    "--style",
    type=click.Choice(["flat", "tree"]),
    default="flat",
    show_default=True,
    help="The tasks of each run as a list, or below those that they wait for.",
)
@click.option(
    "-n", "count", type=Count(), default=3, show_default=True, help="How many runs (or attempts), newest first."
)
@click.option("--task_name", "--task-name", "task", type=TaskName(), help="Print the output of this task's attempts.")
@click.option("-f", "--follow", is_flag=True, help="Follow the newest run to its end.")
@json_option
def log(job: str, style: str, count: int, task: str | None, follow: bool, as_json: bool) -> None:
    """Show the last runs of JOB, or the output of one of its tasks."""
    if follow and as_json:
        raise click.UsageError("--follow shows events as they come, --json one whole document: choose one of them")
    _schedules(job)  # records the failed starts
    if follow:
        _follow(job, task)
    elif task is not None:
        _log_task(job, task, count, as_json)
    else:
        _log_job(job, style, count, as_json)


def _log_job(job: str, style: str, count: int, as_json: bool) -> None:
    records, now = history.records(job, count), datetime.now(UTC)
    if as_json:
        _print([json_view.log(job, records, now=now)])
    else:
        _print(log_view.log(job, records, style=style, now=now, display=display_for(sys.stdout)))


def _log_task(job: str, task: str, count: int, as_json: bool) -> None:
    spec, kept = history.task_outputs(job, task, count)
    now, output = datetime.now(UTC), sys.stdout
    if as_json:
        _print([json_view.task_output(job, spec, kept, now=now)])
        return
    output.buffer.writelines(
        log_view.task_output(job, spec, kept, now=now, display=display_for(output), encoding=output.encoding)
    )
    output.buffer.flush()


def _follow(job: str, task: str | None) -> None:
    if task is None:
        found = history.follow_run(job, LineReporter(sys.stdout, display_for(sys.stdout), strict=True))
    else:
        found = history.follow_output(job, task, sys.stdout.buffer)
    if not found:
        _print([log_view.no_runs(job)])


@click.command()
@click.argument("job", type=JobName(), required=False)
@json_option
def status(job: str | None, as_json: bool) -> None:
    """Show what runs now, and the last result of each job."""
    schedules, found, now = _schedules(job), jobs.status(job), datetime.now(UTC)
    if as_json:
        _print([json_view.status(*found, schedules, now=now)])
    else:
        _print(status_view.status(*found, schedules, now=now, display=display_for(sys.stdout)))


def _schedules(job: str | None = None) -> dict[str, Upcoming]:
    """What is scheduled, of one job or of all, once the failed starts are in the history.

    Where a scheduler cannot be read, stderr says so, and the rest can be shown.
    """
    # Where nothing was submitted there is nothing to import: it would be a third of the command's time. `Path.exists`
    # would raise where the home cannot be read; the history says that.
    if not os.path.exists(Settings.load().home / SCHEDULES):
        return {}
    from pydag.app import schedule

    found = schedule.scheduled(datetime.now(UTC), job)
    problems = found.errors
    try:
        schedule.record_failed_starts(found.failed_starts)
    except PyDagException as error:
        problems = [*problems, error]
    for problem in problems:
        print_stderr(f"pydag: {problem}")
    return found.jobs


def _print(lines: Iterable[str]) -> None:
    print_lines(lines, sys.stdout)
