"""Which process tracks a run, and whether it is still there."""

from __future__ import annotations

import os
from pathlib import Path


def own() -> str:
    """Name the process that calls: host, boot, pid, start time, by which a pid used again is told apart, and namespace.

    A pid means nothing in another namespace of pids, which each container has.
    """
    pid = os.getpid()
    return f"{os.uname().nodename} {_boot()} {pid} {_started(pid)} {_namespace()}"


def is_gone(owner: str) -> bool:
    """Whether that process has certainly ended. False where one cannot tell: another host or container, no /proc."""
    host, boot, pid, started, namespace = (owner.split(" ") + [""] * 5)[:5]
    now = _boot()
    if host != os.uname().nodename or not (pid.isdigit() and boot and started and now):
        return False
    if boot != now:
        return True
    return namespace == _namespace() and _started(int(pid)) != started


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
