"""The table: a line for each comparison. Nothing is left out: where nothing could be measured, it says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.bounds import MB
from benchmarks.samples import Series
from benchmarks.workloads import Comparison

HEADER = ("work", "pydag", "yardstick", "ratio", "of CPU", "bound", "reached")


def row(comparison: Comparison, measured: Mapping[str, Series]) -> tuple[str, ...]:
    """The cells of a comparison; `measured` has the series of everyone who is not missing."""
    bound = comparison.bound
    text = bound.text if bound else "none"
    missing = comparison.ours.missing or comparison.theirs.missing
    ours = measured.get(comparison.ours.name)
    theirs = measured.get(comparison.theirs.name)
    memory = bound is not None and bound.of_memory
    ours_text = _amount(ours, memory) if ours else "-"
    if ours is None or theirs is None:
        return comparison.work, ours_text, missing, "-", "-", text, "not measured"
    ratio = ours.rss / theirs.rss if memory else ours.seconds / theirs.seconds
    verdict = bound.verdict(ours, theirs) if bound else "-"
    return (
        comparison.work,
        ours_text,
        f"{comparison.theirs.name} {_amount(theirs, memory)}",
        f"{ratio:.2f}",
        "-" if memory else f"{ours.cpu / theirs.cpu:.2f}",
        text,
        verdict,
    )


def lines(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows under their header, in columns, in Markdown."""
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    rule = tuple("-" * width for width in widths)
    return [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"
        for cells in (HEADER, rule, *rows)
    ]


def _amount(series: Series, memory: bool) -> str:
    return f"{series.rss / MB:.1f} MB" if memory else f"{series.seconds:.3f} s"
