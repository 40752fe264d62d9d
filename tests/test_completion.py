"""Completion in the shell: commands, options, jobs, tasks. Nothing but candidates is ever printed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from commands import run

from pydag import Job, Task

# As the installed command is called.
PYDAG = (sys.executable, "-c", "import sys; sys.argv[0] = 'pydag'; from pydag.cli import main; main()")

JOBS = ("Daily Sales", "Daily Report", "nightly:sync")


@pytest.fixture
def jobs() -> None:
    """Three jobs that have not run, each with two tasks."""
    for name in JOBS:
        with Job(name) as job:
            Task("Load all", "true")
            Task("Léger", "true")
        job.run("submit")


def completed(*words: str, **environ: str) -> list[str]:
    """What bash is told to offer for the last word."""
    done = run(
        *PYDAG,
        **{
            "_PYDAG_COMPLETE": "bash_complete",
            "COMP_WORDS": "\n".join(words),
            "COMP_CWORD": str(len(words) - 1),
            **environ,
        },
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_pydag(shell: str) -> None:
    done = run(*PYDAG, _PYDAG_COMPLETE=f"{shell}_source")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_PYDAG_COMPLETE={shell}_complete" in done.stdout
    assert "pydag" in done.stdout.splitlines()[-2] + done.stdout.splitlines()[-1]


def test_commands_and_options_are_completed() -> None:
    assert completed("pydag", "l") == ["list", "log"]
    assert completed("pydag", "log", "J", "--st") == ["--style"]
    assert completed("pydag", "log", "J", "--style", "") == ["flat", "tree"]


@pytest.mark.parametrize("command", [["log"], ["delete"], ["status"], ["list", "--job_name"], ["list", "--job-name"]])
def test_jobs_are_completed(jobs: None, command: list[str]) -> None:
    assert completed("pydag", *command, "") == ["nightly:sync", "Daily\\ Report", "Daily\\ Sales"]
    assert completed("pydag", *command, "Daily\\ S") == ["Daily\\ Sales"]
    assert completed("pydag", *command, "'Daily S") == ["Daily Sales"]
    assert completed("pydag", *command, "n") == ["nightly:sync"]
    assert completed("pydag", *command, "x") == []


def test_tasks_of_the_job_before_it_are_completed(jobs: None) -> None:
    assert completed("pydag", "log", "nightly:sync", "--task_name", "") == ["Load\\ all", "Léger"]
    assert completed("pydag", "log", "nightly:sync", "--task-name", "Lé") == ["Léger"]


def test_a_name_comes_quoted_so_that_bash_takes_it_as_text(jobs: None) -> None:
    name = "$(touch evil) `x` \\ ' * ~ # 🚀"
    with Job(name) as job:
        Task("t", "true")
    job.run("submit")
    (word,) = completed("pydag", "log", "\\$")
    assert run("bash", "-c", f"printf %s {word}").stdout == name
    assert not Path("evil").exists()


def test_without_a_history_there_is_nothing_to_offer(own_home: Path) -> None:
    assert completed("pydag", "log", "") == []
    assert completed("pydag", "log", "nobody", "--task_name", "") == []
    assert not own_home.exists()


def test_a_broken_history_or_setting_offers_nothing_and_keeps_quiet(own_home: Path) -> None:
    own_home.mkdir()
    own_home.joinpath("history.sqlite").write_text("no database " * 1000)
    assert completed("pydag", "log", "") == []
    assert completed("pydag", "log", "J", "--task_name", "") == []
    assert completed("pydag", "status", "", PYDAG_TASK_TIMEOUT="ten") == []


def test_bash_itself_completes_a_job(jobs: None, tmp_path: Path) -> None:
    """The whole way: bash loads the script, calls pydag by its name, and has the candidates."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    script = bin_ / "pydag"
    script.write_text(f"#!{sys.executable}\nfrom pydag.cli import main\nmain()\n")
    script.chmod(0o755)
    ask = (
        'eval "$(_PYDAG_COMPLETE=bash_source pydag)"\n'
        "COMP_CWORD=2\n"
        "for word in n 'Daily\\ S' '' x; do\n"
        '    COMP_WORDS=(pydag log "$word"); _pydag_completion pydag; echo "${COMPREPLY[*]@Q}"\n'
        "done\n"
    )
    done = run("bash", "-c", ask, PATH=f"{bin_}:{os.environ['PATH']}")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "'nightly:sync'",
        "'Daily\\ Sales'",
        "'nightly:sync' 'Daily\\ Report' 'Daily\\ Sales'",
        "",
    ]
