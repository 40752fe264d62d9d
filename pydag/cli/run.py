"""The command that runs a job."""

from __future__ import annotations

import sys

import click

from pydag.app.past_runs import past_runs
from pydag.app.run import run_job
from pydag.cli.arguments import Workflow, workflow_arguments
from pydag.cli.help import STOPPED, Command
from pydag.cli.names import FileTask
from pydag.cli.options import Count, job_option
from pydag.runs.selection import Selection
from pydag.settings import Settings
from pydag.view.reporters import Progress, reporter_for
from pydag.view.terminal import display_for, print_lines
from pydag.workflow.job import Job
from pydag.workflow.loader import load_job


@click.command(
    cls=Command,
    examples=(
        ("pydag run", "the workflow of this directory"),
        ("pydag run load.py DAY=2026-03-01", "a value of a parameter"),
        ("pydag run load.py -j 2", "at most two tasks at once"),
        ("pydag run --dry-run", "only show what would run"),
        ("pydag run --from Clean --until Report", "what lies between"),
    ),
    statuses=(0, 1, 2, 3, 4, 5, 6, 7, *STOPPED),
)
@workflow_arguments
@job_option
@click.option(
    "-j",
    "--max-parallel",
    type=Count(),
    help="How many tasks run at once. Default: what the job says, or one for each CPU.",
)
@click.option(
    "-v", "--show-output", is_flag=True, help="Show what tasks write, line by line behind their names, as it comes."
)
@click.option("-q", "--quiet", is_flag=True, help="Show failures alone; of a run that succeeds, nothing.")
@click.option("--dry-run", is_flag=True, help="Show the tasks in order, and how each would run. Nothing runs.")
@click.option("--only", multiple=True, type=FileTask(), help="Run this task. Can be repeated, or a pattern: 'Load*'.")
@click.option("--from", "start", multiple=True, type=FileTask(), help="Run this task and all that come after it.")
@click.option("--until", multiple=True, type=FileTask(), help="Run this task and all that it waits for.")
@click.option(
    "--progress",
    type=click.Choice([each.value for each in Progress]),
    help="What the run shows: a view that is redrawn (on a terminal), a line for each event, or nothing. "
    "Default: live on a terminal, else plain.",
)
def run(
    workflow: Workflow,
    name: str | None,
    max_parallel: int | None,
    show_output: bool,
    quiet: bool,
    progress: str | None,
    dry_run: bool,
    only: tuple[str, ...],
    start: tuple[str, ...],
    until: tuple[str, ...],
) -> None:
    """Run the job in FILE to its end.

    Without FILE it is dag.py, workflow.py, or the only file here that imports pydag.

    With --only, --from or --until the run has only tasks that each of these options selects. The others are left out,
    and count as done.
    """
    if quiet and show_output:
        raise click.UsageError("-q shows failures alone, -v what tasks write: choose one of them")
    job, selection = load_job(workflow.file, name, workflow.values), Selection(only, start, until)
    if dry_run:
        _show(job, selection, max_parallel)
        return
    reporter = reporter_for(
        sys.stdout,
        progress=Progress(progress) if progress else None,
        show_output=show_output or Settings.load().show_output,
        quiet=quiet,
        past=past_runs,
    )
    run_job(job, reporter, max_parallel=max_parallel, selection=selection, own_process=True)


def _show(job: Job, selection: Selection, max_parallel: int | None) -> None:
    from pydag.app.dry_run import dry_run  # no other run needs it
    from pydag.view import dry_run as view

    plan = dry_run(job, selection, max_parallel=max_parallel)
    print_lines(view.dry_run(plan, display_for(sys.stdout)), sys.stdout)
