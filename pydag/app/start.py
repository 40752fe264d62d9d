"""The use case of a start: what a scheduler calls runs the job that is due, or records why it could not."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from pydag.app.backends import opened_store
from pydag.app.backfill import run_fire_times
from pydag.app.hooks import run_hooks
from pydag.app.jobs import jobs
from pydag.app.run import run_job
from pydag.errors import NotFound, PyDagException, StillRunning
from pydag.model.run import Run, RunFailed, RunRecord
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.runs.owner import live_runs, this_process
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
    gets a line, which is also written beside the submission. It also gets one for each hook that failed, where the
    crontab started this. Raises what kept the job from starting, and `RunFailed`.
    """
    start = _Start(wanted)
    try:
        _run_or_record(start, at, report)
    finally:
        for line in start.failed_hooks:
            report(line)


def _run_or_record(start: _Start, at: datetime | None, report: Callable[[str], None]) -> None:
    try:
        start.run(at)
    except RunFailed:
        raise
    except Exception as error:
        try:
            start.record(error)
        except PyDagException as worse:
            when = datetime.now(UTC).isoformat(timespec="seconds")
            line = f"{when} job {start.job or start.id}: {_cause(error)}; not in the history: {worse}"
            report(line)
            start.submissions.add_error(start.id, line)
        raise


class _Start(Silent):
    """One start of a submission; what is known of it is what can be recorded where it fails.

    As the run's reporter it shows nothing, and learns that the run began: such a run is never recorded as one that
    did not.
    """

    def __init__(self, wanted: str) -> None:
        self.submissions = Submissions(Settings.load().home)
        self.id = wanted
        self.job: str | None = None
        self.failed_hooks: list[str] = []
        self._submission: Submission | None = None
        self._due: datetime | None = None
        self._begun = False

    def run_started(self, run: Run, spec: JobSpec) -> None:
        self._begun = True

    def run_ended(self, record: RunRecord) -> None:
        if record.hooks and self._submission and self._submission.node is None:  # gocron would take words for a failure
            from pydag.view.summary import failed_hooks

            self.failed_hooks = list(failed_hooks(record))

    def run(self, at: datetime | None) -> None:
        """Run the job for the fire time that is due, or for `at`."""
        self._due = at
        self._submission = submission = self.submissions.load(self.id)
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
        """Record that the job did not start, and run its hooks. Raises `PyDagException` where the history is not there.

        The hooks are those of its last definition, and run in its directory, if that is still there.
        """
        if self._begun:
            raise StillRunning("its run had begun")
        state = State.CANCELLED if isinstance(error, StillRunning) else State.FAILED
        job = self.job or _job_in_history(self.id)
        settings = Settings.load()
        if self._submission:
            with suppress(OSError):
                os.chdir(self._submission.directory)
        with opened_store(settings) as store:
            run = never_started.record(store, job, self._due, _cause(error), state=state, owner=this_process())
            self.run_ended(run_hooks(store.load(run), store=store, settings=settings, reporter=self))

    def _run_due(self, submission: Submission) -> None:
        with self.submissions.start_lock(submission.id) as alone, opened_store(Settings.load()) as store:
            has_begun = partial(never_started.has_begun, store, submission.job)
            if self._due and has_begun(self._due):
                return  # cron starts a job twice where a shift of the clock skips several of its times
            _refuse_if_busy(store, submission.job, alone=alone)
            missed = missed_times(submission, self._due, has_begun) if self._due else []
            if missed and (stopped := run_fire_times(submission, missed, parallel=1, ended=lambda *_: None)):
                raise SystemExit(stopped)
            self._run_job(submission)

    def _run_job(self, submission: Submission) -> None:
        try:
            os.chdir(submission.directory)
        except OSError as error:
            raise NotFound(
                f"the working directory {submission.directory} cannot be used ({error.strerror}): "
                "make it again, or submit the job from another"
            ) from None
        job = load_job(submission.file, submission.job, submission.params)
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
