"""How a program ends with an error that it does not catch: what pydag refuses is one line, as from `pydag run`.

An error in the user's own code keeps its traceback.
"""

from __future__ import annotations

import sys

from pydag.cli.exit_status import exit_status
from pydag.errors import PyDagException
from pydag.view.terminal import print_stderr
from pydag.workflow.job import Job
from pydag.workflow.login_failure import login_failure
from pydag.workflow.own_code import described, passes_through, probably_meant

REFUSED = 2
"""The exit status of a file that cannot be used."""


def end(error: BaseException) -> None:
    """Show the error, and end the program with the exit status that stands for it. An interactive Python goes on."""
    refusal = _refusal(error)
    if refusal is None:
        sys.__excepthook__(type(error), error, error.__traceback__)
        return
    print_stderr(f"pydag: {refusal}")
    if not hasattr(sys, "ps1") and not sys.flags.interactive:
        raise SystemExit(exit_status(error) if isinstance(error, PyDagException) else REFUSED)


def _refusal(error: BaseException) -> str | None:
    """What pydag refuses, in one line: out of a run as it is, else with the line of the user's file."""
    if isinstance(error, PyDagException):
        return str(error) if passes_through(error.__traceback__, Job.run.__code__) else described(error) or str(error)
    return described(error) if probably_meant(error) else login_failure(error)
