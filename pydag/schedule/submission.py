"""Submissions: what a scheduler does not keep of a job that it starts, in one private file for each job.

The crontab or gocron says when; these files say what, where, and with which environment.
"""

from __future__ import annotations

import json
import os
import pwd
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydag.errors import InvalidSetting, NotFound, StoreFormatError, StoreUnreachable
from pydag.files import locked, write_whole
from pydag.model.spec import digest
from pydag.schedule.expression import CronExpression
from pydag.schedule.fire_times import FireTimes
from pydag.schedule.zone import local_zone
from pydag.settings import SCHEDULED_FOR, SCHEDULES

FORMAT = 2
"""Format 2 brought the values of parameters: an older pydag would start the job without them."""

COMMAND = "_scheduled"
"""The hidden command that a scheduler calls."""

# What is kept of the environment in which a job is submitted, and what is not, because it belongs to one run.
_KEPT = ("PYDAG_", "GOCRON_")
_OF_A_RUN = {
    "PYDAG_HOME",
    "PYDAG_JOB",
    "PYDAG_RUN_ID",
    "PYDAG_TASK",
    "PYDAG_ATTEMPT",
    "PYDAG_RUN_STATE",
    "PYDAG_FAILED_TASKS",
    SCHEDULED_FOR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job that a scheduler starts. `node` is gocron's node on which gocron's scheduler starts it, None for crontab.

    `zone_name` is the zone of gocron's clock. For the crontab it is the zone that CRON_TZ names, where cron follows it,
    else None: the machine's. `environ` may hold secrets: it is in no message and in no other file. `params` are the
    values of parameters as they were given, so that `today` is the day of each run.
    """

    job: str
    file: str
    directory: str
    expression: CronExpression
    zone_name: str | None
    catch_up: int
    submitted: datetime
    environ: Mapping[str, str] = field(repr=False)
    node: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What stands for the job's name in crontabs, commands and file names."""
        return submission_id(self.job)

    @property
    def fire_times(self) -> FireTimes:
        """When it fires, on the wall clock that its scheduler follows."""
        return FireTimes(self.expression, local_zone(self.zone_name))

    @property
    def server(self) -> str:
        """The address of the server whose scheduler starts it. Empty for the crontab."""
        return self.environ["GOCRON_ADDRESS"] if self.node is not None else ""


def submission_id(job: str) -> str:
    """Sixteen hexadecimal digits that stand for a job's name, always the same ones."""
    return digest(job, 16)


def kept_environ(names: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """PATH, the settings of pydag and of gocron, and the variables of these names. An unset one is `InvalidSetting`."""
    kept = {
        name: value
        for name, value in environ.items()
        if name == "PATH" or (name.startswith(_KEPT) and name not in _OF_A_RUN)
    }
    for name in names:
        if name not in environ:
            raise InvalidSetting(f"--env {name!r}: there is no such variable now: set it, or leave it out")
        kept[name] = environ[name]
    return kept


def account_home() -> Path:
    """The home directory that cron sets; HOME may name another one here."""
    return Path(pwd.getpwuid(os.getuid()).pw_dir)


def start_command(submission_id: str, home: Path, *, name_home: bool = False) -> list[str]:
    """The command that runs a submission once.

    It names the PYDAG_HOME where that is not the account's own, and, with `name_home`, always: other accounts have
    other homes. `-P` keeps modules that lie in the home directory, where cron starts the command, from replacing
    pydag's own.
    """
    option = ["--home", str(home)] if name_home or home != account_home() / ".pydag" else []
    return [sys.executable, "-P", "-m", "pydag", COMMAND, submission_id, *option]


def home_of(command: str) -> Path | None:
    """The PYDAG_HOME whose job this start command runs; None where somebody rewrote it by hand."""
    parts = _parts(command)
    if COMMAND not in parts:
        return None
    return Path(parts[parts.index("--home") + 1]) if "--home" in parts[:-1] else account_home() / ".pydag"


def id_of(command: str) -> str | None:
    """The submission that this start command runs; None where somebody rewrote it by hand."""
    parts = _parts(command)
    return parts[parts.index(COMMAND) + 1] if COMMAND in parts[:-1] else None


def _parts(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


class Submissions:
    """The submissions of one PYDAG_HOME. Writers hold the lock of the crontab."""

    def __init__(self, home: Path) -> None:
        self._directory = home / SCHEDULES

    def save(self, submission: Submission) -> None:
        """Write it, readable by the user alone, whole or not at all."""
        self.restore(submission.id, json.dumps(_document(submission)).encode())

    def load(self, submission_id: str) -> Submission:
        """Read one. Raises `NotFound`, and `StoreFormatError` where it is damaged or of another version."""
        path = self._path(submission_id)
        data = self.raw(submission_id)
        if data is None:
            raise NotFound(f"what was submitted is gone ({path}): submit the job again, or unschedule it")
        try:
            document = json.loads(data)
            if document["format"] in (1, FORMAT):
                return _submission(document)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreFormatError(f"{path} cannot be read: submit the job again") from None
        raise StoreFormatError(f"{path} is of another version: use the pydag that wrote it, or submit again")

    def raw(self, submission_id: str) -> bytes | None:
        """The content of its file, for `restore`. None where there is no file."""
        try:
            return self._path(submission_id).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def restore(self, submission_id: str, data: bytes | None) -> None:
        """Put back what `raw` gave."""
        if data is None:
            self.remove(submission_id)
            return
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._path(submission_id), data)
        except OSError as error:
            raise self._unusable(error) from error

    def remove(self, submission_id: str) -> None:
        """Remove its file, its lock and its errors."""
        try:
            for path in self._directory.glob(f"{submission_id}.*"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def ids(self) -> list[str]:
        """All ids, sorted."""
        return sorted(path.stem for path in self._directory.glob("*.json"))

    @contextmanager
    def start_lock(self, submission_id: str) -> Iterator[bool]:
        """Try to hold the lock of a job's starts within; yields whether it is held. No start overtakes another."""
        with ExitStack() as stack:
            try:
                path = self._path(submission_id).with_suffix(".lock")
                held = stack.enter_context(locked(path, wait=False))
            except OSError as error:
                raise self._unusable(error) from error
            yield held

    def add_error(self, submission_id: str, line: str) -> None:
        """Add a line to the file of errors beside it: the last place for what the history does not take."""
        path = self._path(submission_id).with_suffix(".errors")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
            file.write(line.encode(errors="backslashreplace").decode() + "\n")

    def _path(self, submission_id: str) -> Path:
        return self._directory / f"{submission_id}.json"

    def _unusable(self, error: OSError) -> StoreUnreachable:
        return StoreUnreachable(
            f"{self._directory} cannot be used ({error.strerror}): make it writable, "
            "or set PYDAG_HOME to another directory"
        )


def _document(submission: Submission) -> dict[str, object]:
    return {
        "format": FORMAT,
        "job": submission.job,
        "file": submission.file,
        "directory": submission.directory,
        "cron": submission.expression.text,
        "zone": submission.zone_name,
        "catch_up": submission.catch_up,
        "submitted": submission.submitted.isoformat(),
        "environ": dict(submission.environ),
        "node": submission.node,
        "params": dict(submission.params),
    }


def _submission(document: dict[str, Any]) -> Submission:
    """Read `_document` back. Raises `KeyError`, `TypeError` and others for what it did not write."""
    node = document.get("node")  # files from before gocron's scheduler have none
    parse = CronExpression.parse if node is None else CronExpression.for_gocron
    submission = Submission(
        job=document["job"],
        file=document["file"],
        directory=document["directory"],
        expression=parse(document["cron"]),
        zone_name=document["zone"],
        catch_up=document["catch_up"],
        submitted=datetime.fromisoformat(document["submitted"]),
        environ=document["environ"],
        node=node,
        params=document["params"] if document["format"] == FORMAT else {},
    )
    if node is not None and not submission.server:
        raise ValueError("no server")
    return submission
