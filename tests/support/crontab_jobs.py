"""A job on the real crontab: commands that submit it, its entry, and starts as cron makes them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from pydag.schedule.schedulers.crontab_text import blocks
from pydag.schedule.submission import submission_id
from tests.support.commands import pydag

TWO = "with Job('A'):\n    Task('a', 'true')\nwith Job('B'):\n    Task('b', 'true')\n"


def submitted(*arguments: str, file: str = "flow.py", cron: str = "0 0 * * *", **environ: str) -> str:
    """Submit a job; what the command said."""
    done = pydag("submit", file, f"--cron={cron}", *arguments, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refused(*arguments: str, status: int = 2, **environ: str) -> str:
    """The one line that says why a command was not done."""
    done = pydag(*arguments, **environ)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("pydag: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("pydag: ").rstrip("\n")


def crontab() -> bytes:
    return subprocess.run(["crontab", "-l"], capture_output=True).stdout


def kept(home: Path, job: str = "TestJob") -> Path:
    return home / "schedules" / f"{submission_id(job)}.json"


def fire(job: str = "TestJob") -> subprocess.CompletedProcess[str]:
    """Start the job's entry as cron does: from the home directory, with next to no environment."""
    (block,) = [block for block in blocks(crontab()) if block.name == job]
    environ = {"HOME": str(Path.home()), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "me"}
    return subprocess.run(
        ["/bin/sh", "-c", block.command], cwd="/", env=environ, capture_output=True, text=True, timeout=60
    )


def runs(job: str = "TestJob") -> list[Any]:
    found: list[Any] = json.loads(pydag("log", job, "-n", "100", "--json").stdout)["runs"]
    return found
