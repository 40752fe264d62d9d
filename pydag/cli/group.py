"""The command line as a whole: every command by name, each imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from pydag import __version__
from pydag.cli.help import EXIT_STATUSES, Group


class LazyCommand(click.Command):
    """Stands for a command until it is called: help and completion need its name and its first line alone.

    `place` is where the command is, as `module:attribute`; `section` is where the help lists it.
    """

    def __init__(
        self,
        name: str,
        place: str,
        help: str = "",  # noqa: A002  # as click has it
        *,
        section: str = "Other commands",
        hidden: bool = False,
    ) -> None:
        super().__init__(name, help=help, hidden=hidden)
        self.section = section
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


_RUN = "Run jobs, and see what happened"
_WRITE = "Write a workflow"
_SCHEDULE = "Run jobs at their time"
_CARE = "Look after jobs and machines"

COMMANDS = (
    LazyCommand("run", "pydag.cli.run:run", "Run the job in FILE to its end.", section=_RUN),
    LazyCommand(
        "log", "pydag.cli.log:log", "Show the last runs of JOB, or the output of one of its tasks.", section=_RUN
    ),
    LazyCommand(
        "status", "pydag.cli.jobs:status", "Show what runs now, and the last result of each job.", section=_RUN
    ),
    LazyCommand(
        "stop", "pydag.cli.stop:stop", "Stop what runs of JOB, or its run RUN, and wait for the end.", section=_RUN
    ),
    LazyCommand("list", "pydag.cli.jobs:list_", "List the jobs.", section=_RUN),
    LazyCommand("tasks", "pydag.cli.jobs:tasks", "List the tasks of JOB.", section=_RUN),
    LazyCommand(
        "retry",
        "pydag.cli.again:retry",
        "Run again what did not succeed in a run, and all that depends on it.",
        section=_RUN,
    ),
    LazyCommand("resume", "pydag.cli.again:resume", "Go on with a run that was stopped or lost.", section=_RUN),
    LazyCommand("init", "pydag.cli.init:init", "Write a first workflow file, with comments.", section=_WRITE),
    LazyCommand("params", "pydag.cli.params:params", "List the parameters of FILE.", section=_WRITE),
    LazyCommand("graph", "pydag.cli.graph:graph", "Draw the job in FILE.", section=_WRITE),
    LazyCommand(
        "submit",
        "pydag.cli.schedule:submit",
        "Put the job in FILE on your crontab, or on gocron's scheduler.",
        section=_SCHEDULE,
    ),
    LazyCommand(
        "unschedule",
        "pydag.cli.schedule:unschedule",
        "Take JOB off its scheduler; its history stays.",
        section=_SCHEDULE,
    ),
    LazyCommand(
        "backfill",
        "pydag.cli.schedule:backfill",
        "Run JOB for each past fire time without a successful run.",
        section=_SCHEDULE,
    ),
    LazyCommand("delete", "pydag.cli.delete:delete", "Delete JOB, its history and its schedule.", section=_CARE),
    LazyCommand("prune", "pydag.cli.prune:prune", "Delete old runs of JOB, or of all jobs.", section=_CARE),
    LazyCommand(
        "nodes", "pydag.cli.gocron:nodes", "List the nodes of gocron, or add, check and remove one.", section=_CARE
    ),
    LazyCommand(
        "migrate",
        "pydag.cli.migrate:migrate",
        "Take over the history and the crontab of the earlier pydag.",
        section=_CARE,
    ),
    LazyCommand(
        "completion",
        "pydag.cli.completion:completion",
        "Print the script that completes commands, jobs and tasks in a shell.",
        section=_CARE,
    ),
    LazyCommand("_scheduled", "pydag.cli.schedule:scheduled", hidden=True),
)
"""Every command, the most used first. A test compares each help with the first line of the command's docstring."""


class _Group(Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Click would suggest a hidden one too."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            visible = [name for name, command in self.commands.items() if not command.hidden]
            raise click.NoSuchCommand(error.command_name, possibilities=visible, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in their sections, in the order of the table."""
        commands = [each for each in self.commands.values() if isinstance(each, LazyCommand) and not each.hidden]
        width = max(len(str(each.name)) for each in commands)
        for section in dict.fromkeys(each.section for each in commands):
            with formatter.section(section):
                rows = [(f"{each.name:{width}}", str(each.help)) for each in commands if each.section == section]
                formatter.write_dl(rows)


@click.group(
    cls=_Group,
    commands=COMMANDS,
    help="Run workflows written in one Python file, and see what happened.",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),  # `--job_name`, as the seed spells options
    },
    examples=(
        ("pydag init", "write a first workflow, dag.py"),
        ("pydag run", "run the workflow of this directory"),
        ("pydag log JOB", "show what happened"),
        ("pydag COMMAND --help", "show a command's options and examples"),
    ),
    statuses=tuple(EXIT_STATUSES),
)
@click.version_option(__version__, "-V", "--version", prog_name="pydag")
def pydag() -> None:
    """The command line as a whole."""
