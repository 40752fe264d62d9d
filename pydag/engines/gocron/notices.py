"""Notices: what pydag waits for while an attempt goes on, and why its end may never come."""

from __future__ import annotations

from collections.abc import Sequence

from pydag.engines.gocron.attempt import RunningAttempt
from pydag.engines.gocron.outage import Outage
from pydag.engines.gocron.times import wall

SILENT = 30.0
"""Seconds without a start or an end after which it is said what pydag waits for."""

_AT_ONCE = 3  # attempts of which it is said, those that started first: the others wait for the same


def notices(
    running: Sequence[RunningAttempt], outage: Outage, *, happened: float, now: float
) -> list[tuple[RunningAttempt, str]]:
    """What is to be said now of attempts that run: once of each, and again once an outage makes its end doubtful.

    `happened` is when something started or ended, the last time.
    """
    found = []
    for attempt in running[:_AT_ONCE]:
        given_up = outage.orphans(attempt.sent)
        if given_up is not None:
            text = _doubt(attempt, now, given_up)
        else:
            text = attempt.said or (_wait(attempt, now) if now - happened >= SILENT else "")
        if text != attempt.said:
            attempt.said = text
            found.append((attempt, text))
    return found


def _doubt(attempt: RunningAttempt, now: float, given_up: float) -> str:
    return (
        "gocron was away and answers again; if it was restarted, it never says how this ended: "
        f"lost at {_clock(min(given_up, attempt.deadline), now)}"
    )


def _wait(attempt: RunningAttempt, now: float) -> str:
    until = _clock(attempt.deadline, now)
    if not attempt.row:
        return f"gocron has no row of it in its log yet: lost at {until}"
    return (
        f"gocron says that it runs (row {attempt.row} of its log), and would say so for ever if it could not store the "
        f"output or was restarted: lost at {until}"
    )


def _clock(moment: float, now: float) -> str:
    return f"{wall(moment, now):%H:%M:%S} UTC"
