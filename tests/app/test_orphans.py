"""A tracker that is killed leaves its tasks running: the next start of the job ends them first, or does not start."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydag.processes import seen, ticks
from tests.support.commands import PYDAG, pydag, started
from tests.support.crontab_jobs import fire, submitted
from tests.support.orphans import all_ended, detail, gone, killed_run, leaving, lives, logged, noted
from tests.support.processes import alive, pid_in
from tests.support.waiting import eventually

IN_SESSION = {
    "ignores": "{child} & wait",
    "timeout": "timeout 600 {child} & wait",
    "control": "set -m; {child} & wait",
    "bare": "env -i $(command -v bash) bare.sh & wait",
    "stopped": "{child} & until [ -e stopped ]; do sleep 0.01; done; kill -STOP $!; wait",
    "leaderless": "echo $$ > leader; {child} & until [ -e again ]; do sleep 0.01; done",
}
"""Children in the session of an attempt: what ignores SIGTERM, in groups of their own, without the environment."""

# Nothing is killed, and the patience is short.
IMPATIENT = (
    sys.executable,
    "-c",
    """
import sys
from pydag.cli.main import main
from pydag.engines.local import orphans
orphans.GRACE, orphans.PATIENCE = 3600, 0.5
sys.argv = ["pydag", *sys.argv[1:]]
main()
""",
)


@pytest.fixture(autouse=True)
def nothing_left(directory: Path) -> Iterator[None]:
    with all_ended(directory, *IN_SESSION, "child", "daemon"):
        yield


def test_the_next_start_ends_what_lives_in_the_sessions_of_a_killed_run(own_home: Path) -> None:
    commands = {name: command.format(child=lives(name)) for name, command in IN_SESSION.items()}
    lives("bare")
    dead = killed_run(leaving(**commands), *IN_SESSION, "leader")
    gone(pid_in(Path("leader")))
    done = pydag("run", "flow.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name in IN_SESSION if alive(pid_in(Path(name)))] == []
    assert set(noted()[noted().index("again") :]) == {"again"}, "something lived when the tasks were started again"
    new, old = logged()
    assert (new["state"], old["id"], old["state"]) == ("success", dead, "lost")
    assert {task["state"] for task in old["tasks"]} == {"lost"}
    assert re.fullmatch(r"pydag \(pid \d+ on \S+\) ended before it", detail(old))
    assert list(own_home.joinpath("running").iterdir()) == []


def test_what_does_not_end_keeps_the_job_from_starting_and_is_named() -> None:
    killed_run(leaving(t=f"{lives('child')} & wait"), "child")
    pid = pid_in(Path("child"))
    with started(*IMPATIENT, "run", "flow.py") as process:
        assert process.wait(60) == 5
    (line,) = Path("output").read_text().splitlines()
    assert f"pid {pid} (bash child.sh)" in line
    assert "again" not in noted()
    assert alive(pid)
    (run,) = logged()
    assert run["state"] == "lost"


@pytest.mark.cron
@pytest.mark.usefixtures("own_crontab")
def test_the_next_fire_of_cron_does_not_start_beside_what_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    file = leaving(t=f"{lives('child')} & wait")
    submitted(file=file, cron="0 0 1 1 *")
    killed_run(file, "child")
    pid = pid_in(Path("child"))
    (ident,) = {path.stem for path in Path(os.environ["PYDAG_HOME"], "schedules").glob("*.json")}
    with started(*IMPATIENT, "_scheduled", ident) as process:
        assert process.wait(60) == 5
    assert "again" not in noted()
    never, dead = logged()
    assert (never["state"], dead["state"]) == ("failed", "lost")
    assert f"pid {pid} (bash child.sh)" in never["detail"]

    done = fire("J")  # with all its patience
    assert (done.returncode, done.stderr) == (0, "")
    assert not alive(pid)
    assert set(noted()[noted().index("again") :]) == {"again"}


def test_what_left_the_session_is_named_once_and_left_alone() -> None:
    dead = killed_run(leaving(t=f"setsid {lives('daemon')} & wait"), "daemon")
    pid = pid_in(Path("daemon"))
    first, second = pydag("run", "flow.py"), pydag("run", "flow.py")
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    (line,) = first.stderr.splitlines()
    assert f"run {dead} of J was killed; pid {pid} (bash daemon.sh) left its session and goes on" in line
    assert f"`pydag stop J {dead} --kill-orphans`" in line
    assert alive(pid)
    assert f"pid {pid} (bash daemon.sh) left its session and was left alone" in detail(logged()[-1])


def test_what_an_attempt_left_that_ended_before_the_kill_is_left_alone() -> None:
    file = leaving(first=f"{lives('daemon')} < /dev/null > /dev/null 2>&1 & disown", second=f"{lives('child')} & wait")
    text = Path(file).read_text().replace("max_parallel=2", "max_parallel=1")
    Path(file).write_text(text)
    killed_run(file, "daemon", "child")
    done = pydag("run", "flow.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert alive(pid_in(Path("daemon")))
    assert not alive(pid_in(Path("child")))


def test_a_session_whose_number_belongs_to_another_process_by_now_is_left_alone(own_home: Path) -> None:
    killed_run(leaving(t=f"setsid {lives('daemon')} & {lives('child')} & wait"), "child", "daemon")
    (journal,) = own_home.joinpath("running").iterdir()
    head, line = journal.read_text().splitlines()
    number, _, started_by, task = line.split()
    stranger = os.posix_spawn("/bin/sleep", ["sleep", "600"], {}, setsid=True)
    process = seen(stranger)
    assert process is not None
    # The stranger has the number of the journal's session, and started after the line was written.
    journal.write_text(f"{head}\n{number} {stranger} {process.started - 1} {task}\n")
    assert int(started_by) <= process.started <= ticks()
    assert pydag("run", "flow.py").returncode == 0
    assert alive(stranger), "a process that has a recycled pid was ended"
    os.kill(stranger, 9)
    os.waitpid(stranger, 0)


def test_what_no_journal_names_is_found_by_its_mark(own_home: Path) -> None:
    killed_run(leaving(t=f"{lives('child')} & wait"), "child")
    (journal,) = own_home.joinpath("running").iterdir()
    journal.unlink()
    done = pydag("run", "flow.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert not alive(pid_in(Path("child")))
    assert set(noted()[noted().index("again") :]) == {"again"}


def test_a_run_that_goes_on_is_left_alone(own_home: Path) -> None:
    file = leaving(t=f"{lives('child')} & wait")
    with started(*PYDAG, "run", file) as process:
        pid = pid_in(Path("child"))
        Path("again").touch()
        assert pydag("run", file).returncode == 0
        assert alive(pid)
        (journal,) = own_home.joinpath("running").iterdir()
        assert json.loads(journal.read_text().splitlines()[0])["job"] == "J"
        assert journal.stat().st_mode & 0o777 == 0o600
        Path("gate").touch()
        assert process.wait(60) == 0
    eventually(lambda: not list(own_home.joinpath("running").iterdir()))


def test_what_a_run_left_whose_history_was_deleted_is_ended_too() -> None:
    killed_run(leaving(t=f"{lives('child')} & wait"), "child")
    assert pydag("delete", "J", "--force").returncode == 0
    done = pydag("run", "flow.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert not alive(pid_in(Path("child")))
    assert len(logged()) == 1


def test_where_no_journal_can_be_written_a_run_goes_on_without(own_home: Path) -> None:
    own_home.mkdir()
    own_home.joinpath("running").write_text("a file in its place")
    done = pydag("run", leaving(t="true"))
    assert (done.returncode, done.stderr) == (0, "")
