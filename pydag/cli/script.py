"""What a user's script shows when it calls `job.run()` or prints a job."""

from __future__ import annotations

import sys
from pathlib import Path

from pydag.app import picture
from pydag.app.run import run_job, submit_job
from pydag.cli import excepthook
from pydag.model.run import RunFailed, RunRecord
from pydag.settings import Settings
from pydag.view.reporters import reporter_for
from pydag.view.terminal import print_stderr
from pydag.workflow.job import Job


def run(job: Job, *, check: bool) -> RunRecord:
    """What `Job.run` promises."""
    try:
        return run_job(job, reporter_for(sys.stdout, show_output=Settings.load().show_output), check=check)
    except RunFailed:
        excepthook.install()
        raise
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
