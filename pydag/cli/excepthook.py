"""How a user's script ends after an error whose traceback would not help: with one line.

An error in the user's own code keeps its traceback, and a hook of the user's program stays.
"""

from __future__ import annotations

import sys
from types import TracebackType

from pydag.workflow.login_failure import login_failure

REFUSED = 2
"""The exit status of a file that cannot be used, as `pydag run` gives it."""


def install() -> None:
    """Take care of it from now on. May be repeated."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _end


def _end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    from pydag.model.run import RunFailed

    advice = login_failure(error)
    if advice is None and not isinstance(error, RunFailed):
        sys.__excepthook__(kind, error, traceback)
        return
    if sys.stderr:
        sys.stderr.write(f"pydag: {advice or error}\n")
    if advice:
        raise SystemExit(REFUSED)
