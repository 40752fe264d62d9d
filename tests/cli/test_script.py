"""A workflow file as a script: `python flow.py`, print(job), and what the terminal or pipe around it gets."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.commands import PYDAG, flow, pydag, run, simple

EXAMPLE = Path(__file__).parents[2] / "example.py"


def script(file: str = "flow.py", **environ: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, file, **environ)


def runs(job: str = "TestJob") -> int:
    return len(json.loads(pydag("log", job, "--json").stdout)["runs"])


def on_terminal(command: Sequence[str], **environ: str) -> bytes:
    """All that a program writes on a terminal of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    while data := _read(ours):
        written += data
    os.close(ours)
    assert process.wait(60) == 0
    return written


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux tells the end of a terminal
        return b""


@pytest.mark.dot
@pytest.mark.parametrize("command", [(sys.executable,), (*PYDAG, "run")])
def test_the_example_runs_as_a_script_and_as_a_command(command: tuple[str, ...], directory: Path) -> None:
    done = run(*command, str(EXAMPLE))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "<TestJob with 5 tasks>"
    assert lines[-1].startswith("TestJob: success after ")
    assert "; 5 success; " in lines[-1]
    assert runs() == 1
    assert directory.joinpath("TestJob.png").exists() == (command == (sys.executable,))


def test_print_without_dot_says_how_to_get_the_picture_and_goes_on(directory: Path) -> None:
    simple("true", run="print(job)")
    done = script(PATH=os.fspath(directory))
    assert (done.returncode, done.stdout) == (0, "<TestJob with 1 task>\n")
    assert done.stderr.count("\n") == 1
    assert "graphviz" in done.stderr
    assert directory.joinpath("TestJob.dot").read_text().startswith("digraph")


def test_print_of_a_job_with_a_cycle_never_raises() -> None:
    simple("true", "true", run="job.tasks[1] >> job.tasks[0]\nprint(job)")
    done = script()
    assert (done.returncode, done.stdout) == (0, "<TestJob with 2 tasks>\n")
    assert (
        done.stderr
        == ("no picture of 'TestJob': the tasks wait for each other: t0 -> t1 -> t0; take one of these edges out\n")
        or "t1 -> t0 -> t1" in done.stderr
    )


def test_print_where_nothing_can_be_written_never_raises() -> None:
    simple("true", run="import os\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\nprint(job)")
    done = script()
    assert (done.returncode, done.stdout) == (0, "<TestJob with 1 task>\n")
    assert done.stderr.count("\n") == 1


def test_submit_records_the_job_and_a_run_of_it_may_follow(directory: Path) -> None:
    simple("touch ran", run="job.run(mode='submit')")
    assert script().returncode == 0
    assert not Path("ran").exists()
    assert pydag("list").stdout == "TestJob\n"
    assert pydag("log", "TestJob").stdout == "`TestJob` has not run yet. `pydag run FILE --job TestJob` runs it.\n"
    assert pydag("run", "flow.py").returncode == 0
    assert Path("ran").exists()


def test_a_failed_run_ends_the_script_with_1_and_names_the_tasks() -> None:
    simple("exit 3", "true", run="job.run()\nprint('goes on')")
    done = script()
    assert done.returncode == 1
    assert "goes on" not in done.stdout
    assert done.stderr.startswith("pydag: job 'TestJob' failed: 't0' did not succeed (run ")
    assert done.stderr.count("\n") == 1


def test_a_script_ends_with_3_after_a_timeout_as_the_command_does() -> None:
    simple("sleep 60", timeout=0.1)
    assert (script().returncode, pydag("run", "flow.py").returncode) == (3, 3)


def test_other_errors_of_a_script_keep_their_traceback_and_its_own_hook_stays() -> None:
    after = "try:\n    job.run()\nexcept Exception:\n    pass\n1 / 0"
    simple("exit 3", run=after)
    assert script().stderr.startswith("Traceback (most recent call last):\n")
    simple("exit 3", run="import sys\nsys.excepthook = lambda kind, error, _: print('caught', kind)\njob.run()")
    done = script()
    assert (done.stdout.splitlines()[-1], done.stderr) == ("caught <class 'pydag.model.run.RunFailed'>", "")


REFUSED = {
    "a wrong option": "with Job('J') as job:\n    Task('a', 'true', retry=3)\njob.run()",
    "a wrong operator": "with Job('J') as job:\n    [Task('a', 'true')] >> [Task('b', 'true')]\njob.run()",
    "a lost edge": "with Job('J') as job:\n    a, b = Task('a', 'true'), Task('b', 'true')\n    a, a >> b\njob.run()",
    "a wrong task": "Task('a', '')",
    "a job that cannot run": "Job('J').run()",
    "a cycle": "with Job('J') as job:\n    a = Task('a', 'true')\n    a >> a\njob.run()",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_script_that_is_refused_ends_with_the_line_and_the_status_of_the_command(text: str, own_home: Path) -> None:
    flow(f"{text}\n")
    alone, told = script(), pydag("run", "flow.py")
    assert alone.stderr.startswith("pydag: ")
    assert alone.stderr.count("\n") == 1
    if "Job('J').run()" not in text:
        assert (alone.returncode, alone.stderr) == (told.returncode, told.stderr)
    assert alone.returncode == 2
    assert not own_home.exists()


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"PYDAG_TASK_TIMEOUT": "ten"}, 2),
        ({"PYDAG_HOME": "/dev/null/x"}, 4),
        ({"PYDAG_LOG_STORE_URL": "redis://127.0.0.1:1"}, 4),
        ({"GOCRON_ADDRESS": "http://127.0.0.1:1", "GOCRON_ADMIN_USER": "a", "GOCRON_ADMIN_PASSWORD": "b"}, 5),
    ],
)
def test_settings_stores_and_engines_that_refuse_end_a_script_as_the_command(
    environ: dict[str, str], status: int
) -> None:
    simple("touch ran")
    alone, told = script(**environ), pydag("run", "flow.py", **environ)
    assert (alone.returncode, alone.stderr) == (told.returncode, told.stderr)
    assert alone.returncode == status
    assert alone.stderr.startswith("pydag: ")
    assert alone.stderr.count("\n") == 1
    assert not Path("ran").exists()


def test_an_error_in_the_users_own_code_keeps_its_traceback_in_a_script() -> None:
    Path("beside.py").write_text("def f():\n    return 1 / 0\n")
    for text in ("import beside\nbeside.f()", "'a' + 1", "print(x=1)", "raise KeyError('a')"):
        flow(f"{text}\n")
        done = script()
        assert done.returncode == 1
        assert done.stderr.startswith("Traceback (most recent call last):\n")


def test_what_is_refused_can_be_caught() -> None:
    caught = "from pydag import InvalidJob\ntry:\n    Task('a', '')\nexcept InvalidJob as error:\n    print('caught')\n"
    flow(f"{caught}try:\n    Task('a', 'x', retry=3)\nexcept TypeError:\n    print('caught')\n")
    done = script()
    assert (done.returncode, done.stdout, done.stderr) == (0, "caught\ncaught\n", "")


def test_check_false_goes_on_after_a_failed_run() -> None:
    simple("exit 3", run="print(job.run(check=False).state)")
    done = script()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "State.FAILED"


def test_a_file_made_into_a_task_is_really_run() -> None:
    Path("train.py").write_text("import os; print('in', os.environ['PYDAG_TASK'], 'of', os.environ['PYDAG_JOB'])")
    flow("with Job('J') as job:\n    Task.from_file('train.py')\njob.run()\n")
    assert script().returncode == 0
    assert "in train of J\n" in pydag("log", "J", "--task_name", "train").stdout


def test_tasks_run_where_the_script_was_started(directory: Path) -> None:
    Path("flows").mkdir()
    simple("pwd > where")
    Path("flow.py").rename("flows/flow.py")
    assert script("flows/flow.py").returncode == 0
    assert Path("where").read_text() == f"{directory}\n"


def test_what_the_script_printed_before_comes_first() -> None:
    simple("true", run="print('before')\njob.run()\nprint('after')")
    lines = script().stdout.splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")


def test_a_locale_without_letters_keeps_no_command_from_its_own() -> None:
    Path("plötz").mkdir()
    simple("printf %s \"$PYDAG_TASK ü $LETTER\" > 'ö'", name="Jöb", env={"LETTER": "é"}, cwd="plötz")
    done = script(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("plötz/ö").read_text() == "t0 ü é"
    assert runs("Jöb") == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_script_whose_outputs_are_closed_runs_its_job(closed: str) -> None:
    simple("echo it > ran", run="str(Job('has no task, and no picture'))\njob.run()")
    done = run("bash", "-c", f"{sys.executable} flow.py {closed}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert Path("ran").read_text() == "it\n"


# Escape sequences.


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_a_terminal_that_wants_no_colours_gets_no_escapes(environ: dict[str, str]) -> None:
    simple("true", "true")
    for command in (["run", "flow.py"], ["log", "TestJob"], ["log", "TestJob", "--style=tree"], ["status"], ["list"]):
        assert b"\x1b" not in on_terminal([*PYDAG, *command], **environ)


def test_a_terminal_gets_colours() -> None:
    simple("true")
    for command in (["run", "flow.py"], ["log", "TestJob"], ["status"]):
        assert b"\x1b[32m" in on_terminal([*PYDAG, *command])


def test_a_pipe_gets_no_escapes_and_json_never() -> None:
    simple("printf '\\033[31mred'")
    assert "\x1b" not in pydag("run", "flow.py").stdout
    for command in (["log", "TestJob"], ["status"], ["list"]):
        assert "\x1b" not in pydag(*command).stdout
    for command in (["log", "TestJob", "--json"], ["status", "--json"], ["log", "TestJob", "--task_name=t0", "--json"]):
        assert "\x1b" not in pydag(*command, FORCE_COLOR="1").stdout
    assert "\x1b[31mred" in pydag("log", "TestJob", "--task_name=t0").stdout  # the task's own, byte for byte


def test_two_runs_of_one_job_at_the_same_time_are_both_in_the_history() -> None:
    meet = "touch $PYDAG_RUN_ID.met; until [ $(ls *.met | wc -l) = 2 ]; do sleep 0.02; done"
    simple(meet, timeout=50)
    both = [subprocess.Popen([*PYDAG, "run", "flow.py"], stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert runs() == 2
