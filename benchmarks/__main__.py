"""`python -m benchmarks`: measure, and print one table. A bound that is missed is said in it, and is no failure."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import samples, table, workloads
from benchmarks.workloads import Workload

QUICK = 10
"""What `--quick` divides the sizes by."""


def main() -> None:
    """Parse, measure, print."""
    arguments = _arguments()
    runs = 1 if arguments.quick else arguments.runs
    known = workloads.workloads(QUICK if arguments.quick else 1)
    chosen = [workload for workload in known if workload.name in (arguments.work or [workload.name])]
    print(_conditions(runs), end="\n\n")
    rows: list[tuple[str, ...]] = []
    for workload in chosen:
        print(f"measuring {workload.name} ...", file=sys.stderr)
        rows += _rows(workload, runs)
    print("\n".join(table.lines(rows)))
    if arguments.quick:
        print(f"\n--quick: sizes divided by {QUICK}, one run; the bounds hold for the full sizes.")


def _arguments() -> argparse.Namespace:
    names = [workload.name for workload in workloads.workloads()]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure pydag beside its peers.")
    parser.add_argument("work", nargs="*", help=f"what to measure, of: {', '.join(names)}. Default: all")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, of which the median counts (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one run of small sizes, to see that all of it works")
    arguments = parser.parse_args()
    unknown = set(arguments.work) - set(names)
    if unknown:
        parser.error(f"unknown work {', '.join(sorted(unknown))}; there is {', '.join(names)}")
    if arguments.runs < 1:
        parser.error(f"--runs {arguments.runs}: at least one run is needed")
    return arguments


def _rows(workload: Workload, runs: int) -> list[tuple[str, ...]]:
    with TemporaryDirectory(prefix="pydag-benchmark-home-") as home:
        if workload.furnish:
            workload.furnish(Path(home))
        measured = samples.in_turns(workload.contenders(), runs * workload.repeats, Path(home))
    return [table.row(comparison, measured) for comparison in workload.comparisons]


def _conditions(runs: int) -> str:
    """What a reader has to know of the machine to believe the figures."""
    load = os.getloadavg()[0]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {os.cpu_count()} CPUs, load {load:.1f} before the start, medians of {runs} interleaved runs"


if __name__ == "__main__":
    main()
