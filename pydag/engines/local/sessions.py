"""Sessions: the processes of an attempt, found and signalled by the number of its session.

A command leads a session. `timeout`, and a shell with job control, make process groups of their own in it, so a signal
to one group does not reach them all.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from pydag import processes

_KILL_CHECK = 0.002  # seconds between two checks of what was killed


def live_sessions() -> Mapping[int, set[int]]:
    """The process groups of each session that has a process which is not a zombie. Empty where nobody can know."""
    found: dict[int, set[int]] = {}
    for process in processes.live():
        found.setdefault(process.session, set()).add(process.group)
    return found


def signal_sessions(leaders: Iterable[int], number: signal.Signals) -> None:
    """Signal all process groups of these sessions.

    The leaders must not be reaped yet: so long, their numbers cannot belong to other sessions.
    """
    leaders = tuple(leaders)
    sessions = live_sessions() if leaders else {}
    for leader in leaders:
        signal_groups({leader} | sessions.get(leader, set()), number)


def kill_sessions(leaders: Iterable[int], patience: float) -> None:
    """SIGKILL every process of these sessions; return when all are gone, after `patience` seconds at the latest.

    It is repeated: a process that makes a group of its own meanwhile, as `timeout` does, escapes the first signal.
    The leaders must not be reaped yet.
    """
    leaders = tuple(leaders)
    signal_sessions(leaders, signal.SIGKILL)
    until = time.monotonic() + patience
    while leaders and not live_sessions().keys().isdisjoint(leaders) and time.monotonic() < until:
        time.sleep(_KILL_CHECK)
        signal_sessions(leaders, signal.SIGKILL)


def signal_groups(groups: Iterable[int], number: signal.Signals) -> None:
    """Signal these process groups, as far as they still exist."""
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):  # all gone; or all that is left runs as another user
            os.killpg(group, number)
