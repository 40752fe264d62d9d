"""Outlet: writes text to an output that may be closed, broken or stuck. None of that may stop or block a run."""

from __future__ import annotations

import errno
import os
import select
from typing import TextIO

from pydag.view.terminal import encodable, print_stderr

# A pipe that is ready takes this much without blocking (PIPE_BUF in pipe(7)).
_PIECE = 4096


class Outlet:
    """Writes to a stream and does not raise: once the output is gone, stderr says so and everything else is dropped.

    `write` does not wait for a reader that has stopped reading (a pager, Ctrl-S). What could not be written is kept, in
    order, for the next call; `finish` waits. With `strict`, it raises what it meets, as `OSError`: for commands that
    only show something.
    """

    def __init__(self, stream: TextIO, *, strict: bool = False) -> None:
        self._stream = stream
        self._strict = strict
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._pending = bytearray()
        self._gone = False
        self._poll = select.poll()
        self._file: int | None = None
        try:
            stream.flush()  # what others have printed comes first: from here on, the stream's buffer is not used
            self._file = stream.fileno()
            self._poll.register(self._file, select.POLLOUT)
        except (OSError, ValueError):
            self._file = None  # not a file of the operating system, as in a test or a notebook

    def write(self, text: str) -> None:
        """Write what can be written now without blocking."""
        self._send(text, wait=False)

    def finish(self, text: str = "") -> None:
        """Write it and all that was kept, however long the reader takes."""
        self._send(text, wait=True)

    @property
    def gone(self) -> bool:
        """Whether the output could not be written, so that nothing more is."""
        return self._gone

    @property
    def stuck(self) -> bool:
        """Whether a write would have to wait."""
        return bool(self._pending) or not self._ready()

    def _send(self, text: str, wait: bool) -> None:
        if self._gone:
            return
        try:
            if self._file is None:
                self._stream.write(encodable(text, self._stream))
                self._stream.flush()
                return
            self._pending += text.encode(self._encoding, "backslashreplace")
            while self._pending and (wait or self._ready()):
                self._write_piece(self._file)
        except (OSError, ValueError) as error:
            self._gone = True
            self._pending.clear()
            if self._strict:
                raise
            if isinstance(error, OSError) and error.errno != errno.EPIPE:  # a reader may leave when it has enough
                print_stderr(f"pydag: the output cannot be written: {error.strerror}; running tasks continue")

    def _write_piece(self, file: int) -> None:
        """Whole lines where possible: a process that is killed between two pieces leaves no half of one behind."""
        end = self._pending.rfind(b"\n", 0, _PIECE) + 1 or _PIECE
        try:
            del self._pending[: os.write(file, self._pending[:end])]
        except BlockingIOError:  # the caller made it non-blocking: a pipe can have room, but not enough
            self._poll.poll()

    def _ready(self) -> bool:
        # An error counts as ready: the write that follows meets it, and nothing more is written.
        return self._file is None or bool(self._poll.poll(0))
