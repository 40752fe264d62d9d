"""The command that shows the runs of a job."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime

import click

from pydag.app import history
from pydag.cli.help import Command
from pydag.cli.names import JobName, TaskName
from pydag.cli.options import Count, json_option
from pydag.cli.schedules import schedules_of
from pydag.view import json as json_view
from pydag.view import log as log_view
from pydag.view.lines import LineReporter
from pydag.view.pager import paged
from pydag.view.task_output import HarmlessSink, task_output
from pydag.view.terminal import display_for, encodable, is_terminal, print_lines


@click.command(
    cls=Command,
    examples=(
        ("pydag log Report --style tree -n 1", "the last run, as a tree"),
        ("pydag log Report --task-name Total -n 1", "what the task Total wrote"),
        ("pydag log Report --failed", "only what went wrong"),
        ("pydag log Report -f", "follow the newest run"),
    ),
    statuses=(0, 2, 4, 6),
)
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
@click.option("--failed", is_flag=True, help="Only runs that did not succeed, with the tasks that are the reason.")
@click.option("--task-name", "task", type=TaskName(), help="Print the output of this task's attempts.")
@click.option(
    "--raw", is_flag=True, help="With --task-name: print the bytes of the output unchanged, also on a terminal."
)
@click.option("-f", "--follow", is_flag=True, help="Follow the newest run to its end.")
@json_option
def log(
    job: str, style: str, count: int, failed: bool, task: str | None, raw: bool, follow: bool, as_json: bool
) -> None:
    """Show the last runs of JOB, or the output of one of its tasks."""
    _check(style, failed, task, raw, follow, as_json)
    schedules_of(job)  # records the failed starts
    if follow:
        _follow(job, task)
    elif task is not None:
        _log_task(job, task, count, failed, raw, as_json)
    else:
        _log_job(job, style, count, failed, as_json)


def _check(style: str, failed: bool, task: str | None, raw: bool, follow: bool, as_json: bool) -> None:
    """Refuse options that contradict each other."""
    if follow and as_json:
        raise click.UsageError("--follow shows events as they come, --json one whole document: choose one of them")
    if follow and failed:
        raise click.UsageError("--follow shows a run as it goes on, --failed runs that have ended: choose one of them")
    if failed and style == "tree":
        raise click.UsageError("--failed lists tasks of a run, which are no tree: leave --style out")
    if raw and (task is None or as_json):
        raise click.UsageError("--raw is for the output of a task as bytes: it goes with --task-name, without --json")


def _log_job(job: str, style: str, count: int, failed: bool, as_json: bool) -> None:
    failures = history.failures(job, count, log_view.TAIL_BYTES) if failed else []
    records = [record for record, _ in failures] if failed else history.records(job, count)
    now, output = datetime.now(UTC), sys.stdout
    if as_json:
        print_lines([json_view.log(job, records, now=now)], output)
        return
    display = display_for(output)
    if failed:
        lines = log_view.failures(job, failures, now=now, display=display)
    else:
        lines = log_view.log(job, records, style=style, now=now, display=display)
    paged((f"{encodable(line, output)}\n".encode(output.encoding) for line in lines), output)


def _log_task(job: str, task: str, count: int, failed: bool, raw: bool, as_json: bool) -> None:
    spec, kept = history.task_outputs(job, task, count, failed=failed)
    now, output = datetime.now(UTC), sys.stdout
    if as_json:
        print_lines([json_view.task_output(job, spec, kept, now=now)], output)
        return
    exact = raw or not is_terminal(output)
    pieces = task_output(
        job, spec, kept, now=now, display=display_for(output), exact=exact, failed=failed, encoding=output.encoding
    )
    if exact:
        output.buffer.writelines(pieces)
        output.buffer.flush()
    else:
        paged(pieces, output)


def _follow(job: str, task: str | None) -> None:
    output = sys.stdout
    if task is None:
        found = history.follow_run(job, LineReporter(output, display_for(output), strict=True))
    elif is_terminal(output):
        with closing(HarmlessSink(output, display_for(output))) as sink:
            found = history.follow_output(job, task, sink)
    else:
        found = history.follow_output(job, task, output.buffer)
    if not found:
        print_lines([log_view.no_runs(job)], output)
