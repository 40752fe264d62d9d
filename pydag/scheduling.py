"""The use cases of the clock: put a job on the crontab, take it off, say what is on it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydag import app
from pydag.crontab import Crontab, Entry, entries, entry_id, line, settings_above, with_entry, without_entry
from pydag.errors import InvalidSetting, NotFound, PyDagException
from pydag.loader import load_job
from pydag.schedule import Schedule, Upcoming, local_zone
from pydag.settings import Settings
from pydag.spec import JobSpec
from pydag.submissions import Submission, Submissions, account_home, home_of, kept_environ, words

SHOWN = 3
"""So many next fire times are shown when a job is submitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What was, or would be, put on the crontab: its line, the next fire times, and the entry of before."""

    job: str
    line: str
    times: Sequence[datetime]
    replaced: Entry | None


def submit(
    file: Path, cron: str, *, name: str | None, env: Iterable[str] = (), catch_up: int = 0, dry_run: bool = False
) -> Submitted:
    """Put a job of the file on the crontab, in the place of the entry that it may have; or only say how.

    A new clock has its seam here: what is kept of the job stays the same, the crontab gives way.
    """
    schedule = Schedule.parse(cron)
    spec = load_job(file, name, option="--name").check()
    home = Settings.load().home
    crontab = _crontab(home)
    entry = Entry(name=spec.name, schedule=schedule.text, command=shlex.join(words(entry_id(spec.name), home)))
    shown = line(entry).decode(errors="surrogateescape")
    now = datetime.now(UTC)
    text = crontab.read()
    submission = Submission(
        job=spec.name,
        file=str(file.absolute()),
        directory=str(Path.cwd()),
        cron=schedule.text,
        zone=_zone_above(crontab, text, spec.name),
        catch_up=catch_up,
        submitted=now,
        environ=kept_environ(env),
    )
    replaced = _entry(text, spec.name)
    if not dry_run:
        replaced = _put(crontab, Submissions(home), submission, entry, spec)
    times = schedule.next_after(now, SHOWN, submission.clock)
    return Submitted(job=spec.name, line=shown, times=times, replaced=replaced)


def unschedule(job: str) -> None:
    """Take a job off the crontab; what was submitted stays, for `backfill`. Raises `NotFound`."""
    home = Settings.load().home
    if not _crontab(home).edit(lambda text: _without(text, job, home)):
        raise NotFound(f"job {job!r} is not on the crontab: `pydag status` shows what is")


def delete(job: str, *, force: bool = False) -> bool:
    """Take a job, its history and what was submitted of it out. True where it was on the crontab.

    Raises what `app.delete` raises.
    """
    home = Settings.load().home
    submissions = Submissions(home)
    if submissions.raw(entry_id(job)) is None:
        app.delete(job, force=force)
        return False
    crontab = _crontab(home)
    with crontab.locked():
        with suppress(NotFound):  # the history may have been emptied
            app.delete(job, force=force)
        try:
            return crontab.edit(lambda text: _without(text, job, home))
        except NotFound:
            return False  # another history has a job of that name, and the entry
        finally:
            submissions.restore(entry_id(job), None)


def upcoming(now: datetime) -> dict[str, Upcoming]:
    """The jobs of this history that are on the crontab."""
    home = Settings.load().home
    submissions = Submissions(home)
    ids = submissions.ids()
    if not ids:
        return {}
    found = {}
    for entry in entries(_crontab(home).read()):
        if entry.id in ids and home_of(entry) in (home, None):
            with suppress(PyDagException):  # what is damaged says so when it is due; the others can be shown
                clock = submissions.load(entry.id).clock
                times = Schedule.parse(entry.schedule).next_after(now, 1, clock)
                found[entry.name] = Upcoming(cron=entry.schedule, next=times[0])
    return found


def _crontab(home: Path) -> Crontab:
    """The one lock is in the account's home, whatever PYDAG_HOME is: all of them write one crontab."""
    return Crontab(home, lock=account_home() / ".pydag" / "crontab.lock")


def _put(
    crontab: Crontab, submissions: Submissions, submission: Submission, entry: Entry, spec: JobSpec
) -> Entry | None:
    """Write all that makes a job scheduled, the entry last. Gives the entry of before."""
    before: list[Entry | None] = []

    def change(text: bytes) -> bytes:
        before.append(_entry(text, entry.name))
        return with_entry(text, entry)

    with crontab.locked():
        kept = submissions.raw(submission.id)
        with app.history() as store:
            store.save_job(spec, submission.submitted)
        submissions.save(submission)
        try:
            crontab.edit(change)
        except BaseException:
            submissions.restore(submission.id, kept)
            raise
    return before[-1]


def _entry(text: bytes, job: str) -> Entry | None:
    return next((entry for entry in entries(text) if entry.name == job), None)


def _without(text: bytes, job: str, home: Path) -> bytes:
    entry = _entry(text, job)
    other = home_of(entry) if entry else None
    if other not in (home, None):
        raise NotFound(f"job {job!r} is on the crontab for another history: set PYDAG_HOME to {other}")
    return without_entry(text, job)


def _zone_above(crontab: Crontab, text: bytes, job: str) -> str | None:
    """The zone that CRON_TZ sets for the job's entry. Raises `InvalidSetting` where cron would not heed it."""
    zone = settings_above(text, job).get("CRON_TZ")
    if zone is None:
        return None
    if not crontab.reads_cron_tz():
        raise InvalidSetting(
            f"CRON_TZ={zone} stands in the crontab, and this machine's cron ignores it: the job would run at other "
            "times than it says; take it out with `crontab -e`"
        )
    local_zone(zone)
    return zone
