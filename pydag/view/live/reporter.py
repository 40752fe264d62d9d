"""What a run shows while it goes: `LiveTree` on a terminal, `Lines` everywhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from pydag.runs.reporter import Reporter, Silent
from pydag.view.lines import Lines
from pydag.view.terminal import display_for, is_terminal

__all__ = ["Lines", "reporter_for"]


def reporter_for(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> Reporter:
    """A live tree on a terminal that can redraw; NO_COLOR and TERM=dumb get plain lines.

    None is a closed output, as Python has it.
    """
    if stream is None:
        return Silent()
    display = display_for(stream, environ)
    if is_terminal(stream) and display.colour and environ.get("TERM"):
        from pydag.view.live.tree import LiveTree  # a run in a pipe or under cron has no use for it

        return LiveTree(stream, display)
    return Lines(stream, display)
