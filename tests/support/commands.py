"""Commands as a user starts them, in the working directory and with the history of the test that calls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PYDAG = (sys.executable, "-m", "pydag")


def pydag(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. `environ` goes on top of the environment."""
    return run(*PYDAG, *arguments, **environ)


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run any program to its end."""
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60)


@contextmanager
def started(*command: str, output: str = "output") -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs meanwhile. All that it prints goes into the file `output`."""
    with open(output, "wb") as file:
        # Where the tests themselves run in the background, their children would ignore Ctrl-C.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def flow(text: str, file: str = "flow.py") -> str:
    """Write a workflow file and give its name."""
    Path(file).write_text(f"from pydag import Job, Task\n{text}")
    return file


def simple(*commands: str, name: str = "TestJob", run: str = "job.run()", **options: object) -> str:
    """A workflow file with a chain of tasks `t0`, `t1` ..., that runs its job."""
    tasks = "".join(f"    Task('t{number}', {command!r}, **options)\n" for number, command in enumerate(commands))
    chain = "for before, task in zip(job.tasks, job.tasks[1:]):\n    before >> task\n"
    return flow(f"options = {options!r}\nwith Job({name!r}) as job:\n{tasks}{chain}{run}\n")


def gate(name: object = "gate") -> str:
    """A command that makes the file NAME.open once it runs, and ends when the file NAME is there."""
    return f"touch {name}.open; until [ -e {name} ]; do sleep 0.02; done"
