from __future__ import annotations

import pytest

from pydag.model.run import Output
from pydag.view.tails import TAIL_BYTES, TAIL_LINES, OutputTails
from tests.support.samples import TEST_JOB, failed, job, success


def tail(data: bytes, *more: bytes) -> list[str]:
    tails = OutputTails(TEST_JOB)
    for each in (data, *more):
        tails.add(Output(task=0, number=1, data=each))
    tails.ended(failed(0, 0, 1))
    return tails.failed[0][1].lines()


def test_the_last_twenty_lines_are_shown() -> None:
    assert tail(b"".join(b"%d\n" % number for number in range(50))) == [str(number) for number in range(30, 50)]
    assert tail(b"no newline at the end") == ["no newline at the end"]
    assert tail(b"") == []
    assert tail(b"\n\nafter empty ones\n\n\n") == ["", "", "after empty ones"]
    assert TAIL_LINES == 20


@pytest.mark.parametrize("piece", [1, 7, 1000, TAIL_BYTES, 10 * TAIL_BYTES])
def test_a_tail_is_the_same_however_the_output_came_and_its_memory_is_bounded(piece: int) -> None:
    data = b"x" * 100_000 + b"\nlast\n"
    tails = OutputTails(TEST_JOB)
    for start in range(0, len(data), piece):
        tails.add(Output(task=0, number=1, data=data[start : start + piece]))
        assert len(tails.running[0].data) <= 5 * TAIL_BYTES
    tails.ended(failed(0, 0, 1))
    first, last = tails.failed[0][1].lines()
    assert (first, last) == ("…" + "x" * (TAIL_BYTES - 6), "last")


def test_output_of_a_task_cannot_control_the_terminal() -> None:
    shown = tail(b"\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\x07 [bold]x\n10%\r20%\r100%\r\n\xff\xfe\x00\n")
    assert shown == ["red  [bold]x", "100%", "\ufffd\ufffd\ufffd"]


def test_a_cut_inside_a_character_leaves_no_replacement_character() -> None:
    (line,) = tail("é".encode() * TAIL_BYTES + b"x")
    assert line.startswith("…é")


def test_only_the_first_failures_are_kept_but_no_success_and_no_retry() -> None:
    spec = job("J", {f"t{number}": [] for number in range(9)}, retries=1)
    tails = OutputTails(spec)
    for number in range(8):
        tails.add(Output(task=number, number=1, data=b"x"))
    tails.ended(success(0, 0, 1))
    tails.ended(failed(1, 0, 1))
    assert not tails.failed
    for task in range(2, 8):
        tails.ended(failed(task, 0, 1, number=2))
    assert list(tails.failed) == [2, 3, 4]
    assert not tails.running
