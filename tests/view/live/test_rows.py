from __future__ import annotations

import pytest

from pydag.model.run import Attempt, Output
from pydag.model.states import Reason, State
from pydag.testing import at
from pydag.view.live.rows import Row, pieces, row_of
from pydag.view.text import text_width
from tests.support.frames import SIZE_80, board_of
from tests.support.samples import job, running


def test_what_was_left_out_says_so() -> None:
    left_out = Attempt.not_attempted(0, State.SKIPPED, reason=Reason.LEFT_OUT)
    row = row_of(board_of(job("J", {"a": []}), [left_out]), 0, at(1), SIZE_80)
    assert (row.sign, row.words) == ("·", "left out of this run")


@pytest.mark.parametrize("befores", [1, 2, 5])
def test_of_many_tasks_that_are_waited_for_the_number_is_said(befores: int) -> None:
    names = [f"t{number}" for number in range(befores)]
    board = board_of(job("J", {**{name: [] for name in names}, "last": names}), [])
    words = {1: "", 2: "0 of 2 done, waits: t0, t1", 5: "0 of 5 done"}
    assert row_of(board, befores, at(1), SIZE_80).words == words[befores]


def test_the_columns_of_a_line_are_kept_for_wide_names() -> None:
    rows = [Row(0, "工作", "●", ""), Row(2, "a", "●", "")]
    lines = ["".join(text for text, _ in pieces(row._replace(took="1s"), 6, 4, SIZE_80)) for row in rows]
    assert lines == ["● 工作    1s", "●   a     1s"]
    assert len(set(map(text_width, lines))) == 1


def test_output_that_controls_a_terminal_is_shown_as_text() -> None:
    board = board_of(job("J", {"a": []}), [running(0, 0), Output(0, 1, b"10%\r\x1b[31m50%\x1b[2J\tx\n\n")])
    assert row_of(board, 0, at(1), SIZE_80).extra == "50%     x"


def test_what_an_engine_waits_for_stands_after_the_time() -> None:
    waits = running(0, 0)._replace(detail="gocron is away")
    row = row_of(board_of(job("J", {"a": []}), [running(0, 0), waits]), 0, at(20), SIZE_80)
    assert (row.took, row.extra) == ("20s", "gocron is away")
