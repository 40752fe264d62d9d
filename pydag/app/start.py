"""The use case of a start: what a scheduler calls runs the job that is due, or records why it could not."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from pydag.app.backends import opened_store
from pydag.app.backfill import run_fire_times
from pydag.app.jobs import jobs
from pydag.app.run import INTERRUPTED, run_job
from pydag.errors import NotFound, PyDagException, StillRunning
from pydag.model.run import Run, RunFailed
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.runs.owner import live_runs
from pydag.runs.reporter import Silent
from pydag.schedule import never_started
from pydag.schedule.due import due_time, missed_times
from pydag.schedule.submission import Submission, Submissions, submission_id
from pydag.settings import SCHEDULED_FOR, RunNew, Settings
from pydag.stores.base import Store
from pydag.workflow.loader import load_job


def run_submission(wanted: str, at: datetime | None, report: Callable[[str], None]) -> None:
    """Run the job of the submission with this id for the fire time that is due, or for `at`, a time that was missed.

    A run that cannot start is recorded as one that never did. Only where the history does not take even that, `report`
    gets a line, which is also written beside the submission. Raises what kept the job from starting, and `RunFailed`.
    """
    start = _Start(wanted)
    try:
        start.run(at)
    except RunFailed:
        raise
    except Exception as error:
        try:
            start.record(error)
        except PyDagException as worse:
            when = datetime.now(UTC).isoformat(timespec="seconds")
            line = f"{when} job {start.job or wanted}: {_cause(error)}; not in the history: {worse}"
            report(line)
            start.submissions.add_error(wanted, line)
        raise


class _Start(Silent):
    """One start of a submission; what is known of it is what can be recorded where it fails.

    As the run's reporter it shows nothing, and learns that the run began: such a run is never recorded as one that
    did not.
    """

    def __init__(self, wanted: str) -> None:
        self.submissions = Submissions(Settings.load().home)
        self.job: str | None = None
        self._id = wanted
        self._due: datetime | None = None
        self._begun = False

    def run_started(self, run: Run, spec: JobSpec) -> None:
        self._begun = True

    def run(self, at: datetime | None) -> None:
        """Run the job for the fire time that is due, or for `at`."""
        self._due = at
        submission = self.submissions.load(self._id)
        self.job = submission.job
        os.environ.update(submission.environ)
        os.environ.setdefault("PYDAG_RUN_NEW", RunNew.AUTO.value)  # the job's tasks on gocron are its own: update them
        if at is None:
            self._due = due_time(submission, datetime.now(UTC), partial(_has_begun, submission.job))
        if self._due:
            os.environ[SCHEDULED_FOR] = self._due.isoformat()
        if at is None:
            self._run_due(submission)
        else:
            self._run_job(submission)

    def record(self, error: Exception) -> None:
        """Record that the job did not start. Raises `PyDagException` where the history does not take it."""
        if self._begun:
            raise StillRunning("its run had begun")
        state = State.CANCELLED if isinstance(error, StillRunning) else State.FAILED
        job = self.job or _job_in_history(self._id)
        with opened_store(Settings.load()) as store:
            never_started.record(store, job, self._due, _cause(error), state=state)

    def _run_due(self, submission: Submission) -> None:
        with self.submissions.start_lock(submission.id) as alone, opened_store(Settings.load()) as store:
            has_begun = partial(never_started.has_begun, store, submission.job)
            if self._due and has_begun(self._due):
                return  # cron starts a job twice where a shift of the clock skips several of its times
            _refuse_if_busy(store, submission.job, alone=alone)
            missed = missed_times(submission, self._due, has_begun) if self._due else []
            if missed and run_fire_times(submission, missed, parallel=1, ended=lambda *_: None):
                raise SystemExit(INTERRUPTED)
            self._run_job(submission)

    def _run_job(self, submission: Submission) -> None:
        try:
            os.chdir(submission.directory)
        except OSError as error:
            raise NotFound(
                f"the working directory {submission.directory} cannot be used ({error.strerror}): "
                "make it again, or submit the job from another"
            ) from None
        job = load_job(submission.file, submission.job)
        scheduled_for = self._due.astimezone(UTC) if self._due else None
        run_job(job, self, scheduled_for=scheduled_for, own_process=True)


def _has_begun(job: str, due: datetime) -> bool:
    with opened_store(Settings.load()) as store:
        return never_started.has_begun(store, job, due)


def _refuse_if_busy(store: Store, job: str, *, alone: bool) -> None:
    """Raise `StillRunning` where the last start still runs (not `alone`), or a run that somebody started by hand.

    The run of a backfill does not count: it has a logical date of its own.
    """
    running = live_runs(store, job)
    by_hand = [run for run in running if run.scheduled_for is None]
    if not alone or by_hand:
        named = [f" (run {run.id})" for run in by_hand or running]
        raise StillRunning("the last run still goes on" + "".join(named[:1]))


def _cause(error: Exception) -> str:
    return str(error) if isinstance(error, PyDagException) else f"{type(error).__name__}: {error}"


def _job_in_history(wanted: str) -> str:
    """The name of the job by the history, where its submission cannot be read. Raises `NotFound`."""
    for entry in jobs():
        if submission_id(entry.name) == wanted:
            return entry.name
    raise NotFound("the history knows no job of that id")
