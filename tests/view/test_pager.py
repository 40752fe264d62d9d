"""What goes through the pager, and what does not."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from pydag.view.pager import paged
from tests.support.screen import Screen

PAGER = {"TERM": "xterm", "PATH": "/usr/bin:/bin", "PAGER": "sed s/^/paged:/"}


def lines(number: int) -> Iterator[bytes]:
    return (b"%d\n" % each for each in range(number))


def shown(number: int, environ: dict[str, str]) -> list[str]:
    with Screen(columns=20, lines=10) as screen:
        paged(lines(number), screen.stream, environ)
        return [row.strip() for row in screen.rows() if row]


def test_what_is_longer_than_the_screen_goes_through_the_pager_as_a_whole() -> None:
    assert shown(10, PAGER) == [f"paged:{number}" for number in range(10)]
    assert shown(1000, PAGER)[-1] == "paged:999"


def test_what_fits_above_the_prompt_does_not() -> None:
    assert shown(9, PAGER) == [str(number) for number in range(9)]


def test_wide_lines_and_many_lines_in_one_piece_count_as_the_screen_shows_them() -> None:
    for pieces in ([b"x" * 180 + b"\n", b"y\n"], [b"\x1b[31mx\x1b[0m\n" * 10]):
        with Screen(columns=20, lines=10) as screen:
            paged(pieces, screen.stream, PAGER)
            assert b"paged:" in screen.received()


@pytest.mark.parametrize(
    "environ",
    [
        {**PAGER, "TERM": "dumb"},
        {**PAGER, "PAGER": "no-such-pager -x"},
        {**PAGER, "PAGER": ""},
        {**PAGER, "PAGER": "'"},
        {"TERM": "xterm", "PATH": "/nowhere"},
    ],
)
def test_without_a_pager_all_is_written(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", environ["PATH"])
    assert len(shown(30, environ)) == 30


def test_less_gets_the_options_that_git_gives_it_unless_the_user_has_own_ones() -> None:
    environ = {**PAGER, "PAGER": "sh -c 'cat > /dev/null; echo $LESS'"}
    assert shown(30, environ) == ["FRX"]
    assert shown(30, {**environ, "LESS": "-S"}) == ["-S"]


def test_a_reader_of_the_pager_may_leave() -> None:
    assert shown(100_000, {**PAGER, "PAGER": "head -n 2"}) == ["0", "1"]


def test_not_a_terminal_gets_all_of_it() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw)
    paged(lines(100), stream, PAGER)
    assert raw.getvalue() == b"".join(lines(100))
