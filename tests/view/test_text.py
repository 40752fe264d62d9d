from __future__ import annotations

import os
import subprocess

import pytest

from pydag.view.text import coloured, overwritten, padded, sanitized, shell_word, text_width


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("漢字", 4),
        ("🚀", 2),
        ("👩\u200d👧", 2),
        ("✓", 1),
        ("…", 1),
        ("\u200b", 0),
    ],
)
def test_wide_characters_take_two_columns_and_marks_none(text: str, columns: int) -> None:
    assert text_width(text) == columns
    assert text_width(padded(text, 6)) == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://a\x1b\\link", "link"),
        ("\x1b]never ended", ""),
        ("\x1b[2J\x1bcgone", "gone"),
        ("bell\x07 back\x08 \x9b31m", "bell\ufffd back\ufffd \ufffd31m"),
        ("\u202eevil", "\ufffdevil"),
        ("a\tb", "a       b"),
        ("[red] 漢 🚀", "[red] 漢 🚀"),
        ("\x1b", "\ufffd"),
    ],
)
def test_foreign_text_cannot_control_a_terminal(text: str, expected: str) -> None:
    assert sanitized(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m\x1b[m", "\x1b[31mred\x1b[0m\x1b[m"),
        ("\x1b[8mhidden\x1b[1;08;31mred", "hidden\x1b[1;31mred"),
        ("\x1b[38;5;8mgrey\x1b[48;2;8;8;8;8m.", "\x1b[38;5;8mgrey\x1b[48;2;8;8;8m."),
        ("\x1b[38:5:8m.", "\x1b[38:5:8m."),
        ("\x1b[>4;2m\x1b[?25l\x1b[2J\x1bP1q\x1b\\.", "."),
        ("\x1b]8;;http://a\x1b\\link\x1b]0;\x1b[31m", "link"),
        ("\ta\x08\u2066", "\ta\ufffd\ufffd"),
    ],
)
def test_coloured_text_keeps_its_colours_alone(text: str, expected: str) -> None:
    assert coloured(text) == expected


def test_a_progress_bar_is_what_it_showed_last() -> None:
    assert [overwritten(line) for line in ("a\r", "10%\r20%", "\r", "a")] == ["a", "20%", "", "a"]


@pytest.mark.parametrize("name", ["a b", "it's", "\u202e'\\x 工作 \x1b[2J", "$HOME\t`x`"])
def test_a_word_for_a_shell_can_be_shown_and_is_what_it_was(name: str) -> None:
    word = shell_word(name)
    assert sanitized(word) == word
    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    shown = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env=environ)
    assert shown.stdout.decode() == name
