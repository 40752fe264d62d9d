"""What happened, in words."""

from __future__ import annotations

import pytest

from pydag.model.actions import Action, HttpRequest, Shell
from pydag.model.run import Attempt
from pydag.model.spec import TaskSpec
from pydag.model.states import State
from pydag.view.wording import failure, given_values

SIGPIPE = "exit 141 (SIGPIPE: a stage of a pipe outlived its reader; strict=False allows that)"


def failed(action: Action, status: int) -> str:
    return failure(TaskSpec(name="t", action=action), Attempt(0, 1, State.FAILED, exit_status=status))


def test_a_strict_command_of_which_sigpipe_ended_a_stage_is_told_how_to_allow_that() -> None:
    assert failed(Shell("seq 1 1000000 | head -n1", strict=True), 141) == SIGPIPE


@pytest.mark.parametrize(
    ("action", "status"), [(Shell("a | b"), 141), (Shell("a | b", strict=True), 1), (HttpRequest("http://h"), 141)]
)
def test_no_other_end_is_taken_for_that(action: Action, status: int) -> None:
    assert failed(action, status) == f"exit {status}"


def test_values_of_parameters_are_written_as_a_command_line_takes_them() -> None:
    assert given_values([("DAY", "2026-03-01"), ("CITY", "New York"), ("EMPTY", "")]) == (
        "DAY=2026-03-01 CITY='New York' EMPTY=''"
    )
    assert given_values([("TEXT", "x" * 100)]) == f"TEXT={'x' * 60}..."
