"""The use cases of a fire time: run what is due, say why it could not start, make up for what was missed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TextIO

from pydag import app, owner, unstarted
from pydag.crontab import entry_id
from pydag.errors import NotFound, PyDagException, RunFailed, StillRunning
from pydag.loader import load_job
from pydag.report import Silent
from pydag.run import Run
from pydag.settings import Settings
from pydag.spec import JobSpec
from pydag.state import RunNew, State
from pydag.stores.base import Store
from pydag.submissions import SCHEDULED_FOR, Submission, Submissions, words

_STEP = timedelta.resolution
_AHEAD = timedelta(seconds=2)  # how far gocron's server may be ahead of the clock here
_REPEATED = timedelta(minutes=1)  # until then a second start for a fire time is the clock's, and no wish of somebody


class _Witness(Silent):
    """Shows nothing, and knows whether the run began: one that did is never said to have not."""

    begun = False

    def run_started(self, run: Run, spec: JobSpec) -> None:
        """It is in the history."""
        self.begun = True


def run_submission(submission_id: str, at: datetime | None = None) -> None:
    """What a clock calls: run a job for the fire time that is due, or for `at`, a time to make up for.

    Nothing is printed, so that cron has nothing to mail. A run that cannot start is recorded as one that never did;
    only where the history does not take even that, a line goes to stderr and into a file beside the submission.
    Raises what kept it from starting, and `RunFailed`.
    """
    stderr = _silence()
    submissions = Submissions(Settings.load().home)
    witness = _Witness()
    submission, due = None, at
    try:
        submission = submissions.load(submission_id)
        os.environ.update(submission.environ)
        os.environ.setdefault("PYDAG_RUN_NEW", RunNew.AUTO.value)  # what a job's last run left on gocron is its own
        due = at or _due(submission, datetime.now(UTC))
        if due:
            os.environ[SCHEDULED_FOR] = due.isoformat()
        if at is None:
            _run_due(submissions, submission, due, witness)
        else:
            _run(submission, due, witness)
    except RunFailed:
        raise
    except Exception as error:
        cause = str(error) if isinstance(error, PyDagException) else f"{type(error).__name__}: {error}"
        state = State.CANCELLED if isinstance(error, StillRunning) else State.FAILED
        try:
            if witness.begun:
                raise StillRunning("its run had begun")
            job = submission.job if submission else _job_of(submission_id)
            with app.history() as store:
                unstarted.keep(store, job, due, cause, state=state)
        except PyDagException as worse:
            when = datetime.now(UTC).isoformat(timespec="seconds")
            text = f"{when} job {submission.job if submission else submission_id}: {cause}; not in the history: {worse}"
            print(f"pydag: {text}", file=stderr, flush=True)
            submissions.note(submission_id, text)
        raise


def _silence() -> TextIO:
    """Whatever the file of a job prints goes nowhere, for the rest of the process. Gives the stderr of before."""
    stderr = os.fdopen(os.dup(2), "w", errors="backslashreplace")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(null, number)
    return stderr


def _job_of(submission_id: str) -> str:
    """The job's name by the history, where what was submitted cannot be read. Raises `NotFound`."""
    for entry in app.jobs():
        if entry_id(entry.name) == submission_id:
            return entry.name
    raise NotFound("the history knows no job of that id")


def _due(submission: Submission, now: datetime) -> datetime | None:
    """The fire time for which a clock starts the job now; None where somebody started it in gocron's pages.

    gocron's server may be ahead of the clock of this node, and a start by hand looks as one by the scheduler does: it
    is told by a fire time that has its run, or that was before the submission.
    """
    schedule, clock = submission.schedule, submission.clock
    due = schedule.previous(now, clock)
    if submission.node is None:
        return due
    soon = schedule.previous(now + _AHEAD, clock)
    with app.history() as store:
        begun = unstarted.has_begun(store, submission.job, due)
    early, late = due.astimezone(UTC) <= submission.submitted, now - due > _REPEATED
    if soon.astimezone(UTC) != due.astimezone(UTC) and (early or late or begun):
        return soon
    return None if early or (begun and late) else due


def _run_due(submissions: Submissions, submission: Submission, due: datetime | None, witness: _Witness) -> None:
    with submissions.alone(submission.id) as alone, app.history() as store:
        if due and unstarted.has_begun(store, submission.job, due):
            return  # cron starts a job twice for several times that a shift of the clock skips
        running = [run for run in store.runs(submission.job, state=State.RUNNING) if not owner.is_gone(run.owner)]
        # A backfill may go on beside: it has logical dates of its own.
        by_hand = [run for run in running if run.scheduled_for is None]
        if not alone or by_hand:
            named = [f" (run {run.id})" for run in by_hand or running]
            raise StillRunning("the last run still goes on" + "".join(named[:1]))
        missed = _missed(store, submission, due) if due else []
        if missed and make_up(submission, missed, parallel=1, told=lambda *_: None):
            raise SystemExit(app.INTERRUPTED)
        _run(submission, due, witness)


def _missed(store: Store, submission: Submission, due: datetime) -> list[datetime]:
    """The newest fire times, at most `catch_up`, between the last one that has a run, or the submit, and `due`."""
    found: deque[datetime] = deque()
    schedule, clock = submission.schedule, submission.clock
    fire = due
    while len(found) < submission.catch_up:
        fire = schedule.previous(fire.astimezone(UTC) - _STEP, clock)
        if unstarted.has_begun(store, submission.job, fire) or fire.astimezone(UTC) <= submission.submitted:
            break
        found.appendleft(fire)
    return list(found)


def _run(submission: Submission, due: datetime | None, witness: _Witness) -> None:
    try:
        os.chdir(submission.directory)
    except OSError as error:
        raise NotFound(
            f"the working directory {submission.directory} cannot be used ({error.strerror}): "
            "make it again, or submit the job from another"
        ) from None
    job = load_job(submission.file, submission.job)
    app.run_job(job, scheduled_for=due and due.astimezone(UTC), reporter=witness, own_process=True)


# Making up for the past.


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """The fire times of a range that are to be run, oldest first, and how many have a successful run already."""

    submission: Submission
    due: list[datetime]
    done: int


def backfill(job: str, first: date, last: date) -> Backfill:
    """What is to be made up for from the start of `first` to the end of `last`, days of the job's clock; up to now.

    Raises `NotFound` where the job was never submitted.
    """
    submissions = Submissions(Settings.load().home)
    app.job_spec(job)
    if submissions.raw(entry_id(job)) is None:
        raise NotFound(f"job {job!r} was never submitted, so it has no fire times: use `pydag submit FILE --cron`")
    submission = submissions.load(entry_id(job))
    clock = submission.clock
    end = min(_midnight(last + timedelta(days=1), clock), datetime.now(UTC) + _STEP)
    times = list(submission.schedule.between(_midnight(first, clock), end, clock))
    with app.history(reading=True) as store:
        done = {run.scheduled_for for run in store.runs(job, state=State.SUCCESS)}
    due = [fire for fire in times if fire.astimezone(UTC) not in done]
    return Backfill(submission=submission, due=due, done=len(times) - len(due))


def _midnight(day: date, clock: tzinfo) -> datetime:
    return datetime.combine(day, time(), clock).astimezone(UTC)


def make_up(
    submission: Submission, times: Iterable[datetime], *, parallel: int, told: Callable[[datetime, int], None]
) -> bool:
    """Run the job for each of these times, in processes of their own, so many at once. True where somebody stopped it.

    `told` hears of each end: its time and its exit status. A stop (Ctrl-C, SIGTERM) is passed on to those that run,
    and nothing new starts; a second one makes them kill.
    """
    waiting, running = deque(times), dict[int, tuple[subprocess.Popen[bytes], datetime]]()
    stops = 0

    def stop() -> None:
        nonlocal stops
        stops += 1
        for pid in list(running):
            os.kill(pid, signal.SIGTERM)

    command = words(submission.id, Settings.load().home)
    with app.signals_to(stop):
        while running or (waiting and not stops):
            while waiting and not stops and len(running) < parallel:
                fire = waiting.popleft()
                # In a session of its own, Ctrl-C reaches it through `stop` alone, and once.
                child = subprocess.Popen(
                    [*command, "--for", fire.isoformat()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
                running[child.pid] = child, fire
                if stops:
                    os.kill(child.pid, signal.SIGTERM)
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if ended and ended.si_pid in running:
                child, fire = running.pop(ended.si_pid)
                told(fire, child.wait())
    return stops > 0
