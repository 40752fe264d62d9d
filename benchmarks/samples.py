"""Samples: what one execution of a command took, and series of them, taken in turns."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

# Linux counts ru_maxrss in KiB, macOS in bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class CommandFailed(Exception):
    """A command that is measured did not succeed, so its time means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A command to measure. `prepare` writes what it needs into an empty directory and returns the command for there.

    `missing` says why it cannot be measured here.
    """

    name: str
    prepare: Callable[[Path], list[str]]
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One execution: wall-clock seconds, CPU seconds of all processes, bytes that the largest of them had resident."""

    seconds: float
    cpu: float
    rss: int


@dataclass(frozen=True, slots=True)
class Series:
    """The executions of one command. Times are judged by their median, memory by its worst."""

    samples: Sequence[Sample]

    @property
    def seconds(self) -> float:
        """The median."""
        return median(sample.seconds for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The median."""
        return median(sample.cpu for sample in self.samples)

    @property
    def rss(self) -> int:
        """The largest."""
        return max(sample.rss for sample in self.samples)


def in_turns(contenders: Iterable[Contender], runs: int, home: Path) -> dict[str, Series]:
    """`runs` samples of each by name, A B A B: whatever disturbs the machine for a while disturbs all of them.

    `home` is the PYDAG_HOME of them all. Raises `CommandFailed`. Those that are missing are left out.
    """
    present = [contender for contender in contenders if not contender.missing]
    # Where a program is installed, its modules are compiled once.
    unwanted = ("PYDAG_", "PYTHONDONTWRITEBYTECODE")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environ["PYDAG_HOME"] = str(home)
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in present}
    for _ in range(runs):
        for contender in present:
            with TemporaryDirectory(prefix="pydag-benchmark-") as directory:
                command = contender.prepare(Path(directory))
                samples[contender.name].append(take(command, Path(directory), environ))
    return {name: Series(taken) for name, taken in samples.items()}


def take(command: Sequence[str], directory: Path, environ: Mapping[str, str]) -> Sample:
    """Execute a command to its end, its output thrown away. Raises `CommandFailed` with the last of its stderr.

    Linux counts the memory of the parent as the child's while the child starts, so the calling process must stay small.
    """
    complaints = directory / "stderr"
    os.sync()  # so that no command pays for the files of the one before
    with complaints.open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = complaints.read_text(errors="replace")[-2000:]
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}:\n{last}")
    return Sample(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime, rss=usage.ru_maxrss * _RSS_UNIT)
