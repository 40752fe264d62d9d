"""Outlet: text to an output that may be closed, broken or stuck, which is no reason for a run to stop."""

from __future__ import annotations

import errno
import os
import select
from typing import TextIO

from pydag.view.terminal import encodable, print_stderr

# A pipe that is ready takes this much without blocking (PIPE_BUF in pipe(7)).
_PIECE = 4096


class Outlet:
    """Writes to a stream and never raises: once the output is gone, stderr is told and everything is dropped.

    `write` does not wait for a reader that has stopped reading (a pager, Ctrl-S). What did not go out is kept, in
    order, for the next call; `finish` waits. A `strict` one raises what it meets, as `OSError`: where showing is all
    that is done.
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
            stream.flush()  # what others have printed comes first: from here on, the stream's buffer is passed by
            self._file = stream.fileno()
            self._poll.register(self._file, select.POLLOUT)
        except (OSError, ValueError):
            self._file = None  # not a file of the operating system, as in a test or a notebook

    def write(self, text: str) -> None:
        """Send it now, as far as nothing blocks."""
        self._send(text, wait=False)

    def finish(self, text: str = "") -> None:
        """Send it and all that was kept, however long the reader takes."""
        self._send(text, wait=True)

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
            if isinstance(error, OSError) and error.errno != errno.EPIPE:  # a reader may go when it has enough
                print_stderr(f"pydag: the output cannot be written: {error.strerror}; what runs goes on")

    def _write_piece(self, file: int) -> None:
        try:
            del self._pending[: os.write(file, self._pending[:_PIECE])]
        except BlockingIOError:  # whoever started us made it so; a slot in a pipe can be free and still too small
            self._poll.poll()

    def _ready(self) -> bool:
        # An error counts as ready: the write that follows meets it and ends the matter.
        return self._file is None or bool(self._poll.poll(0))
