"""Processes as /proc shows them, and as nobody sees them where there is no /proc."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from pydag import processes
from tests.support.waiting import eventually


def test_a_process_is_seen_with_its_session_command_and_environment() -> None:
    before = processes.ticks()
    with subprocess.Popen(["sleep", "600"], start_new_session=True, env={"MARK": "a=b"}) as process:
        eventually(lambda: processes.command_of(process.pid) == "sleep 600")
        found = processes.seen(process.pid)
        assert found is not None
        assert (found.session, found.group, found.parent) == (process.pid, process.pid, os.getpid())
        assert before <= found.started <= processes.ticks()
        assert found in processes.live()
        assert processes.environ_of(process.pid)[b"MARK"] == b"a=b"
        process.kill()
        eventually(lambda: all(each.pid != process.pid for each in processes.live()))
        zombie = processes.seen(process.pid)
        assert zombie is not None
        assert zombie.ended
    assert processes.seen(process.pid) is None


@pytest.mark.parametrize("handle", ["pidfd", "no pidfd"])
def test_a_signal_goes_to_the_process_that_was_seen_and_to_no_later_one_of_its_pid(
    handle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if handle == "no pidfd":
        monkeypatch.setattr(processes, "_handle", lambda _: None)
    with subprocess.Popen(["sleep", "600"]) as process:
        found = processes.seen(process.pid)
        assert found is not None
        processes.send(found._replace(started=found.started - 1), signal.SIGKILL)
        processes.send(found, signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    processes.send(found, signal.SIGKILL)


def test_without_proc_nothing_is_known_and_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> object:
        raise FileNotFoundError

    for name in ("listdir", "readlink"):
        monkeypatch.setattr(os, name, missing)
    monkeypatch.setattr("builtins.open", missing)
    monkeypatch.setattr(Path, "read_bytes", missing)
    assert list(processes.live()) == []
    assert processes.seen(os.getpid()) is None
    assert processes.environ_of(os.getpid()) == {}
    assert (processes.command_of(os.getpid()), processes.boot_id(), processes.pid_namespace()) == ("", "", "")
