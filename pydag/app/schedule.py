"""The use cases of schedules: have a job started by a scheduler or no longer, and say what is scheduled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydag.app import jobs as jobs_app
from pydag.app.backends import checked, opened_store, scheduler_for
from pydag.errors import CrontabError, InvalidSetting, NotFound, PyDagException, StoreFormatError
from pydag.model.spec import JobSpec
from pydag.schedule import never_started
from pydag.schedule.schedulers.base import FailedStart, ScheduleEntry, Scheduler, Upcoming
from pydag.schedule.schedulers.crontab_file import Crontab
from pydag.schedule.schedulers.crontab_plan import plan_blocks
from pydag.schedule.submission import Submission, Submissions, account_home, kept_environ, submission_id
from pydag.settings import Settings
from pydag.workflow.loader import load_job

SHOWN = 3
"""How many fire times are shown when a job is submitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What was, or would be, given to a scheduler: the line of its entry, the next fire times, and the entry before.

    `params` are the values of parameters that it will start with. `moved` is the entry that was removed from the
    scheduler `moved_from`, where another one had the job.
    """

    job: str
    line: str
    times: Sequence[datetime]
    replaced: ScheduleEntry | None
    params: tuple[tuple[str, str], ...] = ()
    moved: ScheduleEntry | None = None
    moved_from: str = ""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The scheduled jobs of this history, the starts that failed, and why a scheduler could not be read."""

    jobs: dict[str, Upcoming] = field(default_factory=dict)
    failed_starts: list[FailedStart] = field(default_factory=list)
    errors: list[PyDagException] = field(default_factory=list)


def submit(
    file: Path,
    cron: str,
    *,
    node: int | None = None,
    name: str | None,
    params: Mapping[str, str] | None = None,
    env: Iterable[str] = (),
    catch_up: int = 0,
    dry_run: bool = False,
) -> Submitted:
    """Give a job of the file to a scheduler, in the place of the entry that it may have; or only say how.

    With `node`, gocron's scheduler starts it there, else the crontab does. `params` are values for the file.
    """
    settings = Settings.load()
    crontab, submissions = _crontab(settings.home), Submissions(settings.home)
    with closing(scheduler_for(node, settings, crontab)) as scheduler:
        spec = checked(load_job(file, name, params), settings)
        new = Submission(
            job=spec.name,
            file=str(file.absolute()),
            directory=str(Path.cwd()),
            expression=scheduler.parse(cron),
            zone_name=scheduler.zone_name(spec.name),
            catch_up=catch_up,
            submitted=datetime.now(UTC),
            environ=_kept_environ(env, spec),
            node=node,
            params=params or {},
        )
        before = _submission(submissions, spec.name)
        with _former_scheduler(before, new, crontab) as former:
            if dry_run:
                return _submitted(new, scheduler, former, settings.home)
            with crontab.locked():
                done = _submitted(new, scheduler, former, settings.home)
                if before:  # later they would count as failed before the submission
                    _record((former or scheduler).failed_starts(before), crontab)
                _put(new, spec, scheduler, former if done.moved else None, submissions)
                return done


def _kept_environ(names: Iterable[str], spec: JobSpec) -> dict[str, str]:
    """What the job will find in its environment. Raises `InvalidSetting` where a secret of it would be missing."""
    kept = kept_environ(names)
    for param in spec.params:
        if param.secret and param.name not in kept:
            raise InvalidSetting(
                f"a scheduled run would not find the secret parameter {param.name}: add --env {param.name}, "
                "which keeps its present value in a file that only you can read"
            )
    return kept


def unschedule(job: str) -> str:
    """Remove the entry of a job from its scheduler, and name that. What was submitted stays, for `backfill`.

    Raises `NotFound` where there is none.
    """
    home = Settings.load().home
    crontab = _crontab(home)
    with _scheduler_of(_submission(Submissions(home), job), crontab) as scheduler, crontab.locked():
        if not scheduler.remove(job):
            raise NotFound(f"job {job!r} is not on {scheduler.title}: `pydag status` shows what is")
        return scheduler.title


def delete(job: str, *, force: bool = False) -> jobs_app.Deleted:
    """Delete a job, its history, its tasks on gocron and its submission.

    Raises what `pydag.app.jobs.delete` raises.
    """
    settings = Settings.load()
    submissions, crontab = Submissions(settings.home), _crontab(settings.home)
    if submissions.raw(submission_id(job)) is None and not _is_on_crontab_by_plan(job, crontab):
        return jobs_app.delete(job, settings, force=force)
    submission = _submission(submissions, job)
    with _scheduler_of(submission, crontab) as scheduler, crontab.locked():
        scheduler.entries()  # where they cannot be read, that is an error before anything is gone
        deleted = jobs_app.Deleted(history=False)
        with suppress(NotFound):  # the history may have been emptied
            deleted = jobs_app.delete(job, _settings(submission), force=force)
        try:
            return deleted._replace(scheduler=scheduler.title if scheduler.remove(job) else None)
        except NotFound:
            return deleted  # another history has a job of that name, and the entry
        finally:
            submissions.remove(submission_id(job))


def scheduled(now: datetime, job: str | None = None) -> Scheduled:
    """What the schedulers have: of one job or of all. Where one cannot be read, `errors` say why."""
    home = Settings.load().home
    submissions, crontab, found = Submissions(home), _crontab(home), Scheduled()
    groups: dict[tuple[str, Settings], list[Submission]] = {}
    for each in submissions.ids():
        with suppress(PyDagException):  # a damaged one is reported when it is due; the others can be shown
            submission = submissions.load(each)
            if job in (None, submission.job):
                groups.setdefault((submission.server, _settings(submission)), []).append(submission)
    for group in groups.values():
        _read_scheduler(group, crontab, now, found)
    return found


def record_failed_starts(starts: Sequence[FailedStart]) -> None:
    """Record in the history the starts that a scheduler could not make. Repeated, it records nothing twice."""
    _record(starts, _crontab(Settings.load().home))


def _record(starts: Sequence[FailedStart], crontab: Crontab) -> None:
    if not starts:
        return
    with opened_store(Settings.load()) as store:
        if all(never_started.is_known(store, start) for start in starts):
            return
        with crontab.locked():  # another process may record them at this moment
            for start in sorted(starts, key=lambda start: start.due):
                if not never_started.is_known(store, start):
                    never_started.record_failed_start(store, start)


def _read_scheduler(group: Sequence[Submission], crontab: Crontab, now: datetime, found: Scheduled) -> None:
    """Add what one scheduler has of its submissions to what was found."""
    home = Settings.load().home
    with _scheduler_of(group[0], crontab) as scheduler:
        try:
            entries = scheduler.entries()
            for submission in group:
                entry = entries.get(submission.id)
                if entry and entry.belongs_to(home):
                    found.jobs[submission.job] = _upcoming(scheduler, submission, entry, now)
                    found.failed_starts.extend(scheduler.failed_starts(submission))
        except PyDagException as error:
            found.errors.append(error)
            for submission in group:
                unknown = Upcoming(
                    expression=submission.expression.text,
                    scheduler=scheduler.name,
                    next=None,
                    node=submission.node,
                    detail=scheduler.unreadable,
                )
                found.jobs.setdefault(submission.job, unknown)


def _upcoming(scheduler: Scheduler, submission: Submission, entry: ScheduleEntry, now: datetime) -> Upcoming:
    fire, detail = None, ""
    if entry.expression != submission.expression.text:
        detail = f"changed by hand, it was {submission.expression.text}: submit it again"
    if entry.enabled:
        with suppress(InvalidSetting):  # changed by hand into what the scheduler may understand, and pydag does not
            fire_times = replace(submission.fire_times, expression=scheduler.parse(entry.expression))
            (fire,) = fire_times.after(now, 1)
    else:
        detail = "switched off in gocron's pages"
    return Upcoming(expression=entry.expression, scheduler=scheduler.name, next=fire, node=entry.node, detail=detail)


def _crontab(home: Path) -> Crontab:
    """The one lock is in the account's home, whatever PYDAG_HOME is: all of them write one crontab."""
    return Crontab(home, lock=account_home() / ".pydag" / "crontab.lock")


def _submission(submissions: Submissions, job: str) -> Submission | None:
    """What was submitted of a job; None where nothing was, or where it can no longer be read."""
    with suppress(NotFound, StoreFormatError):
        return submissions.load(submission_id(job))
    return None


def _settings(submission: Submission | None) -> Settings:
    """The settings with the server whose scheduler has the job. Its login is the present one, where that is for it."""
    settings = Settings.load()
    if submission is None or submission.server in ("", settings.gocron.address):
        return settings
    return replace(settings, gocron=Settings.load(submission.environ).gocron)


@contextmanager
def _scheduler_of(submission: Submission | None, crontab: Crontab) -> Iterator[Scheduler]:
    """The scheduler that a job was given to: the crontab where nobody knows."""
    node = submission.node if submission else None
    with closing(scheduler_for(node, _settings(submission), crontab)) as scheduler:
        yield scheduler


def _is_on_crontab_by_plan(job: str, crontab: Crontab) -> bool:
    """Whether a program before this pydag put the job there. A crontab that cannot be read has nothing to say."""
    with suppress(CrontabError):
        return any(block.name == job for block in plan_blocks(crontab.read()))
    return False


@contextmanager
def _former_scheduler(before: Submission | None, new: Submission, crontab: Crontab) -> Iterator[Scheduler | None]:
    """The scheduler that a job was given to before, where that is another one."""
    by_plan = before is None and new.node is not None and _is_on_crontab_by_plan(new.job, crontab)
    if not by_plan and (before is None or before.server == new.server):
        yield None
    else:
        with _scheduler_of(before, crontab) as scheduler:
            yield scheduler


def _submitted(new: Submission, scheduler: Scheduler, former: Scheduler | None, home: Path) -> Submitted:
    """What giving it to the scheduler will change there, and with the former one."""
    moved = former.entries().get(new.id) if former else None
    return Submitted(
        job=new.job,
        line=scheduler.line(new),
        times=new.fire_times.after(new.submitted, SHOWN),
        replaced=scheduler.entries().get(new.id),
        params=tuple(new.params.items()),
        moved=moved if moved and moved.belongs_to(home) else None,
        moved_from=former.title if former else "",
    )


def _put(
    new: Submission, spec: JobSpec, scheduler: Scheduler, former: Scheduler | None, submissions: Submissions
) -> None:
    """Write all that makes a job scheduled, the entry last; then remove its entry from the former scheduler."""
    before = submissions.raw(new.id)
    with opened_store(Settings.load()) as store:
        store.save_job(spec, new.submitted)
    submissions.save(new)
    try:
        undo = scheduler.put(new)
        try:
            if former:
                former.remove(new.job)
        except BaseException:
            undo()
            raise
    except BaseException:
        submissions.restore(new.id, before)
        raise
