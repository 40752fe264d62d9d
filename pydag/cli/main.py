"""The commands: parse, call, print. What they do is in `pydag.app`; heavy imports stand in the command they serve."""

from __future__ import annotations

import errno
import gc
import os
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import click

from pydag import errors
from pydag.cli import schedule as cli_schedule
from pydag.cli.completion import JobName, TaskName
from pydag.cli.gocron import migrate, nodes
from pydag.cli.options import Count, job_name_option, job_option, json_option
from pydag.model.run import RunFailed

EXIT_STATUS: list[tuple[type[BaseException], int]] = [
    (errors.NotFound, 6),
    (errors.EngineError, 5),
    (errors.CrontabError, 5),
    (errors.StoreError, 4),
    (errors.PyDagException, 2),
]
"""The status for each error, first match first. A run that failed has its own, see `_run_status`."""


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What a write to stdout meets on a full disk, over a quota or a limit, on a terminal that is gone, if it is closed."""


def main() -> None:
    """Run the command line; the one place where an error becomes a line and a status."""
    _replace_closed_streams()
    try:
        status = cli.main(prog_name="pydag", standalone_mode=False)
    except click.exceptions.Exit as end:
        status = end.exit_code
    except click.ClickException as error:
        text = StringIO()
        error.show(text)
        _tell(text.getvalue().rstrip("\n"))
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = 130
    except _ReaderGone:  # the reader has what it wanted (`| head`)
        status = 0
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        # Errors of files are translated where they arise; without a name it is stdout's.
        _tell(f"pydag: the output cannot be written: {error.strerror}")
        status = 2
    except RunFailed as failed:
        status = _run_status(failed)
    except errors.PyDagException as error:
        _tell(f"pydag: {error}")
        status = next(status for kind, status in EXIT_STATUS if isinstance(error, kind))
    _drop_unwritten()
    gc.freeze()  # all of it ends now: the interpreter need not walk through it once more
    sys.exit(status if isinstance(status, int) else 0)


def _replace_closed_streams() -> None:
    """Python has None where the shell closed one (`>&-`). Writing to such a stdout fails, as on a full disk."""
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # the same


def _drop_unwritten() -> None:
    """What an output did not take goes nowhere: Python would try once more, complain, and change the status."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream and not stream.closed:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _tell(message: str) -> None:
    from pydag.view import terminal

    terminal.print_stderr(message)


def _run_status(failed: RunFailed) -> int:
    """1 where a task failed of its own; 3 where all that went wrong is a timeout or somebody's stop."""
    from pydag.model.states import Reason, State

    own = [task for task in failed.run.unsuccessful(State.FAILED, State.LOST) if task.reason is not Reason.TIMEOUT]
    return 1 if own else 3


class _ReaderGone(Exception):  # like click.Abort, a way out and no error
    """Whoever read what we print stopped reading."""


class _Commands(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Click would suggest hidden ones too."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            visible = [name for name, command in self.commands.items() if not command.hidden]
            raise click.NoSuchCommand(error.command_name, possibilities=visible, ctx=ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command. Click would make a broken pipe status 1, which says that a run failed."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGone from None


_HELP = """Run workflows written in one Python file, and see what happened.

\b
Exit status:
  0    done
  1    a run failed
  2    wrong usage, an invalid job or setting, a file that is no workflow, output that cannot be written
  3    a run was cancelled, or nothing but timeouts went wrong in it
  4    the history cannot be read or written
  5    what runs the tasks (no bash, a gocron out of reach) or the crontab cannot be used
  6    no job, task, run or node of that name
  130  Ctrl-C or SIGTERM
"""


@click.group(cls=_Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pydag-workflow", prog_name="pydag")
def cli() -> None:
    """The command line as a whole."""


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@job_option("The job to run, where FILE has several.")
@click.option(
    "--max-parallel",
    "--max_parallel",
    type=Count(),
    help="How many tasks run at once. Default: the job's own, or the CPUs.",
)
def run(file: Path, name: str | None, max_parallel: int | None) -> None:
    """Run the job in FILE to its end."""
    from pydag.app import run as run_app
    from pydag.view.live import reporter as reporter_view
    from pydag.workflow import loader

    run_app.run_job(
        loader.load_job(file, name), reporter_view.reporter_for(sys.stdout), max_parallel=max_parallel, own_process=True
    )


@cli.command("list")
@job_name_option("List the tasks of this job.")
@json_option
def list_(job: str | None, as_json: bool) -> None:
    """List the jobs, or the tasks of one job."""
    from pydag.app import jobs as jobs_app
    from pydag.view import json as json_view
    from pydag.view import log as log_view

    if job is not None:
        spec = jobs_app.job_spec(job)
        _say([json_view.tasks(spec)] if as_json else log_view.tasks(spec))
        return
    clock = _on_the_clock() if as_json else {}
    entries = jobs_app.jobs()
    elsewhere = _elsewhere(entries)
    if as_json:
        _say([json_view.jobs(entries, now=_now(), clock=clock, on_gocron_alone=elsewhere)])
        return
    if not entries and not elsewhere:
        _tell(next(log_view.nothing()))  # on stdout it would read as the name of a job
    _say(log_view.jobs(entries))
    _say(f"{job}  (on gocron, not in this history)" for job in elsewhere)


def _elsewhere(entries: list[Any]) -> list[str]:
    from pydag.app import jobs as jobs_app

    try:
        return jobs_app.jobs_on_gocron_alone(entries)
    except errors.EngineError as error:
        _tell(f"pydag: {error}; jobs that are on gocron alone are left out")
        return []


@cli.command()
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
@click.option("--task_name", "--task-name", "task", type=TaskName(), help="Print the output of this task's attempts.")
@click.option("-f", "--follow", is_flag=True, help="Follow the newest run to its end.")
@json_option
def log(job: str, style: str, count: int, task: str | None, follow: bool, as_json: bool) -> None:
    """Show the last runs of JOB, or the output of one of its tasks."""
    if follow and as_json:
        raise click.UsageError("--follow shows events as they come, --json one whole document: choose one of them")
    _on_the_clock(job)
    if follow:
        _follow(job, task)
    elif task is not None:
        _task_log(job, task, count, as_json)
    else:
        _job_log(job, style, count, as_json)


def _job_log(job: str, style: str, count: int, as_json: bool) -> None:
    from pydag.app import history as history_app
    from pydag.view import json as json_view
    from pydag.view import log as log_view
    from pydag.view import terminal

    records = history_app.records(job, count)
    if as_json:
        _say([json_view.log(job, records, now=_now())])
    else:
        _say(log_view.log(job, records, style=style, now=_now(), display=terminal.display_for(sys.stdout)))


def _task_log(job: str, task: str, count: int, as_json: bool) -> None:
    from pydag.app import history as history_app
    from pydag.view import json as json_view
    from pydag.view import log as log_view
    from pydag.view import terminal

    spec, kept = history_app.task_outputs(job, task, count)
    if as_json:
        _say([json_view.task_output(job, spec, kept, now=_now())])
        return
    display, encoding = terminal.display_for(sys.stdout), sys.stdout.encoding
    for data in log_view.task_output(job, spec, kept, now=_now(), display=display, encoding=encoding):
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _follow(job: str, task: str | None) -> None:
    from pydag.app import history as history_app
    from pydag.view import log as log_view
    from pydag.view import terminal
    from pydag.view.live import reporter as reporter_view

    if task is not None:
        found = history_app.follow_output(job, task, sys.stdout.buffer)
    else:
        found = history_app.follow_run(
            job, reporter_view.Lines(sys.stdout, terminal.display_for(sys.stdout), strict=True)
        )
    if not found:
        _say(log_view.nothing(job))


@cli.command()
@click.argument("job", type=JobName(), required=False)
@json_option
def status(job: str | None, as_json: bool) -> None:
    """Show what runs now, and the last result of each job."""
    from pydag.app import jobs as jobs_app
    from pydag.view import json as json_view
    from pydag.view import status as status_view
    from pydag.view import terminal

    clock, now = _on_the_clock(job), jobs_app.status(job)
    if as_json:
        _say([json_view.status(now.running, now.jobs, now=_now(), ended=now.ended, clock=clock)])
    else:
        display = terminal.display_for(sys.stdout)
        _say(status_view.status(now.running, now.jobs, now=_now(), display=display, ended=now.ended, clock=clock))


def _on_the_clock(job: str | None = None) -> Any:
    """What is scheduled; where that cannot be told, the rest can be shown all the same."""
    from pydag.settings import SCHEDULES, Settings

    # `Path.exists` would raise where the home is closed to us, and that is for the history to tell.
    if not os.path.exists(Settings.load().home / SCHEDULES):  # what follows would be a third of the command
        return {}
    from pydag.app import schedule as schedule_app

    found = schedule_app.look(_now(), job)
    for error in found.errors:
        _tell(f"pydag: {error}")
    return found.jobs


@cli.command()
@click.argument("job", type=JobName())
@click.option("--force", is_flag=True, help="Delete it although it runs now: that run breaks off.")
def delete(job: str, force: bool) -> None:
    """Delete JOB and its history, and take it off its clock."""
    from pydag.app import schedule as schedule_app

    clock = schedule_app.delete(job, force=force)
    click.echo(f"deleted {job} and its history" + (f", and took it off {clock}" if clock else ""))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@job_option("The job to draw, where FILE has several.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A .png, .svg, .pdf or .dot file.  [default: JOB.png]"
)
@click.option("--states", is_flag=True, help="Colour the tasks by the job's last run.")
def graph(file: Path, name: str | None, output: Path | None, states: bool) -> None:
    """Draw the job in FILE."""
    from pydag.app import picture as picture_app
    from pydag.workflow import loader

    click.echo(f"wrote {picture_app.draw_file(loader.load_job(file, name), output, with_states=states)}")


for _command in (*cli_schedule.COMMANDS, nodes, migrate):
    cli.add_command(_command)


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _say(lines: Any) -> None:
    from pydag.view import terminal

    terminal.print_lines(lines, sys.stdout)
