"""Runs that other processes watch, stop or kill: the history tells the truth from start to end."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import Any

import pytest

from pydag.app import history
from pydag.model.states import State
from pydag.view import log as log_view
from pydag.view.terminal import Display
from tests.support.commands import PYDAG, flow, gate, pydag, simple, started
from tests.support.waiting import eventually

# Its grace is an hour: whatever ends a task that ignores SIGTERM, it is not the grace.
PATIENT = (
    sys.executable,
    "-c",
    """
import sys
from pydag.cli.main import main
from pydag.engines.local import engine as local
local.GRACE = 3600
sys.argv = ["pydag", "run", "flow.py"]
main()
""",
)
STUBBORN = "trap 'touch asked' TERM; touch up; echo $BASHPID > pid; until [ -e gate ]; do sleep 0.02 || :; done"


@pytest.fixture(autouse=True)
def open_gates(directory: Path) -> Iterator[None]:
    """Whatever a test leaves running behind a gate ends with the test."""
    yield
    directory.joinpath("gate").touch()


@contextmanager
def a_run(*commands: str) -> Iterator[Popen[bytes]]:
    """A run that goes on: its last task waits behind the gate."""
    simple(*commands, gate(), "echo after")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("gate.open").exists)
        yield process


def logged(job: str = "TestJob") -> dict[str, Any]:
    """The newest run of a job, as a second process sees it."""
    run: dict[str, Any] = json.loads(pydag("log", job, "-n=1", "--json").stdout)["runs"][0]
    return run


def states(run: dict[str, Any]) -> list[str]:
    return [run["state"], *(task["state"] for task in run["tasks"])]


def text(file: str = "output") -> str:
    return Path(file).read_text()


# Looking on.


def test_another_process_sees_a_run_while_it_goes() -> None:
    with a_run("echo before") as process:
        status = json.loads(pydag("status", "--json").stdout)
        (running,) = status["running"]
        assert running["tasks"]["success"] == running["tasks"]["running"] == running["tasks"]["pending"] == 1
        assert status["jobs"] == [{"name": "TestJob", "last_result": None, "schedule": None}]
        shown = pydag("status").stdout
        assert "1 of 3 tasks done\n  `t1` for " in shown
        assert states(logged()) == ["running", "success", "running", "pending"]
        assert logged()["ended"] is None
        assert "running for" in pydag("log", "TestJob", "--style=tree").stdout
        Path("gate").touch()
        assert process.wait(60) == 0
    assert states(logged()) == ["success"] * 4
    assert "nothing" in pydag("status").stdout


def test_while_a_run_goes_status_shows_the_result_before_it() -> None:
    Path("gate").touch()
    assert pydag("run", simple(gate())).returncode == 0
    before = logged()
    Path("gate").unlink()
    Path("gate.open").unlink()
    with a_run():
        status = json.loads(pydag("status", "TestJob", "--json").stdout)
        assert [run["state"] for run in status["running"]] == ["running"]
        assert status["jobs"][0]["last_result"]["id"] == before["id"]


def test_log_f_tells_the_events_of_a_run_to_its_end() -> None:
    with a_run("echo before") as process, started(*PYDAG, "log", "TestJob", "-f", output="followed") as follower:
        eventually(lambda: "`t1` started" in text("followed"))
        assert "`t0` success" in text("followed")
        assert follower.poll() is None
        Path("gate").touch()
        assert (process.wait(60), follower.wait(60)) == (0, 0)
    assert "`t2` success" in text("followed")
    assert text("followed").splitlines()[-1].startswith("TestJob: success after ")


def test_log_f_of_a_task_prints_its_output_as_it_comes() -> None:
    simple("echo first; " + gate() + "; printf last")
    follow = (*PYDAG, "log", "TestJob", "-f", "--task_name", "t0")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("gate.open").exists)
        with started(*follow, output="followed") as follower:
            eventually(lambda: text("followed") == "first\n")
            assert follower.poll() is None
            Path("gate").touch()
            assert (process.wait(60), follower.wait(60)) == (0, 0)
    assert text("followed") == "first\nlast"


def test_log_f_shows_what_a_failed_task_wrote() -> None:
    assert pydag("run", simple("echo one; echo two; exit 3")).returncode == 1
    shown = pydag("log", "TestJob", "-f").stdout
    last = shown[shown.index("✗ `t0`") :].splitlines()
    assert last[:3] == ["✗ `t0`: exit 3; its last output:", "  │ one", "  │ two"]


def log_of_a_waiting_task() -> list[str]:
    """The log's lines of a run and its one task while that waits; read here, as a command might take too long."""
    records = history.records("TestJob", 1)
    if records[0].tasks["t0"].state is not State.PENDING or not records[0].tasks["t0"].attempts:
        return []
    _, run, task, _ = log_view.log("TestJob", records, style="flat", now=datetime.now(UTC), display=Display())
    return [run, task]


def test_a_task_that_waits_for_its_next_attempt_has_not_failed_yet() -> None:
    simple(f"echo $PYDAG_ATTEMPT; [ $PYDAG_ATTEMPT = 2 ] || {{ {gate('second')}; false; }}", retries=1, retry_delay=5)
    follow = (*PYDAG, "log", "TestJob", "-f", "--task_name", "t0")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("second.open").exists)
        with started(*follow, output="followed") as follower:
            Path("second").touch()
            run, task = eventually(log_of_a_waiting_task)
            assert "0 of 1 task done" in run
            assert "exit 1, attempt 1 of 2, waiting for the next" in task
            assert (process.wait(60), follower.wait(60)) == (0, 0)
    assert text("followed") == "1\n2\n"
    assert states(logged()) == ["success", "success"]


def test_log_f_of_a_job_that_never_ran_says_so() -> None:
    flow("job = Job('J')\njob.add_task(Task('t', 'true'))\njob.run(mode='submit')\n")
    with started(sys.executable, "flow.py") as script:
        assert script.wait(60) == 0
    for option in ([], ["--task_name=t"]):
        done = pydag("log", "J", "-f", *option)
        assert (done.returncode, done.stdout) == (0, "`J` has not run yet. `pydag run FILE --job J` runs it.\n")


def test_ctrl_c_while_following_leaves_the_run_alone() -> None:
    with a_run() as process, started(*PYDAG, "log", "TestJob", "-f", output="followed") as follower:
        eventually(lambda: "`t0` started" in text("followed"))
        follower.send_signal(signal.SIGINT)
        assert follower.wait(60) == 130
        assert "Traceback" not in text("followed")
        Path("gate").touch()
        assert process.wait(60) == 0


def test_a_job_that_runs_is_not_deleted() -> None:
    with a_run() as process:
        run = logged()["id"]
        done = pydag("delete", "TestJob")
        assert (done.returncode, done.stdout) == (7, "")
        assert done.stderr == (
            f"pydag: job 'TestJob' runs now (run {run}): wait for its end or stop it, or delete it all the same with "
            "--force\n"
        )
        Path("gate").touch()
        assert process.wait(60) == 0
    assert pydag("delete", "TestJob").returncode == 0


def test_a_run_whose_history_is_deleted_by_force_stops_and_says_why() -> None:
    with a_run() as process:
        assert pydag("delete", "TestJob", "--force").returncode == 0
        Path("gate").touch()
        assert process.wait(60) == 6
    assert "it may have been deleted" in text()
    assert "Traceback" not in text()


# Stopping.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_stops_the_run_in_order_and_ends_with_its_status(number: signal.Signals) -> None:
    with a_run("true") as process:
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    run = logged()
    assert states(run) == ["cancelled", "success", "cancelled", "cancelled"]
    assert [task["reason"] for task in run["tasks"]] == [None, "interrupted", "interrupted"]
    assert [len(task["attempts"]) for task in run["tasks"]] == [1, 1, 0]
    assert run["tasks"][1]["attempts"][0]["signal"] == signal.SIGTERM
    assert "Traceback" not in text()
    assert text().splitlines()[-1].startswith("TestJob: cancelled after ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_that_is_stopped_ends_with_that_status_too(number: signal.Signals) -> None:
    simple(gate(), run="job.run()\nprint('goes on')")
    with started(sys.executable, "flow.py") as process:
        eventually(Path("gate.open").exists)
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert "Traceback" not in text()
    assert "goes on" not in text()
    assert states(logged()) == ["cancelled", "cancelled"]


def test_a_second_ctrl_c_kills_what_ignores_the_first() -> None:
    simple(STUBBORN)
    with started(*PATIENT) as process:
        eventually(Path("up").exists)
        process.send_signal(signal.SIGINT)
        eventually(Path("asked").exists)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    run = logged()
    assert states(run) == ["cancelled", "cancelled"]
    assert run["tasks"][0]["attempts"][0]["signal"] == signal.SIGKILL
    assert not Path(f"/proc/{Path('pid').read_text().strip()}").exists()


def test_a_task_that_is_stopped_may_still_say_something() -> None:
    simple("trap 'echo goodbye; exit 3' TERM; touch up; until [ -e gate ]; do sleep 0.02; done")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(Path("up").exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    attempts = json.loads(pydag("log", "TestJob", "--task_name=t0", "--json").stdout)["attempts"]
    (attempt,) = attempts
    assert (attempt["state"], attempt["exit_status"]) == ("cancelled", 3)
    assert attempt["output"].endswith("goodbye\n")


def test_a_retry_that_waits_is_cancelled() -> None:
    simple("touch tried; false", retries=3, retry_delay=3600)
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(lambda: Path("output").exists() and "the next in 1h 00m" in text())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    run = logged()
    assert states(run) == ["cancelled", "cancelled"]
    assert [each["state"] for each in run["tasks"][0]["attempts"]] == ["failed"]


IN_A_THREAD = """
import threading, time
from pathlib import Path
thread = threading.Thread(target=job.run, daemon={daemon})
thread.start()
while not Path("up").exists():
    time.sleep(0.02)
{then}
"""


@pytest.mark.parametrize(
    ("daemon", "signals"),
    [(False, True), (True, True), (True, False)],
    ids=["joined", "a daemon", "a daemon left behind"],
)
def test_a_run_in_another_thread_is_stopped_in_order_when_python_ends(daemon: bool, signals: bool) -> None:
    then = "thread.join()" if signals else ""
    simple("echo $$ > pid; touch up; exec sleep 600", "true", run=IN_A_THREAD.format(daemon=daemon, then=then))
    with started(sys.executable, "flow.py") as process:
        eventually(Path("up").exists)
        # Since 3.13 a first Ctrl-C ends the main thread alone, and Python waits for the others.
        while signals and process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(TimeoutExpired):
                process.wait(2)
        assert process.wait(60) == (-signal.SIGINT if signals else 0)  # a shell makes 130 of it
    assert states(logged()) == ["cancelled"] * 3
    assert not Path(f"/proc/{text('pid').strip()}").exists()


ALARM = """
import signal, time
def enough(*_):
    raise TimeoutError("enough")
signal.signal(signal.SIGALRM, enough)
try:
    job.run()
except TimeoutError:
    print("broken off", flush=True)
    time.sleep(600)
"""


def test_a_run_that_the_scripts_own_signal_handler_breaks_off_is_lost_although_the_script_goes_on() -> None:
    simple(f"echo $$ > pid; {gate()}; kill -ALRM $PPID; exec sleep 600", "true", run=ALARM)
    with started(sys.executable, "flow.py"):
        eventually(Path("gate.open").exists)
        Path("gate").touch()
        eventually(lambda: Path("output").exists() and "broken off" in text())
        assert states(logged()) == ["lost", "lost", "cancelled"]
        assert not Path(f"/proc/{text('pid').strip()}").exists()


# Killing.


def test_a_run_whose_process_was_killed_is_lost_and_never_running() -> None:
    with a_run("true") as process:
        process.kill()
        process.wait(60)
    run = logged()
    assert states(run) == ["lost", "success", "lost", "cancelled"]
    assert [(each["state"], each["duration"]) for each in run["tasks"][1]["attempts"]] == [("lost", None)]
    status = json.loads(pydag("status", "--json").stdout)
    assert status["running"] == []
    assert status["jobs"][0]["last_result"]["state"] == "lost"
    assert json.loads(pydag("list", "--json").stdout)["jobs"][0]["last_run"]["state"] == "lost"
    log = ["log", "TestJob"]
    for command in (["status"], log, [*log, "--style=tree"], [*log, "-f"], [*log, "--task_name=t1"]):
        done = pydag(*command)
        assert done.returncode == 0
        assert "lost" in done.stdout
        assert "running" not in done.stdout.replace("Running now", "")
    assert re.search(r"\? lost: its pydag \(pid \d+ on .*\) was ended, 1 of 3 tasks done", pydag(*log).stdout)
    assert "lost: its outcome cannot be known" in pydag(*log).stdout
    followed = pydag(*log, "-f").stdout
    assert "? `t1`: lost: its outcome cannot be known\n" in followed
    assert "failed" not in followed


def test_a_lost_run_is_no_obstacle_to_the_next_nor_to_delete() -> None:
    with a_run() as process:
        process.kill()
        process.wait(60)
    Path("gate").touch()
    assert pydag("run", "flow.py").returncode == 0
    assert states(logged()) == ["success"] * 3
    assert pydag("delete", "TestJob").returncode == 0


def test_a_second_ctrl_c_right_after_the_first_is_heeded_too() -> None:
    simple(STUBBORN)
    with started(*PATIENT) as process:
        eventually(Path("up").exists)
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 130
    assert states(logged()) == ["cancelled", "cancelled"]
