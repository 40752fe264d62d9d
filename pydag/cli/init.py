"""The command that writes a first workflow file."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from pydag.app.first_file import JOB, write_first_file
from pydag.cli.help import Command


@click.command(
    cls=Command,
    examples=(
        ("pydag init", "write dag.py into this directory"),
        ("pydag init reports", "write reports/dag.py"),
        ("pydag init load.py", "write a file of that name"),
    ),
    statuses=(0, 2),
)
@click.argument("place", type=click.Path(path_type=Path), default=Path(), metavar="[DIR|FILE]")
def init(place: Path) -> None:
    """Write a first workflow file, with comments.

    It runs at once. A file that is there already is left alone.
    """
    path = write_first_file(place)
    file = "" if path == Path("dag.py") else f" {shlex.quote(str(path))}"
    click.echo(f"wrote {path}; next:\n  pydag run{file}\n  pydag log {JOB}")
