"""Owner: the process that tracks a run. Whether it still lives decides what a run that says "running" really is."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from pydag.model.run import JobEntry, Run, RunRecord, lost
from pydag.model.states import State
from pydag.stores.base import Store

SILENCE = timedelta(seconds=30)
"""A tracker that cannot be seen from here and has not been heard of for longer than this is called silent."""

_INITIAL_NAMESPACE = "pid:[4026531836]"  # that of the machine itself, whatever the machine (PROC_PID_INIT_INO in Linux)


def this_process() -> str:
    """The name of the process that calls: host, boot, pid, start time, namespace of pids, machine.

    The start time tells a pid that was used again from this one. Each container has a namespace of pids of its own, and
    a pid means nothing outside of it. Two machines may have the same host name; their machine-id differs.
    """
    pid = os.getpid()
    return f"{os.uname().nodename} {_boot()} {pid} {_started(pid)} {_namespace()} {_machine()}"


def is_gone(owner: str) -> bool:
    """Whether that process has certainly ended. False where nobody can know: another machine or container, no /proc."""
    _, boot, pid, started, namespace, machine = _fields(owner)
    now = _boot()
    if not (pid.isdigit() and boot and started and now):
        return False
    if boot == now:  # no two machines share one
        return namespace == _namespace() and _started(int(pid)) != started
    # Another boot of this machine, or another machine. Containers may have the machine-id of their image.
    return bool(machine) and machine == _machine() and namespace == _namespace() == _INITIAL_NAMESPACE


def is_here(owner: str) -> bool:
    """Whether that process certainly lives: it can be seen from here."""
    _, boot, pid, started, namespace, _ = _fields(owner)
    now = _boot()
    return bool(
        pid.isdigit()
        and started
        and now
        and boot == now
        and namespace == _namespace()
        and _started(int(pid)) == started
    )


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
    """The record as it is: of a lost run, what ran is lost, and what had not started never will."""
    return record if actual_run(record.run) is record.run else lost(record)


def _fields(owner: str) -> list[str]:
    """The six parts of an owner's name. Histories of earlier versions have five, or fewer."""
    return (owner.split(" ") + [""] * 6)[:6]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _machine() -> str:
    """What tells this machine from every other one: see machine-id(5)."""
    try:
        return Path("/etc/machine-id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Clock ticks between boot and the process's start: field 22 of /proc/PID/stat, see proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""
