"""`pydag stop` ends what runs, children and all, whoever tracks it, and says what it could not stop."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydag.model.states import State
from pydag.runs.owner import this_process
from pydag.stores.sqlite.store import SQLiteStore
from tests.support.commands import PYDAG, pydag, simple, started
from tests.support.orphans import all_ended, killed_run, leaving, lives, logged
from tests.support.processes import alive, pid_in
from tests.support.samples import job, run_of
from tests.support.waiting import eventually

TREE = ("child", "timed", "controlled", "bare")

# Its grace is an hour: what ends a tree that ignores SIGTERM is a kill.
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


@pytest.fixture(autouse=True)
def nothing_left(directory: Path) -> Iterator[None]:
    with all_ended(directory, *TREE, "daemon"):
        yield


def a_tree() -> str:
    """A workflow whose one task, and each of its children, ignores SIGTERM."""
    commands = [lives(name) for name in TREE]
    tree = f"timeout 600 {commands[1]} & (set -m; {commands[2]} & wait) & env -i $(command -v bash) bare.sh &"
    return leaving(t=f"trap '' TERM; echo so far; {tree} {commands[0]}")


def a_live_tree() -> list[int]:
    pids = [pid_in(Path(name)) for name in TREE]
    assert all(map(alive, pids))
    return pids


def states(index: int = 0) -> list[str]:
    run = logged()[index]
    return [run["state"], *(task["state"] for task in run["tasks"])]


def output() -> str:
    (attempt,) = json.loads(pydag("log", "J", "--task-name=t", "--json").stdout)["attempts"]
    text: str = attempt["output"]
    return text


def test_a_tree_of_children_that_ignores_sigterm_is_stopped_and_its_output_is_kept() -> None:
    with started(*PYDAG, "run", a_tree()) as process:
        pids = a_live_tree()
        done = pydag("stop", "J")
        assert (done.returncode, done.stderr) == (0, "")
        assert not any(map(alive, pids))
        assert process.wait(60) == 143
    asked, *_, last = done.stdout.splitlines()
    (run,) = logged()
    assert asked == f"J: run {run['id']}: asked pydag (pid {process.pid}) to stop its tasks"
    assert last == f"J: run {run['id']}: cancelled"
    assert states() == ["cancelled", "cancelled"]
    assert output().startswith("so far\n")


@pytest.mark.parametrize("how", ["--force", "a second stop"])
def test_force_and_a_second_stop_kill_what_ignores_the_first(how: str) -> None:
    a_tree()
    with started(*PATIENT) as process:
        pids = a_live_tree()
        if how == "--force":
            done = pydag("stop", "J", "--force")
        else:
            with started(*PYDAG, "stop", "J", output="first") as first:
                eventually(lambda: "asked pydag" in Path("first").read_text())
                assert all(map(alive, pids))
                done = pydag("stop", "J")
                assert first.wait(60) == 0
        assert (done.returncode, done.stderr) == (0, "")
        assert not any(map(alive, pids))
        assert process.wait(60) == 143
    assert states() == ["cancelled", "cancelled"]


def test_ctrl_c_ends_the_same_tree() -> None:
    with started(*PYDAG, "run", a_tree()) as process:
        pids = a_live_tree()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert not any(map(alive, pids))
    assert output().startswith("so far\n")


def test_a_tracker_that_takes_no_notice_is_killed_by_force_with_all_that_it_runs() -> None:
    a_tree()
    deaf = PATIENT[2].replace("main()\n", "import pydag.app.run as r\nr.signals_to = nullcontext\nmain()\n")
    ignore = "import signal\nfrom contextlib import nullcontext\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    with started(sys.executable, "-c", ignore + deaf) as process:
        pids = a_live_tree()
        done = pydag("stop", "J", "--force")
        assert (done.returncode, done.stderr) == (0, "")
        assert process.wait(60) == -signal.SIGKILL
    assert not any(map(alive, pids))
    assert states() == ["lost", "lost"]


def test_one_run_of_several_is_stopped_by_its_id() -> None:
    file = leaving(t=f"{lives('child')} & {lives('bare')}")
    with started(*PYDAG, "run", file) as first, started(*PYDAG, "run", file, output="other") as second:
        eventually(lambda: Path("starts").exists() and len(Path("starts").read_text().split()) == 2)
        newest, _ = logged()
        stop = pydag("stop", newest["id"][:-1])
        assert (stop.returncode, stop.stderr) == (0, "")
        eventually(lambda: first.poll() is not None or second.poll() is not None)
        assert sorted(run["state"] for run in logged()) == ["cancelled", "running"]
        everything = pydag("stop", "J", "--force")
        assert everything.returncode == 0
        assert (first.wait(60), second.wait(60)) == (143, 143)


def test_what_a_killed_run_left_is_stopped_and_the_run_is_lost() -> None:
    dead = killed_run(leaving(t=f"{lives('child')} & setsid {lives('daemon')} & wait"), "child", "daemon")
    done = pydag("stop", "J")
    assert (done.returncode, done.stderr) == (0, "")
    assert not alive(pid_in(Path("child")))
    daemon = pid_in(Path("daemon"))
    assert alive(daemon)
    assert f"J: run {dead}: lost, as pydag (pid " in done.stdout
    assert f"J: run {dead}: pid {daemon} (bash daemon.sh) left its session and goes on" in done.stdout
    assert states() == ["lost", "lost"]
    assert pydag("stop", "J").stdout == "J: nothing runs\n"

    done = pydag("stop", "J", dead, "--kill-orphans")
    assert (done.returncode, done.stderr) == (0, "")
    assert not alive(daemon)


def test_a_daemon_of_a_run_that_is_stopped_is_named_or_ended() -> None:
    with started(*PYDAG, "run", leaving(t=f"setsid {lives('daemon')} & wait")) as process:
        daemon = pid_in(Path("daemon"))
        done = pydag("stop", "J")
        assert process.wait(60) == 143
    assert (done.returncode, done.stderr) == (0, "")
    assert f"pid {daemon} (bash daemon.sh) left its session and goes on: --kill-orphans ends it" in done.stdout
    assert alive(daemon)
    assert pydag("stop", "J", "--kill-orphans").returncode == 0
    assert not alive(daemon)


def test_a_run_that_is_tracked_elsewhere_is_stopped_there(own_home: Path) -> None:
    elsewhere = this_process().split(" ")
    elsewhere[0], elsewhere[1], elsewhere[2], elsewhere[5] = "db1", "another-boot", "77", "another-machine"
    spec = job("J", {"t": []})
    run = run_of(spec, []).run._replace(id="20260101T000000-aaaa", ended=None, owner=" ".join(elsewhere))
    store = SQLiteStore(own_home)
    store.begin(run._replace(state=State.RUNNING), spec)
    store.close()
    done = pydag("stop", "J")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == (
        "pydag: J: run 20260101T000000-aaaa is tracked by pid 77 on db1, out of reach from here: "
        "type `pydag stop J 20260101T000000-aaaa` there\n"
    )


def test_where_nothing_runs_it_says_so_and_what_is_unknown_is_not_found() -> None:
    assert pydag("stop", "nothing").returncode == 6
    assert pydag("run", simple("true")).returncode == 0
    assert pydag("stop", "TestJob").stdout == "TestJob: nothing runs\n"
    (run,) = logged("TestJob")
    assert pydag("stop", run["id"]).stdout == f"TestJob: run {run['id']}: success\n"
