"""LiveTree: a run on a terminal, redrawn in place a few times a second by a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TextIO

from pydag.model.run import Attempt, Output, Run, RunRecord
from pydag.model.spec import JobSpec
from pydag.view.live.board import Board
from pydag.view.live.frame import FrameLayout, FrameLine
from pydag.view.outlet import Outlet
from pydag.view.summary import final_lines
from pydag.view.terminal import Display, terminal_size

INTERVAL = 0.1
"""Seconds between two frames. A frame that is equal to the last one is not drawn."""

_STOPPED = timedelta(seconds=1)  # where a frame is so late, the process was stopped with Ctrl-Z


def _now() -> datetime:
    return datetime.now(UTC)


class LiveTree:
    """A Reporter. Its calls only record what happened; the thread draws.

    A job that fits on the terminal is shown as its tree, or as a list where the tree is too long. Of a larger one,
    running tasks, failed tasks and counts are shown. The cursor is never hidden and stays below the frame, so that
    nothing has to be restored when a run breaks off.
    """

    def __init__(self, stream: TextIO, display: Display, *, clock: Callable[[], datetime] = _now) -> None:
        self._stream = stream
        self._display = display
        self._clock = clock
        self._out = Outlet(stream)
        self._over = Event()
        self._frame: list[FrameLine] = []
        self._thread: Thread | None = None

    def run_started(self, run: Run, spec: JobSpec) -> None:
        """The first frame comes after `INTERVAL`: a run that has ended by then shows only its last frame."""
        self._board = Board(spec)
        self._layout = FrameLayout(run, spec)
        self._thread = Thread(target=self._draw_until_over, name="pydag-live", daemon=True)
        self._thread.start()

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        self._board.update(attempts, outputs)

    def stopping(self, at: datetime) -> None:
        """The last line says so from now on."""
        self._board.stopping = True

    def run_ended(self, record: RunRecord) -> None:
        """The last frame stays; the ends of failed outputs and the summary follow it."""
        self._stop()
        self._draw(self._clock(), last=True)
        self._out.finish("".join(f"{line}\r\n" for line in final_lines(record, self._board.tails, self._display)))

    def close(self) -> None:
        """Drawing ends; the last frame that was drawn stays."""
        self._stop()
        self._out.finish()

    def _stop(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _draw_until_over(self) -> None:
        before = self._clock()
        while not self._over.wait(INTERVAL):
            now = self._clock()
            if now - before > _STOPPED:
                self._frame = []  # a shell has written below the frame: the next one starts there
            before = now
            if not self._out.stuck:
                self._draw(now)

    def _draw(self, now: datetime, *, last: bool = False) -> None:
        width, height = terminal_size(self._stream)
        display = replace(self._display, width=width)
        height = max(height - 1, 2)  # the cursor has a line of its own
        frame = self._layout.frame(self._board.snapshot(height), now, display, height, last=last)
        if frame == self._frame and not last:
            return
        # A terminal that was made narrower has wrapped the lines of the last frame.
        above = sum(max(1, -(-line.columns // width)) for line in self._frame)
        self._out.finish(_redrawn(frame, above))
        self._frame = frame


def _redrawn(frame: Sequence[FrameLine], above: int) -> str:
    """One write that replaces the `above` lines above the cursor by these, without a moment of an empty screen.

    Wrapping is off meanwhile: where a terminal finds a character wider than we do, a line still stays one line. A line
    is erased before it is written: behind a full one the cursor stands on its last character, which would go too.
    """
    up = f"\r\x1b[{above}A" if above else "\r"
    return "\x1b[?7l" + up + "".join(f"\x1b[K{line.text}\r\n" for line in frame) + "\x1b[J\x1b[?7h"
