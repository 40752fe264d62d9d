"""A pseudo terminal, and what a terminal of endless height would show of what was written to it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
import threading
import time

from pydag.view.text import text_width

_PIECE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Screen:
    """`stream` is the terminal's end that a program writes to."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self._master, slave = pty.openpty()
        self.resize(columns, lines)
        self.stream = open(slave, "w", encoding="utf-8")  # noqa: SIM115  # closed by `__exit__`
        self._received = bytearray()
        self._thread = threading.Thread(target=self._drain)
        self._thread.start()

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *error: object) -> None:
        self.received()
        os.close(self._master)

    def resize(self, columns: int, lines: int) -> None:
        self._columns = columns
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def received(self) -> bytes:
        """All that was written, once the program's end is closed."""
        self.stream.close()
        self._thread.join()
        return bytes(self._received)

    def rows(self) -> list[str]:
        """What stands on the screen at the end, without colours."""
        return _shown(self.received().decode(), self._columns)

    def last_up(self) -> int | None:
        """By how many lines the cursor went up last, if it did."""
        found = re.findall(rb"\x1b\[(\d+)A", self._received)
        return int(found[-1]) if found else None

    def wait_for(self, text: str) -> None:
        """Until a line that stands on the screen holds the text."""
        end = time.monotonic() + 10
        while not any(text in row for row in _shown(self._received.decode(errors="replace"), self._columns)):
            assert time.monotonic() < end, f"{text!r} never came"
            time.sleep(0.005)

    def _drain(self) -> None:
        try:
            while data := os.read(self._master, 65536):
                self._received += data
        except OSError:
            return  # how Linux says that the other end is closed


def _shown(written: str, columns: int) -> list[str]:
    """Rows are lists of cells: a wide character has two, and the second is empty."""
    rows: list[list[str]] = [[]]
    row = column = 0
    wraps = True
    for given, final, home, newline, text in _PIECE.findall(written):
        # Behind a full line the cursor stands on the last column, as long as lines are not wrapped.
        here = column if wraps else min(column, columns - 1)
        if final == "A":
            row -= int(given)
            assert row >= 0, "the cursor went above its first line"
        elif final == "K":
            rows[row] = rows[row][:here]
        elif final == "J":
            rows[row:] = [rows[row][:here]]
        elif final:
            assert final in "mhl", f"a sequence that nobody expects: {given}{final}"
            if given == "?7":
                wraps = final == "h"
        elif home:
            column = 0
        elif newline:
            row += 1
            rows += [[] for _ in range(row + 1 - len(rows))]
        else:
            for character in text:
                column = _put(rows[row], column, character)
    return ["".join(cells) for cells in rows]


def _put(cells: list[str], column: int, character: str) -> int:
    """Write one character, and give the column behind it."""
    width = text_width(character)
    if not width:
        cells[column - 1] += character
        return column
    cells += [" "] * (column - len(cells))
    cells[column : column + width] = [character, ""][:width]
    return column + width
