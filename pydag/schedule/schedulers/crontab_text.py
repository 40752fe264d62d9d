"""The text of a crontab, as bytes: one marked block for each job; every other byte stays as it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from pydag.errors import CrontabError, InvalidSetting
from pydag.schedule.submission import submission_id

COMMAND_BYTES = 998  # Debian's cron refuses a longer command

_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_BEGIN = re.compile(rb'# pydag begin ([0-9a-f]{16}) "(.*)"\s*')
_END = re.compile(rb"# pydag end ([0-9a-f]{16})\s*")
CRON_LINE = re.compile(rb"\s*(@[a-z]+|[^\s#]\S*(?:[ \t]+\S+){4})[ \t]+(\S.*?)\s*")
"""A line that cron runs: the expression and the command."""

_SETTING = re.compile(rb"""\s*(["']?)([A-Za-z_][A-Za-z0-9_]*)\1\s*=\s*(.*?)\s*""")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrontabBlock:
    """What a crontab holds of a job. `command` is for sh.

    `expression` is text: what is read from a crontab may have been changed by hand.
    """

    name: str
    expression: str
    command: str

    @property
    def id(self) -> str:
        """What stands for the name, which could do harm in a crontab."""
        return submission_id(self.name)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block stands. `whole`: its third line is the end that belongs to it."""

    id: str
    name: str
    first: int  # the number of its first line, from 0
    whole: bool


def cron_line(block: CrontabBlock) -> bytes:
    """The line that cron runs, without its newline; cron's `%` is escaped in it.

    Raises `InvalidSetting` for a command that cron would refuse or cut.
    """
    if re.search(r"^$|^[\s*]|\s$|[\x00-\x08\x0a-\x1f\x7f]", block.command):
        raise InvalidSetting(
            f"the command {block.command!r} of job {block.name!r} cannot be given to cron: "
            "write one line without control characters that does not start with * or a blank"
        )
    if re.search(r"\\[\\%]", block.command):
        # Debian's cron makes one backslash of two, cronie keeps both: nothing can be written that suits both
        raise InvalidSetting(
            f"the command {block.command!r} of job {block.name!r} has a backslash before a % or "
            "another backslash, which crons read in different ways: use paths without"
        )
    command = os.fsencode(block.command.replace("%", r"\%"))
    if len(command) > COMMAND_BYTES:
        raise InvalidSetting(
            f"the command of job {block.name!r} takes {len(command)} bytes in the crontab, "
            f"and cron takes {COMMAND_BYTES}: use shorter paths"
        )
    return b"%s %s" % (" ".join(block.expression.split()).encode(), command)


def blocks(text: bytes) -> list[CrontabBlock]:
    """The blocks whose line cron runs, in their order; one that was commented out by hand is not among them."""
    lines = _LINE.findall(text)
    found = []
    for place in _places(lines):
        match = CRON_LINE.fullmatch(lines[place.first + 1]) if place.whole else None
        if match:
            expression, command = os.fsdecode(match[1]), os.fsdecode(match[2])
            command = command.replace(r"\%", "%")
            found.append(CrontabBlock(name=place.name, expression=expression, command=command))
    return found


def with_block(text: bytes, block: CrontabBlock) -> bytes:
    """The text with this block: in the place of the block of that name, else at the end.

    The only other byte that may be new is a newline after a last line that had none. Raises
    `CrontabError` where the block was damaged by hand.
    """
    lines, places = _cut(text, block.id)
    if places:
        lines.insert(places[0], lines_of(block))
    else:
        lines += [b"\n", lines_of(block)] if lines and not lines[-1].endswith(b"\n") else [lines_of(block)]
    return b"".join(lines)


def lines_of(block: CrontabBlock) -> bytes:
    """The three lines of a block."""
    block_id = block.id.encode()
    return b'# pydag begin %s "%s"\n%s\n# pydag end %s\n' % (
        block_id,
        _encoded(block.name),
        cron_line(block),
        block_id,
    )


def without_block(text: bytes, name: str) -> bytes:
    """The text without the block of that name; unchanged where there is none.

    Raises `CrontabError` where the block was damaged by hand.
    """
    return b"".join(_cut(text, submission_id(name))[0])


def settings_above(text: bytes, name: str) -> dict[str, str]:
    """The variables that the crontab sets for the job's block, or for a block put at the end.

    TZ and SHELL change what the command sees, CRON_TZ when it runs: see `Crontab.follows_cron_tz`.
    """
    lines = _LINE.findall(text)
    line = next((place.first for place in _places(lines) if place.id == submission_id(name)), len(lines))
    found = {}
    for match in filter(None, map(_SETTING.fullmatch, lines[:line])):
        value = match[3]
        if len(value) > 1 and value[:1] in (b"'", b'"') and value[:1] == value[-1:]:
            value = value[1:-1]
        found[os.fsdecode(match[2])] = os.fsdecode(value)
    return found


def _places(lines: list[bytes]) -> Iterator[_Place]:
    for first, begin in enumerate(map(_BEGIN.fullmatch, lines)):
        if begin:
            end = _END.fullmatch(lines[first + 2]) if first + 2 < len(lines) else None
            whole = end is not None and end[1] == begin[1]
            yield _Place(begin[1].decode(), _decoded(begin[2]), first, whole)


def _cut(text: bytes, block_id: str) -> tuple[list[bytes], list[int]]:
    """The lines without the blocks of that id, and the numbers of the lines where those began."""
    lines = _LINE.findall(text)
    firsts: list[int] = []
    for place in [each for each in _places(lines) if each.id == block_id]:
        if not place.whole:
            raise CrontabError(
                f"line {place.first + 1} of the crontab begins the block of job {place.name!r}, "
                "whose end is not two lines below: put it right or delete it with `crontab -e`"
            )
        firsts.append(place.first - 3 * len(firsts))
    for first in firsts:
        del lines[first : first + 3]
    return lines, firsts


def _encoded(name: str) -> bytes:
    """The name as it stands in a comment: what does not print, `%` and the backslash become %XX."""
    return b"".join(
        character.encode()
        if character.isprintable() and character not in "%\\"
        else b"".join(b"%%%02X" % byte for byte in character.encode("utf-8", "surrogatepass"))
        for character in name
    )


def _decoded(name: bytes) -> str:
    try:
        return unquote_to_bytes(name).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # edited by hand; the id says whose block it is
        return os.fsdecode(name)
