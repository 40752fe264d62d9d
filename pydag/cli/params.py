"""The command that lists the parameters of a file."""

from __future__ import annotations

import sys

import click

from pydag.cli.arguments import Workflow, workflow_arguments
from pydag.cli.help import Command
from pydag.cli.options import json_option
from pydag.view import json as json_view
from pydag.view import params as params_view
from pydag.view.terminal import display_for, print_lines, print_stderr
from pydag.workflow.loader import load_parameters


@click.command(
    cls=Command,
    examples=(("pydag params load.py", "what it takes"), ("pydag run load.py DAY=2026-03-01", "give a value")),
    statuses=(0, 2),
)
@workflow_arguments
@json_option
def params(workflow: Workflow, as_json: bool) -> None:
    """List the parameters of FILE.

    Where a value must be given and is not, FILE is read with one that is made up. What depends on values is listed as
    those of NAME=VALUE make it.
    """
    specs, problem = load_parameters(workflow.file, workflow.values)
    if as_json:
        print_lines([json_view.params(specs)], sys.stdout)
    else:
        print_lines(params_view.params(specs, display_for(sys.stdout)), sys.stdout)
    if problem:
        print_stderr(f"pydag: {problem}; what comes after that is not listed: give values as NAME=VALUE")
    elif not specs and not as_json:
        print_stderr(params_view.NONE)
