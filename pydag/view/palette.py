"""The sign and the colours of each state, for terminals and for pictures."""

from __future__ import annotations

from typing import NamedTuple

from pydag.model.states import State


class StateStyle(NamedTuple):
    """How a state is shown. The sign is enough without colours; it is one column wide, and common fonts have it.

    `ascii_sign` is for outputs that have only ASCII. `terminal` is the colour as SGR parameters. `fill`, `line` and
    `text` are the colours of a box in a picture, whose line may be `dashed`.
    """

    sign: str
    ascii_sign: str
    terminal: str
    fill: str
    line: str
    text: str
    dashed: bool = False


STYLES = {
    # yellow
    State.PENDING: StateStyle("○", ".", "33", "#FFF6D6", "#D1A62B", "#5C4708"),
    # blue
    State.RUNNING: StateStyle("●", ">", "34", "#D8E9FD", "#2F7DD1", "#123F70"),
    # green
    State.SUCCESS: StateStyle("✓", "+", "32", "#DDF3E3", "#3A9A5B", "#17492A"),
    # red
    State.FAILED: StateStyle("✗", "x", "31", "#FBDEDC", "#CF4436", "#6E1A12"),
    # cyan
    State.SKIPPED: StateStyle("·", "-", "36", "#E6F3F4", "#4E9AA5", "#25555C", dashed=True),
    # magenta
    State.CANCELLED: StateStyle("!", "!", "35", "#EDE5F5", "#8D6BB5", "#452B63"),
    # bold red; in a picture red on white, as `failed` has the same line
    State.LOST: StateStyle("?", "?", "1;31", "#FFFFFF", "#CF4436", "#6E1A12", dashed=True),
}

# yellow, as it is pending
RETRY = StateStyle("↻", "@", "33", "#FFF6D6", "#D1A62B", "#5C4708")
"""How a task is shown that failed and waits for its next attempt. Its state is `pending`."""
