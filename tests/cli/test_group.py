"""The group of all commands: what help and completion say of a command without importing it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

import click
import pytest

from pydag import __version__
from pydag.cli.group import COMMANDS, LazyCommand
from pydag.cli.help import EXIT_STATUSES
from tests.support.commands import pydag, run, simple

VISIBLE = [command for command in COMMANDS if not command.hidden]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_the_table_says_of_each_command_what_the_command_says(command: LazyCommand) -> None:
    loaded = command.load()
    assert (loaded.name, loaded.hidden) == (command.name, command.hidden)
    if not command.hidden:
        assert command.help == (loaded.help or "").partition("\n")[0]


def test_help_lists_the_commands_in_sections_the_most_used_first_and_the_exit_statuses_last() -> None:
    done = pydag("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(r"^  ([a-z]+)  +[A-Z]", done.stdout, re.MULTILINE)
    assert listed == [str(command.name) for command in VISIBLE]
    assert listed[:3] == ["run", "log", "status"]
    assert "..." not in done.stdout.partition("Options:")[2]
    headings = re.findall(r"^(\w.*):$", done.stdout, re.MULTILINE)
    assert headings == ["Options", *dict.fromkeys(command.section for command in VISIBLE), "Examples", "Exit status"]
    for status in EXIT_STATUSES:
        assert f"\n  {status} " in done.stdout.partition("Exit status:")[2]
    assert pydag("-h").stdout == done.stdout


def every_command(commands: Iterable[click.Command], before: str = "") -> Iterator[tuple[str, click.Command]]:
    for each in commands:
        command = each.load() if isinstance(each, LazyCommand) else each
        yield f"{before}{command.name}", command
        if isinstance(command, click.Group):
            yield from every_command(command.commands.values(), f"{before}{command.name} ")


@pytest.mark.parametrize(("name", "command"), [*every_command(VISIBLE)], ids=lambda each: str(each).replace(" ", "-"))
def test_every_help_has_examples_and_the_exit_statuses_last_in_80_columns(name: str, command: click.Command) -> None:
    done = pydag(*name.split(), "-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: pydag {name} [OPTIONS]")
    assert "_" not in re.sub(r"[A-Z]+_[A-Z_]+", "", done.stdout.partition("Examples:")[0]), "options have dashes"
    examples, _, statuses = done.stdout.partition("Examples:")[2].partition("Exit status:")
    assert all("pydag" in line and "  # " in line for line in examples.strip().splitlines())
    assert re.match(r"\n  0 +done\n", statuses)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_options_are_taken_with_underscores_and_by_their_other_names_too() -> None:
    flow = simple("true")
    assert pydag("run", flow, "--max_parallel=2", "--job_name", "TestJob").returncode == 0
    assert pydag("run", flow, "--name=TestJob", "-j2").returncode == 0
    assert pydag("list", "--job_name=TestJob").stdout == pydag("tasks", "TestJob").stdout == "t0\n"
    assert pydag("run", flow, "--jbo", "x").stderr.endswith("No such option '--jbo'. Did you mean '--job'?\n")


def test_a_command_in_a_group_is_called_by_its_full_name() -> None:
    assert pydag("nodes", "add", "-h").stdout.startswith("Usage: pydag nodes add [OPTIONS]")
    assert "Try 'pydag nodes add --help' for help." in pydag("nodes", "add").stderr


def test_the_version_is_that_of_the_package() -> None:
    assert pydag("--version").stdout == pydag("-V").stdout == f"pydag, version {__version__}\n"


HEAVY = {"rich", "graphviz", "requests", "pygocron", "redis", "asyncio", "unittest", "pydag.app.gocron"}
SHOWING = {"pydag.engines.local.engine", "pydag.runs.tracker", "pydag.workflow.job", "pydag.app.schedule"}


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        ("--help", {"sqlite3", "subprocess", "json", "pydag.model", "pydag.app", "pydag.cli.run", "pydag.cli.jobs"}),
        ("--version", {"sqlite3", "subprocess", "json", "pydag.model", "pydag.app"}),
        ("list", SHOWING | {"pydag.app.history"}),
        ("log J", SHOWING),
        ("status", SHOWING | {"pydag.app.history"}),
        ("run flow.py", {"pydag.app.schedule", "pydag.app.history", "pydag.app.picture", "pydag.view.live"}),
    ],
)
def test_no_command_imports_what_it_does_not_need(arguments: str, unneeded: set[str]) -> None:
    simple("true")
    code = (
        f"import sys; sys.argv = ['pydag', *{arguments.split()!r}]\n"
        "from pydag.__main__ import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    loaded = set(run(sys.executable, "-c", code).stderr.split())
    assert "pydag.cli.main" in loaded
    assert loaded & (HEAVY | unneeded) == set()
