"""The command that shows the runs of a job."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from pydag.app import history
from pydag.cli.names import JobName, TaskName
from pydag.cli.options import Count, json_option
from pydag.cli.schedules import schedules_of
from pydag.view import json as json_view
from pydag.view import log as log_view
from pydag.view.lines import LineReporter
from pydag.view.terminal import display_for, print_lines


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
    schedules_of(job)  # records the failed starts
    if follow:
        _follow(job, task)
    elif task is not None:
        _log_task(job, task, count, as_json)
    else:
        _log_job(job, style, count, as_json)


def _log_job(job: str, style: str, count: int, as_json: bool) -> None:
    records, now = history.records(job, count), datetime.now(UTC)
    if as_json:
        print_lines([json_view.log(job, records, now=now)], sys.stdout)
    else:
        lines = log_view.log(job, records, style=style, now=now, display=display_for(sys.stdout))
        print_lines(lines, sys.stdout)


def _log_task(job: str, task: str, count: int, as_json: bool) -> None:
    spec, kept = history.task_outputs(job, task, count)
    now, output = datetime.now(UTC), sys.stdout
    if as_json:
        print_lines([json_view.task_output(job, spec, kept, now=now)], output)
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
        print_lines([log_view.no_runs(job)], sys.stdout)
