"""The commands that show and delete the history: what they print, in every spelling of their options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import flow, pydag, simple


@pytest.mark.parametrize("spelling", [["-n=1"], ["-n", "1"], ["-n1"]])
def test_n_is_taken_in_every_spelling(history: None, spelling: list[str]) -> None:
    done = pydag("log", "TestJob", *spelling)
    assert (done.returncode, done.stdout.count("`TestJob` at ")) == (0, 1)


@pytest.mark.parametrize("option", [[], ["--task_name=t0"]])
def test_a_number_beyond_any_history_means_all_of_it(history: None, option: list[str]) -> None:
    every = pydag("log", "TestJob", f"-n={'9' * 5000}", *option)
    assert (every.returncode, every.stdout) == (0, pydag("log", "TestJob", "-n=2", *option).stdout)


def test_options_are_taken_in_every_spelling_and_before_or_after_the_job(history: None) -> None:
    trees = [pydag("log", *words).stdout for words in (["TestJob", "--style=tree"], ["--style", "tree", "TestJob"])]
    assert trees[0] == trees[1]
    assert "    └── ✗ `t1` at " in trees[0]
    for option in ("--job_name", "--job-name"):
        assert pydag("list", option, "TestJob").stdout == "t0\nt1\nt2\n"
        assert pydag("list", f"{option}=TestJob").stdout == "t0\nt1\nt2\n"
    for option in ("--task_name", "--task-name"):
        assert "half" in pydag("log", "TestJob", f"{option}=t1").stdout
    for option in ("--max-parallel=1", "--max_parallel=1"):
        assert pydag("run", "flow.py", option, "--job", "TestJob").returncode == 1


def test_max_parallel_of_the_command_goes_before_the_job(directory: Path) -> None:
    meet = "touch $PYDAG_TASK; until [ -e a ] && [ -e b ]; do sleep 0.02; done"
    text = f"with Job('J', max_parallel=1):\n    Task('a', {meet!r}, timeout=30)\n    Task('b', {meet!r}, timeout=30)\n"
    assert pydag("run", flow(text), "--max-parallel", "2").returncode == 0


def test_a_fresh_machine_has_friendly_lines_and_makes_no_history(own_home: Path) -> None:
    line = "No jobs yet. `pydag run FILE` runs the job in a file, and it will be listed here.\n"
    listed, status = pydag("list"), pydag("status")
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "", line)
    assert (status.returncode, status.stdout, status.stderr) == (0, line, "")
    assert not own_home.exists()


def test_log_shows_the_newest_runs_first(history: None) -> None:
    done = pydag("log", "TestJob")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(">> >> >> >> >> Log For Job `TestJob` << << << << <<  times in ")
    assert sum("`TestJob` at" in line for line in lines) == 2
    assert "exit 3" in done.stdout
    assert "skipped: upstream did not succeed" in done.stdout
    ids = [each["id"] for each in json.loads(pydag("log", "TestJob", "--json").stdout)["runs"]]
    assert len(ids) == 2
    assert pydag("run", "flow.py").returncode == 1
    assert [each["id"] for each in json.loads(pydag("log", "TestJob", "--json").stdout)["runs"]][1:] == ids


def test_task_log_prints_the_output_byte_for_byte(history: None) -> None:
    done = pydag("log", "TestJob", "--task_name", "t0", "-n", "1")
    assert done.stdout.splitlines()[2:4] == ["out", "err"]
    assert pydag("log", "TestJob", "--task_name", "t1").stdout.splitlines().count("half") == 2
    never = pydag("log", "TestJob", "--task_name", "t2")
    assert never.stdout == "The task `t2` of `TestJob` has not started yet: there is no output.\n"


def test_failed_shows_the_runs_and_tasks_that_did_not_succeed(history: None) -> None:
    simple("true", name="Good", run="")
    assert pydag("run", "flow.py").returncode == 0
    assert pydag("log", "Good", "--failed").stdout == "No run of `Good` has failed.\n"
    assert json.loads(pydag("log", "Good", "--failed", "--json").stdout)["runs"] == []
    lines = pydag("log", "TestJob", "--failed", "-n", "1").stdout.splitlines()
    assert (lines[2].split(" at ")[0], lines[3:5]) == ("├── ✗ `t1`", ["│     │ half", "└── and 1 success, 1 skipped"])
    assert len(json.loads(pydag("log", "TestJob", "--failed", "--json").stdout)["runs"]) == 2
    assert pydag("log", "TestJob", "--failed", "--task-name", "t1").stdout.count("half") == 2
    assert "No attempt" in pydag("log", "TestJob", "--failed", "--task-name", "t0").stdout


@pytest.mark.parametrize("options", [["-f", "--json"], ["-f", "--failed"], ["--failed", "--style=tree"], ["--raw"]])
def test_options_that_contradict_each_other_are_refused(history: None, options: list[str]) -> None:
    assert pydag("log", "TestJob", *options).returncode == 2


def test_delete_takes_the_job_out_of_everything(history: None) -> None:
    done = pydag("delete", "TestJob")
    assert (done.returncode, done.stdout) == (0, "deleted TestJob and its history\n")
    assert json.loads(pydag("list", "--json").stdout)["jobs"] == []
    assert pydag("delete", "TestJob").returncode == 6
