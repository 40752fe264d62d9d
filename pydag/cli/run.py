"""The command that runs a job."""

from __future__ import annotations

import sys

import click

from pydag.app.run import run_job
from pydag.cli.arguments import Workflow, workflow_arguments
from pydag.cli.help import STOPPED, Command
from pydag.cli.options import Count, job_option
from pydag.settings import Settings
from pydag.view.reporters import reporter_for
from pydag.workflow.loader import load_job


@click.command(
    cls=Command,
    examples=(("pydag run", "the workflow file of this directory"), ("pydag run load.py -j 2", "two tasks at once")),
    statuses=(0, 1, 2, 3, 4, 5, 6, *STOPPED),
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
def run(workflow: Workflow, name: str | None, max_parallel: int | None, show_output: bool, quiet: bool) -> None:
    """Run the job in FILE to its end.

    Without FILE it is dag.py, workflow.py, or the only file here that imports pydag.
    """
    if quiet and show_output:
        raise click.UsageError("-q shows failures alone, -v what tasks write: choose one of them")
    job = load_job(workflow.file, name, workflow.values)
    reporter = reporter_for(sys.stdout, show_output=show_output or Settings.load().show_output, quiet=quiet)
    run_job(job, reporter, max_parallel=max_parallel, own_process=True)
