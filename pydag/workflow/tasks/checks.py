"""The checks that all kinds of tasks share. Each gives the value, or raises `InvalidJob`, which names it."""

from __future__ import annotations

import re

from pydag.errors import InvalidJob, shown
from pydag.model.states import Overlap, When

MAX_NAME = 200
MAX_SECONDS = 365 * 86400.0
MAX_RETRIES = 1_000_000

# Control characters, the two separators that end a line too, and halves of surrogate pairs, which have no UTF-8.
_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Neither a program nor the history, which is UTF-8, can take these.
NOT_FOR_A_PROGRAM = re.compile("[\x00\ud800-\udfff]")


def checked_name(name: object, of: str) -> str:
    """The name, or `InvalidJob`: names are what people see in terminals, files, tables and pictures."""
    if not isinstance(name, str):
        raise InvalidJob(f"the name of a {of} must be text, not {shown(name)}")
    if not name.strip():
        raise InvalidJob(f"the name of a {of} is empty ({name!r}): give it one")
    if len(name) > MAX_NAME:
        raise InvalidJob(
            f"the name of a {of} has {len(name)} characters, at most {MAX_NAME} are allowed: {name[:40]!r}..."
        )
    found = _NOT_IN_A_NAME.search(name)
    if found:
        raise InvalidJob(
            f"the name {name!r} of a {of} holds the control character {found[0]!r}: take it out, a name is one line"
        )
    return name


def checked_seconds(value: object, name: str, option: str) -> float:
    """A number of seconds, from 0 to a year."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # NaN
        raise InvalidJob(f"task {name!r}: {option}={shown(value)} is not a number of seconds")
    if not 0 <= value <= MAX_SECONDS:
        raise InvalidJob(
            f"task {name!r}: {option}={shown(value)} must lie between 0 and {MAX_SECONDS:.0f} seconds (a year)"
        )
    return float(value)


def checked_retries(value: object, name: str) -> int:
    """How often a task is tried again."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_RETRIES:
        raise InvalidJob(f"task {name!r}: retries={shown(value)} must be a whole number, from 0 to {MAX_RETRIES}")
    return value


def checked_strict(value: object, what: str) -> bool | None:
    """Whether commands run under `set -eo pipefail`; None leaves it to others. `what` is whose option it is."""
    if value is not None and not isinstance(value, bool):
        raise InvalidJob(f"{what}: strict={shown(value)} must be True or False")
    return value


def checked_overlap(overlap: object, name: str) -> Overlap:
    """Whether two runs of the job may go on at once, as an `Overlap` or its word."""
    try:
        return Overlap(overlap)
    except ValueError:
        raise InvalidJob(f"job {name!r}: overlap={shown(overlap)} is unknown; use 'allow' or 'forbid'") from None


def checked_when(when: object, name: str) -> When:
    """How the upstream tasks must have ended, as a `When` or its word."""
    try:
        return When(when)
    except ValueError:
        known = ", ".join(repr(each.value) for each in When)
        raise InvalidJob(f"task {name!r}: when={shown(when)} is unknown; use one of {known}") from None
