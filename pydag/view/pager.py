"""The pager: what is longer than the screen is shown from its start on, as git does."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import BinaryIO, TextIO, cast

from pydag.view.terminal import is_terminal, terminal_size
from pydag.view.text import sanitized, text_width

_LESS = {"LESS": "FRX", "LV": "-c"}
"""How less (and lv) shows colours, ends at once where all fits, and leaves the text on the screen."""


def paged(pieces: Iterable[bytes], stream: TextIO, environ: Mapping[str, str] = os.environ) -> None:
    """Write to the stream; on a terminal through `$PAGER` (default: less) what is longer than the screen.

    Without that program, and with TERM=dumb, it is written as it is. Raises `OSError` where that fails; the reader of
    a pager may leave when it has enough.
    """
    command = _pager(stream, environ)
    rest = iter(pieces)
    first, fits = _first_screen(rest, stream) if command else ([], True)
    if command and not fits:
        _page(chain(first, rest), command, stream, {**_LESS, **environ})
    else:
        stream.flush()
        stream.buffer.writelines(chain(first, rest))
        stream.buffer.flush()


def _pager(stream: TextIO, environ: Mapping[str, str]) -> list[str]:
    """The words of the pager's command; none where there is none, or none is wanted."""
    if not is_terminal(stream) or environ.get("TERM", "dumb") == "dumb":
        return []
    try:
        words = shlex.split(environ.get("PAGER", "less"))
    except ValueError:  # a quotation mark without its partner
        return []
    return words if words and shutil.which(words[0]) else []


def _first_screen(pieces: Iterator[bytes], stream: TextIO) -> tuple[list[bytes], bool]:
    """The pieces up to the first one that does not fit on the screen with a prompt below, and whether all fit."""
    columns, room = terminal_size(stream)
    first = []
    for data in pieces:
        first.append(data)
        texts = data.decode(errors="replace").removesuffix("\n").split("\n")
        room -= sum(max(1, -(-text_width(sanitized(text)) // columns)) for text in texts)
        if room < 1:
            return first, False
    return first, True


def _page(pieces: Iterable[bytes], command: list[str], stream: TextIO, environ: Mapping[str, str]) -> None:
    stream.flush()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, env=environ) as pager:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is a command to the pager
        try:
            with suppress(BrokenPipeError), cast("BinaryIO", pager.stdin) as reader:
                reader.writelines(pieces)
            pager.wait()
        finally:
            signal.signal(signal.SIGINT, before)
