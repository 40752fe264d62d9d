"""`[FILE] [NAME=VALUE]...`: which argument is which, and the file that is found where none is given."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from pydag.cli.arguments import Workflow, workflow_of
from tests.support.commands import pydag, simple


def test_file_and_values_may_come_in_any_order() -> None:
    expected = Workflow(Path("flow.py"), {"DAY": "2026-03-01", "X_1": "a=b", "EMPTY": ""})
    for arguments in (
        ("flow.py", "DAY=2026-03-01", "X_1=a=b", "EMPTY="),
        ("DAY=2026-03-01", "X_1=a=b", "EMPTY=", "flow.py"),
    ):
        assert workflow_of(arguments) == expected


def test_the_last_of_two_values_counts() -> None:
    assert workflow_of(("f.py", "A=1", "A=2")).values == {"A": "2"}


@pytest.mark.parametrize("name", ["./A=1.py", "1=2.py", "a-b=c.py", "dir/A=1"])
def test_what_does_not_begin_with_a_name_is_a_file(name: str) -> None:
    assert workflow_of((name,)) == Workflow(Path(name), {})


def test_two_files_are_refused() -> None:
    with pytest.raises(click.UsageError, match=r"'a\.py' and 'b\.py': give one FILE, and values as NAME=VALUE"):
        workflow_of(("a.py", "b.py"))


def test_without_a_file_values_go_to_the_one_of_this_directory() -> None:
    Path("dag.py").touch()
    assert workflow_of(("DAY=today",)) == Workflow(Path("dag.py"), {"DAY": "today"})


@pytest.mark.parametrize("command", ["run", "run -j 1", "graph -o out.dot", "submit --dry-run --cron @daily"])
def test_every_command_that_reads_a_file_finds_it(command: str) -> None:
    simple("touch ran")
    done = pydag(*command.split())
    assert (done.returncode, done.stderr) == (0, "")
    Path("flow.py").rename("elsewhere.txt")
    done = pydag(*command.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pydag: there is no workflow file in ")
    assert done.stderr.count("\n") == 1
