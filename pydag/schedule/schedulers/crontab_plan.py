"""The entries that `GoCronJob` programs before this pydag put on the crontab, with the package plan.

Each is a block of three lines. Blocks of other programs that use plan, whose commands look different, are left alone.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from pydag.schedule.schedulers.crontab_text import CRON_LINE, CrontabBlock, lines_of, with_block, without_block

_BLOCK = re.compile(
    rb"^# Begin Plan generated jobs for: ([^\n]*)\n([^\n]*)\n# End Plan generated jobs for: \1(?:\n|\Z)", re.MULTILINE
)
_COMMAND = re.compile(rb"export PYDAG_RUN_NEW=(yes|no) && (\S.*) (/\S+\.py|/\S+\.ipynb(?= --stdout$))(?: --stdout)?")


class PlanBlock(NamedTuple):
    """What such an entry says. `first` and `end` are where it stands in the text."""

    name: str
    expression: str
    command: str
    run_new: str
    file: str
    first: int
    end: int


def plan_blocks(text: bytes) -> list[PlanBlock]:
    """The blocks, in their order."""
    found = []
    for block in _BLOCK.finditer(text):
        line = CRON_LINE.fullmatch(block[2])
        command = _COMMAND.fullmatch(line[2]) if line else None
        if line and command:
            name, expression, whole, run_new, file = map(
                os.fsdecode, (block[1], line[1], line[2], command[1], command[3])
            )
            found.append(PlanBlock(name, expression, whole, run_new, file, *block.span()))
    return found


def without_plan_blocks(text: bytes, name: str) -> bytes:
    """The text without the blocks of that name; no other byte changes."""
    for block in reversed(plan_blocks(text)):
        if block.name == name:
            text = text[: block.first] + text[block.end :]
    return text


def in_the_place_of_plan(text: bytes, block: CrontabBlock) -> bytes:
    """`with_block`; it takes the place of a block that plan made of that name, below the same settings."""
    older = [each.first for each in plan_blocks(text) if each.name == block.name]
    rest = without_plan_blocks(text, block.name)
    if not older or without_block(rest, block.name) != rest:
        return with_block(rest, block)
    return rest[: older[0]] + lines_of(block) + rest[older[0] :]
