from __future__ import annotations

import pytest

from pydag.view.text import padded, sanitized, text_width


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
