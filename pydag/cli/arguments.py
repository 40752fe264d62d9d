"""The arguments of the commands that read a workflow file: FILE, which may be left out, and NAME=VALUE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from pydag.errors import shown
from pydag.workflow.discovery import workflow_file
from pydag.workflow.params.parameters import split_arguments

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Workflow(NamedTuple):
    """Which file to read, and the values of its parameters as they were given."""

    file: Path
    values: dict[str, str]


def workflow_of(arguments: tuple[str, ...]) -> Workflow:
    """Tell FILE from NAME=VALUE, in any order. A file of such a name is given as `./NAME=VALUE`.

    Without a FILE it is the one of the working directory. Raises `LoadError` where there is none, or several.
    """
    values, files = split_arguments(arguments)
    if len(files) > 1:
        raise click.UsageError(f"{shown(files[0])} and {shown(files[1])}: give one FILE, and values as NAME=VALUE")
    return Workflow(Path(files[0]) if files else workflow_file(Path()), values)


class _FileOrValue(click.ParamType[str]):
    name = "file"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # for the shell alone, when somebody presses Tab

        return [CompletionItem(incomplete, type="file")]


workflow_arguments = click.argument(
    "workflow",
    nargs=-1,
    type=_FileOrValue(),
    metavar="[FILE] [NAME=VALUE]...",
    callback=lambda _context, _parameter, arguments: workflow_of(arguments),
)
"""`[FILE] [NAME=VALUE]...`, which a command gets as one `Workflow` under the name `workflow`."""
