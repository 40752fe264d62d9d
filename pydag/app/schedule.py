"""The use cases of the clocks: put a job on one, take it off, say what is on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydag.app import jobs as jobs_app
from pydag.app.backends import clock_for, opened_store
from pydag.errors import InvalidSetting, NotFound, PyDagException, StoreFormatError
from pydag.model.spec import JobSpec
from pydag.schedule import never_started
from pydag.schedule.expression import Upcoming
from pydag.schedule.schedulers.base import Clock, Entry, Unstarted
from pydag.schedule.schedulers.crontab_file import Crontab
from pydag.schedule.schedulers.crontab_text import entry_id
from pydag.schedule.submission import Submission, Submissions, account_home, kept_environ
from pydag.settings import Settings
from pydag.workflow.loader import load_job

SHOWN = 3
"""So many next fire times are shown when a job is submitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What was, or would be, put on a clock: its line, the next fire times, and the entry of before.

    `moved` is the entry that was taken off the clock `moved_from`, where the job was on another.
    """

    job: str
    line: str
    times: Sequence[datetime]
    replaced: Entry | None
    moved: Entry | None = None
    moved_from: str = ""


@dataclass(frozen=True, slots=True)
class OnTheClock:
    """The jobs of this history that are on a clock, and what kept a clock from being read whole."""

    jobs: dict[str, Upcoming] = field(default_factory=dict)
    errors: list[PyDagException] = field(default_factory=list)


def submit(
    file: Path,
    cron: str,
    *,
    node: int | None = None,
    name: str | None,
    env: Iterable[str] = (),
    catch_up: int = 0,
    dry_run: bool = False,
) -> Submitted:
    """Put a job of the file on a clock, in the place of the entry that it may have; or only say how.

    With `node`, gocron's scheduler starts it on that node; without, the crontab does. A job that was on another clock
    is taken off that one.
    """
    settings = Settings.load()
    crontab, submissions = _crontab(settings.home), Submissions(settings.home)
    with closing(clock_for(node, settings, crontab)) as clock:
        schedule = clock.read(cron)
        spec = load_job(file, name).check()
        submission = Submission(
            job=spec.name,
            file=str(file.absolute()),
            directory=str(Path.cwd()),
            cron=schedule.text,
            zone=clock.zone(spec.name),
            catch_up=catch_up,
            submitted=datetime.now(UTC),
            environ=kept_environ(env),
            node=node,
        )
        before = _submission(submissions, spec.name)
        with nullcontext() if dry_run else crontab.locked(), _another(before, submission, crontab) as former:
            done = _submitted(submission, clock, former, settings.home)
            if not dry_run:
                if before:
                    _take_in(former or clock, before, crontab)
                _put(clock, former if done.moved else None, submissions, submission, spec)
            return done


def unschedule(job: str) -> str:
    """Take a job off its clock, and name that; what was submitted stays, for `backfill`. Raises `NotFound`."""
    home = Settings.load().home
    crontab = _crontab(home)
    with _clock_of(_submission(Submissions(home), job), crontab) as clock, crontab.locked():
        if not clock.take(job):
            raise NotFound(f"job {job!r} is not on {clock.place}: `pydag status` shows what is")
        return clock.place


def delete(job: str, *, force: bool = False) -> str | None:
    """Take a job, its history and what was submitted of it out. Gives the clock that it was on.

    Raises what `app.delete` raises.
    """
    settings = Settings.load()
    submissions, crontab = Submissions(settings.home), _crontab(settings.home)
    if submissions.raw(entry_id(job)) is None:
        jobs_app.delete(job, settings, force=force)
        return None
    submission = _submission(submissions, job)
    with _clock_of(submission, crontab) as clock, crontab.locked():
        clock.entries()  # a clock that cannot be read is told before anything is gone
        with suppress(NotFound):  # the history may have been emptied
            jobs_app.delete(job, _settings(submission), force=force)
        try:
            return clock.place if clock.take(job) else None
        except NotFound:
            return None  # another history has a job of that name, and the entry
        finally:
            submissions.restore(entry_id(job), None)


def look(now: datetime, job: str | None = None) -> OnTheClock:
    """What is on the clocks: of one job or of all.

    What a clock could not start since somebody last looked is taken into the history, with its cause.
    """
    home = Settings.load().home
    submissions, crontab, found = Submissions(home), _crontab(home), OnTheClock()
    groups: dict[tuple[bool, Settings], list[Submission]] = {}
    for each in submissions.ids():
        with suppress(PyDagException):  # what is damaged says so when it is due; the others can be shown
            submission = submissions.load(each)
            if job in (None, submission.job):
                groups.setdefault((submission.node is None, _settings(submission)), []).append(submission)
    for group in groups.values():
        _look_at(group, crontab, now, found)
    return found


def _look_at(group: Sequence[Submission], crontab: Crontab, now: datetime, found: OnTheClock) -> None:
    """Add the submissions of one clock to what was found."""
    home = Settings.load().home
    try:
        with _clock_of(group[0], crontab) as clock:
            entries = clock.entries()
            for submission in group:
                entry = entries.get(submission.id)
                if entry and entry.belongs_to(home):
                    found.jobs[submission.job] = _upcoming(clock, submission, entry, now)
                    _take_in(clock, submission, crontab)
    except PyDagException as error:
        found.errors.append(error)
        for submission in group:
            silent = "the crontab cannot be read" if submission.node is None else "gocron does not answer"
            unknown = Upcoming(cron=submission.cron, next=None, node=submission.node, detail=silent)
            found.jobs.setdefault(submission.job, unknown)


def _upcoming(clock: Clock, submission: Submission, entry: Entry, now: datetime) -> Upcoming:
    fire, detail = None, ""
    if entry.schedule != submission.cron:
        detail = f"changed by hand, it was {submission.cron}: submit it again"
    if entry.enabled:
        with suppress(InvalidSetting):  # changed by hand into what this clock may read, and pydag does not
            (fire,) = clock.read(entry.schedule).next_after(now, 1, submission.clock)
    else:
        detail = "switched off in gocron's pages"
    return Upcoming(cron=entry.schedule, next=fire, node=entry.node, detail=detail)


def _take_in(clock: Clock, submission: Submission, crontab: Crontab) -> None:
    """Keep in the history what the clock could not start. Repeated, it keeps nothing twice."""
    missing = clock.unstarted(submission)
    if not missing:
        return
    with opened_store(Settings.load()) as store:

        def unknown(each: Unstarted) -> bool:
            return not store.runs(submission.job, scheduled_for=each.due, limit=1)

        if any(map(unknown, missing)):
            with crontab.locked():  # somebody else may look at this moment
                for each in reversed(missing):
                    if unknown(each):
                        never_started.keep(store, submission.job, each.due, each.cause, engine="gocron", at=each.tried)


def _crontab(home: Path) -> Crontab:
    """The one lock is in the account's home, whatever PYDAG_HOME is: all of them write one crontab."""
    return Crontab(home, lock=account_home() / ".pydag" / "crontab.lock")


def _submission(submissions: Submissions, job: str) -> Submission | None:
    """What was submitted of a job; None where nothing was, or where it cannot be read any more."""
    with suppress(NotFound, StoreFormatError):
        return submissions.load(entry_id(job))
    return None


def _settings(submission: Submission | None) -> Settings:
    """With the gocron on whose clock a job is; the login is the one that is set now, where it is for that one."""
    settings = Settings.load()
    if submission is None or submission.node is None:
        return settings
    gocron = Settings.load(submission.environ).gocron
    return settings if settings.gocron.address == gocron.address else replace(settings, gocron=gocron)


@contextmanager
def _clock_of(submission: Submission | None, crontab: Crontab) -> Iterator[Clock]:
    """The clock that a job was given to: the crontab where nobody knows."""
    node = submission.node if submission else None
    with closing(clock_for(node, _settings(submission), crontab)) as clock:
        yield clock


@contextmanager
def _another(before: Submission | None, now: Submission, crontab: Crontab) -> Iterator[Clock | None]:
    """The clock that a job was given to before, where that is another."""
    if before is None or _place(before) == _place(now):
        yield None
    else:
        with _clock_of(before, crontab) as clock:
            yield clock


def _place(submission: Submission) -> str | None:
    return None if submission.node is None else Settings.load(submission.environ).gocron.address


def _submitted(submission: Submission, clock: Clock, former: Clock | None, home: Path) -> Submitted:
    """What putting it on the clock will change there, and on the former one."""
    moved = former.entries().get(submission.id) if former else None
    return Submitted(
        job=submission.job,
        line=clock.line(submission),
        times=submission.schedule.next_after(submission.submitted, SHOWN, submission.clock),
        replaced=clock.entries().get(submission.id),
        moved=moved if moved and moved.belongs_to(home) else None,
        moved_from=former.place if former else "",
    )


def _put(clock: Clock, former: Clock | None, submissions: Submissions, submission: Submission, spec: JobSpec) -> None:
    """Write all that makes a job scheduled, the entry last; then take the entry of before off the former clock."""
    kept = submissions.raw(submission.id)
    with opened_store(Settings.load()) as store:
        store.save_job(spec, submission.submitted)
    submissions.save(submission)
    try:
        undo = clock.put(submission)
        try:
            if former:
                former.take(submission.job)
        except BaseException:
            undo()
            raise
    except BaseException:
        submissions.restore(submission.id, kept)
        raise
