"""What is scheduled, for the commands that show it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydag.errors import PyDagException
from pydag.settings import SCHEDULES, Settings
from pydag.view.terminal import print_stderr

if TYPE_CHECKING:
    from pydag.schedule.schedulers.base import Upcoming


def schedules_of(job: str | None) -> dict[str, Upcoming]:
    """What is scheduled, of one job or (None) of all, once the failed starts are in the history.

    Where a scheduler cannot be read, stderr says so, and the rest can be shown.
    """
    # Where nothing was submitted there is nothing to import: it would be a third of the command's time. `Path.exists`
    # would raise where the home cannot be read; the history says that.
    if not os.path.exists(Settings.load().home / SCHEDULES):
        return {}
    from pydag.app import schedule

    found = schedule.scheduled(datetime.now(UTC), job)
    problems = found.errors
    try:
        schedule.record_failed_starts(found.failed_starts)
    except PyDagException as error:
        problems = [*problems, error]
    for problem in problems:
        print_stderr(f"pydag: {problem}")
    return found.jobs
