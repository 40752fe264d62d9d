"""The commands: what they print, every spelling of their options, every exit status that the help documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pydag.app import run as run_app
from pydag.model.states import State
from pydag.runs.reporter import Silent
from pydag.workflow.loader import load_job
from tests.support.commands import PYDAG, flow, pydag, run, simple

TIMES = {"state", "started", "ended", "duration"}
RUN = {"id", "job", "engine", *TIMES, "scheduled_for", "detail"}
ATTEMPT = {"number", *TIMES, "reason", "exit_status", "signal", "detail", "output_dropped", "host"}


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of TestJob: of its tasks `t0` succeeds, `t1` fails, `t2` is skipped."""
    simple("echo out; echo err >&2", "printf half; exit 3", "true")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    for _ in range(2):
        run_app.run_job(load_job("flow.py"), Silent(), check=False)


# Exit status.


def test_a_run_that_succeeds_ends_with_0() -> None:
    done = pydag("run", simple("true"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("TestJob succeeded after ")


def test_a_run_that_fails_ends_with_1_and_its_output_last() -> None:
    done = pydag("run", simple("seq 100; exit 3"))
    assert (done.returncode, done.stderr) == (1, "")
    tail = done.stdout.splitlines()[-23:]
    assert tail[0] == "✗ `t0`: exit 3; its last output:"
    assert tail[1:21] == [f"  │ {number}" for number in range(81, 101)]
    assert tail[21] == "  all of it: pydag log TestJob --task_name t0 -n 1"
    assert tail[22].startswith("TestJob failed after ")


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
        (["run"], "Missing argument 'FILE'."),
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
def test_a_history_that_is_none_ends_with_4(command: list[str], own_home: Path) -> None:
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
def test_a_home_that_cannot_be_looked_into_ends_with_4(command: list[str], own_home: Path) -> None:
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


def test_a_name_that_is_not_there_ends_with_6_and_suggests_the_nearest(history: None) -> None:
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
        "pydag: there is no task 'zzz' in the job 'TestJob': `pydag list --job_name TestJob` shows what there is\n"
    )


# Spellings.


@pytest.mark.parametrize("spelling", [["-n=1"], ["-n", "1"], ["-n1"]])
def test_n_is_taken_in_every_spelling(history: None, spelling: list[str]) -> None:
    done = pydag("log", "TestJob", *spelling)
    assert (done.returncode, done.stdout.count("`TestJob` at ")) == (0, 1)


@pytest.mark.parametrize("option", [[], ["--task_name=t0"]])
def test_a_number_beyond_any_history_means_all_of_it(history: None, option: list[str]) -> None:
    every = pydag("log", "TestJob", f"-n={10**30}", *option)
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


# What they print.


def test_help_lists_the_commands_and_the_exit_statuses() -> None:
    done = pydag("--help")
    assert done.returncode == 0
    for command in ("run", "list", "log", "delete", "graph", "status"):
        assert f"\n  {command}  " in done.stdout
    assert "\\b" not in done.stdout
    for status in ("0  ", "1  ", "2  ", "3  ", "4  ", "5  ", "6  ", "130  "):
        assert f"\n    {status}" in done.stdout
    assert pydag("-h").stdout == done.stdout


@pytest.mark.parametrize("command", ["run", "list", "log", "delete", "graph", "status", "nodes", "migrate"])
def test_every_command_has_help(command: str) -> None:
    done = pydag(command, "-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: pydag {command} [OPTIONS]")


def test_version_names_the_program() -> None:
    assert pydag("--version").stdout.startswith("pydag, version ")


@pytest.mark.parametrize("arguments", ["--help", "list", "run flow.py"])
def test_no_command_imports_what_it_does_not_need(arguments: str) -> None:
    simple("true")
    code = (
        f"import sys; sys.argv = ['pydag', *{arguments.split()!r}]\n"
        "from pydag.cli.main import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    loaded = set(run(sys.executable, "-c", code).stderr.split())
    assert "pydag.cli.main" in loaded
    unneeded = {"rich", "graphviz", "requests", "redis", "asyncio", "unittest"}
    if arguments == "--help":
        unneeded |= {"sqlite3", "pydag.app.run", "pydag.runs.tracker", "subprocess"}
    assert not loaded & unneeded


def test_a_fresh_machine_has_friendly_lines_and_makes_no_history(own_home: Path) -> None:
    line = "No jobs yet. `pydag run FILE` runs the job in a file, and it will stand here.\n"
    listed, status = pydag("list"), pydag("status")
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "", line)
    assert (status.returncode, status.stdout, status.stderr) == (0, line, "")
    assert not own_home.exists()


def test_log_shows_the_newest_runs_first(history: None) -> None:
    done = pydag("log", "TestJob")
    lines = done.stdout.splitlines()
    assert lines[0] == ">> >> >> >> >> Log For Job `TestJob` << << << << <<"
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


def test_delete_takes_the_job_out_of_everything(history: None) -> None:
    done = pydag("delete", "TestJob")
    assert (done.returncode, done.stdout) == (0, "deleted TestJob and its history\n")
    assert json.loads(pydag("list", "--json").stdout)["jobs"] == []
    assert pydag("delete", "TestJob").returncode == 6


# --json.


def document(*arguments: str) -> dict[str, list[dict[str, object]]]:
    done = pydag(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    loaded: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    assert loaded.pop("format") == 1  # type: ignore[comparison-overlap]  # of a parsed document
    return loaded


def test_json_of_list_has_the_documented_fields(history: None) -> None:
    listed = document("list")
    assert set(listed) == {"jobs", "on_gocron_alone"}
    (job,) = listed["jobs"]
    assert set(job) == {"name", "saved", "tasks", "last_run", "schedule"}
    assert set(job["last_run"]) == RUN  # type: ignore[call-overload]  # of a parsed document
    listed = document("list", "--job_name", "TestJob")
    assert set(listed) == {"job", "tasks"}
    assert [task["upstream"] for task in listed["tasks"]] == [[], ["t0"], ["t1"]]
    fields = {"name", "command", "upstream", "when", "timeout", "retries", "retry_delay", "cwd"}
    assert all(set(task) == fields for task in listed["tasks"])


def test_json_of_log_has_the_documented_fields(history: None) -> None:
    log = document("log", "TestJob", "-n=1")
    assert set(log) == {"job", "runs"}
    (newest,) = log["runs"]
    assert set(newest) == {*RUN, "tasks"}
    tasks = newest["tasks"]
    assert isinstance(tasks, list)
    assert all(set(task) == {"name", *TIMES, "reason", "upstream", "attempts"} for task in tasks)
    assert [(task["state"], task["reason"]) for task in tasks] == [
        ("success", None),
        ("failed", None),
        ("skipped", "upstream"),
    ]
    assert all(set(attempt) == ATTEMPT for task in tasks for attempt in task["attempts"])
    assert [attempt["exit_status"] for task in tasks for attempt in task["attempts"]] == [0, 3]


def test_json_of_a_task_has_the_output_of_each_attempt(history: None) -> None:
    log = document("log", "TestJob", "--task_name", "t0")
    assert set(log) == {"job", "task", "attempts"}
    assert all(set(attempt) == {*ATTEMPT, "run", "output"} for attempt in log["attempts"])
    assert [attempt["output"] for attempt in log["attempts"]] == ["out\nerr\n"] * 2


def test_json_of_status_has_the_documented_fields(history: None) -> None:
    status = document("status")
    assert set(status) == {"running", "jobs"}
    assert status["running"] == []
    (job,) = status["jobs"]
    assert set(job) == {"name", "last_result", "schedule"}
    last = job["last_result"]
    assert isinstance(last, dict)
    assert set(last) == RUN
    assert last["state"] in {state.value for state in State}
    assert document("status", "TestJob") == status


# Pipes.


@pytest.mark.parametrize("command", ["list --job_name TestJob", "list --job_name TestJob --json", "run flow.py"])
def test_a_reader_that_goes_early_is_no_error(command: str) -> None:
    names = "'x' * 190 + str(number)"
    flow(f"with Job('TestJob') as job:\n    for number in range(500):\n        Task({names}, 'true', when='failure')\n")
    assert pydag("run", "flow.py").returncode == 0
    done = run("bash", "-c", f"{' '.join(PYDAG)} {command} | head -c 1; echo -n ${{PIPESTATUS[0]}}")
    assert (done.stdout[1:], done.stderr) == ("0", "")


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
    line = f"pydag: the output cannot be written: {told}; what runs goes on\n" if told else ""
    assert (done.stdout, done.stderr) == ("0\n", line)
    assert Path("ran").read_text() == "it\n"


def test_a_run_goes_on_over_a_full_disk_and_says_so_once() -> None:
    flow("print('begun')\nwith Job('J'):\n    Task('a', 'touch ran')\n")
    done = to_a_full_disk("run flow.py", ">")
    assert (done.returncode, Path("ran").exists()) == (0, True)
    assert done.stderr == "pydag: the output cannot be written: No space left on device; what runs goes on\n"


@pytest.mark.parametrize("command", ["log nojob", "lst", "run missing.py", "run flow.py", "list"])
def test_a_full_disk_under_stderr_changes_no_status(command: str) -> None:
    simple("false")
    assert to_a_full_disk(command, "2>").returncode == pydag(*command.split()).returncode
