"""Strict commands as users meet them: a job fails when it should, and what to do where it should not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import flow, pydag, simple

DUMP = "no_such_pg_dump shop | gzip > shop.sql.gz"
SIGPIPE = "exit 141 (SIGPIPE: a stage of a pipe outlived its reader; strict=False allows that)"


def attempts() -> list[dict[str, Any]]:
    """The attempts of the newest run of TestJob, the first one of each task."""
    tasks = json.loads(pydag("log", "TestJob", "--json").stdout)["runs"][0]["tasks"]
    return [task["attempts"][0] for task in tasks if task["attempts"]]


def test_a_dump_that_fails_in_a_pipe_fails_its_task() -> None:
    assert pydag("run", simple(DUMP)).returncode == 1
    assert attempts()[0]["exit_status"] == 127


@pytest.mark.parametrize("options", [{"strict": False}, {"strict": None}])
def test_the_task_or_the_environment_asks_for_plain_bash(options: dict[str, Any]) -> None:
    environ = {"PYDAG_STRICT": "no"} if options["strict"] is None else {}
    assert pydag("run", simple(DUMP, "cd /no/such/directory; echo on", **options), **environ).returncode == 0


def test_the_job_asks_for_plain_bash_and_a_task_of_it_does_not() -> None:
    file = flow(
        "with Job('TestJob', strict=False) as job:\n"
        "    Task('plain', 'false | true')\n"
        "    Task('strict', 'false | true', strict=True)\n"
    )
    assert pydag("run", file).returncode == 1
    assert [attempt["exit_status"] for attempt in attempts()] == [0, 1]


def test_what_the_file_says_wins_over_the_environment() -> None:
    assert pydag("run", simple("false | true", strict=True), PYDAG_STRICT="no").returncode == 1


def test_another_word_in_the_environment_is_one_line() -> None:
    done = pydag("run", simple("true"), PYDAG_STRICT="maybe")
    assert (done.returncode, done.stderr) == (2, "pydag: PYDAG_STRICT='maybe' is unknown: set it to one of yes, no\n")


def test_a_file_runs_strictly_where_its_task_does(monkeypatch: pytest.MonkeyPatch) -> None:
    file = flow(
        "open('a.py', 'w').write('')\n"
        "with Job('TestJob') as job:\n"
        "    Task.from_file('a.py')\n"
        "    Task.from_file('a.py', name='plain', strict=False)\n"
    )
    assert pydag("run", file).returncode == 0
    listed = json.loads(pydag("list", "--job_name", "TestJob", "--json").stdout)["tasks"]
    assert [task["strict"] for task in listed] == [True, False]


def test_a_stage_that_outlived_its_reader_is_said_wherever_the_failure_is_shown() -> None:
    done = pydag("run", simple("seq 1 1000000 | head -n1"))
    assert f"`t0`: {SIGPIPE}; its last output:" in done.stdout
    for shown in (pydag("log", "TestJob"), pydag("log", "TestJob", "--task_name", "t0"), pydag("log", "TestJob", "-f")):
        assert SIGPIPE in shown.stdout
    assert (attempts()[0]["exit_status"], attempts()[0]["detail"]) == (141, "")
    assert pydag("run", simple("seq 1 1000000 | head -n1", strict=False)).returncode == 0


def test_commands_are_shown_as_they_were_written() -> None:
    pydag("run", simple("true | true"))
    listed = json.loads(pydag("list", "--job_name", "TestJob", "--json").stdout)["tasks"]
    assert [task["command"] for task in listed] == ["true | true"]
    pydag("graph", "flow.py", "-o", "flow.dot")
    assert "pipefail" not in Path("flow.dot").read_text()


def test_simple_commands_that_start_without_a_shell_end_as_under_it() -> None:
    os.mkdir("sub")
    commands = ["false", "true", "ls no_such_file", "no_such_program", "echo a b", "test -d sub"]
    tasks = "".join(f"    Task({command!r}, {command!r})\n" for command in commands)
    pydag("run", flow(f"with Job('TestJob') as job:\n{tasks}"))
    assert [attempt["exit_status"] for attempt in attempts()] == [1, 0, 2, 127, 0, 0]
