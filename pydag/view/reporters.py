"""Which reporter suits an output."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, TextIO

from pydag.model.run import RunRecord
from pydag.runs.reporter import PastRuns, Reporter, Silent
from pydag.view.terminal import display_for, is_terminal

if TYPE_CHECKING:
    from pydag.model.spec import JobSpec


class Progress(Enum):
    """What a run shows of itself."""

    LIVE = "live"  # a view that is redrawn, on a terminal
    PLAIN = "plain"  # a line for each event
    NONE = "none"


class Unseen(Silent):
    """A Reporter without an output."""

    def run_ended(self, record: RunRecord) -> None:
        """Stderr says what went wrong."""
        from pydag.view.summary import say_failure  # most runs have an output

        say_failure(record)


def reporter_for(
    stream: TextIO | None,
    environ: Mapping[str, str] = os.environ,
    *,
    progress: Progress | None = None,
    show_output: bool = False,
    quiet: bool = False,
    past: Callable[[JobSpec], PastRuns | None] | None = None,
) -> Reporter:
    """A live view on a terminal that can redraw, else plain lines; or what `progress` asks for.

    A stream that is None is a closed output, as Python has it. With `show_output`, what tasks write is shown while they
    run; with `quiet`, failures alone. `past` reads the job's last runs, for an estimate of the time left.
    """
    if stream is None or progress is Progress.NONE:
        return Unseen()
    display = display_for(stream, environ)
    if quiet:
        from pydag.view.quiet import QuietReporter  # as below

        return QuietReporter(stream, display)
    redraws = environ.get("TERM", "") not in ("", "dumb") if progress is None else progress is Progress.LIVE
    if redraws and is_terminal(stream):
        from pydag.view.live.view import LiveView  # a run in a pipe or under cron does not need it

        return LiveView(stream, display, show_output=show_output, past=past)
    from pydag.view.lines import LineReporter  # nor does one on a terminal need this

    return LineReporter(stream, display, show_output=show_output)
