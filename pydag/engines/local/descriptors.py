"""File descriptors: how many commands there is room for, what children inherit, and one that shows an end."""

from __future__ import annotations

import errno
import os
import resource
import sys
import threading
from contextlib import suppress

from pydag.errors import EngineError

_FOR_EACH = 3  # descriptors of a running command: its pipe, and what shows its end, which may be a pipe with both ends
_SPARE = 24  # descriptors that are left for a start, the history, imports and the rest of the process


def command_room() -> int:
    """How many commands can run at once with the descriptors that this process may open. Raises `EngineError`."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    try:
        taken = len(os.listdir("/dev/fd")) - 1  # without the listing's own
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        taken = limit
    room = (limit - taken - _SPARE) // _FOR_EACH
    if room < 1:
        raise EngineError(
            f"this process may open {limit} files and has opened {taken}, which leaves no room to run a command: "
            f"raise `ulimit -n` to {taken + _SPARE + _FOR_EACH} or more"
        )
    return room


def inheritable_descriptors() -> list[int]:
    """Those above 2 that this process was started with and would hand on, such as that of a shell's `9>lock`."""
    found = []
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # the listing's own descriptor is closed by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return found


def exit_descriptor(pid: int) -> int:
    """A descriptor that becomes readable when the child ends, without reaping it. The caller closes it."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux; a kernel older than Python's headers, or a sandbox that forbids it
        pass
    read_end, write_end = os.pipe()

    def watch() -> None:
        with suppress(ChildProcessError):  # something else in this process was quicker, which is an end as well
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.close(write_end)

    threading.Thread(target=watch, name=f"pydag-wait-{pid}", daemon=True).start()
    return read_end
