"""Which process tracks a run: gone only where that is certain."""

import os
import subprocess
import sys

import pytest

from pydag.runs import owner

PROGRAM = "from pydag.runs import owner; print(owner.this_process())"


def changed(field: int, value: str) -> str:
    fields = owner.this_process().split(" ")
    fields[field] = value
    return " ".join(fields)


def test_this_process_is_here_and_one_that_ended_is_gone() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout.strip()
    assert not owner.is_gone(owner.this_process())
    assert owner.is_gone(ended)


def test_a_pid_that_was_used_again_is_another_process() -> None:
    assert owner.is_gone(changed(3, "1"))


def test_what_ran_before_the_machine_started_anew_is_gone() -> None:
    assert owner.is_gone(changed(1, "another-boot"))


@pytest.mark.parametrize(
    "other",
    [changed(0, "another-host"), changed(4, "pid:[1]"), changed(2, "x"), "", "host 1 2"],
    ids=["another host", "another container", "no pid", "no owner", "too little"],
)
def test_what_cannot_be_seen_from_here_is_not_called_gone(other: str) -> None:
    assert not owner.is_gone(other)


def test_without_proc_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = changed(3, "1")
    monkeypatch.setattr(owner, "_boot", lambda: "")
    monkeypatch.setattr(owner, "_started", lambda _: "")
    assert not owner.is_gone(ended)
    assert str(os.getpid()) in owner.this_process()
