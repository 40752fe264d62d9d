"""Blocks of the crontab, plain ones, hostile ones and random ones."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from pydag.schedule.schedulers.crontab_text import CrontabBlock, with_block
from pydag.testing import HOSTILE_NAMES

NAMES = (
    *HOSTILE_NAMES,
    "'\"`$(touch owned);%#\\",
    "täglich 🦀 \u202e",
    '# pydag end "',
    "\\r\\b",
    "a\nb\r\x00\ud800",
)
"""A crontab keeps apart even names that no job may have."""


def block(name: str = "TestJob", expression: str = "0 0 * * *", command: str = "true") -> CrontabBlock:
    return CrontabBlock(name=name, expression=expression, command=command)


OURS = with_block(b"", block())

names = st.sampled_from(NAMES) | st.text(min_size=1, max_size=30)
commands = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60)
    .map(lambda text: f"run {text}.")
    .filter(lambda text: not re.search(r"\\[\\%]", text))  # crons differ there: refused
)
some_blocks = st.builds(
    CrontabBlock,
    name=names,
    expression=st.sampled_from(["0 0 * * *", "@daily", "*/5 1-3 * * MON"]),
    command=commands,
)
