"""Which reporter suits an output."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from pydag.model.run import RunRecord
from pydag.runs.reporter import Reporter, Silent
from pydag.view.lines import LineReporter
from pydag.view.quiet import QuietReporter
from pydag.view.summary import say_failure
from pydag.view.terminal import display_for, is_terminal


class Unseen(Silent):
    """A Reporter without an output."""

    def run_ended(self, record: RunRecord) -> None:
        """Stderr says what went wrong."""
        say_failure(record)


def reporter_for(
    stream: TextIO | None,
    environ: Mapping[str, str] = os.environ,
    *,
    show_output: bool = False,
    quiet: bool = False,
) -> Reporter:
    """A live tree on a terminal that can redraw, plain lines elsewhere: NO_COLOR and TERM=dumb ask for lines too.

    None is a closed output, as Python has it. With `show_output`, what tasks write is shown while they run; with
    `quiet`, failures alone.
    """
    if stream is None:
        return Unseen()
    display = display_for(stream, environ)
    if quiet:
        return QuietReporter(stream, display)
    if is_terminal(stream) and display.colour and environ.get("TERM"):
        from pydag.view.live.tree import LiveTree  # a run in a pipe or under cron does not need it

        return LiveTree(stream, display)
    return LineReporter(stream, display, show_output=show_output)
