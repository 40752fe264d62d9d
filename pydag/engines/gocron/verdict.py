"""The verdict on an attempt: what the end of its run on gocron means. Pure.

Only what gocron knows is a success or a failure. What nobody can know is `lost`, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydag.gocron.results import END_UNKNOWN, EndReason, RowEnd
from pydag.model.states import Reason, State


class Verdict(NamedTuple):
    """How an attempt ended, in the terms of its history."""

    state: State
    reason: Reason | None = None
    detail: str = ""
    exit_status: int | None = None


STRANGER = Verdict(
    State.LOST,
    Reason.UNKNOWN,
    "somebody else ran this task on gocron at the same time, and the two ended differently",
)
"""It cannot be known which of the runs is the attempt's."""


def verdict(ends: Sequence[RowEnd]) -> Verdict:
    """The verdict on the first of these runs; the others were started by somebody else since."""
    if len({(end.reason, end.exit_status) for end in ends}) > 1:
        return STRANGER
    end = ends[0]
    why = end.reason
    if why is None:
        return Verdict(State.SUCCESS, exit_status=0)
    if why is EndReason.EXIT_STATUS:
        return Verdict(State.FAILED, exit_status=end.exit_status)
    if why is EndReason.TIMEOUT:
        return Verdict(State.FAILED, Reason.TIMEOUT, why.value)
    if why is EndReason.STOPPED:
        return Verdict(State.CANCELLED, Reason.INTERRUPTED, why.value)
    if why is EndReason.OVERLAP:
        return Verdict(State.FAILED, Reason.NOT_STARTED, why.value)
    detail = f"{why.value}: {end.detail}" if end.detail else why.value
    if why in END_UNKNOWN or why is EndReason.UNREACHABLE:
        return Verdict(State.LOST, Reason.UNKNOWN, detail)
    return Verdict(State.FAILED, None, detail, end.exit_status)
