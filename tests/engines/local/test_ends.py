"""How the embedded engine learns of an end: pidfd or thread, ends taken by others, SIGCHLD ignored."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydag.errors import EngineError
from pydag.model.actions import Shell
from pydag.model.run import Attempt
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State
from pydag.testing.engine_contract import collect, one_end, output_of
from tests.support.local_engine import MakeEngine
from tests.support.processes import pid_in


@pytest.mark.parametrize("cwd", [None, "/"])
def test_an_end_that_something_else_in_this_process_took_is_lost(
    start: MakeEngine, tmp_path: Path, cwd: str | None
) -> None:
    engine = start(TaskSpec(name="t", action=Shell(f"echo $$ > {tmp_path / 'pid'}", cwd=cwd)))
    os.waitpid(pid_in(tmp_path / "pid"), 0)
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason, end.exit_status, end.signal) == (State.LOST, Reason.UNKNOWN, None, None)
    assert "something else in this process" in end.detail


def test_an_end_that_was_taken_before_anything_could_await_it_is_lost(
    start: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(pid: int) -> int:
        os.waitpid(pid, 0)
        raise ProcessLookupError

    monkeypatch.setattr(os, "pidfd_open", too_late)
    engine = start("true")
    assert one_end(collect(engine, 1)).state is State.LOST


def test_nothing_is_left_open_after_many_attempts(prepare: MakeEngine) -> None:
    engine = prepare("echo some words")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        engine.start(0, number, {})
        collect(engine, 1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_wait_is_woken_from_another_thread(prepare: MakeEngine) -> None:
    engine = prepare("true")
    threading.Timer(0.05, engine.wake).start()
    assert engine.wait(None) == []


def test_without_pidfd_a_thread_awaits_each_child(start: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    engine = start(*(f"echo task {task}; exit {task}" for task in range(4)))
    events = collect(engine, 4)
    ends = {event.task: event.exit_status for event in events if isinstance(event, Attempt)}
    assert ends == {0: 0, 1: 1, 2: 2, 3: 3}
    assert output_of(events, 2) == b"task 2\n"


@pytest.fixture
def children_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGCHLD, before)


@pytest.mark.usefixtures("children_ignored")
def test_a_failure_is_known_although_the_end_of_children_was_ignored_at_the_start(start: MakeEngine) -> None:
    engine = start("exit 3")
    assert one_end(collect(engine, 1)).exit_status == 3


@pytest.mark.usefixtures("children_ignored")
def test_the_end_of_children_is_ignored_again_once_the_engine_is_closed(prepare: MakeEngine) -> None:
    engine = prepare("true")
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
    engine.close()
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN


@pytest.mark.usefixtures("children_ignored")
def test_where_the_end_of_children_stays_ignored_nothing_starts(prepare: MakeEngine) -> None:
    errors: list[EngineError] = []

    def attempt() -> None:
        try:
            prepare("true")
        except EngineError as error:
            errors.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert "SIGCHLD" in str(errors[0])
