"""The text of a crontab: what an entry adds, and that nothing else changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pydag.errors import CrontabError, InvalidSetting
from pydag.schedule.schedulers.crontab_text import (
    COMMAND_BYTES,
    CrontabBlock,
    blocks,
    cron_line,
    settings_above,
    with_block,
    without_block,
)
from pydag.schedule.submission import submission_id
from tests.support.crontab_blocks import OURS, block, commands, names, some_blocks

# Lines as crontabs have them, and bytes as they should not
foreign_lines = st.sampled_from(
    [
        b"# a comment\n",
        b'MAILTO=""\r\n',
        b"0 5 * * 1 tar -zcf /var/backups/home.tgz /home/\r\n",
        b"\n",
        b"# BEGIN other tool\n",
        b"# END other tool\n",
        b"# pydag begin nothing\n",
        b"\xff\xfe\x00 no utf-8\n",
        b"@reboot echo 100\\%\n",
        b"\x0b\x0c\x85\r\r\n",
        OURS,
    ]
) | st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"") + b"\n")
crontabs = st.builds(
    lambda lines, last: b"".join(lines) + last.replace(b"\n", b" "),
    st.lists(foreign_lines, max_size=8),
    st.binary(max_size=20),
)


# The text


@given(text=crontabs, new=some_blocks)
@example(text=b"# no last newline", new=block())
@example(text=b"", new=block())
def test_an_entry_put_in_and_taken_out_leaves_every_byte(text: bytes, new: CrontabBlock) -> None:
    before = without_block(text, new.name)
    after = with_block(before, new)
    assert after.startswith(before)
    ended = before if before.endswith(b"\n") or not before else before + b"\n"
    assert without_block(after, new.name) == ended


@given(text=crontabs, new=some_blocks)
def test_an_entry_is_read_as_it_was_put_in(text: bytes, new: CrontabBlock) -> None:
    assert [each for each in blocks(with_block(text, new)) if each.name == new.name] == [new]


@given(above=crontabs, below=crontabs, old=some_blocks, command=commands)
def test_an_entry_put_in_again_takes_the_place_of_the_old_one(
    above: bytes, below: bytes, old: CrontabBlock, command: str
) -> None:
    above, below = without_block(above, old.name), without_block(below, old.name)
    text = with_block(above, old) + below
    new = CrontabBlock(name=old.name, expression="@weekly", command=command)
    assert with_block(text, new) == with_block(above, new) + below
    assert without_block(text, "another job") == text


@given(text=crontabs, new=st.lists(some_blocks, max_size=5, unique_by=lambda each: each.name))
def test_entries_do_not_touch_each_other(text: bytes, new: list[CrontabBlock]) -> None:
    for each in new:
        text = with_block(text, each)
    for each in new:
        others = [other for other in blocks(text) if other.name != each.name]
        assert blocks(without_block(text, each.name)) == others


@given(name=names)
def test_a_block_is_three_lines_whatever_the_name(name: str) -> None:
    text = with_block(b"", block(name=name))
    assert text.count(b"\n") == 3
    assert text.splitlines()[1:] == [b"0 0 * * * true", b"# pydag end " + submission_id(name).encode()]


def test_a_block_reads_well() -> None:
    assert with_block(b"", block(name="täglich 100%")).decode() == (
        f'# pydag begin {submission_id("täglich 100%")} "täglich 100%25"\n'
        "0 0 * * * true\n"
        f"# pydag end {submission_id('täglich 100%')}\n"
    )


def test_copies_of_a_block_become_one_again() -> None:
    text = OURS + b"# between\n" + OURS
    assert with_block(text, block(command="new")) == with_block(b"", block(command="new")) + b"# between\n"
    assert without_block(text, "TestJob") == b"# between\n"


def test_a_crontab_turned_to_crlf_still_has_its_entries() -> None:
    text = b"# above\r\n" + OURS.replace(b"\n", b"\r\n")
    assert blocks(text) == [block()]
    assert without_block(text, "TestJob") == b"# above\r\n"


def test_an_entry_that_was_commented_out_is_none_and_can_be_replaced() -> None:
    text = OURS.replace(b"0 0", b"#0 0")
    assert blocks(text) == []
    assert with_block(text, block()) == OURS
    assert without_block(text, "TestJob") == b""


@pytest.mark.parametrize(
    "damaged",
    [
        OURS.rsplit(b"# pydag end")[0],
        OURS.replace(b"0 0 * * * true\n", b""),
        OURS.replace(b"true\n", b"true\n5 5 * * * somebody else's\n"),
        OURS.replace(b"end ", b"end 0"),
    ],
)
def test_a_block_damaged_by_hand_is_not_guessed_at(damaged: bytes) -> None:
    text = b"# first\n" + damaged
    assert blocks(text) == []
    message = re.escape(
        "line 2 of the crontab begins the block of job 'TestJob', whose end is not two lines "
        "below: put it right or delete it with `crontab -e`"
    )
    with pytest.raises(CrontabError, match=message):
        with_block(text, block())
    with pytest.raises(CrontabError, match=message):
        without_block(text, "TestJob")
    assert without_block(with_block(text, block(name="other")), "other") == text


def test_a_percent_sign_is_escaped_for_cron() -> None:
    assert cron_line(block(command=r"date +%s%% \d")) == rb"0 0 * * * date +\%s\%\% \d"
    assert blocks(with_block(b"", block(command="%%"))) == [block(command="%%")]


@pytest.mark.parametrize("command", [r"a\\b", r"a\%b", r"a\\\%b"])
def test_backslashes_that_crons_read_in_different_ways_are_refused(command: str) -> None:
    with pytest.raises(InvalidSetting, match="has a backslash before a % or another backslash"):
        cron_line(block(command=command))


def test_a_command_of_the_most_bytes_cron_takes_is_written_and_one_more_is_refused() -> None:
    assert cron_line(block(command="%" + "ü" * 498)).endswith("ü".encode())
    with pytest.raises(InvalidSetting) as refused:
        cron_line(block(command="%" + "ü" * 498 + "x"))
    assert str(refused.value) == (
        "the command of job 'TestJob' takes 999 bytes in the crontab, "
        f"and cron takes {COMMAND_BYTES}: use shorter paths"
    )


@pytest.mark.parametrize("command", ["", " x", "x ", "* x", "a\nb", "a\rb", "a\x00b", "a\x7f"])
def test_a_command_that_cron_reads_otherwise_is_refused(command: str) -> None:
    with pytest.raises(InvalidSetting, match="cannot be given to cron: write one line without control"):
        cron_line(block(command=command))


def test_settings_count_for_the_entries_below_them() -> None:
    above = b"# TZ=no\n CRON_TZ = \"Asia/Tokyo\" \r\n'TZ'=UTC\nTZ=Asia/Seoul\nSHELL=\n0 0 * * * X=1\n"
    below = b"CRON_TZ=UTC\n"
    found = {"CRON_TZ": "Asia/Tokyo", "TZ": "Asia/Seoul", "SHELL": ""}
    assert settings_above(above + OURS + below, "TestJob") == found
    assert settings_above(above + OURS + below, "new") == {**found, "CRON_TZ": "UTC"}
    assert settings_above(OURS + above, "TestJob") == {}
