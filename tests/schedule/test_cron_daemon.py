"""A real cron daemon runs an entry, with almost nothing around it, and a submitted job, with all that it needs.

The daemon reads the real crontab of root. Only one can run on a machine: it locks its pid file. So
where one runs already, the one that this test starts ends at once, and the other serves as well.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pydag.schedule.schedulers.crontab_file import Crontab
from pydag.schedule.schedulers.crontab_text import CrontabBlock, with_block
from tests.support.commands import PYDAG
from tests.support.user_crontab import borrowed_crontab
from tests.support.waiting import eventually

pytestmark = pytest.mark.cron

ARGUMENTS = ["100%", r"\d", "$(id)", "täglich 🦀"]

PATIENCE = 90.0  # seconds; a daemon looks at its crontabs once a minute
RECORD = """
import json, os, sys
found = {"arguments": sys.argv[2:], "cwd": os.getcwd(), "environ": dict(os.environ)}
open(sys.argv[1], "w").write(json.dumps(found))
"""


# What a user has at the prompt, and cron does not.
PROMPT = {"TOKEN": "s3cret", "PYDAG_TASK_TIMEOUT": "77"}
TASK = "{ pwd; echo $TOKEN; echo $PYDAG_TASK_TIMEOUT; echo $PYDAG_SCHEDULED_FOR; echo $PATH; } > answers"


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What one minute of a cron daemon brought: what an entry of its own found, and what a job's task wrote."""

    found: dict[str, Any]
    task: list[str]
    work: Path
    environ: dict[str, str]


@contextmanager
def daemon() -> Iterator[None]:
    program = shutil.which("cron", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "install Debian's cron"
    environ = {**os.environ, "ONLY_THE_DAEMON_HAS_THIS": "1"}
    started = subprocess.Popen([program, "-f"], env=environ, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        ended = started.poll() is not None
        started.terminate()
        _, said = started.communicate(timeout=30)
    assert not ended or "can't lock" in said, said


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minute]:
    """One minute for all tests: a plain entry, and a job that was submitted for every minute."""
    work = tmp_path_factory.mktemp("cron")
    script, answers = work / "record.py", work / "bare"
    script.write_text(RECORD)
    os.mkfifo(answers)
    os.mkfifo(work / "answers")
    work.joinpath("flow.py").write_text(
        f"from pydag import Job, Task\nwith Job('J') as job:\n    Task('t', {TASK!r})\njob.run()\n"
    )
    command = shlex.join([sys.executable, str(script), str(answers), *ARGUMENTS])
    plain = CrontabBlock(name="$(touch owned) %\n'\"", expression="* * * * *", command=command)
    environ = {**os.environ, **PROMPT, "PYDAG_HOME": str(work / "home")}
    with borrowed_crontab():
        Crontab(work / "home").edit(lambda text: with_block(text, plain))
        submit = [*PYDAG, "submit", "flow.py", "--cron=* * * * *", "--env=TOKEN"]
        subprocess.run(submit, cwd=work, env=environ, check=True, stdout=subprocess.DEVNULL)
        with daemon():
            found = json.loads(received(answers))
            task = received(work / "answers").splitlines()
            yield Minute(found=found, task=task, work=work, environ=environ)


def test_an_entry_fires_within_a_minute_in_the_home_directory_with_a_bare_environment(minute: Minute) -> None:
    user = pwd.getpwuid(os.getuid())
    environ = minute.found["environ"]
    assert minute.found["arguments"] == ARGUMENTS
    assert minute.found["cwd"] == user.pw_dir
    assert environ["HOME"] == user.pw_dir
    assert environ["LOGNAME"] == user.pw_name
    assert environ["SHELL"] == "/bin/sh"
    assert environ["PATH"] == "/usr/bin:/bin"
    # PAM may add the locale of /etc/default/locale; nothing comes from whoever started the daemon.
    others = {name for name in environ if name != "LANG" and not name.startswith("LC_")}
    assert others == {"HOME", "LOGNAME", "SHELL", "PATH", "PWD"}


def test_a_submitted_job_runs_within_a_minute_as_if_it_were_started_at_the_prompt(minute: Minute) -> None:
    directory, token, timeout, scheduled_for, path = minute.task
    assert (directory, token, timeout) == (str(minute.work), "s3cret", "77")
    assert path == minute.environ["PATH"]

    def run() -> Any:
        command = [*PYDAG, "log", "J", "-n", "1", "--json"]
        document = json.loads(subprocess.run(command, env=minute.environ, capture_output=True, check=True).stdout)
        return next((run for run in document["runs"] if run["state"] == "success"), None)

    due = datetime.fromisoformat(scheduled_for)
    done = eventually(run)
    assert datetime.fromisoformat(done["scheduled_for"]) >= due
    assert due.second == due.microsecond == 0


def received(pipe: Path) -> str:
    """What the first writer puts into the named pipe."""
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ready, _, _ = select.select([reader], [], [], PATIENCE)
        assert ready, f"no cron daemon ran the entry within {PATIENCE:.0f} s"
        os.set_blocking(reader, True)
        with open(reader, encoding="utf-8", closefd=False) as text:
            return text.read()
    finally:
        os.close(reader)
