"""Entries of the crontab, plain ones, hostile ones and random ones."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from pydag.schedule.schedulers.crontab_text import Entry, with_entry
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


def entry(name: str = "TestJob", schedule: str = "0 0 * * *", command: str = "true") -> Entry:
    return Entry(name=name, schedule=schedule, command=command)


OURS = with_entry(b"", entry())

names = st.sampled_from(NAMES) | st.text(min_size=1, max_size=30)
commands = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60)
    .map(lambda text: f"run {text}.")
    .filter(lambda text: not re.search(r"\\[\\%]", text))  # crons differ there: refused
)
some_entries = st.builds(
    Entry,
    name=names,
    schedule=st.sampled_from(["0 0 * * *", "@daily", "*/5 1-3 * * MON"]),
    command=commands,
)
