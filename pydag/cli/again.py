"""The commands that do a run again: a new one for what did not succeed, or the old one from where it stopped."""

from __future__ import annotations

import sys

import click

from pydag.app import again
from pydag.cli.help import STOPPED, Command
from pydag.cli.names import JobName
from pydag.cli.options import Count
from pydag.errors import count
from pydag.runs.selection import Selection
from pydag.settings import Settings
from pydag.view.reporters import reporter_for
from pydag.view.terminal import print_stderr
from pydag.view.wording import task_names

_STATUSES = (0, 1, 2, 3, 4, 5, 6, 7, *STOPPED)
_parallel = click.option("-j", "--max-parallel", type=Count(), help="How many tasks run at once.")


@click.command(
    cls=Command,
    examples=(
        ("pydag retry Report", "what did not succeed in its newest run"),
        ("pydag retry Report --dry-run", "only say what would run"),
    ),
    statuses=_STATUSES,
)
@click.argument("job", metavar="JOB|RUN", type=JobName())
@click.argument("run", required=False)
@click.option("--from", "start", metavar="TASK", multiple=True, help="This task and all that comes after it.")
@click.option("--only", metavar="TASK", multiple=True, help="This task alone.")
@click.option("--dry-run", is_flag=True, help="Only say what would run.")
@click.option("--changed", is_flag=True, help="Take the file as it is now, where it differs from what ran.")
@_parallel
def retry(
    job: str,
    run: str | None,
    start: tuple[str, ...],
    only: tuple[str, ...],
    dry_run: bool,
    changed: bool,
    max_parallel: int | None,
) -> None:
    """Run again what did not succeed in a run, and all that depends on it.

    It is a new run that points to the old one. The workflow file is read again, with the parameters of that run.
    """
    selection = Selection(only=only, start=start)
    planned = again.plan_retry(job, run, selection=selection, changed=changed)
    verb = "would run" if dry_run else "runs"
    print_stderr(f"pydag: of run {planned.run.id}, {verb} again: {_said(planned)}")
    if not dry_run:
        reporter = reporter_for(sys.stdout, show_output=Settings.load().show_output)
        again.retry(planned, reporter, max_parallel=max_parallel)


def _said(planned: again.Retry) -> str:
    names = [planned.spec.tasks[number].name for number in planned.start]
    rest = [f"{count(len(planned.done), 'task')} done before"] * bool(planned.done)
    rest += [f"{count(len(planned.left_out), 'task')} left out"] * bool(planned.left_out)
    return "; ".join([f"{count(len(names), 'task')} ({task_names(names)})", *rest])


@click.command(
    cls=Command,
    examples=(("pydag resume Report", "after its machine, or pydag itself, was stopped"),),
    statuses=_STATUSES,
)
@click.argument("job", metavar="JOB|RUN", type=JobName())
@click.argument("run", required=False)
@click.option("--take-over", is_flag=True, help="Also a run whose pydag cannot be seen from here. It must have ended.")
@_parallel
def resume(job: str, run: str | None, take_over: bool, max_parallel: int | None) -> None:
    """Go on with a run that was stopped or lost.

    What succeeded does not run again. A task that ran when pydag ended starts anew.
    """
    reporter = reporter_for(sys.stdout, show_output=Settings.load().show_output)
    again.resume(job, run, reporter, take_over=take_over, max_parallel=max_parallel)
