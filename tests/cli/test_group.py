"""The group of all commands: what help and completion say of a command without importing it."""

from __future__ import annotations

import re
import sys

import pytest

from pydag import __version__
from pydag.cli.group import COMMANDS, LazyCommand
from tests.support.commands import pydag, run, simple

VISIBLE = [command for command in COMMANDS if not command.hidden]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_the_table_says_of_each_command_what_the_command_says(command: LazyCommand) -> None:
    loaded = command.load()
    assert (loaded.name, loaded.hidden) == (command.name, command.hidden)
    if not command.hidden:
        assert command.help == (loaded.help or "").partition("\n")[0]


def test_help_lists_the_commands_in_full_and_the_exit_statuses() -> None:
    done = pydag("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(r"^  ([a-z]+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == sorted(str(command.name) for command in VISIBLE)
    assert "..." not in done.stdout.partition("Commands:")[2]
    assert "\\b" not in done.stdout
    for status in ("0  ", "1  ", "2  ", "3  ", "4  ", "5  ", "6  ", "130  "):
        assert f"\n    {status}" in done.stdout
    assert pydag("-h").stdout == done.stdout


@pytest.mark.parametrize("name", [str(command.name) for command in VISIBLE])
def test_every_command_has_help(name: str) -> None:
    done = pydag(name, "-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: pydag {name} [OPTIONS]")


def test_a_command_in_a_group_is_called_by_its_full_name() -> None:
    assert pydag("nodes", "add", "-h").stdout.startswith("Usage: pydag nodes add [OPTIONS]")
    assert "Try 'pydag nodes add --help' for help." in pydag("nodes", "add").stderr


def test_the_version_is_that_of_the_package() -> None:
    assert pydag("--version").stdout == f"pydag, version {__version__}\n"


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
