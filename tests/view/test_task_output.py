from __future__ import annotations

import io

import pytest

from pydag.model.run import AttemptOutput, Usage
from pydag.testing import at
from pydag.view.task_output import HarmlessSink, task_output
from pydag.view.terminal import Display
from tests.support.samples import BAD, GOOD, TEST_JOB, failed, success

NOW = at(60)
pytestmark = pytest.mark.usefixtures("in_utc")

PLAIN = Display()


def output(*kept: AttemptOutput, display: Display = PLAIN, exact: bool = True, encoding: str = "utf-8") -> bytes:
    return b"".join(task_output("J", TEST_JOB.tasks[0], kept, now=NOW, display=display, exact=exact, encoding=encoding))


def test_output_comes_byte_for_byte_under_a_header() -> None:
    data = bytes(range(256))
    shown = output(
        AttemptOutput(run=BAD.run, attempt=failed(0, 0, 1), output=[data, b"", b"no newline"]),
        AttemptOutput(run=GOOD.run, attempt=success(0, 0, 1), output=[b"hi\n"]),
    )
    assert shown == (
        b">> >> >> >> >> Log For Task `Sync Data` << << << << <<  times in UTC\n"
        + "✗ `Sync Data` at 2022-12-26 15:28:01 (1 min ago)  1.0s, exit 1\n".encode()
        + data
        + b"no newline\n== == == == == == == == == == == == == == == == == == == ==\n"
        + "✓ `Sync Data` at 2022-12-26 15:28:01 (1 min ago)  1.0s\n".encode()
        + b"hi\n>> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >>\n"
    )


def test_output_that_was_cut_says_so() -> None:
    shown = output(AttemptOutput(run=BAD.run, attempt=failed(0, 0, 1, output_dropped=7), output=[b"start"]))
    assert b"start\n[cut here: 7 more bytes not kept: over PYDAG_OUTPUT_LIMIT, or pruned]\n" in shown


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (Usage(0.71, 0.05, 45_600_000), "; CPU 0.7s user, 50ms system; peak memory of its largest process 45 MB"),
        (Usage(61, 0, 812_345), "; CPU 1m 01s user, 0ms system; peak memory of its largest process 812 kB"),
        (Usage(1, 1, 1_250_000_000), "; CPU 1.0s user, 1.0s system; peak memory of its largest process 1.2 GB"),
        (Usage(1, 1), "; CPU 1.0s user, 1.0s system"),
        (None, ""),
    ],
)
def test_the_header_of_an_output_says_what_the_attempt_used(usage: Usage | None, words: str) -> None:
    attempt = success(0, 0, 1)._replace(usage=usage)
    header = output(AttemptOutput(run=GOOD.run, attempt=attempt, output=[])).splitlines()[1].decode()
    assert header == f"✓ `Sync Data` at 2022-12-26 15:28:01 (1 min ago)  1.0s{words}"


def test_colours_that_a_task_left_on_are_turned_off() -> None:
    shown = output(
        AttemptOutput(run=GOOD.run, attempt=success(0, 0, 1), output=[b"\x1b[31mred\n"]), display=Display(colour=True)
    )
    assert b"\x1b[31mred\n\x1b[0m\x1b[34m>> >>" in shown


def test_a_task_without_attempts_says_so() -> None:
    assert output() == b"The task `Sync Data` of `J` has not started yet: there is no output.\n"


def test_a_task_without_failures_says_so() -> None:
    shown = task_output("J", TEST_JOB.tasks[0], [], now=NOW, display=PLAIN, exact=True, failed=True)
    assert list(shown) == [b"No attempt of the task `Sync Data` of `J` has failed.\n"]


def test_a_header_in_another_encoding_does_not_fail() -> None:
    assert output(AttemptOutput(run=GOOD.run, attempt=success(0, 0, 1), output=[]), encoding="ascii").isascii()


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_a_terminal_gets_text_and_colours_and_nothing_else_that_controls_it(pieces: int) -> None:
    data = (
        "é\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2Jclear\x1b[8mhidden\u202e\r\n10%\r100%\nend\x9b".encode() + b"\xff"
    )
    kept = AttemptOutput(
        run=GOOD.run, attempt=success(0, 0, 1), output=[data[n : n + pieces] for n in range(0, len(data), pieces)]
    )
    coloured = output(kept, display=Display(colour=True), exact=False).decode()
    assert "\né\x1b[31mred\x1b[0m clearhidden�\n100%\nend��\x1b[0m\n" in coloured
    plain = output(kept, exact=False).decode()
    assert "\néred clearhidden�\n100%\nend��\n" in plain


def test_a_line_without_an_end_is_shown_in_pieces() -> None:
    kept = AttemptOutput(run=GOOD.run, attempt=success(0, 0, 1), output=[b"x" * 100_000, b"y"])
    assert b"x" * 100_000 + b"y\n" in output(kept, exact=False)


def test_followed_output_reaches_a_terminal_in_whole_lines() -> None:
    stream = io.StringIO()
    sink = HarmlessSink(stream, Display(colour=True))
    for data in (b"one\ntw", b"o\x1b[", b"2J\nthr", b"ee"):
        sink.write(data)
        sink.flush()
    assert stream.getvalue() == "one\ntwo\n"
    sink.close()
    assert stream.getvalue() == "one\ntwo\nthree\x1b[0m"
