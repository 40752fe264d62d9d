"""Owner: the process that tracks a run. Whether it still lives decides what a run that says "running" really is."""

from __future__ import annotations

import os
from pathlib import Path

from pydag.model.run import JobEntry, Run, RunRecord, lost
from pydag.model.states import State
from pydag.stores.base import Store


def this_process() -> str:
    """The name of the process that calls: host, boot, pid, start time, namespace of pids.

    The start time tells a pid that was used again from this one. Each container has a namespace of pids of its own, and
    a pid means nothing outside of it.
    """
    pid = os.getpid()
    return f"{os.uname().nodename} {_boot()} {pid} {_started(pid)} {_namespace()}"


def is_gone(owner: str) -> bool:
    """Whether that process has certainly ended. False where nobody can know: another host or container, no /proc."""
    host, boot, pid, started, namespace = (owner.split(" ") + [""] * 5)[:5]
    now = _boot()
    if host != os.uname().nodename or not (pid.isdigit() and boot and started and now):
        return False
    if boot != now:
        return True
    return namespace == _namespace() and _started(int(pid)) != started


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


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
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
