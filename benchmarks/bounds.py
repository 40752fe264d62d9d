"""Bounds: what pydag has to reach, as a limit for one figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.samples import Series

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """`figure(ours, theirs)` has to be `limit` at most; `form` writes such a figure."""

    text: str
    limit: float
    figure: Callable[[Series, Series], float]
    form: str
    of_memory: bool = False

    def verdict(self, ours: Series, theirs: Series) -> str:
        """`yes (1.05 x)` or `no (1.31 x)`."""
        figure = self.figure(ours, theirs)
        return f"{'yes' if figure <= self.limit else 'no'} ({self.form.format(figure)})"


def times_as_long(limit: float) -> Bound:
    """A ratio of two times."""
    return Bound(
        text=f"at most {limit} x",
        limit=limit,
        figure=lambda ours, theirs: ours.seconds / theirs.seconds,
        form="{:.2f} x",
    )


def longer(limit: float) -> Bound:
    """A difference of two times, in seconds."""
    return Bound(
        text=f"at most {limit} s more",
        limit=limit,
        figure=lambda ours, theirs: ours.seconds - theirs.seconds,
        form="{:+.3f} s",
    )


def seconds(limit: float) -> Bound:
    """A time by itself."""
    return Bound(text=f"at most {limit} s", limit=limit, figure=lambda ours, _: ours.seconds, form="{:.3f} s")


def megabytes(limit: float) -> Bound:
    """The memory of the largest process, in MB."""
    return Bound(
        text=f"under {limit:g} MB",
        limit=limit,
        figure=lambda ours, _: ours.rss / MB,
        form="{:.1f} MB",
        of_memory=True,
    )
