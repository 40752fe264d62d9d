"""What every help says at its end: examples, and the exit statuses. The man page has them too."""

from __future__ import annotations

from typing import Any

import click

EXIT_STATUSES = {
    0: "done",
    1: "a run failed",
    2: "wrong usage, an invalid job or setting, a file that is not a workflow, output that cannot be written",
    3: "a run was cancelled, or only timeouts went wrong in it",
    4: "the history cannot be read or written",
    5: "what runs the tasks (no bash, a gocron out of reach) or the crontab cannot be used",
    6: "there is no job, task, run or node of that name",
    7: "another run of the job goes on",
    129: "the terminal was closed (SIGHUP)",
    130: "Ctrl-C",
    131: "Ctrl-\\ (SIGQUIT)",
    143: "SIGTERM",
}
"""What each exit status says."""

STOPPED = (129, 130, 131, 143)
"""Of a command that stops in order when a signal asks it to."""


class Command(click.Command):
    """A command with examples, each a command and what it does, and with the exit statuses that it can give."""

    def __init__(
        self, *args: Any, examples: tuple[tuple[str, str], ...] = (), statuses: tuple[int, ...] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.examples = examples
        self.statuses = statuses

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_text("\b\n" + "\n".join(example_lines(self.examples)))
        if self.statuses:
            with formatter.section("Exit status"):
                formatter.write_dl([(str(status), EXIT_STATUSES[status]) for status in self.statuses])


class Group(Command, click.Group):
    """A group of commands that has them too."""


def example_lines(examples: tuple[tuple[str, str], ...]) -> list[str]:
    """Each example with its words as a comment, so that the whole line can be pasted into a shell."""
    width = max(len(command) for command, _ in examples)
    return [f"{command:{width}}  # {words}" for command, words in examples]
