"""Which process tracks a run, and whether it is still there."""

from __future__ import annotations

import os
from pathlib import Path


def own() -> str:
    """Name the process that calls: host, boot, pid, and start time, by which a pid used again is told apart."""
    return _name(os.getpid())


def is_gone(owner: str) -> bool:
    """Whether that process has certainly ended. False where this machine cannot tell: another host, no /proc."""
    host, boot, pid, started = (owner.split(" ") + [""] * 4)[:4]
    if host != os.uname().nodename or not pid.isdigit() or not boot or not started:
        return False
    return _name(int(pid)) != owner


def _name(pid: int) -> str:
    return f"{os.uname().nodename} {_boot()} {pid} {_started(pid)}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Clock ticks between boot and the process's start: field 22 of /proc/PID/stat, see proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""
