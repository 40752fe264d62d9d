"""What a user's script shows when it calls `job.run()` or prints a job."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from pydag.app import picture
from pydag.app.past_runs import past_runs
from pydag.app.run import run_job, submit_job
from pydag.model.run import RunRecord
from pydag.settings import Settings
from pydag.view.reporters import reporter_for
from pydag.view.terminal import print_stderr
from pydag.workflow.job import Job
from pydag.workflow.loader import refuse_lost_edges


def run(job: Job, *, check: bool) -> RunRecord:
    """What `Job.run` promises."""
    if job.file and job.file.suffix == ".py":
        with suppress(OSError):  # it may be gone by now
            refuse_lost_edges(job.file.read_text("utf-8", "replace"), str(job.file))
    reporter = reporter_for(sys.stdout, show_output=Settings.load().show_output, past=past_runs)
    try:
        return run_job(job, reporter, check=check)
    except SystemExit:
        if hasattr(sys, "ps1"):  # Ctrl-C must not end an interactive Python
            raise KeyboardInterrupt from None
        raise


def submit(job: Job) -> None:
    """What `Job.run("submit")` promises."""
    submit_job(job)


def draw(job: Job) -> None:
    """What `print(job)` does besides printing: it writes the picture, or one line on stderr where there is none."""
    message = picture.draw_beside(job, Path())
    if message:
        print_stderr(message)
