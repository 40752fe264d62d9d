"""Names on the command line that the shell completes: jobs of the history, and their tasks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
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


class FileTask(click.ParamType[str]):
    """A task of the workflow file that stands on the command line, or that is found here; or a pattern for several."""

    name = "task"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        # As above; the arguments are then FILE and NAME=VALUE.
        return _candidates(lambda: _tasks_of_file(tuple(ctx.args), ctx.params.get("name")), incomplete)


def _tasks_of_file(arguments: tuple[str, ...], job: str | None) -> list[str]:
    from pydag.cli.arguments import workflow_of  # as above: for Tab alone
    from pydag.workflow.loader import load_job

    workflow = workflow_of(arguments)
    with _silence():
        return [task.name for task in load_job(workflow.file, job, workflow.values).tasks]


@contextmanager
def _silence() -> Iterator[None]:
    """What the file prints while it is read must not be taken for candidates."""
    kept = [os.dup(number) for number in (1, 2)]
    with open(os.devnull, "w") as null, redirect_stdout(null), redirect_stderr(null):
        for number in (1, 2):
            os.dup2(null.fileno(), number)
        try:
            yield
        finally:
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)


def _candidates(names: Callable[[], Iterable[str]], incomplete: str) -> list[CompletionItem]:
    """The names that begin so. Where the history cannot be read there are none: the command itself will say why."""
    from click.shell_completion import CompletionItem  # for the shell alone, when somebody presses Tab

    try:
        return [CompletionItem(name) for name in names() if name.startswith(incomplete)]
    except PyDagException:
        return []
