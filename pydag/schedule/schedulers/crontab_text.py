"""The user's crontab: one marked block for each job, every other byte untouched.

The functions edit text, as bytes; `Crontab` reads and installs it through crontab(1). Neither knows
what a job is, or when it runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from pydag.errors import CrontabError, InvalidSetting
from pydag.model.spec import digest
from pydag.schedule.expression import Schedule

COMMAND_BYTES = 998  # Debian's cron refuses a command of more

_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_BEGIN = re.compile(rb'# pydag begin ([0-9a-f]{16}) "(.*)"\s*')
_END = re.compile(rb"# pydag end ([0-9a-f]{16})\s*")
_CRON_LINE = re.compile(rb"\s*(@[a-z]+|[^\s#]\S*(?:[ \t]+\S+){4})[ \t]+(\S.*?)\s*")
_SETTING = re.compile(rb"""\s*(["']?)([A-Za-z_][A-Za-z0-9_]*)\1\s*=\s*(.*?)\s*""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A job's block. `schedule` is five fields or a name such as `@daily`, `command` is for sh."""

    name: str
    schedule: str
    command: str

    @property
    def id(self) -> str:
        """What stands for the name where the name itself would do harm."""
        return entry_id(self.name)


@dataclass(frozen=True, slots=True)
class _Block:
    id: str
    name: str
    first: int  # its first line, counted from 0
    whole: bool  # whether its third line is the end that belongs to it


def entry_id(name: str) -> str:
    """Sixteen hexadecimal digits that stand for a job's name, the same ones every time."""
    return digest(name, 16)


def line(entry: Entry) -> bytes:
    """The cron line of an entry, without its newline; cron's `%` stands escaped in it.

    Raises `InvalidSetting` for a schedule or a command that cron would refuse or cut.
    """
    Schedule.parse(entry.schedule)
    if re.search(r"^$|^[\s*]|\s$|[\x00-\x08\x0a-\x1f\x7f]", entry.command):
        raise InvalidSetting(
            f"the command {entry.command!r} of job {entry.name!r} is none for cron: "
            "write one line without control characters that does not start with * or a blank"
        )
    if re.search(r"\\[\\%]", entry.command):
        # Debian's makes one of two backslashes, cronie leaves them: no way to write it suits both
        raise InvalidSetting(
            f"the command {entry.command!r} of job {entry.name!r} has a backslash before a % or "
            "another backslash, which crons read in different ways: use paths without"
        )
    command = os.fsencode(entry.command.replace("%", r"\%"))
    if len(command) > COMMAND_BYTES:
        raise InvalidSetting(
            f"the command of job {entry.name!r} takes {len(command)} bytes in the crontab, "
            f"and cron takes {COMMAND_BYTES}: use shorter paths"
        )
    return b"%s %s" % (" ".join(entry.schedule.split()).encode(), command)


def entries(text: bytes) -> list[Entry]:
    """The entries that cron runs, in their order; one that was commented out by hand is none."""
    lines = _LINE.findall(text)
    found = []
    for block in _blocks(lines):
        match = _CRON_LINE.fullmatch(lines[block.first + 1]) if block.whole else None
        if match:
            schedule, command = os.fsdecode(match[1]), os.fsdecode(match[2])
            command = command.replace(r"\%", "%")
            found.append(Entry(name=block.name, schedule=schedule, command=command))
    return found


def with_entry(text: bytes, entry: Entry) -> bytes:
    """The text with this entry: in the place of the one of that name, else at the end.

    The only other byte that may be new is a newline after a last line that had none. Raises
    `CrontabError` where the block was damaged by hand.
    """
    name = _encoded(entry.name)
    block = b'# pydag begin %s "%s"\n%s\n# pydag end %s\n' % (
        entry.id.encode(),
        name,
        line(entry),
        entry.id.encode(),
    )
    lines, places = _cut(text, entry.id)
    if places:
        lines.insert(places[0], block)
    else:
        lines += [b"\n", block] if lines and not lines[-1].endswith(b"\n") else [block]
    return b"".join(lines)


def without_entry(text: bytes, name: str) -> bytes:
    """The text without the entry of that name; unchanged where there is none.

    Raises `CrontabError` where the block was damaged by hand.
    """
    return b"".join(_cut(text, entry_id(name))[0])


def settings_above(text: bytes, name: str) -> dict[str, str]:
    """The variables that the crontab sets for the job's entry, or for one put at the end.

    TZ and SHELL change what the command sees, CRON_TZ when it runs: see `reads_cron_tz`.
    """
    lines = _LINE.findall(text)
    place = next((b.first for b in _blocks(lines) if b.id == entry_id(name)), len(lines))
    found = {}
    for match in filter(None, map(_SETTING.fullmatch, lines[:place])):
        value = match[3]
        if len(value) > 1 and value[:1] in (b"'", b'"') and value[:1] == value[-1:]:
            value = value[1:-1]
        found[os.fsdecode(match[2])] = os.fsdecode(value)
    return found


def _blocks(lines: list[bytes]) -> Iterator[_Block]:
    for first, begin in enumerate(map(_BEGIN.fullmatch, lines)):
        if begin:
            end = _END.fullmatch(lines[first + 2]) if first + 2 < len(lines) else None
            whole = end is not None and end[1] == begin[1]
            yield _Block(begin[1].decode(), _decoded(begin[2]), first, whole)


def _cut(text: bytes, block_id: str) -> tuple[list[bytes], list[int]]:
    """The lines without the blocks of that id, and where those stood."""
    lines = _LINE.findall(text)
    places: list[int] = []
    for block in [each for each in _blocks(lines) if each.id == block_id]:
        if not block.whole:
            raise CrontabError(
                f"line {block.first + 1} of the crontab begins the block of job {block.name!r}, "
                "whose end is not two lines below: put it right or delete it with `crontab -e`"
            )
        places.append(block.first - 3 * len(places))
    for place in places:
        del lines[place : place + 3]
    return lines, places


def _encoded(name: str) -> bytes:
    """The name for a comment: what would not print, and what encodes it, as %XX."""
    return b"".join(
        character.encode()
        if character.isprintable() and character not in "%\\"
        else b"".join(b"%%%02X" % byte for byte in character.encode("utf-8", "surrogatepass"))
        for character in name
    )


def _decoded(name: bytes) -> str:
    try:
        return unquote_to_bytes(name).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # edited by hand; the id tells whose block it is
        return os.fsdecode(name)
