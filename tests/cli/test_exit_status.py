"""Every exit status that the help documents, each with one line that says why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.commands import PYDAG, flow, pydag, run, simple


def test_a_run_that_succeeds_ends_with_0() -> None:
    done = pydag("run", simple("true"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("TestJob: success after ")


def test_a_run_that_fails_ends_with_1_and_its_output_last() -> None:
    done = pydag("run", simple("seq 100; exit 3"))
    assert (done.returncode, done.stderr) == (1, "")
    tail = done.stdout.splitlines()[-23:]
    assert tail[0] == "✗ `t0`: exit 3; its last output:"
    assert tail[1:21] == [f"  │ {number}" for number in range(81, 101)]
    assert tail[21] == "  all of it: pydag log TestJob --task-name t0 -n 1"
    assert tail[22].startswith("TestJob: failed after ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["unscheduel"], "No such command 'unscheduel'. Did you mean 'unschedule'?"),
        (["log"], "Missing argument 'JOB'."),
        (["log", "J", "--sytle=tree"], "No such option '--sytle'. Did you mean '--style'?"),
        (["log", "J", "--style=trees"], "Invalid value for '--style': 'trees' is not one of 'flat', 'tree'."),
        (["log", "J", "-n=0"], "Invalid value for '-n': '0' is not a whole number above 0"),
        (["log", "J", "-n", "two"], "Invalid value for '-n': 'two' is not a whole number above 0"),
        (["log", "J", "-f", "--json"], "--follow shows events as they come, --json one whole document"),
        (["run", "a.py", "b.py"], "'a.py' and 'b.py': give one FILE, and values as NAME=VALUE"),
        (["run", "f.py", "--max-parallel=0"], "'0' is not a whole number above 0"),
        (["delete"], "Missing argument 'JOB'."),
    ],
)
def test_wrong_usage_ends_with_2_and_says_where_help_is(arguments: list[str], message: str) -> None:
    done = pydag(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.startswith("Usage: pydag")
    assert "--help' for help." in done.stderr


def test_a_wrong_job_or_file_or_setting_ends_with_2_in_one_line(own_home: Path) -> None:
    cycle = flow(
        "a, b = Task('a', 'true'), Task('b', 'true')\na >> b >> a\njob = Job('J')\njob.add_task(a, b)\n", "cycle.py"
    )
    assert pydag("run", cycle).stderr == (
        "pydag: the tasks wait for each other: a -> b -> a; take one of these edges out\n"
    )
    simple("touch ran")
    for done in (
        pydag("run", cycle),
        pydag("run", "missing.py"),
        pydag("run", "flow.py", PYDAG_TASK_TIMEOUT="ten"),
        pydag("list", PYDAG_OUTPUT_LIMIT="lots"),
    ):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("pydag: ")
        assert done.stderr.count("\n") == 1
    assert not Path("ran").exists()
    assert not own_home.exists()


def test_a_task_that_timed_out_ends_with_3() -> None:
    done = pydag("run", simple("sleep 60", timeout=0.2))
    assert done.returncode == 3
    assert "✗ `t0`: timeout after 0.2s" in done.stdout


def test_a_failure_beside_a_timeout_ends_with_1() -> None:
    done = pydag("run", flow("with Job('J'):\n    Task('a', 'sleep 60', timeout=0.2)\n    Task('b', 'false')\n"))
    assert done.returncode == 1


@pytest.mark.parametrize("command", [["run", "flow.py"], ["list"], ["log", "J"], ["status"], ["delete", "J"]])
def test_a_file_that_is_not_a_history_ends_with_4(command: list[str], own_home: Path) -> None:
    simple("touch ran")
    own_home.mkdir()
    own_home.joinpath("history.sqlite").write_text("no database " * 1000)
    done = pydag(*command)
    assert (done.returncode, done.stdout) == (4, "")
    assert str(own_home / "history.sqlite") in done.stderr
    assert "set PYDAG_HOME to another directory" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("ran").exists()


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["log", "J"], ["status"], ["delete", "J"]])
def test_a_home_that_cannot_be_read_ends_with_4(command: list[str], own_home: Path) -> None:
    done = pydag(*command, PYDAG_HOME=str(own_home.with_name("x" * 300)))
    assert (done.returncode, done.stdout) == (4, "")
    assert "cannot be used (File name too long): make it " in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_relative_home_in_a_directory_that_is_gone_ends_with_2() -> None:
    done = run("bash", "-c", f"mkdir gone; cd gone; rmdir ../gone; PYDAG_HOME=rel {' '.join(PYDAG)} list")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "pydag: PYDAG_HOME='rel' lies in the working directory, which was removed: change to one that exists\n",
    )


def test_without_bash_a_run_ends_with_5_and_is_not_recorded() -> None:
    done = pydag("run", simple("touch ran"), PATH=os.fspath(Path.cwd()))
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "pydag: bash is not on PATH, and commands run under it: install bash or correct PATH\n"
    assert pydag("log", "TestJob").returncode == 6


def test_an_unknown_name_ends_with_6_and_suggests_the_nearest(history: None) -> None:
    for command in (["log"], ["status"], ["delete"], ["list", "--job_name"], ["log", "-f"], ["log", "--json"]):
        done = pydag(*command, "Testjob")
        assert (done.returncode, done.stdout) == (6, "")
        assert done.stderr == "pydag: there is no job 'Testjob' in the history; did you mean 'TestJob'?\n"
    for option in ([], ["-f"], ["--json"]):
        done = pydag("log", "TestJob", "--task_name", "T1", *option)
        assert (done.returncode, done.stdout) == (6, "")
        assert done.stderr == "pydag: there is no task 'T1' in the job 'TestJob'; did you mean 't1'?\n"


@pytest.mark.parametrize("command", [["run"], ["graph"], ["submit", "--cron=@daily"]])
def test_a_job_that_is_not_in_the_file_ends_with_6_in_every_spelling(command: list[str], own_home: Path) -> None:
    simple("touch ran")
    for option in ("--job", "--name", "--job_name", "--job-name"):
        done = pydag(*command, "flow.py", option, "TestJo")
        assert (done.returncode, done.stdout) == (6, "")
        assert done.stderr == "pydag: 'flow.py' has no job named 'TestJo', only 'TestJob'\n"
    assert not Path("ran").exists()
    assert not own_home.exists()


def test_a_name_like_no_other_points_to_list() -> None:
    assert pydag("log", "x").stderr == "pydag: there is no job 'x' in the history: `pydag list` shows what there is\n"


def test_a_task_like_no_other_points_to_the_list_of_its_job(history: None) -> None:
    assert pydag("log", "TestJob", "--task_name", "zzz").stderr == (
        "pydag: there is no task 'zzz' in the job 'TestJob': `pydag tasks TestJob` shows what there is\n"
    )
