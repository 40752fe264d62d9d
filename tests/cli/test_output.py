"""Outputs that cannot be written: a reader that is gone, a full disk, a closed stream."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import PYDAG, flow, pydag, run, simple


@pytest.mark.parametrize("command", ["list --job_name TestJob", "list --job_name TestJob --json", "run flow.py"])
def test_a_reader_that_goes_early_is_not_an_error(command: str) -> None:
    names = "'x' * 190 + str(number)"
    flow(f"with Job('TestJob') as job:\n    for number in range(500):\n        Task({names}, 'true', when='failure')\n")
    assert pydag("run", "flow.py").returncode == 0
    done = run("bash", "-c", f"{' '.join(PYDAG)} {command} | head -c 1; echo -n ${{PIPESTATUS[0]}}")
    assert (done.stdout[1:], done.stderr) == ("0", "")


@pytest.mark.parametrize("command", ["--help", "log --help", "--version", "status"])
def test_a_reader_that_is_gone_from_the_start_is_not_an_error(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PYDAG, *command.split()], stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def to_a_full_disk(command: str, *streams: str) -> subprocess.CompletedProcess[str]:
    redirections = " ".join(f"{stream} /dev/full" for stream in streams)
    return run("bash", "-c", f"{' '.join(PYDAG)} {command} {redirections}", PYTHONUNBUFFERED="")


@pytest.mark.parametrize(
    "command",
    [
        "log TestJob",
        "log TestJob --task_name t0",
        "log TestJob -f",
        "log TestJob -f --task_name t0",
        "status --json",
        "--help",
    ],
)
def test_a_full_disk_under_the_output_is_one_line(history: None, command: str) -> None:
    done = to_a_full_disk(command, ">")
    assert (done.returncode, done.stderr) == (2, "pydag: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("command", ["log TestJob", "log TestJob --task_name t0", "status --json", "--help", "list"])
def test_a_closed_output_is_one_that_cannot_be_written(history: None, command: str) -> None:
    done = run("bash", "-c", f"{' '.join(PYDAG)} {command} >&-")
    assert (done.returncode, done.stderr) == (2, "pydag: the output cannot be written: Bad file descriptor\n")
    assert run("bash", "-c", f"{' '.join(PYDAG)} {command} >&- 2>&-").returncode == 2


def test_usage_is_an_error_of_status_2_where_nobody_can_read_it() -> None:
    for closed in ("2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        assert run("bash", "-c", f"{' '.join(PYDAG)} nix {closed}").returncode == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("output", "told"),
    [
        (">&-", "Bad file descriptor"),
        (">&- 2>&-", ""),
        ("<&- >&- 2>&-", ""),
        ("> /dev/full", "No space left on device"),
        ("| true", ""),
    ],
)
def test_a_job_runs_to_its_end_whether_or_not_its_output_can_be_written(
    output: str, told: str, unbuffered: str
) -> None:
    simple("echo it > ran", run="print(job)\njob.run()")
    command = f"{' '.join(PYDAG)} run flow.py {output}; echo ${{PIPESTATUS[0]}} >&9"
    done = run("bash", "-c", f"exec 9>&1; {command}", PYTHONUNBUFFERED=unbuffered)
    line = f"pydag: the output cannot be written: {told}; running tasks continue\n" if told else ""
    assert (done.stdout, done.stderr) == ("0\n", line)
    assert Path("ran").read_text() == "it\n"


def test_a_run_goes_on_over_a_full_disk_and_says_so_once() -> None:
    flow("print('begun')\nwith Job('J'):\n    Task('a', 'touch ran')\n")
    done = to_a_full_disk("run flow.py", ">")
    assert (done.returncode, Path("ran").exists()) == (0, True)
    assert done.stderr == "pydag: the output cannot be written: No space left on device; running tasks continue\n"


@pytest.mark.parametrize("option", ["", "-q", "-v"])
@pytest.mark.parametrize(
    ("output", "told"), [(">&-", "Bad file descriptor"), ("> /dev/full", "No space left on device"), (">&{unread}", "")]
)
def test_a_failed_run_whose_output_is_away_says_so_in_one_line(option: str, output: str, told: str) -> None:
    simple("exit 3")
    reader, unread = os.pipe()
    os.close(reader)
    command = f"{' '.join(PYDAG)} run flow.py {option} {output.format(unread=unread)}"
    done = subprocess.run(["bash", "-c", command], pass_fds=[unread], capture_output=True, text=True, timeout=60)
    os.close(unread)
    lines = done.stderr.splitlines()
    if told:
        assert lines.pop(0) == f"pydag: the output cannot be written: {told}; running tasks continue"
    (line,) = lines
    assert line.startswith("pydag: TestJob: failed after ")
    assert done.returncode == 1


def test_a_quiet_run_shows_failures_alone() -> None:
    simple("echo out")
    assert (done := pydag("run", "flow.py", "-q")).returncode == 0
    assert (done.stdout, done.stderr) == ("", "")
    simple("echo out; exit 3")
    lines = pydag("run", "flow.py", "--quiet").stdout.splitlines()
    assert lines[:2] == ["✗ `t0`: exit 3; its last output:", "  │ out"]
    assert lines[-1].startswith("TestJob: failed after ")
    assert pydag("run", "flow.py", "-q", "-v").returncode == 2


@pytest.mark.parametrize("command", ["log nojob", "lst", "run missing.py", "run flow.py", "list"])
def test_a_full_disk_under_stderr_changes_no_status(command: str) -> None:
    simple("false")
    assert to_a_full_disk(command, "2>").returncode == pydag(*command.split()).returncode


def test_output_is_shown_behind_the_names_of_its_tasks_where_it_is_asked_for() -> None:
    simple("echo out; echo err >&2")
    for done in (pydag("run", "flow.py", "-v"), run(*PYDAG, "run", "flow.py", PYDAG_SHOW_OUTPUT="1")):
        assert done.stdout.splitlines()[2:4] == ["t0 │ out", "t0 │ err"]
    assert "│" not in pydag("run", "flow.py").stdout
