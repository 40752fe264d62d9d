"""What is kept of a submitted job: its file, which stays readable, and the command that starts it."""

from __future__ import annotations

import json
import shlex
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pydag.errors import InvalidSetting, NotFound, StoreFormatError, StoreUnreachable
from pydag.schedule.expression import CronExpression
from pydag.schedule.submission import (
    Submission,
    Submissions,
    account_home,
    home_of,
    id_of,
    kept_environ,
    start_command,
    submission_id,
)

ON_CRONTAB = Submission(
    job="TestJob",
    file="/srv/flow.py",
    directory="/work",
    expression=CronExpression.parse("30 2 * * MON"),
    zone_name=None,
    catch_up=3,
    submitted=datetime(2026, 3, 1, 12, tzinfo=UTC),
    environ={"PATH": "/bin", "TOKEN": "s3cret"},
    params={"DAY": "today", "CITY": "New York"},
)
ON_GOCRON = Submission(
    job="TestJob",
    file="/srv/flow.py",
    directory="/work",
    expression=CronExpression.for_gocron("*/10 * * * * *"),
    zone_name="Europe/Berlin",
    catch_up=0,
    submitted=datetime(2026, 3, 1, 12, tzinfo=UTC),
    environ={"GOCRON_ADDRESS": "http://127.0.0.1:5920"},
    node=2,
)
STORED: dict[str, Any] = {
    "job": "TestJob",
    "file": "/srv/flow.py",
    "directory": "/work",
    "cron": "30 2 * * MON",
    "zone": None,
    "catch_up": 3,
    "submitted": "2026-03-01T12:00:00+00:00",
    "environ": {"PATH": "/bin", "TOKEN": "s3cret"},
    "node": None,
    "params": {"DAY": "today", "CITY": "New York"},
    "format": 2,
}
"""How the first of them is written, by every version since parameters."""


@pytest.fixture
def submissions(tmp_path: Path) -> Submissions:
    return Submissions(tmp_path)


def store(home: Path, document: object) -> str:
    path = home / "schedules" / f"{ON_CRONTAB.id}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return ON_CRONTAB.id


@pytest.mark.parametrize("submission", [ON_CRONTAB, ON_GOCRON])
def test_a_submission_is_loaded_as_it_was_saved(submission: Submission, submissions: Submissions) -> None:
    submissions.save(submission)
    assert submissions.load(submission.id) == submission
    assert submissions.ids() == [submission.id]


def test_a_file_is_written_as_every_version_has_and_is_its_users_alone(
    submissions: Submissions, tmp_path: Path
) -> None:
    submissions.save(ON_CRONTAB)
    path = tmp_path / "schedules" / f"{ON_CRONTAB.id}.json"
    assert json.loads(path.read_text()) == STORED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ON_CRONTAB.id == "37ed76a86dfbed68"  # it stands in crontabs and on gocron


@pytest.mark.parametrize("left_out", [{"params"}, {"params", "node"}])
def test_a_file_from_before_parameters_and_gocrons_scheduler_is_read(
    left_out: set[str], submissions: Submissions, tmp_path: Path
) -> None:
    document = {key: value for key, value in STORED.items() if key not in left_out}
    assert submissions.load(store(tmp_path, {**document, "format": 1})) == replace(ON_CRONTAB, params={})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 3}, "is of another version: use the pydag that wrote it, or submit again"),
        ({"cron": "@reboot"}, "cannot be read: submit the job again"),
        ({"submitted": "yesterday"}, "cannot be read: submit the job again"),
        ({"environ": None, "node": 1}, "cannot be read: submit the job again"),
        ({"node": 1}, "cannot be read: submit the job again"),  # without a server
    ],
)
def test_a_file_that_this_pydag_did_not_write_is_refused(
    changes: dict[str, Any], message: str, submissions: Submissions, tmp_path: Path
) -> None:
    name = store(tmp_path, {**STORED, **changes})
    with pytest.raises(StoreFormatError, match=message):
        submissions.load(name)


def test_what_was_not_submitted_is_not_found(submissions: Submissions) -> None:
    assert submissions.raw("0123456789abcdef") is None
    with pytest.raises(NotFound, match="what was submitted is gone"):
        submissions.load("0123456789abcdef")


def test_restore_brings_back_what_was_there_or_nothing(submissions: Submissions, tmp_path: Path) -> None:
    submissions.save(ON_CRONTAB)
    before = submissions.raw(ON_CRONTAB.id)
    submissions.save(ON_GOCRON)
    submissions.restore(ON_CRONTAB.id, before)
    assert submissions.load(ON_CRONTAB.id) == ON_CRONTAB
    submissions.add_error(ON_CRONTAB.id, "half \ud800")
    with submissions.start_lock(ON_CRONTAB.id) as held:
        assert held
    submissions.restore(ON_CRONTAB.id, None)
    assert list((tmp_path / "schedules").iterdir()) == []


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    tmp_path.joinpath("schedules").touch()
    with pytest.raises(StoreUnreachable, match=r"schedules cannot be used \(.*\): make it writable"):
        Submissions(tmp_path).save(ON_CRONTAB)
    with (
        pytest.raises(StoreUnreachable, match="schedules cannot be used"),
        Submissions(tmp_path).start_lock(ON_CRONTAB.id),
    ):
        pass


def test_a_message_shows_no_secret() -> None:
    assert "s3cret" not in repr(ON_CRONTAB)


def test_a_start_command_says_which_job_of_which_home_it_starts() -> None:
    own, other = account_home() / ".pydag", Path("/srv/a 'home'")
    name = submission_id("TestJob")
    for home, words in (
        (own, start_command(name, own)),
        (own, start_command(name, own, name_home=True)),
        (other, start_command(name, other)),
    ):
        command = shlex.join(words)
        assert (home_of(command), id_of(command)) == (home, name)
    assert "--home" not in start_command(name, own)
    assert start_command(name, own, name_home=True)[-2:] == ["--home", str(own)]


@pytest.mark.parametrize("command", ["true", "", "pydag 'unbalanced"])
def test_a_command_that_was_rewritten_by_hand_says_nothing(command: str) -> None:
    assert (home_of(command), id_of(command)) == (None, None)


def test_of_the_environment_pydags_and_gocrons_variables_and_the_named_ones_are_kept() -> None:
    environ = {"PATH": "/bin", "PYDAG_LOG_PREFIX": "P", "GOCRON_ADDRESS": "http://g", "TOKEN": "t", "HOME": "/root"}
    of_a_run = {"PYDAG_HOME": "/x", "PYDAG_TASK": "t0", "PYDAG_SCHEDULED_FOR": "2026-03-01T12:00:00+00:00"}
    kept = kept_environ(["TOKEN"], environ | of_a_run)
    assert kept == {name: value for name, value in environ.items() if name != "HOME"}
    with pytest.raises(InvalidSetting, match="--env 'GONE': there is no such variable now"):
        kept_environ(["GONE"], environ)
