"""The command that draws a job."""

from __future__ import annotations

from pathlib import Path

import click

from pydag.app.picture import draw_file
from pydag.cli.arguments import Workflow, workflow_arguments
from pydag.cli.help import Command
from pydag.cli.options import job_option
from pydag.workflow.loader import load_job


@click.command(
    cls=Command,
    examples=(
        ("pydag graph", "draw JOB.png"),
        ("pydag graph load.py -o load.svg --states", "in the colours of its last run"),
    ),
    statuses=(0, 2, 4, 6),
)
@workflow_arguments
@job_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A .png, .svg, .pdf or .dot file.  [default: JOB.png]"
)
@click.option("--states", is_flag=True, help="Colour the tasks by the job's last run.")
def graph(workflow: Workflow, name: str | None, output: Path | None, states: bool) -> None:
    """Draw the job in FILE."""
    click.echo(f"wrote {draw_file(load_job(workflow.file, name, workflow.values), output, with_states=states)}")
