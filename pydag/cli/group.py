"""The command line as a whole: every command by name, each imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from pydag import __version__


class LazyCommand(click.Command):
    """Stands for a command until it is called: help and completion need its name and its first line alone.

    `place` is where the command is, as `module:attribute`.
    """

    def __init__(self, name: str, place: str, help: str = "", *, hidden: bool = False) -> None:  # noqa: A002  # as click has it
        super().__init__(name, help=help, hidden=hidden)
        self._place = place

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self._place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        return self.load().make_context(info_name, args, parent, **extra)


COMMANDS = (
    LazyCommand("run", "pydag.cli.run:run", "Run the job in FILE to its end."),
    LazyCommand("list", "pydag.cli.jobs:list_", "List the jobs, or the tasks of one job."),
    LazyCommand("log", "pydag.cli.log:log", "Show the last runs of JOB, or the output of one of its tasks."),
    LazyCommand("status", "pydag.cli.jobs:status", "Show what runs now, and the last result of each job."),
    LazyCommand("delete", "pydag.cli.delete:delete", "Delete JOB, its history and its schedule."),
    LazyCommand("prune", "pydag.cli.prune:prune", "Delete old runs of JOB, or of all jobs."),
    LazyCommand("graph", "pydag.cli.graph:graph", "Draw the job in FILE."),
    LazyCommand(
        "submit", "pydag.cli.schedule:submit", "Put the job in FILE on your crontab, or on gocron's scheduler."
    ),
    LazyCommand("unschedule", "pydag.cli.schedule:unschedule", "Take JOB off its scheduler; its history stays."),
    LazyCommand(
        "backfill",
        "pydag.cli.schedule:backfill",
        "Run JOB for each past fire time without a successful run.",
    ),
    LazyCommand("nodes", "pydag.cli.gocron:nodes", "List the nodes of gocron, or add, check and remove one."),
    LazyCommand("migrate", "pydag.cli.gocron:migrate", "Copy the history that the earlier pydag kept on Redis."),
    LazyCommand("_scheduled", "pydag.cli.schedule:scheduled", hidden=True),
)
"""Every command. A test compares each help with the first line of the command's docstring."""

_HELP = """Run workflows written in one Python file, and see what happened.

\b
Exit status:
  0    done
  1    a run failed
  2    wrong usage, an invalid job or setting, a file that is not a workflow, output that cannot be written
  3    a run was cancelled, or only timeouts went wrong in it
  4    the history cannot be read or written
  5    what runs the tasks (no bash, a gocron out of reach) or the crontab cannot be used
  6    there is no job, task, run or node of that name
  130  Ctrl-C or SIGTERM
"""


class _Group(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Click would suggest a hidden one too."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            visible = [name for name, command in self.commands.items() if not command.hidden]
            raise click.NoSuchCommand(error.command_name, possibilities=visible, ctx=ctx) from None


@click.group(cls=_Group, commands=COMMANDS, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pydag")
def pydag() -> None:
    """The command line as a whole."""
