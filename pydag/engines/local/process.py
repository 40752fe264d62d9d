"""Processes as the embedded engine starts them: in a session of their own, with no descriptor but the standard three.

`os.posix_spawn` takes half the time of `subprocess.Popen`, yet cannot change the directory: Popen does that.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

from pydag.engines.local.descriptors import inheritable_descriptors
from pydag.errors import EngineError
from pydag.model.run import Usage

# Python ignores them, commands expect them to end a process; Popen restores the same ones.
_RESTORED = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ") if hasattr(signal, name)]

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes
_MAXRSS_MARGIN = 1024 * 1024  # bytes; the kernel counts memory for each CPU and sums up a little late


def program_on_path(name: str, path: str) -> str | None:
    """The first program of that name. As `shutil.which`, which takes longer to import than a command takes to run."""
    for directory in path.split(os.pathsep) if path else ():
        candidate = os.path.join(directory, name)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


class ProcessEnd(NamedTuple):
    """How a process ended: its exit status, or a signal's number below 0, and what it used."""

    returncode: int
    usage: Usage


class Process:
    """A child of this process. `pid` is also the number of its session and of its process group."""

    __slots__ = ("_own_peak", "pid")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._own_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def wait(self) -> ProcessEnd | None:
        """Reap it. None where something else in this process has reaped it.

        Linux counts the memory of the process that starts a program as that program's until it replaces it: `true`
        seems to use as much as pydag. So a peak is known only where it is above that of pydag itself at the start.
        """
        try:
            _, status, used = os.wait4(self.pid, 0)
        except ChildProcessError:
            return None
        peak = used.ru_maxrss * _MAXRSS_UNIT
        known = peak > self._own_peak * _MAXRSS_UNIT + _MAXRSS_MARGIN
        usage = Usage(user=used.ru_utime, system=used.ru_stime, peak_memory=peak if known else None)
        return ProcessEnd(os.waitstatus_to_exitcode(status), usage)


class Starter:
    """Starts processes. Holds a descriptor until it is closed.

    They read from `stdin`, a file that stays the caller's; None gives them nothing to read.
    """

    def __init__(self, stdin: int | None = None) -> None:
        # Where one of 0 to 2 is closed, a pipe would get its number and be taken for the command's own: fill them.
        while (null := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        self._null = null
        self._stdin = null if stdin is None else stdin
        inherited = inheritable_descriptors()
        self._closed = [(os.POSIX_SPAWN_CLOSE, number) for number in inherited]
        # A number over `ulimit -n`, from before that was lowered, can be closed by Popen, and by posix_spawn not.
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._by_popen = limit != resource.RLIM_INFINITY and any(number >= limit for number in inherited)

    def can_spawn(self, directory: str) -> bool:
        """Whether `spawn` starts processes there: `popen` does so anywhere."""
        try:
            return not self._by_popen and os.getcwd() == directory
        except OSError:  # it was removed; `popen` fails with a message that names it
            return False

    def spawn(
        self, program: str | bytes, arguments: tuple[str, ...], *, output: int, environ: Mapping[bytes, bytes]
    ) -> Process:
        """Start `program` here, with stdout and stderr in `output`. Raises `OSError`."""
        dup = os.POSIX_SPAWN_DUP2
        pid = os.posix_spawn(
            program,
            arguments,
            environ,
            file_actions=[(dup, self._stdin, 0), (dup, output, 1), (dup, output, 2), *self._closed],
            setsid=True,
            setsigdef=_RESTORED,
        )
        return Process(pid)

    def popen(
        self, program: str, arguments: tuple[str, ...], *, output: int, environ: Mapping[bytes, bytes], directory: str
    ) -> Process:
        """As `spawn`, in another directory."""
        process = subprocess.Popen(
            arguments,
            executable=program,
            cwd=directory,
            env=environ,
            stdin=self._stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        process.returncode = 0  # leaves the waiting to us: Popen takes an end that it cannot know for a success
        return Process(process.pid)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._null)


def keep_child_ends() -> bool:
    """Have the kernel keep how children end, which it does not where SIGCHLD is ignored. Returns whether it was.

    Whoever started this process may have ignored it. Raises `EngineError` where that cannot be changed.
    """
    if signal.getsignal(signal.SIGCHLD) is not signal.SIG_IGN:
        return False
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    except ValueError:
        raise EngineError(
            "SIGCHLD is ignored, so that no command's end can be known: set it to SIG_DFL in the main thread, "
            "or run the job there"
        ) from None
    return True
