"""What a file that makes a plain `PyGoCron` is told where that cannot log in. Its own words name no next step.

And where no answer came, they hold the password, which it writes into the URL.
"""

from __future__ import annotations

import re
from types import TracebackType

_LOGIN = ("pygocron.pygocron", "_authenticate")
_CALL = re.compile(r"(?:\w+\.)*PyGoCron\([^()]*\)")
_NO_LOGIN_SENT = ("不能为空", "empty")
"""The fork reads a login from the body alone, and there pygocron sends none."""


def login_failure(error: BaseException) -> str | None:
    """One line: why it failed, and what to change. None for any other error."""
    caller, inside = None, None
    frames = error.__traceback__
    while frames and inside is None:
        if _is_login(frames):
            inside = frames
        elif frames.tb_frame.f_globals.get("__name__") != _LOGIN[0]:
            caller = frames
        frames = frames.tb_next
    if inside is None or caller is None:
        return None
    address = re.sub("//.*@", "//", inside.tb_frame.f_locals["self"]._base_url)
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return "PyGoCron() has no login: set GOCRON_ADDRESS, GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD"
    if type(error).__name__ != "PyGocronException":
        return f"PyGoCron() cannot reach gocron at {address}: check GOCRON_ADDRESS and that it runs"
    if not any(words in str(error) for words in _NO_LOGIN_SENT):
        return f"gocron at {address} refused the login of PyGoCron(): check the user's name and password"
    return (
        f"PyGoCron() cannot log in to gocron at {address}: gocronx-team/gocron takes no login from a URL; "
        f"pydag logs in by itself: {_change(caller)}"
    )


def _is_login(frames: TracebackType) -> bool:
    frame = frames.tb_frame
    return (frame.f_globals.get("__name__"), frame.f_code.co_name) == _LOGIN


def _change(caller: TracebackType) -> str:
    """The line to change, as it should be."""
    import linecache  # it takes longer than the rest, and only this needs it

    source = linecache.getline(caller.tb_frame.f_code.co_filename, caller.tb_lineno).strip()
    better = _CALL.sub("None", source)
    if better == source:
        return "give task_manager=None to GoCronJob"
    return f"change line {caller.tb_lineno}, `{source}`, to `{better}`"
