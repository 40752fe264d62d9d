"""Those who used the program before this pydag move over whole: their runs and outputs, and their crontab."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pydag.stores.redis import old_history
from tests.support.commands import PYDAG, pydag
from tests.support.crontab_jobs import crontab
from tests.support.gocron_targets import Lab
from tests.support.old_pydag import graph, plan_block
from tests.support.servers import RedisServer, redis_client
from tests.support.user_crontab import install

pytestmark = [pytest.mark.redis, pytest.mark.cron, pytest.mark.usefixtures("own_crontab")]

OTHERS = b'MAILTO=""\n5 4 * * * true\n# Begin Plan generated jobs for: main\n0 1 * * * tidy up\n'
OTHERS += b"# End Plan generated jobs for: main\n"


@pytest.fixture
def server(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A gocron that the environment names."""
    monkeypatch.setenv("GOCRON_ADDRESS", lab.address)
    monkeypatch.setenv("GOCRON_ADMIN_USER", lab.user)
    monkeypatch.setenv("GOCRON_ADMIN_PASSWORD", lab.password)
    return lab


@pytest.fixture
def old(redis_for_all: RedisServer, redis_environ: None, prefix: str) -> Iterator[Any]:
    """The older history; `prefix` is that of the new one too."""
    with redis_client(redis_for_all, old_history.DATABASE) as client:
        yield client


def ran(lab: Lab, old: Any, prefix: str, **commands: str) -> datetime:
    """Run a chain of tasks as the older program did, record it as that did, and return when it recorded the last."""
    names = list(commands)
    old.set(f"{prefix}:{lab.prefix}:META", graph({name: names[:number][-1:] for number, name in enumerate(names)}))
    began = int(datetime.now(UTC).timestamp())
    for name, command in commands.items():
        row = lab.run(command, name=f"{lab.prefix}:{name}", tag=lab.prefix)
        status = "success" if "exit" not in command else "failed"
        seen = int(datetime.now(UTC).timestamp()) + 1
        old.set(f"{prefix}:{lab.prefix}:{began}:{name}", f"{row.id},{row.task_id},{status},{seen}")
    return datetime.fromtimestamp(seen, UTC)


def newest(job: str) -> Any:
    return json.loads(pydag("log", job, "--json").stdout)["runs"][0]


def test_runs_come_with_their_edges_times_and_outputs_and_only_once(server: Lab, old: Any, prefix: str) -> None:
    seen = ran(server, old, prefix, first="echo one; echo two", second="sleep 1.5; echo bad >&2; exit 3")
    done = pydag("migrate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "copied 1 run; 0 were copied before\n", "")
    run = newest(server.prefix)
    first, second = run["tasks"]
    assert (run["state"], first["state"], second["state"]) == ("failed", "success", "failed")
    assert second["upstream"] == ["first"]
    (attempt,) = second["attempts"]
    assert attempt["exit_status"] == 3
    started, ended = (datetime.fromisoformat(attempt[key]) for key in ("started", "ended"))
    assert timedelta(seconds=1) <= ended - started <= timedelta(seconds=3)
    assert timedelta(seconds=-2) <= seen - ended <= timedelta(seconds=5)
    assert "\none\ntwo\n" in pydag("log", server.prefix, "--task-name", "first").stdout
    assert pydag("delete", server.prefix).returncode == 0
    assert pydag("migrate").stdout == "copied 0 runs; 1 were copied before\n"
    assert pydag("log", server.prefix).returncode == 6


def test_a_dry_run_shows_the_runs_and_copies_none(server: Lab, old: Any, prefix: str) -> None:
    ran(server, old, prefix, a="echo one")
    done = pydag("migrate", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith(f"would copy 1 run\n  {server.prefix} of ")
    assert pydag("migrate").stdout == "copied 1 run; 0 were copied before\n"


def test_what_gocron_no_longer_has_and_what_cannot_be_read_is_said(server: Lab, old: Any, prefix: str) -> None:
    old.set(f"{prefix}:{server.prefix}:META", b"no graph")
    old.set(f"{prefix}:{server.prefix}:1672068481:Sync Data", "999999999,999999,success,1672068484")
    old.set(f"{prefix}:{server.prefix}:1672068482:Sync Data", "no record")
    done = pydag("migrate")
    assert (done.returncode, done.stdout) == (0, "copied 1 run; 0 were copied before\n")
    assert done.stderr.splitlines() == [
        "gocron's log no longer has 1 execution: no output and no start",
        f"not readable: {prefix}:{server.prefix}:1672068482:Sync Data",
        f"not readable: {prefix}:{server.prefix}:META",
    ]
    assert newest(server.prefix)["state"] == "success"


def test_the_old_database_is_found_where_a_url_names_todays(
    server: Lab, old: Any, prefix: str, redis_for_all: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.set(f"{prefix}:J:1672068481:a", "999999999,999999,success,1672068484")
    monkeypatch.delenv("PYDAG_LOG_STORE_HOST")
    monkeypatch.setenv("PYDAG_LOG_STORE_URL", f"redis://127.0.0.1:{redis_for_all.port}/0")
    assert pydag("migrate").stdout == "copied 1 run; 0 were copied before\n"
    assert newest("J")["state"] == "success"


def test_without_redis_it_says_what_to_set() -> None:
    done = pydag("migrate")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pydag: no Redis is named to read the old history from: set PYDAG_LOG_STORE_HOST\n"


# The crontab. Here the history that it copies is empty.


@pytest.fixture
def entry(server: Lab, old: Any) -> str:
    """A job whose entry an older program put on the crontab, amid the lines of others; its line."""
    file = Path("nightly.py").absolute()
    file.write_text("from pydag import Job, Task\nwith Job('Nightly', engine='local') as job:\n    Task('a', 'true')\n")
    install(OTHERS + b"\n\n" + plan_block("Nightly", str(file), "30 6 * * 1-5") + b"# last\n")
    return f"30 6 * * 1-5 export PYDAG_RUN_NEW=no && /usr/bin/python {file}"


def test_an_entry_on_the_crontab_is_shown_and_taken_over_where_somebody_says_yes(entry: str) -> None:
    before = crontab()
    shown = pydag("migrate", "--dry-run")
    assert shown.returncode == 0
    assert f"on the crontab: {entry}\n  would become: pydag submit " in shown.stdout
    assert f"would replace its entry: {entry}\n" in shown.stdout
    assert crontab() == before
    asked = pydag("migrate")
    assert asked.returncode == 0
    assert asked.stderr == "the crontab stays as it is; `pydag migrate --yes` takes over 1 entry of it\n"
    assert crontab() == before
    taken = pydag("migrate", "--yes")
    assert (taken.returncode, taken.stderr) == (0, "")
    assert f"submitted Nightly\nreplaced its entry: {entry}\n" in taken.stdout
    after = crontab()
    assert after.startswith(OTHERS + b"\n\n# pydag begin ")
    assert after.endswith(b"# last\n")
    assert after.count(b"30 6 * * 1-5") == 1
    assert b"PYDAG_RUN_NEW" not in after
    scheduled = json.loads(pydag("list", "--json").stdout)["jobs"][0]["schedule"]
    assert (scheduled["cron"], scheduled["detail"]) == ("30 6 * * 1-5", "")
    again = pydag("migrate", "--yes")
    assert "crontab" not in again.stdout + again.stderr
    assert crontab() == after


@pytest.mark.parametrize(("answer", "taken"), [(b"y\n", True), (b"n\n", False)])
def test_on_a_terminal_it_asks(entry: str, answer: bytes, taken: bool) -> None:
    master, slave = pty.openpty()
    os.write(master, answer)
    done = subprocess.run([*PYDAG, "migrate"], stdin=slave, capture_output=True, text=True, timeout=60)
    os.close(master)
    os.close(slave)
    assert done.returncode == 0, done.stderr
    assert "Take over 1 entry of the crontab? [y/N]" in done.stdout + done.stderr
    assert (b"PYDAG_RUN_NEW" not in crontab()) == taken


def test_an_entry_whose_file_is_gone_stays_and_says_why(entry: str) -> None:
    Path("nightly.py").unlink()
    before = crontab()
    done = pydag("migrate", "--yes")
    assert done.stderr.startswith("  it stays as it is: there is no file ")
    assert crontab() == before


def test_submit_and_delete_see_the_older_entry(entry: str) -> None:
    submitted = pydag("submit", "nightly.py", "--cron", "0 5 * * *")
    assert (submitted.returncode, submitted.stderr) == (0, "")
    assert f"replaced its entry: {entry}\n" in submitted.stdout
    assert entry.encode() not in crontab()
    assert crontab().startswith(OTHERS)
    assert pydag("delete", "Nightly").returncode == 0
    assert crontab() == OTHERS + b"\n\n# last\n"


def test_delete_takes_the_older_entry_of_a_job_that_was_never_submitted_here(entry: str) -> None:
    assert pydag("run", "nightly.py").returncode == 0
    assert pydag("delete", "Nightly").stdout == "deleted Nightly and its history, and took it off the crontab\n"
    assert crontab() == OTHERS + b"\n\n# last\n"
    install(plan_block("Nightly", str(Path("nightly.py").absolute())))
    done = pydag("delete", "Nightly")
    assert done.stdout == "deleted Nightly, and took it off the crontab; it was not in this history\n"
    assert pydag("delete", "Nightly").returncode == 6


def test_gocrons_scheduler_takes_the_job_off_the_crontab(entry: str, server: Lab) -> None:
    done = pydag(
        "submit", "nightly.py", "--cron", "0 5 * * *", "--on", "gocron", "--node-id", str(server.nodes()[0].id)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"took it off the crontab: {entry}\n" in done.stdout
    assert crontab() == OTHERS + b"\n\n# last\n"
    assert pydag("delete", "Nightly").returncode == 0
