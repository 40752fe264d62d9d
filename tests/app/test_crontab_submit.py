"""Jobs on the real crontab: submitted, replaced, refused."""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys
from datetime import datetime
from pathlib import Path

import pytest

from pydag.schedule.schedulers.crontab_text import blocks
from pydag.schedule.submission import submission_id
from tests.support.commands import flow, pydag, simple
from tests.support.crontab_jobs import TWO, crontab, kept, refused, submitted
from tests.support.user_crontab import install

pytestmark = [pytest.mark.cron, pytest.mark.usefixtures("own_crontab")]


def test_a_job_is_put_on_the_crontab_and_every_other_byte_stays(own_home: Path) -> None:
    install(b"# mine\n5 4 * * * true\n")
    simple("true", run="")
    assert submitted(cron="@daily").splitlines()[0] == "submitted TestJob"
    block_id = submission_id("TestJob")
    command = shlex.join([sys.executable, "-P", "-m", "pydag", "_scheduled", block_id, "--home", str(own_home)])
    assert crontab().decode() == (
        f'# mine\n5 4 * * * true\n# pydag begin {block_id} "TestJob"\n@daily {command}\n# pydag end {block_id}\n'
    )
    assert pydag("list").stdout == "TestJob\n"
    (backup,) = own_home.glob("crontab.*.bak")
    assert backup.read_bytes() == b"# mine\n5 4 * * * true\n"


def test_the_next_three_fire_times_are_shown_with_their_zone() -> None:
    simple("true", run="")
    lines = submitted("--dry-run", cron="0 12 1 1 *").splitlines()[1:]
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("next: 2")
        time, zone = line.removeprefix("next: ").rsplit(" ", 1)
        assert datetime.fromisoformat(time).tzinfo is not None
        assert zone


def test_a_dry_run_shows_the_line_and_changes_nothing(own_home: Path) -> None:
    simple("true", run="")
    shown = submitted("--dry-run", cron="5 4 * * mon").splitlines()[0]
    assert shown.startswith("5 4 * * mon ")
    assert not own_home.exists()
    assert crontab() == b""
    submitted(cron="5 4 * * mon")
    assert crontab().decode().splitlines()[1] == shown


def test_submitting_again_replaces_the_entry_and_says_so(own_home: Path) -> None:
    simple("true", run="")
    submitted(cron="0 1 * * *")
    assert "would replace its entry: 0 1 * * * " in submitted("--dry-run", cron="0 2 * * *")
    assert "\nreplaced its entry: 0 1 * * * " in submitted(cron="0 2 * * *")
    assert [block.expression for block in blocks(crontab())] == ["0 2 * * *"]
    assert json.loads(kept(own_home).read_text())["cron"] == "0 2 * * *"


def test_a_file_with_several_jobs_needs_a_name() -> None:
    flow(TWO)
    assert refused("submit", "flow.py", "--cron=@daily") == "'flow.py' has 2 jobs ('A', 'B'): choose one with --job"
    done = refused("submit", "flow.py", "--cron=@daily", "--name=C", status=6)
    assert done == "'flow.py' has no job named 'C', only 'A', 'B'"
    submitted("--name=B")
    assert [block.name for block in blocks(crontab())] == ["B"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["flow.py", "--cron=0 0 31 2 *"], "'0 0 31 2 *' never fires: none of its months has one of its days"),
        (["flow.py", "--cron=0 0 * *"], "five fields are needed, not 4"),
        (["flow.py", "--cron=@reboot"], "the start of the machine is not a time"),
        (["gone.py", "--cron=@daily"], "there is no file 'gone.py'"),
        (["flow.py", "--cron=@daily", "--env=NOT_SET"], "--env 'NOT_SET': there is no such variable now: set it"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_and_changes_nothing(
    arguments: list[str], message: str, own_home: Path
) -> None:
    simple("true", run="")
    assert message in refused("submit", *arguments)
    assert not own_home.exists()
    assert crontab() == b""


def test_a_job_that_cannot_be_right_is_refused() -> None:
    flow("with Job('J'):\n    a, b = Task('a', 'true'), Task('b', 'true')\n    a >> b >> a\n")
    assert "the tasks wait for each other" in refused("submit", "flow.py", "--cron=@daily")
    assert crontab() == b""


def test_a_cron_tz_that_this_cron_ignores_is_refused() -> None:
    simple("true", run="")
    install(b"CRON_TZ=Asia/Tokyo\n")
    assert "CRON_TZ=Asia/Tokyo stands in the crontab, and this machine's cron ignores it" in refused(
        "submit", "flow.py", "--cron=@daily"
    )
    assert crontab() == b"CRON_TZ=Asia/Tokyo\n"


def test_a_crontab_that_cannot_be_written_leaves_nothing_scheduled(own_home: Path, directory: Path) -> None:
    simple("true", run="")
    program = directory / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n[ $1 = -l ] && echo '# foreign' && exit; exit 7\n")
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    assert "`crontab -` failed with status 7" in refused("submit", "flow.py", "--cron=@daily", status=5, PATH=path)
    assert not kept(own_home).exists()


def test_what_is_kept_is_private_and_the_crontab_holds_no_secret(own_home: Path) -> None:
    simple("true", run="")
    submitted("--env", "TOKEN", TOKEN="s3cret", GOCRON_PASSWORD="pa55", OTHER="0ther", PYDAG_TASK="left")
    file = kept(own_home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    document = json.loads(file.read_text())
    assert document["format"] == 2
    assert document["environ"] == {"PATH": os.environ["PATH"], "TOKEN": "s3cret", "GOCRON_PASSWORD": "pa55"}
    shown = crontab() + (pydag("status").stdout + pydag("list", "--json").stdout).encode()
    assert not any(secret in shown for secret in (b"s3cret", b"pa55", b"TOKEN"))


LOAD = """\
from pydag import param
day = param("DAY", default="scheduled", type="date")
city = param("CITY", default="Berlin", choices=["Berlin", "Paris"])
with Job("TestJob"):
    Task("t0", f"echo $DAY {city}")
"""


def test_the_values_that_a_job_is_submitted_with_are_kept_and_shown(own_home: Path) -> None:
    flow(LOAD)
    assert "\nwith CITY=Paris DAY=yesterday\n" in submitted("--dry-run", "CITY=Paris", "DAY=yesterday")
    assert "\nwith CITY=Paris\n" in submitted("CITY=Paris")
    assert json.loads(kept(own_home).read_text())["params"] == {"CITY": "Paris"}
    assert "with" not in submitted()
    assert json.loads(kept(own_home).read_text())["params"] == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("CITY=Pris", "CITY='Pris' is not one of 'Berlin', 'Paris': did you mean 'Paris'?"),
        ("CTY=Paris", "'flow.py' has no parameter CTY: did you mean CITY?"),
    ],
)
def test_values_are_checked_when_a_job_is_submitted(value: str, message: str, own_home: Path) -> None:
    flow(LOAD)
    assert refused("submit", "flow.py", value, "--cron=@daily") == message
    assert not own_home.exists()
    assert crontab() == b""


def test_a_secret_that_a_scheduled_run_would_not_find_is_refused(own_home: Path) -> None:
    flow("from pydag import param\nparam('TOKEN', secret=True)\nwith Job('TestJob'):\n    Task('t0', 'true')\n")
    assert "set the environment variable TOKEN" in refused("submit", "flow.py", "--cron=@daily")
    assert refused("submit", "flow.py", "--cron=@daily", TOKEN="s3cret") == (
        "a scheduled run would not find the secret parameter TOKEN: add --env TOKEN, "
        "which keeps its present value in a file that only you can read"
    )
    assert not own_home.exists()
    submitted("--env=TOKEN", TOKEN="s3cret")
    assert json.loads(kept(own_home).read_text())["environ"]["TOKEN"] == "s3cret"
