"""Submissions: what a clock does not keep of a job that was given to it, in one private file a job.

The crontab, or gocron, says when; these files say what, where, and with which environment.
"""

from __future__ import annotations

import json
import os
import pwd
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydag.errors import InvalidSetting, NotFound, StoreFormatError, StoreUnreachable
from pydag.files import locked, write_whole
from pydag.schedule.expression import Schedule
from pydag.schedule.schedulers.crontab_text import entry_id
from pydag.schedule.zone import local_zone
from pydag.settings import SCHEDULES

FORMAT = 1
SCHEDULED_FOR = "PYDAG_SCHEDULED_FOR"
"""The variable that gives a run's logical date to its tasks: ISO 8601 with the zone's offset."""

COMMAND = "_scheduled"
"""The hidden command that a clock calls."""

# Of the environment in which a job is submitted; what belongs to one run alone is left out.
_KEPT = ("PYDAG_", "GOCRON_")
_OF_A_RUN = {"PYDAG_HOME", "PYDAG_JOB", "PYDAG_RUN_ID", "PYDAG_TASK", "PYDAG_ATTEMPT", SCHEDULED_FOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job on a clock. `node` is the node of gocron on which gocron's scheduler starts it, None for the crontab.

    `zone` is that of gocron's clock; of the crontab the one that CRON_TZ names where cron heeds it, else None for the
    machine's. `environ` may hold secrets: it is in no message and in no other file.
    """

    job: str
    file: str
    directory: str
    cron: str
    zone: str | None
    catch_up: int
    submitted: datetime
    environ: Mapping[str, str] = field(repr=False)
    node: int | None = None  # files of before gocron's clock have none

    @property
    def id(self) -> str:
        """What stands for the job's name in entries and in files' names."""
        return entry_id(self.job)

    @property
    def schedule(self) -> Schedule:
        """When it fires."""
        return Schedule.parse(self.cron) if self.node is None else Schedule.for_gocron(self.cron)

    @property
    def clock(self) -> ZoneInfo:
        """The zone whose wall clock counts."""
        return local_zone(self.zone)


def kept_environ(names: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """PATH, the settings of pydag and of gocron, and the variables named. Raises `InvalidSetting` for an unset one."""
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
    """The home directory that cron gives; HOME may have been set to another."""
    return Path(pwd.getpwuid(os.getuid()).pw_dir)


def words(submission_id: str, home: Path, *, everywhere: bool = False) -> list[str]:
    """The command that runs a submission once; `everywhere` makes it one for other accounts, with other homes, too.

    `-P` keeps modules that lie in the home directory, where cron starts it, from standing in for pydag's own.
    """
    place = ["--home", str(home)] if everywhere or home != account_home() / ".pydag" else []
    return [sys.executable, "-P", "-m", "pydag", COMMAND, submission_id, *place]


def home_of(command: str) -> Path | None:
    """The PYDAG_HOME whose job an entry's command runs; None where it was rewritten by hand."""
    parts = _parts(command)
    if COMMAND not in parts:
        return None
    return Path(parts[parts.index("--home") + 1]) if "--home" in parts[:-1] else account_home() / ".pydag"


def id_of(command: str) -> str | None:
    """The submission that an entry's command runs; None where it was rewritten by hand."""
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
        document = {**asdict(submission), "format": FORMAT, "submitted": submission.submitted.isoformat()}
        self.restore(submission.id, json.dumps(document).encode())

    def load(self, submission_id: str) -> Submission:
        """Read one. Raises `NotFound`, and `StoreFormatError` where it is none or of another version."""
        path = self._path(submission_id)
        data = self.raw(submission_id)
        if data is None:
            raise NotFound(f"what was submitted is gone ({path}): submit the job again, or unschedule it")
        try:
            document = json.loads(data)
            if document.pop("format") != FORMAT:
                raise StoreFormatError(f"{path} is of another version: use the pydag that wrote it, or submit again")
            document["submitted"] = datetime.fromisoformat(document["submitted"])
            document.setdefault("node", None)
            return Submission(**{each.name: document[each.name] for each in fields(Submission)})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreFormatError(f"{path} cannot be read: submit the job again") from None

    def raw(self, submission_id: str) -> bytes | None:
        """The file as it is, to be restored."""
        try:
            return self._path(submission_id).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def restore(self, submission_id: str, data: bytes | None) -> None:
        """Put back what `raw` gave; None takes the file out, and what lies beside it."""
        try:
            if data is None:
                for each in self._directory.glob(f"{submission_id}.*"):
                    each.unlink(missing_ok=True)
                return
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._path(submission_id), data)
        except OSError as error:
            raise self._unusable(error) from error

    def ids(self) -> list[str]:
        """Those that there are."""
        return sorted(path.stem for path in self._directory.glob("*.json"))

    @contextmanager
    def alone(self, submission_id: str) -> Iterator[bool]:
        """Whether nobody else is within, for as long as this is: the next start must not overtake the last one."""
        with ExitStack() as stack:
            try:
                path = self._path(submission_id).with_suffix(".lock")
                held = stack.enter_context(locked(path, wait=False))
            except OSError as error:
                raise self._unusable(error) from error
            yield held

    def note(self, submission_id: str, line: str) -> None:
        """Add a line to the file beside it: the last place for what the history does not take."""
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
