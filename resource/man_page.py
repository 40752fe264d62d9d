"""Make the manual page of pydag from what `--help` says and from docs/variables.md.

python resource/man_page.py > docs/pydag.1    (`make man`)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from pydag import __version__
from pydag.cli.group import LazyCommand, pydag
from pydag.cli.help import EXIT_STATUSES, Command, example_lines

VARIABLES = Path(__file__).parent.parent / "docs" / "variables.md"

DESCRIPTION = """\
pydag runs a workflow: a Python file in which tasks are shell commands, and edges between them say which one comes after
which. It runs the tasks on this machine, or on a gocron server and its nodes, keeps what happened in a history, and
shows it. No server has to run before."""

FILES = (
    ("~/.pydag", "the history, and what was submitted; PYDAG_HOME names another directory"),
    ("dag.py, workflow.py", "the workflow file of a directory, where no FILE is given"),
)


def page() -> Iterator[str]:
    """The lines of the page, in roff with the macros of man(7)."""
    yield f'.TH PYDAG 1 "" "pydag {__version__}" "User Commands"'
    yield '.\\" Made by resource/man_page.py: do not edit.'
    yield from section("NAME", ["pydag \\- run workflows written in one Python file, and see what happened"])
    yield from section("SYNOPSIS", [".B pydag", "COMMAND [OPTIONS] [ARGS]..."])
    yield from section("DESCRIPTION", map(text, DESCRIPTION.splitlines()))
    context = click.Context(pydag, info_name="pydag")
    yield from section("OPTIONS", options(pydag, context))
    commands = [each for each in pydag.commands.values() if isinstance(each, LazyCommand) and not each.hidden]
    for title in dict.fromkeys(each.section for each in commands):
        yield f'.SH "{title.upper()}"'
        for each in commands:
            if each.section == title:
                yield from command(each.load(), context)
    yield from section("ENVIRONMENT", terms(variables()))
    yield from section("FILES", terms(FILES))
    yield from section("EXIT STATUS", terms((str(status), words) for status, words in EXIT_STATUSES.items()))
    yield from section("EXAMPLES", examples(pydag))
    yield from section("SEE ALSO", [".BR make (1),", ".BR crontab (5)"])


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A section with its lines."""
    yield f'.SH "{title}"'
    yield from lines


def command(each: click.Command, parent: click.Context) -> Iterator[str]:
    """How it is called, what it does, its options and examples, and the same of the commands in it."""
    context = click.Context(each, info_name=each.name, parent=parent)
    usage = " ".join([context.command_path, *each.collect_usage_pieces(context)])
    yield f'.SS "{text(usage)}"'
    for paragraph in (each.help or "").split("\n\n"):
        yield from (".PP", text(" ".join(paragraph.split())))
    yield from options(each, context)
    yield from examples(each)
    for inner in each.commands.values() if isinstance(each, click.Group) else ():
        yield from command(inner, context)


def options(each: click.Command, context: click.Context) -> Iterator[str]:
    """Its options, without --help."""
    records = [option.get_help_record(context) for option in each.params if isinstance(option, click.Option)]
    return terms(record for record in records if record)


def examples(each: click.Command) -> Iterator[str]:
    """Its examples, as they stand in the help."""
    if isinstance(each, Command) and each.examples:
        yield from (".PP", "Examples:", ".PP", ".RS 4", ".EX", *map(text, example_lines(each.examples)), ".EE", ".RE")


def variables() -> Iterator[tuple[str, str]]:
    """The environment variables that steer pydag, with the first two columns of their rows."""
    steering = VARIABLES.read_text().partition("## What a task gets")[0]
    for names, meaning in re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", steering, re.MULTILINE):
        yield names.replace("`", ""), re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("`", "").strip()


def terms(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A list of names with what they mean."""
    for name, words in pairs:
        yield from (".TP", f".B {text(name)}", text(" ".join(words.split())))


def text(line: str) -> str:
    """A line of text that roff takes as it is."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in page())
