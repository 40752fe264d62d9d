"""Runs whose tracker is killed with SIGKILL, and tasks that leave processes behind.

What a test judges from are files: `NAME` has the pid of a process that was left, and `log` a line for each moment at
which one lived, or at which the task was started again.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.commands import PYDAG, flow, pydag, started
from tests.support.processes import alive, pid_in
from tests.support.waiting import eventually

_LIVES = """trap '' TERM INT HUP
echo $BASHPID > {name}
until [ -e gate ]; do echo {name} >> log; sleep 0.02; done
"""


def lives(name: str) -> str:
    """A command that ignores SIGTERM, writes its pid into the file NAME, and notes that it lives."""
    Path(f"{name}.sh").write_text(_LIVES.format(name=name))
    return f"bash {name}.sh"


def leaving(**commands: str) -> str:
    """A workflow file with the job J. Once the file `again` is there, its tasks only note their starts."""
    tasks = ""
    for name, command in commands.items():
        whole = f"echo $PYDAG_RUN_ID >> starts; if [ -e again ]; then echo again >> log; else {command}; fi"
        tasks += f"    Task({name!r}, {whole!r}, strict=False)\n"
    return flow(f"with Job('J', max_parallel={len(commands)}):\n{tasks}")


def killed_run(file: str, *names: str) -> str:
    """A run that was killed with SIGKILL once these processes lived. Gives its id."""
    with started(*PYDAG, "run", file) as process:
        pids = [pid_in(Path(name)) for name in names]
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    assert all(map(alive, pids)), "the fault did not fire: nothing was left"
    Path("again").touch()
    return Path("starts").read_text().split()[0]


def noted() -> list[str]:
    return Path("log").read_text().split()


def logged(job: str = "J") -> list[dict[str, Any]]:
    """The runs of a job, newest first."""
    runs: list[dict[str, Any]] = json.loads(pydag("log", job, "--json").stdout)["runs"]
    return runs


def detail(run: dict[str, Any], task: int = 0) -> str:
    """What the history says of a task's last attempt."""
    text: str = run["tasks"][task]["attempts"][-1]["detail"]
    return text


@contextmanager
def all_ended(directory: Path, *names: str) -> Iterator[None]:
    """Whatever a test leaves running ends with the test."""
    yield
    directory.joinpath("gate").touch()
    for name in names:
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            os.kill(int(directory.joinpath(name).read_text()), signal.SIGKILL)


def gone(pid: int) -> None:
    """Until this process has ended."""
    eventually(lambda: not alive(pid))
