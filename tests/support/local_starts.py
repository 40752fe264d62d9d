"""Commands started with and without a shell, by what `pydag.engines.local` starts processes with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pydag.engines.local.direct import DirectStarts
from pydag.engines.local.environment import as_argument, encoded_variables
from pydag.engines.local.process import Process, ProcessEnd, Starter

BASH = shutil.which("bash") or "/bin/bash"


@dataclass
class Starts:
    """Starts commands in the current directory, each with these variables on top of the environment."""

    starter: Starter
    environ: Mapping[str, str]

    def with_bash(
        self, command: str, *variables: tuple[str, str], options: tuple[str, ...] = ()
    ) -> tuple[ProcessEnd, bytes]:
        """How `bash -c` with these options ends, and what it writes."""
        environ = encoded_variables([*self.environ.items(), *variables])
        return self._end_of(BASH, ("bash", *options, "-c", as_argument(command)), environ)

    def directly(self, command: str, *variables: tuple[str, str]) -> tuple[ProcessEnd, bytes] | None:
        """The same without a shell; None where a shell has to run the command."""
        starts = DirectStarts(BASH, encoded_variables(self.environ.items()), self.starter)
        found = starts.find(command, variables, {}, os.getcwd())
        if found is None:
            return None
        try:
            return self._end_of(found.program, found.words, found.environ)
        except OSError:
            return None

    def _end_of(self, program: str, words: tuple[str, ...], environ: Mapping[bytes, bytes]) -> tuple[ProcessEnd, bytes]:
        read_end, write_end = os.pipe()
        with open(read_end, "rb") as output:
            try:
                process: Process = self.starter.spawn(program, words, output=write_end, environ=environ)
            finally:
                os.close(write_end)
            text = output.read()
        end = process.wait()
        assert end is not None
        return end, text


@contextmanager
def starts_with(environ: Mapping[str, str]) -> Iterator[Starts]:
    """What starts commands in this environment."""
    starter = Starter()
    yield Starts(starter, environ)
    starter.close()
