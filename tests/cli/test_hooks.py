"""Hooks as users meet them: after `pydag run` and after a script, with Ctrl-C, in the log and in JSON."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PYDAG, flow, gate, pydag, run, started
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually

ALL = ", ".join(
    f"{name}='echo {name} $PYDAG_RUN_STATE | tee -a said'" for name in ("on_failure", "on_success", "on_end")
)


@pytest.fixture(autouse=True)
def open_gates(directory: Path) -> Iterator[None]:
    """Whatever a test leaves running behind a gate ends with the test."""
    yield
    directory.joinpath("gate").touch()


def job(options: str, *commands: str) -> str:
    """A script that runs a job with these options."""
    tasks = "".join(f"    Task('t{number}', {command!r})\n" for number, command in enumerate(commands or ["true"]))
    return flow(f"with Job('TestJob', {options}) as job:\n{tasks}\nif __name__ == '__main__':\n    job.run()\n")


def said() -> list[str]:
    return Path("said").read_text().splitlines()


def newest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pydag("log", "TestJob", "-n1", "--json").stdout)["runs"][0]
    return found


@pytest.mark.parametrize("start", [(*PYDAG, "run"), (sys.executable,)], ids=["pydag run", "python"])
@pytest.mark.parametrize(
    ("command", "lines"),
    [("true", ["on_success success", "on_end success"]), ("exit 3", ["on_failure failed", "on_end failed"])],
)
def test_hooks_run_after_a_run_however_it_was_started(start: tuple[str, ...], command: str, lines: list[str]) -> None:
    done = run(*start, job(ALL, command))
    assert done.returncode == (1 if lines[0] == "on_failure failed" else 0)
    assert said() == lines
    assert [hook["name"] for hook in newest()["hooks"]] == [line.split()[0] for line in lines]
    started = re.findall(r"^\S+ \S+ `(on_\w+)` started$", done.stdout, re.MULTILINE)
    assert started == [line.split()[0] for line in lines]


def test_a_hook_reads_the_run_as_the_log_has_it_before_its_hooks() -> None:
    pydag("run", job("on_failure='cat > run.json'", "true", "exit 3"))
    read, logged = json.loads(Path("run.json").read_text()), newest()
    assert [hook["name"] for hook in logged.pop("hooks")] == ["on_failure"]
    assert read == {"format": 1, **logged, "hooks": []}
    assert [task["state"] for task in read["tasks"]] == ["success", "failed"]


def test_the_log_has_a_line_for_each_hook_that_ran_and_its_output() -> None:
    pydag("run", job("on_failure='echo a mail; exit 4', on_success='true'", "exit 3"))
    for style in ("flat", "tree"):
        lines = pydag("log", "TestJob", f"--style={style}").stdout.splitlines()
        (place,) = [place for place, line in enumerate(lines) if "`on_failure`" in line]
        assert re.search(r"^✗ `on_failure` .*, exit 4$", lines[place])
        assert "`t0`" in lines[place - 1]
        assert not any("on_success" in line for line in lines)
    done = pydag("log", "TestJob", "--task-name", "on_failure")
    assert "a mail\n" in done.stdout
    never = pydag("log", "TestJob", "--task-name", "on_success")
    assert (never.returncode, never.stdout.count("there is no output")) == (0, 1)
    assert pydag("log", "TestJob", "--task-name", "on_end").returncode == 6
    followed = pydag("log", "TestJob", "-f", "--task-name", "on_failure")
    assert followed.stdout == "a mail\n"


def test_a_job_without_hooks_shows_none() -> None:
    pydag("run", job("description='none'"))
    assert newest()["hooks"] == []


def test_a_hook_that_fails_is_said_in_the_last_lines_and_changes_no_exit_status() -> None:
    done = pydag("run", job("on_end='no_such_mailer'"))
    assert (done.returncode, done.stderr) == (0, "")
    *_, start, hook, last = done.stdout.splitlines()
    assert start.endswith(" `on_end` started")
    assert re.fullmatch(r"✗ `on_end` of TestJob: exit 127; its output: pydag log TestJob --task.name on_end -n 1", hook)
    assert last.startswith("TestJob: success after ")
    assert "no_such_mailer: command not found" in pydag("log", "TestJob", "--task-name", "on_end").stdout


def test_ctrl_c_is_no_failure_and_on_end_runs() -> None:
    job(ALL, gate())
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("gate.open").exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert said() == ["on_end cancelled"]
    assert [newest()["state"], newest()["tasks"][0]["state"]] == ["cancelled", "cancelled"]


@pytest.mark.parametrize("start", [(*PYDAG, "run"), (sys.executable,)], ids=["pydag run", "python"])
def test_ctrl_c_during_a_hook_ends_the_hook_and_leaves_the_run_as_it_was(start: tuple[str, ...]) -> None:
    job(f"on_success={gate()!r}, on_end='touch never'")
    with started(*start, "flow.py") as process:
        eventually(Path("gate.open").exists)
        assert newest()["state"] == "success"
        assert newest()["hooks"][0]["state"] == "running"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not Path("never").exists()
    assert [hook["state"] for hook in newest()["hooks"]] == ["cancelled", "cancelled"]
    assert (newest()["hooks"][0]["reason"], newest()["hooks"][0]["attempts"][0]["signal"]) == ("interrupted", 15)
    assert "`on_success` of TestJob: cancelled" in Path("output").read_text()


def test_a_hook_of_a_tracker_that_was_killed_is_lost() -> None:
    job(f"on_success={gate()!r}")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("gate.open").exists)
        process.kill()
        process.wait(60)
    assert (newest()["state"], newest()["hooks"][0]["state"]) == ("success", "lost")


def test_hooks_follow_a_run_that_an_error_of_the_script_broke_off() -> None:
    file = flow(
        "import signal\n"
        "def late(*_):\n    raise TimeoutError('late')\n"
        "signal.signal(signal.SIGALRM, late)\n"
        f"job = Job('TestJob', {ALL})\n"
        "job.add_task(Task('t0', 'kill -ALRM $PPID; sleep 600'))\n"
        "job.run()\n"
    )
    done = run(sys.executable, file)
    assert done.returncode == 1
    assert "TimeoutError: late" in done.stderr
    assert said() == ["on_failure lost", "on_end lost"]
    assert [newest()["state"], newest()["tasks"][0]["state"]] == ["lost", "lost"]


def test_a_hook_has_the_parameters_of_the_run_and_no_secret_is_kept_of_it() -> None:
    text = (
        "from pydag import param\nparam('DAY')\nTOKEN = param('TOKEN', secret=True)\n"
        "job = Job('TestJob', on_end=HOOK)\njob.add_task(Task('t0', 'true'))\njob.run()\n"
    )
    file = flow(text.replace("HOOK", "'echo $DAY $TOKEN > said'"))
    assert pydag("run", file, "DAY=today", TOKEN="secret token").returncode == 0
    assert said() == ["today secret token"]
    done = pydag("run", flow(text.replace("HOOK", "f'echo {TOKEN}'")), "DAY=today", TOKEN="secret token")
    assert (done.returncode, done.stdout) == (2, "")
    assert "task 'on_end': its command holds the value of the secret parameter TOKEN" in done.stderr


def test_a_hook_that_cannot_be_one_is_one_line_before_anything_runs() -> None:
    done = pydag("run", job("on_end=Task('x', 'true', when='always')", "touch ran"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "pydag: job 'TestJob': on_end, the task 'x', has edges or a `when`: take them out, a hook runs after the whole "
        "job\n"
    )
    assert not Path("ran").exists()


def test_hooks_of_a_job_on_gocron_run_on_this_machine(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ADDRESS": lab.address, "ADMIN_USER": lab.user, "ADMIN_PASSWORD": lab.password}.items():
        monkeypatch.setenv(f"GOCRON_{name}", value)
    job("on_failure='echo $PYDAG_FAILED_TASKS > said'", "false | true")
    text = Path("flow.py").read_text().replace("TestJob", lab.prefix)
    Path("flow.py").write_text(text)
    assert pydag("run", "flow.py").returncode == 1
    assert said() == ["t0"]
    (found,) = json.loads(pydag("log", lab.prefix, "--json").stdout)["runs"]
    assert (found["engine"], found["tasks"][0]["attempts"][0]["exit_status"]) == ("gocron", 1)
    assert (found["hooks"][0]["state"], found["hooks"][0]["attempts"][0]["host"]) == ("success", "")
    names = [task.form.name for task in lab.client.tasks(tag=lab.prefix)]
    assert names == [f"{lab.prefix}:t0"]
