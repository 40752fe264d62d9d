"""The works that are measured, the programs that do each of them, and what pydag has to reach."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bounds, peers
from benchmarks.bounds import Bound
from benchmarks.graphs import Graph, chain, fan, layers
from benchmarks.samples import Contender


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One line of the table. One without a bound is only shown."""

    work: str
    ours: Contender
    theirs: Contender
    bound: Bound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Comparisons whose commands are measured in turns.

    `repeats` are the samples taken for each run that is asked for: a command that ends at once needs more of them.
    `furnish` fills the PYDAG_HOME of the commands first.
    """

    name: str
    comparisons: tuple[Comparison, ...]
    repeats: int = 1
    furnish: Callable[[Path], None] | None = None

    def contenders(self) -> list[Contender]:
        """Everyone in the comparisons, once."""
        both = [each for comparison in self.comparisons for each in (comparison.ours, comparison.theirs)]
        return list({contender.name: contender for contender in both}.values())


def workloads(divisor: int = 1) -> list[Workload]:
    """All of them, their sizes divided by `divisor`."""
    return [
        _fan(1000 // divisor),
        _shell_fan(1000 // divisor),
        _large_fan(10_000 // divisor),
        _chain(100 // divisor),
        _layers(20, 50 // divisor),
        _live(10_000 // divisor),
        _live_start(),
        _one_task(),
        _help(),
        _planning(100_000 // divisor),
        _history(1000 // divisor, 100, 10),
    ]


def _fan(width: int) -> Workload:
    work, graph = f"1 root, {width:,} parallel, 1 sink", fan(width)
    ours = peers.pydag(graph)
    return Workload(
        name="fan",
        comparisons=(
            Comparison(work=work, ours=ours, theirs=peers.make(graph, None), bound=bounds.times_as_long(1.3)),
            Comparison(work=work, ours=ours, theirs=peers.make(graph), bound=bounds.times_as_long(0.85)),
            Comparison(work=work, ours=ours, theirs=peers.doit(graph), bound=bounds.times_as_long(1.0)),
            Comparison(work=work, ours=ours, theirs=peers.luigi(graph)),
            Comparison(work=work, ours=ours, theirs=peers.bare_loop(graph)),
        ),
    )


def _shell_fan(width: int) -> Workload:
    """Of commands that need their shell."""
    work, graph, command = f"{width:,} parallel `true; true`", fan(width), "true; true"
    return Workload(
        name="shell",
        comparisons=(
            Comparison(
                work=work,
                ours=peers.pydag(graph, command),
                theirs=peers.make(graph, command=command),
                bound=bounds.times_as_long(1.1),
            ),
        ),
    )


def _large_fan(width: int) -> Workload:
    work, graph = f"1 root, {width:,} parallel, 1 sink", fan(width)
    ours = peers.pydag(graph)
    return Workload(
        name="large-fan",
        comparisons=(
            Comparison(work=work, ours=ours, theirs=peers.make(graph), bound=bounds.times_as_long(0.75)),
            Comparison(work=work, ours=ours, theirs=peers.make(graph, None), bound=bounds.times_as_long(1.1)),
            Comparison(work=work, ours=ours, theirs=peers.bare_loop(graph)),
            Comparison(work=f"{work}: memory", ours=ours, theirs=_PYTHON, bound=bounds.megabytes(80)),
        ),
    )


def _chain(length: int) -> Workload:
    work, graph = f"chain of {length}", chain(length)
    ours = peers.pydag(graph)
    return Workload(
        name="chain",
        comparisons=(
            Comparison(work=work, ours=ours, theirs=_PYTHON, bound=bounds.seconds(0.35)),
            Comparison(work=work, ours=ours, theirs=peers.make(graph)),
        ),
        repeats=3,
    )


def _layers(depth: int, width: int) -> Workload:
    work, graph = f"{depth} layers of {width}, three upstream each", layers(depth, width)
    theirs = peers.make(graph)
    return Workload(
        name="layers",
        comparisons=(Comparison(work=work, ours=peers.pydag(graph), theirs=theirs, bound=bounds.times_as_long(1.2)),),
    )


def _live(width: int) -> Workload:
    graph = fan(width)
    return Workload(
        name="live",
        comparisons=(
            Comparison(
                work=f"1 root, {width:,} parallel, 1 sink: the live view",
                ours=peers.pydag_on("pty", graph),
                theirs=peers.pydag_on("pipe", graph),
                bound=bounds.times_as_long(1.1),
            ),
        ),
    )


def _live_start() -> Workload:
    """The first task kills pydag, so that the command ends when the task starts."""
    graph, command = ((),), "kill -9 $PPID"
    return Workload(
        name="live-start",
        comparisons=(
            Comparison(
                work="start of the first task: the live view",
                ours=peers.pydag_on("pty", graph, command),
                theirs=peers.pydag_on("pipe", graph, command),
                bound=bounds.longer(0.005),
            ),
        ),
        repeats=6,
    )


def _one_task() -> Workload:
    graph: Graph = ((),)
    ours = peers.pydag(graph)
    return Workload(
        name="one-task",
        comparisons=(Comparison(work="one task, whole command", ours=ours, theirs=_PYTHON, bound=bounds.longer(0.1)),),
        repeats=6,
    )


def _help() -> Workload:
    ours = _command("pydag --help", *peers.pydag_command("--help"))
    return Workload(
        name="help",
        comparisons=(Comparison(work="pydag --help", ours=ours, theirs=_PYTHON, bound=bounds.longer(0.05)),),
        repeats=8,
    )


def _planning(tasks: int) -> Workload:
    work = f"{tasks:,} tasks: build, check, plan"
    ours = _command("planning", sys.executable, _script("planning"), str(tasks))
    return Workload(
        name="planning",
        comparisons=(
            Comparison(work=work, ours=ours, theirs=_PYTHON, bound=bounds.seconds(3)),
            Comparison(work=f"{work}: memory", ours=ours, theirs=_PYTHON, bound=bounds.megabytes(300)),
        ),
    )


def _history(jobs: int, runs: int, tasks: int) -> Workload:
    def furnish(home: Path) -> None:
        command = [sys.executable, _script("past"), str(jobs), str(runs), str(tasks)]
        subprocess.run(command, env={**os.environ, "PYDAG_HOME": str(home)}, check=True)

    commands = (["list"], ["log", f"job {jobs // 2}"], ["status"])
    return Workload(
        name="history",
        comparisons=tuple(
            Comparison(
                work=f"{arguments[0]}, {jobs:,} jobs, {jobs * runs * tasks:,} attempts",
                ours=_command(arguments[0], *peers.pydag_command(*arguments)),
                theirs=_PYTHON,
                bound=bounds.seconds(0.25),
            )
            for arguments in commands
        ),
        repeats=4,
        furnish=furnish,
    )


def _command(name: str, *command: str) -> Contender:
    return Contender(name=name, prepare=lambda _: list(command))


def _script(name: str) -> str:
    return str(Path(__file__).with_name(f"{name}.py"))


_PYTHON = _command("python -c pass", sys.executable, "-c", "pass")
