"""LiveView: a run on a terminal, redrawn in place a few times a second by a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import thread_time
from typing import TYPE_CHECKING, TextIO

from pydag.model.run import Attempt, Output, Run, RunRecord
from pydag.model.spec import JobSpec
from pydag.runs.reporter import PastRuns
from pydag.view.outlet import Outlet
from pydag.view.terminal import Display, terminal_size

if TYPE_CHECKING:  # all that draws is imported by the drawing thread: the first task does not wait for it
    from pydag.view.live.board import Board, Change
    from pydag.view.live.painter import Painter

FIRST_FRAME = 0.3
"""Seconds after its first task has started in which a run is not drawn: it may be over by then."""

INTERVAL = 0.1
"""Seconds between two frames. A frame that is equal to the last one is not drawn."""

_SHARE = 20  # between two frames the thread rests so many times as long as the last one took, but no longer than
_LONGEST = 0.5  # so many seconds

_STOPPED = timedelta(seconds=1)  # where a frame is so late, the process was stopped with Ctrl-Z


def _now() -> datetime:
    return datetime.now(UTC)


class LiveView:
    """A Reporter. Its calls only note what happened; the thread draws.

    The failed tasks and, with `show_output`, what tasks write go above the view, where the terminal keeps them.
    `past` reads the job's last runs, for an estimate of the time left; it may take its time, and may raise.
    """

    def __init__(
        self,
        stream: TextIO,
        display: Display,
        *,
        show_output: bool = False,
        past: Callable[[JobSpec], PastRuns | None] | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._stream = stream
        self._display = display
        self._show_output = show_output
        self._past = past
        self._clock = clock
        self._out = Outlet(stream)
        self._over = Event()
        self._stopping = False
        self._hook = ""
        self._changes: deque[Change] = deque()
        self._painter: Painter | None = None
        self._thread: Thread | None = None

    def run_started(self, run: Run, spec: JobSpec) -> None:
        """Nothing is drawn before a task has started."""
        self._run, self._spec = run, spec

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        self._changes.append((attempts, outputs))
        if self._thread is None:
            self._thread = Thread(target=self._draw_until_over, name="pydag-live", daemon=True)
            self._thread.start()

    def stopping(self, at: datetime) -> None:
        """The last line says so from now on."""
        self._stopping = True

    def hook_started(self, name: str, at: datetime) -> None:
        """The last line says so from now on."""
        self._hook = name

    def run_ended(self, record: RunRecord) -> None:
        """The view goes; the tree, or what matters of a large job, the next command and the summary stay."""
        from pydag.view.live.ending import ending
        from pydag.view.summary import finish

        self._stop()
        board = self._painter.board if self._painter else self._new_board()
        now, (display, _) = self._clock(), self._sized()
        board.update(self._taken(), now)
        erased = self._painter.erased(display) if self._painter else ""
        lines = [*board.above(), *ending(board, record, now, display)]
        finish(self._out, erased + "".join(f"{line}\r\n" for line in lines), record)

    def close(self) -> None:
        """Drawing ends; the last frame that was drawn stays."""
        self._stop()
        self._out.finish()

    def _stop(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _draw_until_over(self) -> None:
        if self._over.wait(FIRST_FRAME):
            return
        from pydag.view.live.painter import Painter

        self._painter = painter = Painter(self._new_board())
        pause = 0.0
        while True:
            before, began = self._clock(), thread_time()
            if self._over.wait(pause):
                return
            now = self._clock()
            if now - before > _STOPPED:
                painter.forget()  # a shell has written below the frame: the next one starts there
            painter.board.update(self._taken(), now)
            self._out.write("")  # what the terminal did not take earlier
            if not self._out.stuck:
                display, height = self._sized()
                self._out.write(painter.redrawn(now, display, height, stopping=self._stopping, hook=self._hook))
                if not pause and self._past:
                    with suppress(Exception):  # whatever it is: the run goes on, and nothing is said of the time left
                        painter.expect(self._past(self._spec))
            pause = min(max(INTERVAL, _SHARE * (thread_time() - began)), _LONGEST)

    def _new_board(self) -> Board:
        from pydag.view.live.board import Board

        return Board(self._run, self._spec, self._sized()[0], show_output=self._show_output)

    def _taken(self) -> Iterator[Change]:
        """What was noted since the last call."""
        while self._changes:
            yield self._changes.popleft()

    def _sized(self) -> tuple[Display, int]:
        """The terminal as it is now: what it can show, and how many lines; the cursor has one of its own."""
        width, height = terminal_size(self._stream)
        return replace(self._display, width=width), max(height - 1, 2)
