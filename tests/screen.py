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
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def received(self) -> bytes:
        """All that was written, once the program's end is closed."""
        self.stream.close()
        self._thread.join()
        return bytes(self._received)

    def rows(self) -> list[str]:
        """What stands on the screen at the end, without colours."""
        return self._shown(self.received().decode())

    def last_up(self) -> int | None:
        """By how many lines the cursor went up last, if it did."""
        found = re.findall(rb"\x1b\[(\d+)A", self._received)
        return int(found[-1]) if found else None

    def wait_for(self, text: str) -> None:
        """Until a line that stands on the screen holds the text."""
        end = time.monotonic() + 10
        while not any(text in row for row in self._shown(self._received.decode(errors="replace"))):
            assert time.monotonic() < end, f"{text!r} never came"
            time.sleep(0.005)

    def _drain(self) -> None:
        try:
            while data := os.read(self._master, 65536):
                self._received += data
        except OSError:
            return  # how Linux says that the other end is closed

    @staticmethod
    def _shown(written: str) -> list[str]:
        rows, row, column = [""], 0, 0
        for given, final, home, newline, text in _PIECE.findall(written):
            if final == "A":
                row -= int(given)
                assert row >= 0, "the cursor went above its first line"
            elif final == "K":
                rows[row] = rows[row][:column]
            elif final == "J":
                rows[row:] = [rows[row][:column]]
            elif final:
                assert final in "mhl", f"a sequence that nobody expects: {given}{final}"
            elif home:
                column = 0
            elif newline:
                row += 1
                rows += [""] * (row + 1 - len(rows))
            else:
                rows[row] = rows[row][:column].ljust(column) + text + rows[row][column + len(text) :]
                column += len(text)
        return rows
