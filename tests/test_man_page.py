"""docs/pydag.1 is what the help says now, is installed, and is a page that man can show."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pydag.cli.group import COMMANDS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "pydag.1"


def test_the_page_is_current() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "resource" / "man_page.py"], capture_output=True, text=True, check=True
    )
    assert PAGE.read_text() == made.stdout, "write it again: make man"


def test_the_page_is_installed_where_man_looks() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["shared-data"] == {"docs/pydag.1": "share/man/man1/pydag.1"}


@pytest.mark.groff
def test_man_shows_every_command_without_a_warning() -> None:
    shown = subprocess.run(
        ["groff", "-man", "-Tascii", "-P-cbou", "-ww", PAGE], capture_output=True, text=True, check=True
    )
    assert shown.stderr == ""
    for command in COMMANDS:
        if not command.hidden:
            assert f"\n   pydag {command.name} [OPTIONS]" in shown.stdout
    assert "'Load*'" in shown.stdout
    assert "--max-parallel" in shown.stdout
