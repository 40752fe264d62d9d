"""How the embedded engine ends what runs: timeout, stop, kill, close, with all that a command has started."""

import os
import signal
from pathlib import Path

import pytest

from pydag.engines.base import Event
from pydag.engines.local import engine as local_engine
from pydag.model.actions import Shell
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State
from pydag.testing.engine_contract import collect, one_end
from pydag.workflow.tasks.checks import MAX_SECONDS
from tests.support.local_engine import MakeEngine
from tests.support.processes import alive, pid_in
from tests.support.waiting import eventually

OTHER_GROUPS = (
    "timeout 600 sleep 601 & echo $! > {pid}; wait",
    "timeout 600 sleep 601 | {{ echo $BASHPID > {pid}; cat; }}",
    "set -m; sleep 601 & echo $! > {pid}; wait",
    "set -m; sleep 601 & echo $! > {pid}; trap '' TERM; while :; do sleep 0.01; done",
)


@pytest.mark.parametrize("how", ["stop", "timeout", "close"])
@pytest.mark.parametrize("command", OTHER_GROUPS)
def test_a_group_that_a_command_makes_in_its_session_ends_with_it(
    command: str, how: str, start: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`timeout` does so, and a shell with job control."""
    monkeypatch.setattr(local_engine, "GRACE", 0.2)
    timeout = 2.0 if how == "timeout" else None
    engine = start(TaskSpec(name="t", action=Shell(command.format(pid=tmp_path / "pid")), timeout=timeout))
    pid = pid_in(tmp_path / "pid")
    if how == "close":
        engine.close()
    else:
        if how == "stop":
            engine.stop(force=False)
        assert one_end(collect(engine, 1)).state in (State.CANCELLED, State.FAILED)
    eventually(lambda: not alive(pid))


def test_no_group_that_is_made_while_the_engine_closes_escapes(start: MakeEngine, tmp_path: Path) -> None:
    """`timeout` makes one first thing, at the very moment of these closes: one signal for each session missed many."""
    for number in range(30):
        file = tmp_path / f"pid{number}"
        engine = start(TaskSpec(name="t", action=Shell(OTHER_GROUPS[0].format(pid=file))))
        pid = pid_in(file)
        engine.close()
        assert not alive(pid)


def test_a_timeout_takes_children_and_grandchildren_with_it(start: MakeEngine, tmp_path: Path) -> None:
    command = f"bash -c 'sleep 601 & echo $! > {tmp_path / 'pid'}; sleep 602' & sleep 603"
    engine = start(TaskSpec(name="t", action=Shell(command), timeout=1.0))
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason) == (State.FAILED, Reason.TIMEOUT)
    assert not alive(pid_in(tmp_path / "pid"))


def test_a_timeout_of_a_year_is_more_milliseconds_than_a_system_call_takes(start: MakeEngine) -> None:
    engine = start(TaskSpec(name="t", action=Shell("sleep 0.1"), timeout=MAX_SECONDS))
    events: list[Event] = []
    while not events:
        events = engine.wait(None)
    assert one_end(events).state is State.SUCCESS


def test_what_ignores_sigterm_is_killed_after_the_grace(
    start: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engine, "GRACE", 0.2)
    child = f"(trap '' TERM; echo $BASHPID > {tmp_path / 'pid'}; while :; do sleep 0.1; done)"
    engine = start(f"trap '' TERM; {child} & while :; do sleep 0.1; done")
    pid = pid_in(tmp_path / "pid")
    engine.stop(force=False)
    end = one_end(collect(engine, 1))
    assert (end.state, end.signal) == (State.CANCELLED, signal.SIGKILL)
    assert not alive(pid)


def test_a_child_that_outlives_its_stopped_leader_has_the_grace_to_clean_up(start: MakeEngine, tmp_path: Path) -> None:
    trap = f"trap 'sleep 0.3; touch {tmp_path / 'clean'}; exit' TERM"
    engine = start(f"({trap}; echo $BASHPID > {tmp_path / 'pid'}; sleep 600 & wait) > /dev/null 2>&1 & wait")
    pid_in(tmp_path / "pid")
    engine.stop(force=False)
    assert one_end(collect(engine, 1)).state is State.CANCELLED
    assert (tmp_path / "clean").exists()


def test_a_forced_stop_does_not_wait_for_the_grace(start: MakeEngine, tmp_path: Path) -> None:
    engine = start(f"trap '' TERM; echo $$ > {tmp_path / 'pid'}; while :; do sleep 0.1; done")
    pid_in(tmp_path / "pid")
    engine.stop(force=False)
    engine.stop(force=True)
    assert one_end(collect(engine, 1)).signal == signal.SIGKILL


def test_closing_kills_what_runs(start: MakeEngine, tmp_path: Path) -> None:
    engine = start(f"echo $$ > {tmp_path / 'pid'}; sleep 600 & wait")
    pid = pid_in(tmp_path / "pid")
    engine.close()
    assert not alive(pid)


def test_a_stop_is_reported_as_a_stop_although_something_else_took_the_end(start: MakeEngine, tmp_path: Path) -> None:
    engine = start(f"echo $$ > {tmp_path / 'pid'}; exec sleep 600")
    pid = pid_in(tmp_path / "pid")
    engine.stop(force=False)
    os.waitpid(pid, 0)
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason, end.exit_status, end.signal) == (State.CANCELLED, Reason.INTERRUPTED, None, None)


def test_closing_kills_all_although_something_else_takes_their_ends(start: MakeEngine, tmp_path: Path) -> None:
    engine = start(*(f"echo $$ > {tmp_path / str(task)}; exec sleep 600" for task in range(4)))
    pids = [pid_in(tmp_path / str(task)) for task in range(4)]
    os.kill(pids[0], signal.SIGKILL)
    os.waitpid(pids[0], 0)
    engine.close()
    assert not any(alive(pid) for pid in pids)
