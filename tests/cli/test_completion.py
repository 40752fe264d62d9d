"""Completion in the shell: commands, options, jobs, tasks. Nothing but candidates is ever printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pydag import Job, Task
from tests.support.commands import run
from tests.support.waiting import eventually

# As the installed command is called.
PYDAG = (sys.executable, "-c", "import sys; sys.argv[0] = 'pydag'; from pydag.cli.main import main; main()")

JOBS = ("Daily Sales", "Daily Report", "nightly:sync")
HOSTILE = "Hos$(touch evil)`touch evil`'\"\\ $HOME !! end"


@pytest.fixture
def jobs() -> None:
    """Three jobs that have not run, each with two tasks."""
    for name in JOBS:
        with Job(name) as job:
            Task("Load all", "true")
            Task("Léger", "true")
        job.run("submit")


def completed(*words: str, **environ: str) -> list[str]:
    """What bash is told to offer for the last word, of which it replaces what follows an open quote, `:` or `=`."""
    replaced = re.split("[\"':=]", words[-1])[-1]
    line = " ".join(words)
    done = run(*PYDAG, **{"_PYDAG_COMPLETE": "bash_complete", "COMP_LINE": line, "COMP_WORD": replaced, **environ})
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_pydag(shell: str) -> None:
    done = run(*PYDAG, "completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run(*PYDAG, _PYDAG_COMPLETE=f"{shell}_source").stdout
    assert f"_PYDAG_COMPLETE={shell}_complete" in done.stdout
    assert "pydag" in done.stdout.splitlines()[-2] + done.stdout.splitlines()[-1]


def test_commands_and_options_are_completed() -> None:
    assert completed("pydag", "l") == ["list", "log"]
    assert completed("pydag", "log", "J", "--st") == ["--style"]
    assert completed("pydag", "log", "J", "--style", "") == ["flat", "tree"]


@pytest.mark.parametrize("command", [["log"], ["delete"], ["status"], ["tasks"], ["list", "--job_name"]])
def test_jobs_are_completed(jobs: None, command: list[str]) -> None:
    assert completed("pydag", *command, "") == ["nightly:sync", "Daily\\ Report", "Daily\\ Sales"]
    assert completed("pydag", *command, "Daily\\ S") == ["Daily\\ Sales"]
    assert completed("pydag", *command, "'Daily S") == ["Daily Sales"]
    assert completed("pydag", *command, '"Daily S') == ["Daily Sales"]
    assert completed("pydag", *command, "n") == ["nightly:sync"]
    assert completed("pydag", *command, "nightly:s") == ["sync"]
    assert completed("pydag", *command, "x") == []


def test_tasks_of_the_job_before_it_are_completed(jobs: None) -> None:
    assert completed("pydag", "log", "nightly:sync", "--task_name", "") == ["Load\\ all", "Léger"]
    assert completed("pydag", "log", "nightly:sync", "--task-name", "Lé") == ["Léger"]
    assert completed("pydag", "log", "'Daily Sales'", "--task_name=Lé") == ["Léger"]
    assert completed("pydag", "log", "nightly:sync", "--task_name=", COMP_WORD="--task_name=") == [
        "--task_name=Load\\ all",
        "--task_name=Léger",
    ]


def test_a_name_comes_quoted_so_that_bash_takes_it_as_text(jobs: None) -> None:
    name = "$(touch evil) `x` \\ ' \" $HOME !! * ~ # 🚀"
    with Job(name) as job:
        Task("t", "true")
    job.run("submit")
    for quote, typed in (("", "\\$"), ("'", "$"), ('"', "\\$")):
        (word,) = completed("pydag", "log", quote + typed)
        assert run("bash", "-c", f"printf %s {quote}{word}{quote}").stdout == name
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


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("pydag log n\t", "nightly:sync"),
        ("pydag log nightly:s\t", "nightly:sync"),
        ("pydag log Daily\\ S\t", "Daily Sales"),
        ("pydag log 'Daily S\t", "Daily Sales"),
        ('pydag log D"aily S\t', "Daily Sales"),
        ("pydag log H\t", HOSTILE),
        ("pydag log 'H\t", HOSTILE),
        ('pydag log "H\t', HOSTILE),
        ('pydag log "Hos\\$\t', HOSTILE),
        ("pydag log nightly:sync --style=tr\t", "--style=tree"),
        ("pydag log nightly:sync --task_name Lo\t", "Load all"),
        ("pydag log nightly:sync --task_name='Lo\t", "--task_name=Load all"),
    ],
)
def test_bash_itself_completes_a_word(jobs: None, tmp_path: Path, typed: str, word: str) -> None:
    """The whole way: somebody types at a terminal, Tab and Enter, and pydag gets the word."""
    with Job(HOSTILE) as job:
        Task("t", "true")
    job.run("submit")
    script = tmp_path / "pydag"
    script.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "if '_PYDAG_COMPLETE' in os.environ or sys.argv[1:2] == ['completion']:\n"
        "    from pydag.cli.main import main\n    main()\n"
        "open('got.new', 'w').write(sys.argv[-1])\nos.rename('got.new', 'got')\n"
    )
    script.chmod(0o755)
    with bash_at_a_terminal(f"{tmp_path}:{os.environ['PATH']}") as terminal:
        os.write(terminal, f'eval "$(pydag completion bash)"\n{typed}\n'.encode())
        eventually(Path("got").exists)
    assert Path("got").read_text() == word
    assert not Path("evil").exists()


@contextmanager
def bash_at_a_terminal(path: str) -> Iterator[int]:
    """Where to type. What bash shows goes nowhere."""
    terminal, inner = os.openpty()
    environ = {**os.environ, "PATH": path, "INPUTRC": os.devnull, "HISTFILE": ""}
    process = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        env=environ,
        stdin=inner,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(inner)
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def test_fish_gets_a_name_with_commas_whole() -> None:
    assert 'string split --max 1 "," $completion' in run(*PYDAG, "completion", "fish").stdout


def test_zsh_and_fish_complete_behind_an_option_in_any_spelling(jobs: None) -> None:
    words = "pydag log nightly:sync --task_name L"
    zsh = run(*PYDAG, _PYDAG_COMPLETE="zsh_complete", COMP_WORDS=words, COMP_CWORD="4")
    assert zsh.stdout.splitlines()[1::3] == ["Load all", "Léger"]
    fish = run(*PYDAG, _PYDAG_COMPLETE="fish_complete", COMP_WORDS=words, COMP_CWORD="L")
    assert fish.stdout.splitlines() == ["plain,Load all", "plain,Léger"]
