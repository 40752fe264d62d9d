"""Names on the command line that the shell completes: jobs of the history, and their tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from pydag.app.jobs import job_spec, jobs
from pydag.errors import PyDagException

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class JobName(click.ParamType[str]):
    """A job of the history."""

    name = "job"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _candidates(lambda: (entry.name for entry in jobs()), incomplete)


class TaskName(click.ParamType[str]):
    """A task or a hook of the job that stands before it on the command line."""

    name = "task"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        # While the option has no value yet, click leaves what stands before it as arguments.
        job = ctx.params.get("job") or next(iter(ctx.args), None)
        return _candidates(lambda: (task.name for task in job_spec(job).entries), incomplete) if job else []


def _candidates(names: Callable[[], Iterable[str]], incomplete: str) -> list[CompletionItem]:
    """The names that begin so. Where the history cannot be read there are none: the command itself will say why."""
    from click.shell_completion import CompletionItem  # for the shell alone, when somebody presses Tab

    try:
        return [CompletionItem(name) for name in names() if name.startswith(incomplete)]
    except PyDagException:
        return []
