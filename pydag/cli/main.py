"""`main`: call the command, and turn every error into a line on stderr and an exit status."""

from __future__ import annotations

import errno
import gc
import os
import sys
from io import StringIO

import click

from pydag.cli.group import pydag
from pydag.errors import PyDagException

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""How a write to stdout fails: a full disk, a quota, a limit of file size, a terminal that is gone, a closed stdout."""


def main() -> None:
    """Run the command line and exit. This is the one place where an error becomes an exit status."""
    _replace_closed_streams()
    status, message = _outcome()
    if message is not None:
        from pydag.view.terminal import print_stderr  # most commands go well

        print_stderr(message)
    _drop_unwritten()
    gc.freeze()  # the process ends: the interpreter need not search its objects for garbage
    sys.exit(status)


def _outcome() -> tuple[int, str | None]:
    """Call the command: its exit status, and what is to be said on stderr."""
    try:
        return _call(), None
    except click.exceptions.Exit as end:
        return end.exit_code, None
    except click.ClickException as error:
        text = StringIO()
        error.show(text)
        return error.exit_code, text.getvalue().rstrip("\n")
    except KeyboardInterrupt:
        return 130, ""  # an empty line, so that the prompt does not stand behind the terminal's ^C
    except BrokenPipeError:  # the reader has what it wanted (`| head`)
        return 0, None
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        # Errors of files are translated where they occur; one without a name is stdout's.
        return 2, f"pydag: the output cannot be written: {error.strerror}"
    except PyDagException as error:
        from pydag.cli.exit_status import exit_status  # it knows runs, which take 30 ms to import
        from pydag.model.run import RunFailed

        # A run that failed has been shown.
        return exit_status(error), None if isinstance(error, RunFailed) else f"pydag: {error}"


def _call() -> int:
    if instruction := os.environ.get("_PYDAG_COMPLETE"):
        from pydag.cli import completion  # for the shell alone, when somebody presses Tab

        return completion.complete(pydag, instruction)
    with pydag.make_context("pydag", sys.argv[1:]) as context:
        pydag.invoke(context)
    return 0


def _replace_closed_streams() -> None:
    """Python has None where the shell closed one (`>&-`). Writing to such a stdout fails, as on a full disk."""
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # the same


def _drop_unwritten() -> None:
    """What an output did not take is dropped: Python would try again, complain, and change the status."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream and not stream.closed:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
