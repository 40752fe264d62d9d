"""`python terminal.py pty|pipe COMMAND...`: run a command whose stdout is a terminal of 80x24, or a pipe, that is read.

What it ends with is passed on; a command that was killed counts as well: a task does that to measure its own start.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from contextlib import suppress


def main() -> None:
    """Run the command, read all that it writes, and exit as it did."""
    kind, *command = sys.argv[1:]
    ours, theirs = pty.openpty() if kind == "pty" else os.pipe()
    if kind == "pty":
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(command, stdout=theirs, env={**os.environ, "TERM": "xterm-256color"})
    os.close(theirs)
    with suppress(OSError):  # how Linux says that nobody has the terminal any more
        while os.read(ours, 65536):
            pass
    status = process.wait()
    sys.exit(0 if status == -signal.SIGKILL else status)


if __name__ == "__main__":
    main()
