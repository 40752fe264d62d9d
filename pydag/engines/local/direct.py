"""Direct starts: a simple command starts without a shell where nobody can see a difference.

What bash would hand on to a program is asked of bash itself, once in a run. Where anything is in doubt the command goes
to bash. How a command is read is in `simple_command`, what a variable means to bash in `bash_environment`.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Mapping
from typing import NamedTuple

from pydag.engines.local.bash_environment import is_observable, is_plain, observed
from pydag.engines.local.environment import encoded_variables
from pydag.engines.local.process import Starter
from pydag.engines.simple_command import BUILTIN_PROGRAMS, candidates, simple_words

_SYSTEM_PATH = "/usr/bin:/bin"
_PATIENCE = 2.0  # seconds for bash to say what it hands on, which takes 2 ms
_CHUNK = 64 * 1024


class DirectStart(NamedTuple):
    """What to start in place of `bash -c`."""

    program: str
    words: tuple[str, ...]
    environ: dict[bytes, bytes]


class DirectStarts:
    """Finds out which commands of a run can start without a shell, in the directory of this process.

    All that a command can see is as under bash, but for the order of the variables in its environment.

    `environ` is the environment of all commands, and `bash` the path of the shell that would run them.
    """

    def __init__(self, bash: str, environ: Mapping[bytes, bytes], starter: Starter) -> None:
        self._bash = bash
        self._environ = environ
        self._starter = starter
        self._asked = False
        self._handed_on: dict[bytes, bytes] | None = None  # what bash makes of the environment
        self._path = os.fsdecode(environ.get(b"PATH", b""))
        self._system_programs = _system_programs()

    def find(
        self, command: str, variables: tuple[tuple[str, str], ...], added: Mapping[bytes, bytes], directory: str
    ) -> DirectStart | None:
        """How to start this command without a shell; None where bash has to run it.

        `variables` are those of the task, `added` pydag's own, and `directory` the current one. The start may still
        fail, as for a script without `#!`, which only a shell can run: then bash has to run the command, too.
        """
        words = simple_words(command)
        if words is None or not all(is_plain(name, value) or name == "PATH" for name, value in variables):
            return None
        handed_on = self._bash_hands_on()
        if handed_on is None or not _same_directories(handed_on, directory):
            return None
        if words[0] in BUILTIN_PROGRAMS:
            program = self._system_programs.get(words[0])
        else:
            program = _find_program(words[0], self._path_of(variables))
        if program is None:
            return None
        environ = {**handed_on, **encoded_variables(variables), **added, b"_": os.fsencode(program)}
        return DirectStart(program, words, environ)

    def _path_of(self, variables: tuple[tuple[str, str], ...]) -> str:
        return next((value for name, value in reversed(variables) if name == "PATH"), self._path)

    def _bash_hands_on(self) -> dict[bytes, bytes] | None:
        if not self._asked:
            self._asked = True
            usual = (
                os.getuid() == os.geteuid()  # else bash gives up privileges
                and os.getgid() == os.getegid()
                and not signal.pthread_sigmask(signal.SIG_BLOCK, ())  # bash lets some blocked signals in
            )
            if usual and is_observable(self._environ):
                self._handed_on = observed(self._environ, self._ask_bash())
        return self._handed_on

    def _ask_bash(self) -> bytes:
        """What `env -0` writes under bash. Raises `OSError` where bash cannot start, as the command's start will."""
        read_end, write_end = os.pipe()
        try:
            try:
                process = self._starter.spawn(
                    self._bash, ("bash", "-c", "env -0"), output=write_end, environ=self._environ
                )
            finally:
                os.close(write_end)
            output = _read_to_end(read_end, time.monotonic() + _PATIENCE)
            if output is None:
                os.killpg(process.pid, signal.SIGKILL)
            end = process.wait()
        finally:
            os.close(read_end)
        return output if output is not None and end is not None and end.returncode == 0 else b""


def _read_to_end(descriptor: int, deadline: float) -> bytes | None:
    """What comes out of a pipe; None where it has not ended by then, by the monotonic clock."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    output = b""
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        data = os.read(descriptor, _CHUNK)
        if not data:
            return output
        output += data
    return None


def _same_directories(handed_on: Mapping[bytes, bytes], directory: str) -> bool:
    """Whether bash would still hand on these names of directories, which can be renamed or removed during a run."""
    old = handed_on.get(b"OLDPWD")
    if old is not None and not os.path.isdir(old):
        return False
    name = handed_on[b"PWD"]
    if name == os.fsencode(directory):
        return True
    try:
        return os.path.samefile(name, ".")
    except OSError:
        return False


def _find_program(name: str, path: str) -> str | None:
    """The program that bash would start. None where there is none, or where what is found first is not one.

    Nothing is remembered: a task may install a program, and its path may come before that of another.
    """
    for candidate in candidates(name, path) or ():
        if os.access(candidate, os.F_OK):
            return candidate if os.path.isfile(candidate) and os.access(candidate, os.X_OK) else None
    return None


def _system_programs() -> dict[str, str]:
    """The system's own programs that stand in for builtins, for which bash does not look at PATH."""
    found = {}
    for name in BUILTIN_PROGRAMS:
        program = _find_program(name, _SYSTEM_PATH)
        if program is not None:
            found[name] = program
    return found
