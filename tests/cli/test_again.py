"""`pydag retry` and `pydag resume`: judged from the files that tasks left, after pydag was killed for real."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PYDAG, flow, gate, pydag, run, started
from tests.support.waiting import eventually

FLAKY = """
with Job("J") as job:
    a = Task("a", "echo a >> done")
    b = Task("b", "echo b >> done; [ -e fixed ]")
    c = Task("c", "echo c >> done")
    d = Task("d", "echo d >> done")
    alarm = Task("alarm", "echo alarm >> done", when="failure")
    a >> b >> c
    a >> d
    b >> alarm
"""


def done() -> list[str]:
    """What tasks did, in any order, since the last call."""
    path = Path("done")
    lines = sorted(path.read_text().split()) if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def runs(job: str = "J") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(pydag("log", job, "--json", "-n", "99").stdout)["runs"]
    return found


def states(record: dict[str, Any]) -> dict[str, str]:
    return {task["name"]: task["state"] for task in record["tasks"]}


def test_retry_runs_what_did_not_succeed_and_what_depends_on_it() -> None:
    assert pydag("run", flow(FLAKY)).returncode == 1
    assert done() == ["a", "alarm", "b", "d"]
    (first,) = runs()
    said = pydag("retry", "J", "--dry-run")
    words = f"of run {first['id']}, would run again: 3 tasks (`b`, `c`, `alarm`); 2 tasks done before"
    assert (said.returncode, said.stdout, said.stderr) == (0, "", f"pydag: {words}\n")
    assert done() == []
    Path("fixed").touch()
    again = pydag("retry", "J")
    assert (again.returncode, done()) == (0, ["b", "c"])
    second = runs()[0]
    assert second["state"] == "success"
    assert second["again"] == first["id"]
    assert states(second) == {"a": "success", "b": "success", "c": "success", "d": "success", "alarm": "skipped"}
    log = pydag("log", "J", "-n", "1").stdout
    assert f"again, after run {first['id']}" in log
    assert "`a`  success, in an earlier run" in log


def test_retry_of_some_tasks_alone() -> None:
    pydag("run", flow(FLAKY))
    done()
    Path("fixed").touch()
    assert pydag("retry", runs()[0]["id"][:12], "--only", "d").returncode == 0
    assert done() == ["d"]
    assert states(runs()[0]) == {"a": "success", "b": "skipped", "c": "skipped", "d": "success", "alarm": "success"}
    assert pydag("retry", "J", "--from", "a").returncode == 0
    assert done() == ["a", "b", "c", "d"]
    nothing = pydag("retry", "J")
    assert nothing.returncode == 2
    assert "every task of run" in nothing.stderr
    assert "--from TASK or --only TASK" in nothing.stderr


def test_retry_refuses_a_file_that_differs_and_says_how() -> None:
    pydag("run", flow(FLAKY))
    done()
    Path("fixed").touch()
    flow(FLAKY.replace("echo c >>", "echo new >>").replace("    a >> d", "    b >> d"))
    refused = pydag("retry", "J")
    assert (refused.returncode, done()) == (2, [])
    assert "task 'c' runs something else; task 'd' comes after other tasks. Give --changed" in refused.stderr
    assert pydag("retry", "J", "--changed").returncode == 0
    assert done() == ["b", "d", "new"]


def test_retry_uses_the_parameters_and_the_directory_of_the_run(directory: Path) -> None:
    text = "from pydag import param\nday = param('DAY', default='today', type='date')\n"
    flow(text + "with Job('J'):\n    Task('t', 'echo $DAY >> done; [ -e fixed ]')\n")
    pydag("run", "flow.py", "DAY=2026-03-01")
    Path("fixed").touch()
    (directory / "elsewhere").mkdir()
    os.chdir("elsewhere")
    assert pydag("retry", "J").returncode == 0
    os.chdir(directory)
    assert done() == ["2026-03-01"] * 2


def killed(tasks: str, *, ready: str = "gate.open") -> dict[str, Any]:
    """Kill pydag, and what it ran, at that moment."""
    with started(*PYDAG, "run", flow(f"with Job('J', max_parallel=2) as job:\n{tasks}")) as process:
        eventually(Path(ready).exists)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    Path("gate").touch()
    return runs()[0]


SLOW = f"""
    a = Task("a", "echo a >> done")
    b = Task("b", "echo b >> done; {gate()}")
    c = Task("c", "echo c >> done")
    a >> b >> c
"""


def test_a_killed_run_is_resumed_where_it_stopped() -> None:
    before = killed(SLOW)
    assert before["state"] == "lost"
    assert states(before) == {"a": "success", "b": "lost", "c": "cancelled"}
    assert done() == ["a", "b"]
    resumed = pydag("resume", "J")
    assert (resumed.returncode, done()) == (0, ["b", "c"])
    (after,) = runs()
    assert (after["id"], after["state"]) == (before["id"], "success")
    attempts = {task["name"]: [each["state"] for each in task["attempts"]] for task in after["tasks"]}
    assert attempts == {"a": ["success"], "b": ["lost", "success"], "c": ["success"]}
    lost = after["tasks"][1]["attempts"][0]
    assert lost["detail"].endswith(" ended before it")
    again = pydag("resume", "J")
    assert (again.returncode, "has succeeded: there is nothing to resume" in again.stderr) == (2, True)


def test_a_run_that_was_stopped_is_resumed() -> None:
    with started(*PYDAG, "run", flow(f"with Job('J') as job:\n{SLOW}")) as process:
        eventually(Path("gate.open").exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert done() == ["a", "b"]
    Path("gate").touch()
    assert pydag("resume", "J").returncode == 0
    assert (done(), runs()[0]["state"]) == (["b", "c"], "success")


def test_a_run_that_goes_on_is_not_resumed() -> None:
    with started(*PYDAG, "run", flow(f"with Job('J') as job:\n{SLOW}")) as process:
        eventually(Path("gate.open").exists)
        refused = pydag("resume", "J")
        assert refused.returncode == 7
        assert f"goes on (pid {process.pid} on " in refused.stderr
        Path("gate").touch()
        assert process.wait(60) == 0


def test_of_several_that_resume_at_once_one_does() -> None:
    killed(SLOW)
    done()
    Path("gate").unlink()
    Path("gate.open").unlink()
    with started(*PYDAG, "resume", "J", output="1") as one, started(*PYDAG, "resume", "J", output="2") as two:
        eventually(Path("gate.open").exists)
        eventually(lambda: one.poll() is not None or two.poll() is not None)
        Path("gate").touch()
        first, second = sorted([one.wait(60), two.wait(60)])
        assert (first, second in (4, 7)) == (0, True)
    assert done() == ["b", "c"]


def test_a_failure_is_not_resumed_but_retried() -> None:
    pydag("run", flow(FLAKY))
    refused = pydag("resume", "J")
    assert refused.returncode == 2
    assert f"`pydag retry {runs()[0]['id']}` runs again what did not succeed" in refused.stderr


@pytest.mark.parametrize("command", ["retry", "resume"])
def test_what_is_not_there_is_named(command: str) -> None:
    pydag("run", flow(FLAKY))
    for words, message in [(["K"], "there is no job 'K'"), (["J", "2099"], "the job 'J' has no run '2099'")]:
        refused = pydag(command, *words)
        assert (refused.returncode, message in refused.stderr) == (6, True)


def test_a_job_that_forbids_it_runs_once_at_a_time() -> None:
    text = f"with Job('J', overlap='forbid') as job:\n    Task('t', 'echo t >> done; {gate()}')\n"
    with started(*PYDAG, "run", flow(text)) as process:
        eventually(Path("gate.open").exists)
        refused = pydag("run", "flow.py")
        assert refused.returncode == 7
        assert refused.stderr.startswith("pydag: job 'J' runs now (run ")
        Path("gate").touch()
        assert process.wait(60) == 0
    assert (len(runs()), done()) == (1, ["t"])
    assert run(*PYDAG, "run", "flow.py").returncode == 0


def test_of_many_starts_at_once_one_runs_and_its_right_dies_with_it() -> None:
    text = f"with Job('J', overlap='forbid') as job:\n    Task('t', 'echo t >> done; {gate()}')\n"
    flow(text)
    processes = [started(*PYDAG, "run", "flow.py", output=f"out{number}") for number in range(20)]
    running = [each.__enter__() for each in processes]
    eventually(lambda: sum(each.poll() is None for each in running) == 1)
    (holder,) = [each for each in running if each.poll() is None]
    assert {each.returncode for each in running} == {None, 7}
    eventually(Path("gate.open").exists)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    Path("gate").touch()
    assert done() == ["t"]
    assert pydag("run", "flow.py").returncode == 0
    assert done() == ["t"]
    for each in processes:
        each.__exit__(None, None, None)
