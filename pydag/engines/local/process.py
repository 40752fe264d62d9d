"""Processes as the embedded engine starts them: in a session of their own, with no descriptor but the standard three.

`os.posix_spawn` takes half the time of `subprocess.Popen`, yet cannot change the directory: Popen does that.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

# Python ignores them, commands expect them to end a process; Popen restores the same ones.
_RESTORED = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ") if hasattr(signal, name)]


class Process:
    """A child of this process. `pid` is also the number of its process group."""

    __slots__ = ("pid",)

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self) -> int | None:
        """Reap it. Its exit status, or a signal's number below 0; None where something else here has reaped it."""
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:
            return None


class Starter:
    """Starts processes. Holds a descriptor until it is closed."""

    def __init__(self) -> None:
        # Where one of 0 to 2 is closed, a pipe would get its number and be taken for the command's own: fill them.
        while (null := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        self._null = null
        stray = _inheritable()
        self._stray = [(os.POSIX_SPAWN_CLOSE, number) for number in stray]
        # A number over `ulimit -n`, from before that was lowered, can be closed by Popen, and by posix_spawn not.
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._by_popen = limit != resource.RLIM_INFINITY and any(number >= limit for number in stray)

    def start(
        self, program: str, arguments: tuple[str, ...], *, output: int, directory: str, environ: Mapping[bytes, bytes]
    ) -> Process:
        """Start `program` with stdout and stderr in `output` and nothing to read. Raises `OSError`."""
        if self._by_popen or not _is_here(directory):
            process = subprocess.Popen(
                arguments,
                executable=program,
                cwd=directory,
                env=environ,
                stdin=self._null,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            process.returncode = 0  # leaves the waiting to us: Popen takes an end that it cannot know for a success
            return Process(process.pid)
        standard = [(os.POSIX_SPAWN_DUP2, self._null, 0), *((os.POSIX_SPAWN_DUP2, output, each) for each in (1, 2))]
        return Process(
            os.posix_spawn(
                program,
                arguments,
                environ,
                file_actions=[*standard, *self._stray],
                setsid=True,
                setsigdef=_RESTORED,
            )
        )

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._null)


def _is_here(directory: str) -> bool:
    try:
        return os.getcwd() == directory
    except OSError:  # it was removed; whoever changes into it says so better
        return False


def _inheritable() -> list[int]:
    """What whoever started this process left open for its children, as a shell's `9>lock` does."""
    found = []
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # the listing's own descriptor is closed by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return found
