"""Owner: the process that tracks a run. Whether it still lives decides what a run that says "running" really is."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from pydag.model.run import JobEntry, Run, RunRecord, lost, with_lost_hooks
from pydag.model.states import State
from pydag.processes import INITIAL_NAMESPACE, Seen, boot_id, machine_id, pid_namespace, seen
from pydag.stores.base import Store

SILENCE = timedelta(seconds=30)
"""A tracker that cannot be seen from here and has not been heard of for longer than this is called silent."""


def this_process() -> str:
    """The name of the process that calls: host, boot, pid, start time, namespace of pids, machine.

    The start time tells a pid that was used again from this one. Each container has a namespace of pids of its own, and
    a pid means nothing outside of it. Two machines may have the same host name; their machine-id differs.
    """
    pid = os.getpid()
    return f"{os.uname().nodename} {boot_id()} {pid} {_started(pid)} {pid_namespace()} {machine_id()}"


def is_gone(owner: str) -> bool:
    """Whether that process has certainly ended. False where nobody can know: another machine or container, no /proc."""
    _, boot, pid, started, namespace, machine = _fields(owner)
    now = boot_id()
    if not (pid.isdigit() and boot and started and now):
        return False
    if boot == now:  # no two machines share one
        return namespace == pid_namespace() and _started(int(pid)) != started
    # Another boot of this machine, or another machine. Containers may have the machine-id of their image.
    return bool(machine) and machine == machine_id() and namespace == pid_namespace() == INITIAL_NAMESPACE


def is_here(owner: str) -> bool:
    """Whether that process certainly lives: it can be seen from here."""
    _, boot, pid, started, namespace, _ = _fields(owner)
    now = boot_id()
    return bool(
        pid.isdigit()
        and started
        and now
        and boot == now
        and namespace == pid_namespace()
        and _started(int(pid)) == started
    )


def tracker_of(owner: str) -> Seen | None:
    """That process, where it certainly lives."""
    return seen(int(_fields(owner)[2])) if is_here(owner) else None


def ran_here(owner: str) -> bool:
    """Whether that process has certainly ended, and what it started may still be seen from here and live."""
    _, boot, *_ = _fields(owner)
    return is_gone(owner) and boot == boot_id()


def named(owner: str) -> str:
    """The process as people name it: `pid 123 on host`; empty where the history does not say."""
    host, _, pid, *_ = _fields(owner)
    return f"pid {pid} on {host}" if host and pid.isdigit() else ""


def silent_since(run: Run, now: datetime) -> datetime | None:
    """Since when nothing was heard of a run that says it goes on, where its tracker cannot be seen from here.

    None where it was heard of within `SILENCE`, and where its process is known to live or to have ended.
    """
    if run.state is not State.RUNNING or is_here(run.owner) or is_gone(run.owner):
        return None
    heard = run.heard or run.started
    return heard if now - heard > SILENCE else None


def live_runs(store: Store, job: str | None = None) -> list[Run]:
    """The runs, of one job or of all, that go on; newest first."""
    return [run for run in store.runs(job, states=[State.RUNNING]) if not is_gone(run.owner)]


def actual_run(run: Run) -> Run:
    """The run as it is: one that says it goes on while its process has ended is lost, whatever it last wrote."""
    if run.state is State.RUNNING and is_gone(run.owner):
        return run._replace(state=State.LOST)
    return run


def actual_entry(entry: JobEntry) -> JobEntry:
    """The entry with its newest run as that is."""
    return entry._replace(last_run=actual_run(entry.last_run)) if entry.last_run else entry


def actual_record(record: RunRecord) -> RunRecord:
    """The record as it is: of a lost run, what ran is lost, and what had not started never will.

    A hook that says it goes on while its process has ended is lost, too.
    """
    if actual_run(record.run).state is State.LOST:
        return lost(record)
    hooks_run = any(hook.state is State.RUNNING for hook in record.hooks.values())
    return with_lost_hooks(record) if hooks_run and is_gone(record.run.owner) else record


def _fields(owner: str) -> list[str]:
    """The six parts of an owner's name. Histories of earlier versions have five, or fewer."""
    return (owner.split(" ") + [""] * 6)[:6]


def _started(pid: int) -> str:
    """Clock ticks between boot and the process's start; empty where none of that pid runs, or nobody can know.

    A zombie has ended, although its parent has not asked how.
    """
    process = seen(pid)
    return str(process.started) if process and not process.ended else ""
