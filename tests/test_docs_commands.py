"""docs/commands.md and docs/variables.md list what there is: each command, option, exit status and variable."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from pydag import settings
from pydag.cli.group import COMMANDS, LazyCommand
from pydag.cli.help import EXIT_STATUSES

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "commands.md").read_text()
SECTIONS = dict(re.findall(r"^### `pydag (\w+)[^\n]*\n(.*?)(?=^##)", DOCUMENT, re.DOTALL | re.MULTILINE))
VISIBLE = [command for command in COMMANDS if not command.hidden]


def test_the_sections_are_those_of_the_help_in_its_order() -> None:
    headings = re.findall(r"^## (.*)$", DOCUMENT, re.MULTILINE)
    assert headings[:-2] == list(dict.fromkeys(command.section for command in VISIBLE))
    assert list(SECTIONS) == [command.name for command in VISIBLE]


@pytest.mark.parametrize("lazy", VISIBLE, ids=lambda command: str(command.name))
def test_every_command_has_its_options_and_an_example(lazy: LazyCommand) -> None:
    section, command = SECTIONS[str(lazy.name)], lazy.load()
    assert re.search(rf"^```shell\n.*\bpydag {lazy.name}\b", section, re.MULTILINE | re.DOTALL)
    inner = [*command.commands.values()] if isinstance(command, click.Group) else []
    for each in inner:
        assert f"`pydag {lazy.name} {each.name}" in section
    for option in [option for each in (command, *inner) for option in each.params]:
        if isinstance(option, click.Option) and not option.hidden:
            heading = next(line for line in DOCUMENT.splitlines() if line.startswith(f"### `pydag {lazy.name}"))
            assert all(spelling in heading + section for spelling in option.opts), option.opts


def test_the_exit_statuses_are_those_of_the_help() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(str(status), meaning) for status, meaning in EXIT_STATUSES.items()]


def test_every_environment_variable_of_the_code_has_its_row() -> None:
    variables = (ROOT / "docs" / "variables.md").read_text()
    code = Path(settings.__file__).read_text()
    for variable in set(re.findall(r"\b(?:PYDAG|GOCRON)_[A-Z_]+\b", code)):
        assert re.search(rf"^\|.*`{variable}`.* \|", variables, re.MULTILINE), variable
