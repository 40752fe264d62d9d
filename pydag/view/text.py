"""Text for a terminal: how wide it is, and how text of others is made safe to show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import islice
from unicodedata import category, east_asian_width


def text_width(text: str) -> int:
    """How many columns a terminal gives the text: 2 for wide characters, 0 for marks that join the one before."""
    if text.isascii():
        return len(text)
    return sum(_widths(text))


def head(text: str, columns: int) -> str:
    """The start of the text, as much as fits."""
    if text.isascii():
        return text[:columns]
    used = 0
    for place, width in enumerate(_widths(text)):
        used += width
        if used > columns:
            return text[:place]
    return text


def padded(text: str, columns: int) -> str:
    """The text with spaces up to so many columns."""
    return text + " " * (columns - text_width(text))


def _widths(text: str) -> Iterator[int]:
    joined = False
    for character in text:
        if joined or category(character) in ("Mn", "Me", "Cf"):
            yield 0
        else:
            yield 2 if east_asian_width(character) in "WF" else 1
        joined = character == "\u200d"


# CSI and OSC sequences, other two-character escapes; then all other characters that move the cursor or reverse text.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|$)|[ -/]*[0-~])", re.DOTALL)
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def sanitized(text: str) -> str:
    """One line of others' text that cannot control a terminal: without escape sequences; other controls become `�`."""
    if text.isprintable():  # nearly every name
        return text
    return _CONTROLS.sub("\ufffd", _ESCAPES.sub("", text)).expandtabs()


def shell_word(text: str) -> str:
    """The text quoted for bash, so that it can be shown: what `sanitized` would change is escaped."""
    if sanitized(text) == text:
        return shlex.quote(text)
    escaped = "".join(
        f"\\{each}" if each in "\\'" else each if each.isprintable() else f"\\U{ord(each):08x}" for each in text
    )
    return f"$'{escaped}'"


_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_CONCEAL = 8
_COLOURS = {"38": {"5": 1, "2": 3}, "48": {"5": 1, "2": 3}, "58": {"5": 1, "2": 3}}
"""Parameters of SGR that others follow: a kind, and so many numbers."""


def coloured(text: str) -> str:
    """`sanitized`, but the text keeps its colours and tabs. Hidden text is shown."""
    pieces = []
    place = 0
    for found in _ESCAPES.finditer(text):
        pieces += [_CONTROLS.sub("\ufffd", text[place : found.start()]), _visible(found[0])]
        place = found.end()
    return "".join([*pieces, _CONTROLS.sub("\ufffd", text[place:])])


def _visible(escape: str) -> str:
    """The escape sequence where it sets colours, without what hides text; else nothing."""
    sgr = _SGR.fullmatch(escape)
    if not sgr:
        return ""
    kept: list[str] = []
    parameters = iter(sgr[1].split(";"))
    for each in parameters:
        if each in _COLOURS:
            kind = next(parameters, "")
            kept += [each, kind, *islice(parameters, _COLOURS[each].get(kind, 0))]
        elif int(each.split(":")[0] or 0) != _CONCEAL:
            kept.append(each)
    return f"\x1b[{';'.join(kept)}m" if kept else ""


def overwritten(line: str) -> str:
    """What carriage returns leave of a line, as progress bars write it."""
    return next((part for part in reversed(line.split("\r")) if part), "")
