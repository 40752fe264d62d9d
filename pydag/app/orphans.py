"""The use cases of runs whose tracker died on this machine: what they left is ended, and then they are lost.

A dead run says "running" in the history until somebody writes the truth. Every look shows it as lost. A start writes
it, once nothing lives in the sessions of its attempts, so that later starts find nothing to do.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydag.app.backends import gocron_client
from pydag.engines.local import orphans as local
from pydag.engines.local.environment import encoded
from pydag.engines.local.journal import AttemptKey, Kept, kept
from pydag.engines.local.orphans import LostRun, Orphan
from pydag.errors import EngineError, NotFound, TakenOver
from pydag.model.run import Attempt, Run, RunRecord
from pydag.model.states import Reason, State
from pydag.runs.owner import is_gone, named, ran_here
from pydag.settings import RUNNING, Settings
from pydag.stores.base import Store

_log = logging.getLogger("pydag.orphans")

_NAMED = 5  # processes that a message names


class Left(NamedTuple):
    """What still lives of a dead run: in the sessions of its attempts, outside of them, and, named, on gocron."""

    inside: list[Orphan]
    outside: list[Orphan]
    remote: list[str]


def clear_the_way(store: Store, job: str, settings: Settings) -> None:
    """Before a start of the job: end what its dead runs left in the sessions of their attempts, and write them as lost.

    What left the sessions is named, in the run's record and once on stderr, and goes on; so does what runs on gocron,
    which `resume` can take up again. Raises `EngineError` where something in a session does not end.
    """
    for run in dead_runs(store, job, settings.home):
        left = end_dead_run(store, run, settings)
        if left.inside:
            raise EngineError(
                f"job {job!r} was killed in its run {run.id}, and {listed(left.inside)} of it cannot be ended: "
                "end it by hand, then run again"
            )
        if left.outside:
            command = f"pydag stop {shlex.quote(job)} {run.id} --kill-orphans"
            _log.warning(
                "run %s of %s was killed; %s left its session and goes on: `%s` ends it",
                *(run.id, job, listed(left.outside), command),
            )


def end_dead_run(store: Store, run: Run, settings: Settings, *, outside: bool = False, remote: bool = False) -> Left:
    """End what a run whose tracker died left in the sessions of its attempts, or with `outside` all of it.

    With `remote` also what it left on gocron, as far as it is certainly the run's own. Once nothing of these lives, the
    run is written as lost. Returns what lives.
    """
    kept_here = kept(settings.home / RUNNING)
    journals = [journal for journal in kept_here if journal.run == run.id and is_gone(journal.owner)]
    record = _record(store, run)
    living: list[Orphan] = []
    if ran_here(run.owner) or journals:
        living = local.end(_lost_run(run, record, journals), outside=outside)
    left = Left(
        [each for each in living if each.in_session],
        [each for each in living if not each.in_session],
        _stop_on_gocron(record, settings) if remote and record and run.engine == "gocron" else [],
    )
    if not left.inside and not left.remote:
        if record is not None and not run.state.final:
            _write_lost(store, record, left.outside)
        for journal in journals:
            journal.remove()
    return left


def end_marked(record: RunRecord, *, kill: bool) -> list[Orphan]:
    """What lives of a run that ended in order, outside of the sessions of its tasks; with `kill` it is ended before.

    Without `kill`, what an attempt left that ended by itself was left on purpose.
    """
    hooks = {(encoded(hook.name), each.number) for hook in record.hooks.values() for each in hook.attempts}
    run = LostRun(record.id, ended=hooks if kill else hooks | _ended(record))
    return local.end(run, outside=True) if kill else run.orphans()


def _stop_on_gocron(record: RunRecord, settings: Settings) -> list[str]:
    attempts = {
        place: attempt.started
        for place, task in enumerate(record.tasks.values())
        for attempt in task.attempts[-1:]
        if not attempt.state.final and attempt.started
    }
    if not attempts or not settings.gocron.address:
        return []
    from pydag.engines.gocron.leftovers import stop_left  # requests takes longer to import than all else here

    with gocron_client(settings) as client:
        return stop_left(client, record.spec, attempts)


def dead_runs(store: Store, job: str, home: Path) -> Iterator[Run]:
    """The runs of the job that the history calls running while their tracker has ended, and those with a journal."""
    dead = [run for run in store.runs(job, states=[State.RUNNING]) if is_gone(run.owner)]
    yield from dead
    journals = {each.run: each for each in kept(home / RUNNING) if each.job == job and is_gone(each.owner)}
    for run_id in journals.keys() - {run.id for run in dead}:
        yield _run_of(store, journals[run_id])


def _run_of(store: Store, journal: Kept) -> Run:
    """The run of a journal, by the history; it may have been deleted there."""
    found = next((run for run in store.runs(journal.job) if run.id == journal.run), None)
    return found or Run(
        id=journal.run, job=journal.job, engine="local", state=State.LOST, started=datetime.min, owner=journal.owner
    )


def _record(store: Store, run: Run) -> RunRecord | None:
    try:
        return store.load(run)
    except NotFound:
        return None


def _lost_run(run: Run, record: RunRecord | None, journals: Sequence[Kept]) -> LostRun:
    here = [journal for journal in journals if ran_here(journal.owner)]
    return LostRun(run.id, here, _ended(record) if record else ())


def _ended(record: RunRecord) -> set[AttemptKey]:
    """The attempts, of hooks too, that ended by themselves."""
    return {
        (encoded(each.name), attempt.number)
        for each in (*record.tasks.values(), *record.hooks.values())
        for attempt in each.attempts
        if attempt.state.final and attempt.state not in (State.LOST, State.CANCELLED)
    }


def _write_lost(store: Store, record: RunRecord, outside: Sequence[Orphan]) -> None:
    """Write what is true: what ran when the tracker died is lost. Another process may do it at the same time."""
    run = record.run
    attempts = [
        _lost(attempt, run, [orphan for orphan in outside if orphan.key == (encoded(task.name), attempt.number)])
        for task in record.tasks.values()
        for attempt in task.attempts
        if not attempt.state.final
    ]
    with suppress(TakenOver, NotFound):
        # The owner stays: who tracked the run is what people want to know of it.
        handle = store.take_over(run, run.owner, run.heard or run.started)
        handle.write(attempts)
        handle.finish(State.LOST, _last_sign(record))


def _lost(attempt: Attempt, run: Run, outside: Sequence[Orphan]) -> Attempt:
    detail = f"pydag ({named(run.owner) or 'an unknown process'}) ended before it"
    if outside:
        detail += f"; {listed(outside)} left its session and was left alone"
    return attempt._replace(state=State.LOST, reason=Reason.UNKNOWN, detail=detail)


def _last_sign(record: RunRecord) -> datetime:
    """When the run was last heard of."""
    times = [record.run.started, record.run.heard]
    for task in record.tasks.values():
        times += [time for attempt in task.attempts for time in (attempt.started, attempt.ended)]
    return max(time for time in times if time is not None)


def listed(orphans: Sequence[Orphan]) -> str:
    """The processes as a message names them, without their children."""
    pids = {orphan.process.pid for orphan in orphans}
    named_ones = [orphan for orphan in orphans if orphan.process.parent not in pids]
    more = f" and {len(named_ones) - _NAMED} more" if len(named_ones) > _NAMED else ""
    return ", ".join(map(str, named_ones[:_NAMED])) + more
