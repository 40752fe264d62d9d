"""Which fire times a start stands for and makes up for: decided from the time and from what has begun."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydag.schedule.submission import Submission

HasBegun = Callable[[datetime], bool]
"""Whether a run of the job began for that fire time."""

_AHEAD = timedelta(seconds=2)  # how far a server's clock may be ahead of the clock here
_REPEATED = timedelta(minutes=1)  # until then a second start for a fire time comes from the scheduler, not from people


def due_time(submission: Submission, now: datetime, has_begun: HasBegun) -> datetime | None:
    """The fire time for which a scheduler starts the job now; None where somebody started it in a server's pages.

    A server's clock may be ahead of the clock here, and a start by hand looks the same as one by the scheduler. It is
    recognized by a fire time that has its run, or that was before the submission.
    """
    fire_times = submission.fire_times
    due = fire_times.latest(now)
    if not submission.server:
        return due
    soon = fire_times.latest(now + _AHEAD)
    begun = has_begun(due)
    early, late = due.astimezone(UTC) <= submission.submitted, now - due > _REPEATED
    if soon.astimezone(UTC) != due.astimezone(UTC) and (early or late or begun):
        return soon
    return None if early or (begun and late) else due


def missed_times(submission: Submission, due: datetime, has_begun: HasBegun) -> list[datetime]:
    """The fire times to make up for before `due`, oldest first: the newest `catch_up` without a run.

    The search ends at the last fire time whose run began, and at the submission.
    """
    found: deque[datetime] = deque()
    fire_times, fire = submission.fire_times, due
    while len(found) < submission.catch_up:
        fire = fire_times.latest(fire.astimezone(UTC) - timedelta.resolution)
        if has_begun(fire) or fire.astimezone(UTC) <= submission.submitted:
            break
        found.appendleft(fire)
    return list(found)
