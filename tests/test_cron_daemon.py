"""A real cron daemon runs an entry, and what it gives the command is almost nothing.

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
from pathlib import Path

import pytest

from pydag.crontab import Crontab, Entry, with_entry

pytestmark = pytest.mark.cron

PATIENCE = 90.0  # seconds; a daemon looks at its crontabs once a minute
RECORD = """
import json, os, sys
found = {"arguments": sys.argv[2:], "cwd": os.getcwd(), "environ": dict(os.environ)}
open(sys.argv[1], "w").write(json.dumps(found))
"""


@pytest.fixture
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


@pytest.mark.usefixtures("own_crontab")
def test_an_entry_fires_within_a_minute_in_the_home_directory_with_a_bare_environment(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    script, answers = tmp_path / "record.py", tmp_path / "answers"
    script.write_text(RECORD)
    os.mkfifo(answers)
    arguments = ["100%", r"\d", "$(id)", "täglich 🦀"]
    command = shlex.join([sys.executable, str(script), str(answers), *arguments])
    job = Entry(name="$(touch owned) %\n'\"", schedule="* * * * *", command=command)
    Crontab(tmp_path / "home").edit(lambda text: with_entry(text, job))
    request.getfixturevalue("daemon")

    found = json.loads(received(answers))

    user = pwd.getpwuid(os.getuid())
    environ = found["environ"]
    assert found["arguments"] == arguments
    assert found["cwd"] == user.pw_dir
    assert environ["HOME"] == user.pw_dir
    assert environ["LOGNAME"] == user.pw_name
    assert environ["SHELL"] == "/bin/sh"
    assert environ["PATH"] == "/usr/bin:/bin"
    # PAM may add the locale of /etc/default/locale; nothing comes from whoever started the daemon.
    others = {name for name in environ if name != "LANG" and not name.startswith("LC_")}
    assert others == {"HOME", "LOGNAME", "SHELL", "PATH", "PWD"}


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
