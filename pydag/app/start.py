"""The use cases of a fire time: run what is due, say why it could not start, make up for what was missed."""

from __future__ import annotations

import os
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TextIO

from pydag.app.backends import opened_store
from pydag.app.backfill import make_up
from pydag.app.jobs import jobs
from pydag.app.run import INTERRUPTED, run_job
from pydag.errors import NotFound, PyDagException, StillRunning
from pydag.model.run import Run, RunFailed
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.runs.owner import live_runs
from pydag.runs.reporter import Silent
from pydag.schedule import never_started
from pydag.schedule.schedulers.crontab_text import entry_id
from pydag.schedule.submission import SCHEDULED_FOR, Submission, Submissions
from pydag.settings import RunNew, Settings
from pydag.stores.base import Store
from pydag.workflow.loader import load_job

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
            with opened_store(Settings.load()) as store:
                never_started.keep(store, job, due, cause, state=state)
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
    for entry in jobs():
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
    with opened_store(Settings.load()) as store:
        begun = never_started.has_begun(store, submission.job, due)
    early, late = due.astimezone(UTC) <= submission.submitted, now - due > _REPEATED
    if soon.astimezone(UTC) != due.astimezone(UTC) and (early or late or begun):
        return soon
    return None if early or (begun and late) else due


def _run_due(submissions: Submissions, submission: Submission, due: datetime | None, witness: _Witness) -> None:
    with submissions.alone(submission.id) as alone, opened_store(Settings.load()) as store:
        if due and never_started.has_begun(store, submission.job, due):
            return  # cron starts a job twice for several times that a shift of the clock skips
        running = live_runs(store, submission.job)
        # A backfill may go on beside: it has logical dates of its own.
        by_hand = [run for run in running if run.scheduled_for is None]
        if not alone or by_hand:
            named = [f" (run {run.id})" for run in by_hand or running]
            raise StillRunning("the last run still goes on" + "".join(named[:1]))
        missed = _missed(store, submission, due) if due else []
        if missed and make_up(submission, missed, parallel=1, told=lambda *_: None):
            raise SystemExit(INTERRUPTED)
        _run(submission, due, witness)


def _missed(store: Store, submission: Submission, due: datetime) -> list[datetime]:
    """The newest fire times, at most `catch_up`, between the last one that has a run, or the submit, and `due`."""
    found: deque[datetime] = deque()
    schedule, clock = submission.schedule, submission.clock
    fire = due
    while len(found) < submission.catch_up:
        fire = schedule.previous(fire.astimezone(UTC) - _STEP, clock)
        if never_started.has_begun(store, submission.job, fire) or fire.astimezone(UTC) <= submission.submitted:
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
    run_job(job, witness, scheduled_for=due and due.astimezone(UTC), own_process=True)
