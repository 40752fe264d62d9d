"""Processes of this machine, as Linux shows them in /proc. Only this module reads it; elsewhere nothing is known."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

INITIAL_NAMESPACE = "pid:[4026531836]"
"""The namespace of the machine itself, whatever the machine (PROC_PID_INIT_INO in Linux)."""


class Seen(NamedTuple):
    """A process as it was a moment ago. `started` counts clock ticks since boot."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left but its entry in the table: a zombie."""
        return self.state in "ZX"

    @property
    def stopped(self) -> bool:
        """Whether it waits for SIGCONT."""
        return self.state in "Tt"


def live() -> Iterator[Seen]:
    """Every process that is not a zombie; none where /proc cannot be read."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        found = seen(int(name)) if name.isdigit() else None
        if found is not None and not found.ended:
            yield found


def seen(pid: int) -> Seen | None:
    """The process of this pid, a zombie too; None where there is none, or nobody can know."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # pid (command) state parent group session ...; the command may hold spaces and parentheses. See proc(5).
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None  # it ended meanwhile, perhaps between the opening and the reading
    state, parent, group, session = fields[:4]
    return Seen(pid, state.decode(), int(parent), int(group), int(session), int(fields[19]))


def environ_of(pid: int) -> dict[bytes, bytes]:
    """The environment that the process was started with; empty where it is another user's."""
    return dict(entry.partition(b"=")[::2] for entry in _read(f"/proc/{pid}/environ").split(b"\0") if entry)


def command_of(pid: int) -> str:
    """Its program and arguments, as people know them; empty where there are none."""
    words = _read(f"/proc/{pid}/cmdline").split(b"\0")
    return b" ".join(words).decode(errors="replace").strip()


def send(process: Seen, number: signal.Signals) -> bool:
    """Signal this process and no later one that has its pid; False where it has ended, or is another user's."""
    with suppress(OSError):
        handle = _handle(process.pid)
        try:
            now = seen(process.pid)
            if now is None or now.started != process.started:
                return False
            if handle is None:
                os.kill(process.pid, number)
            else:
                signal.pidfd_send_signal(handle, number)
            return True
        finally:
            if handle is not None:
                os.close(handle)
    return False


def _handle(pid: int) -> int | None:
    """A descriptor that means this process and no later one; None where the kernel has no such thing."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return None


def ticks() -> int:
    """Now, as the starts of processes are counted; 0 where they are not."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return int(time.clock_gettime(clock) * _TICKS) if clock is not None else 0


def boot_id() -> str:
    """What tells this boot of this machine from every other one; empty where nobody knows."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def machine_id() -> str:
    """What tells this machine from every other one, see machine-id(5); empty where nobody knows."""
    return _read("/etc/machine-id").decode(errors="replace").strip()


def pid_namespace() -> str:
    """The namespace of pids of this process: each container has one of its own. Empty where nobody knows."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


_TICKS = os.sysconf("SC_CLK_TCK")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
