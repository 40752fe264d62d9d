"""The live view of the command: on a real terminal, which may be slow, and where the command may be killed."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pydag.app.backends import opened_store
from pydag.model.states import State
from pydag.settings import Settings
from pydag.testing import at
from pydag.workflow.loader import load_job
from tests.support.commands import PYDAG, gate, pydag, simple
from tests.support.samples import run_of, success
from tests.support.waiting import eventually


class Terminal:
    """A terminal with a command on it. Nothing is read of what it writes before somebody asks."""

    def __init__(self, *command: str, **environ: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, env={**os.environ, "TERM": "xterm", **environ}, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.written = b""

    def read_until(self, text: bytes) -> None:
        while text not in self.written:
            data = os.read(self._ours, 65536)
            assert data, f"{text!r} never came"
            self.written += data

    def close(self) -> int:
        """Read the rest, and give the exit status."""
        with suppress(OSError):
            while data := os.read(self._ours, 65536):
                self.written += data
        os.close(self._ours)
        return self.process.wait(60)


@contextmanager
def terminal(*command: str, **environ: str) -> Iterator[Terminal]:
    on = Terminal(*command, **environ)
    try:
        yield on
    finally:
        on.process.kill()
        on.process.wait()


def test_a_run_that_goes_on_is_drawn_and_leaves_its_tree() -> None:
    simple(f"echo so far; {gate()}")
    with terminal(*PYDAG, "run", "flow.py") as screen:
        screen.read_until("│ so far".encode())
        Path("gate").touch()
        assert screen.close() == 0
    assert b"next: pydag log TestJob" in screen.written


def test_no_color_takes_the_colours_alone() -> None:
    simple(f"echo so far; {gate()}")
    with terminal(*PYDAG, "run", "flow.py", NO_COLOR="1") as screen:
        screen.read_until("● t0".encode())
        Path("gate").touch()
        assert screen.close() == 0
    assert b"\x1b[?7l" in screen.written
    assert b"\x1b[3" not in screen.written


def test_a_terminal_that_nobody_reads_does_not_hold_the_run_up() -> None:
    simple("seq 1 30000", "touch end")
    with terminal(*PYDAG, "run", "flow.py", "-v") as screen:
        eventually(Path("end").exists)
        assert screen.close() == 0
    assert b"30000" in screen.written


def test_a_run_that_is_killed_leaves_a_terminal_that_can_be_used() -> None:
    simple(gate())
    with terminal(*PYDAG, "run", "flow.py") as screen:
        screen.read_until(b"0/1")
        screen.process.kill()
        screen.close()
    Path("gate").touch()
    assert b"\x1b[?25l" not in screen.written
    assert screen.written.rindex(b"\x1b[?7h") > screen.written.rindex(b"\x1b[?7l")
    assert b"\x1b[?1049h" not in screen.written


def test_plain_lines_and_nothing_can_be_asked_for() -> None:
    simple("exit 3")
    with terminal(*PYDAG, "run", "flow.py", "--progress", "plain") as screen:
        assert screen.close() == 1
    assert b"`t0` started" in screen.written
    done = pydag("run", "flow.py", "--progress", "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pydag: TestJob: failed after ")
    assert done.stderr.count("\n") == 1
    assert "`t0` started" in pydag("run", "flow.py", "--progress=live").stdout


def test_the_time_left_comes_from_the_jobs_last_successful_runs() -> None:
    file = simple(gate())
    with opened_store(Settings.load()) as store:
        spec = load_job(file, None).check()
        minute = success(0, 0, 60)
        run_before = run_of(spec, [minute], State.RUNNING, ended=None).run
        handle = store.begin(run_before, spec)
        handle.write([minute])
        handle.finish(State.SUCCESS, at(60))
    with terminal(*PYDAG, "run", "flow.py") as screen:
        screen.read_until(b"about 1m left")
        Path("gate").touch()
        assert screen.close() == 0


@pytest.mark.parametrize("command", [[*PYDAG, "run", "flow.py"], [sys.executable, "flow.py"]])
def test_a_script_and_the_command_show_the_same(command: list[str]) -> None:
    simple("echo out; exit 3", run="if __name__ == '__main__':\n    job.run()")
    with terminal(*command, PYDAG_SHOW_OUTPUT="1") as screen:
        assert screen.close() == 1
    assert "t0 │ ".encode() in screen.written
