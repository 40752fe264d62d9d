"""Orphans: what a run whose tracker died has left on this machine, how it is found, and how it is ended.

A process of an attempt is found by the attempt's session, which the journal names. One that left that session, and one
that started before its line was in the journal, has the attempt's name in its environment.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pydag import processes
from pydag.engines.local.environment import encoded
from pydag.engines.local.journal import AttemptKey, Kept, Started
from pydag.processes import Seen

PATIENCE = 10.0
"""Seconds in which what a dead run left must end."""

GRACE = 7.0
"""Seconds of these until SIGKILL: a pydag that is itself a task needs five to stop its own tasks in order."""

_CHECK = 0.02  # seconds between two looks at what must end


class Orphan(NamedTuple):
    """A process that a run has left, of which attempt, and whether it is in that attempt's session."""

    process: Seen
    key: AttemptKey
    in_session: bool

    def __str__(self) -> str:
        command = processes.command_of(self.process.pid)
        return f"pid {self.process.pid}" + f" ({command if len(command) <= 60 else command[:57] + '...'})" * bool(
            command
        )


class LostRun(NamedTuple):
    """A run whose tracker died on this machine: its journals, and the attempts of which nothing is looked for.

    What an attempt left that ended by itself was left on purpose.
    """

    id: str
    journals: Sequence[Kept] = ()
    ended: Collection[AttemptKey] = ()

    def orphans(self, known: Mapping[int, AttemptKey] | None = None) -> list[Orphan]:
        """What lives of its attempts that had not ended.

        `known` has sessions that were its own a moment ago: what had the mark there may have ended since.
        """
        started = self._started()
        alive = list(processes.live())
        marked = {process: key for process in alive if (key := self._mark(process)) and key not in self.ended}
        sessions = _sessions_by_journal(started, alive, marked) | _sessions_by_mark(started, alive, marked)
        sessions |= known or {}
        found = [Orphan(each, sessions[each.session], True) for each in alive if each.session in sessions]
        outside = [Orphan(each, key, False) for each, key in marked.items() if each.session not in sessions]
        return found + outside

    def _started(self) -> dict[AttemptKey, Started]:
        lines = (line for journal in self.journals for line in journal.started().items())
        return {key: started for key, started in lines if key not in self.ended}

    def _mark(self, process: Seen) -> AttemptKey | None:
        """The attempt of this run that is named in the environment of the process."""
        environ = processes.environ_of(process.pid)
        number = environ.get(b"PYDAG_ATTEMPT", b"")
        if environ.get(b"PYDAG_RUN_ID") != encoded(self.id) or not number.isdigit():
            return None
        return environ.get(b"PYDAG_TASK", b""), int(number)


def _sessions_by_journal(
    started: Mapping[AttemptKey, Started], alive: Iterable[Seen], marked: Collection[Seen]
) -> dict[int, AttemptKey]:
    """The sessions that are certainly those of the journal: their numbers may belong to others by now.

    A session keeps its number while one of its processes lives. So it is the attempt's if its leader started in time,
    or, where the leader has ended, if one of its processes has the mark.
    """
    leaders = {process.pid: process for process in alive if process.pid == process.session}
    with_mark = {process.session for process in marked}
    found = {}
    for key, (session, ticks) in started.items():
        leader = leaders.get(session)
        if leader.started <= ticks if leader else session in with_mark:
            found[session] = key
    return found


def _sessions_by_mark(
    started: Collection[AttemptKey], alive: Iterable[Seen], marked: Mapping[Seen, AttemptKey]
) -> dict[int, AttemptKey]:
    """The sessions of attempts that no line of the journal names: that of the first process that has the mark."""
    leaders = {process.pid: process for process in alive if process.pid == process.session}
    found: dict[AttemptKey, Seen] = {}
    for process in sorted(marked, key=lambda each: (each.started, each.pid)):
        key = marked[process]
        if key not in started:
            found.setdefault(key, process)
    return {
        first.session: key
        for key, first in found.items()
        if first.session not in leaders or leaders[first.session] in marked
    }


def end(run: LostRun, *, outside: bool = False) -> list[Orphan]:
    """End what the run has left in the sessions of its attempts, or with `outside` all of it. Returns all that lives.

    SIGTERM, then SIGKILL; it takes at most `PATIENCE`. The sessions of this process, and of those that started it, are
    left alone.
    """
    spared = _own_sessions()
    began = time.monotonic()
    asked: set[tuple[int, int]] = set()
    known: dict[int, AttemptKey] = {}
    while True:
        found = run.orphans(known)
        known = {orphan.process.session: orphan.key for orphan in found if orphan.in_session}
        ending = (orphan.process for orphan in found if orphan.in_session or outside)
        to_end = [process for process in ending if process.session not in spared]
        waited = time.monotonic() - began
        if not to_end or waited >= PATIENCE:
            return found
        for process in to_end:
            if waited >= GRACE:
                processes.send(process, signal.SIGKILL)
            elif (process.pid, process.started) not in asked:
                asked.add((process.pid, process.started))
                processes.send(process, signal.SIGTERM)
                processes.send(process, signal.SIGCONT)  # one that is stopped takes no notice of SIGTERM
        time.sleep(_CHECK)


def _own_sessions() -> set[int]:
    found: dict[int, int] = {}
    process = processes.seen(os.getpid())
    while process and process.pid not in found:
        found[process.pid] = process.session
        process = processes.seen(process.parent)
    return set(found.values())
