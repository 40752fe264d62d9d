"""What the embedded engine passes on of what commands write, and what becomes of a pipe that is held open."""

import os
import signal
from pathlib import Path

import pytest

from pydag.engines.local import engine as local_engine
from pydag.model.run import Attempt, Output
from pydag.model.states import State
from pydag.testing.engine_contract import collect, one_end, output_of
from tests.support.local_engine import MakeEngine
from tests.support.processes import alive, pid_in
from tests.support.waiting import eventually


def test_stdout_and_stderr_keep_their_order(start: MakeEngine) -> None:
    engine = start("for i in {1..200}; do echo out $i; echo err $i >&2; done")
    expected = b"".join(f"out {i}\nerr {i}\n".encode() for i in range(1, 201))
    assert output_of(collect(engine, 1), 0) == expected


def test_reopening_dev_stderr_loses_nothing(start: MakeEngine) -> None:
    """With a file in place of the pipe, each `>` would truncate what was written before."""
    engine = start("echo a; echo b > /dev/stderr; echo c > /dev/stdout; echo d")
    assert output_of(collect(engine, 1), 0) == b"a\nb\nc\nd\n"


def test_binary_output_without_a_newline_comes_byte_for_byte(start: MakeEngine) -> None:
    engine = start(r"printf '\000\377\r\n\033[31m\200end'")
    assert output_of(collect(engine, 1), 0) == b"\0\xff\r\n\x1b[31m\x80end"


def test_a_gigabyte_of_output_passes_in_bounded_memory(start: MakeEngine) -> None:
    engine = start("head -c 1073741824 /dev/zero")
    total = largest = 0
    end = None
    while end is None:
        events = engine.wait(60.0)
        sizes = [len(event.data) for event in events if isinstance(event, Output)]
        total, largest = total + sum(sizes), max(largest, sum(sizes))
        end = next((event for event in events if isinstance(event, Attempt)), None)
    assert (total, end.state) == (1073741824, State.SUCCESS)
    assert largest <= 1024 * 1024


def test_a_daemon_that_holds_the_output_open_does_not_hang_the_run_and_lives_on(
    start: MakeEngine, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    engine = start(f"setsid sleep 600 & echo $! > {pid_file}; echo started")
    events = collect(engine, 1)
    assert one_end(events).state is State.SUCCESS
    assert output_of(events, 0) == b"started\n"
    daemon = pid_in(pid_file)
    assert alive(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_a_daemon_that_writes_without_end_does_not_hang_the_run(start: MakeEngine, tmp_path: Path) -> None:
    engine = start(f"yes & echo $! > {tmp_path / 'pid'}")
    assert one_end(collect(engine, 1)).state is State.SUCCESS
    daemon = pid_in(tmp_path / "pid")
    eventually(lambda: not alive(daemon))  # its next write found the pipe closed


def test_what_a_process_substitution_writes_after_the_end_is_kept(
    start: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engine, "LINGER", 30.0)  # it ends with the pipe; a busy machine must not end it before
    engine = start("exec > >(sleep 0.1; cat); echo late")
    assert output_of(collect(engine, 1), 0) == b"late\n"


def test_a_command_that_closes_its_output_and_goes_on_is_awaited(start: MakeEngine, tmp_path: Path) -> None:
    engine = start(f"exec >&- 2>&-; sleep 0.2; touch {tmp_path / 'done'}; exit 4")
    assert one_end(collect(engine, 1)).exit_status == 4
    assert (tmp_path / "done").exists()
