"""Which process tracks a run: gone only where that is certain."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from pydag.model.actions import Shell
from pydag.model.run import record_of
from pydag.model.spec import TaskSpec
from pydag.model.states import State
from pydag.processes import INITIAL_NAMESPACE
from pydag.runs import owner
from pydag.testing import at, attempt_of, job_of, run_of
from tests.support.waiting import eventually

SLEEPER = "import time; from pydag.runs import owner; print(owner.this_process(), flush=True); time.sleep(600)"
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


def test_a_process_that_was_killed_is_gone_although_nobody_has_awaited_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        named = process.stdout.readline().strip()
        assert owner.is_here(named)
        process.kill()
        eventually(lambda: owner.is_gone(named))
        assert process.returncode is None


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process on a machine, in no container."""
    monkeypatch.setattr(owner, "machine_id", lambda: "this-machine")
    monkeypatch.setattr(owner, "pid_namespace", lambda: INITIAL_NAMESPACE)


@pytest.mark.usefixtures("machine")
def test_what_ran_before_the_machine_started_anew_is_gone() -> None:
    assert owner.is_gone(changed(1, "another-boot"))


@pytest.mark.usefixtures("machine")
def test_another_machine_of_the_same_host_name_is_another_one() -> None:
    elsewhere = changed(1, "another-boot").replace("this-machine", "that-machine")
    assert not owner.is_gone(elsewhere)
    assert not owner.is_gone(elsewhere.rpartition(" ")[0])  # as an earlier version wrote it


def test_a_container_may_have_the_machine_id_of_its_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "machine_id", lambda: "image")
    monkeypatch.setattr(owner, "pid_namespace", lambda: "pid:[1]")
    assert not owner.is_gone(changed(1, "another-boot"))


ELSEWHERE = [changed(4, "pid:[1]"), changed(2, "x"), "", "host 1 2"]


@pytest.mark.parametrize("other", ELSEWHERE, ids=["another container", "no pid", "empty", "too little"])
def test_what_cannot_be_seen_from_here_is_neither_gone_nor_here(other: str) -> None:
    assert not owner.is_gone(other)
    assert not owner.is_here(other)


def test_a_silent_tracker_elsewhere_was_not_heard_of_since_its_last_word() -> None:
    run = run_of("J", "r1")._replace(owner=changed(4, "pid:[1]"))
    bound = owner.SILENCE.total_seconds()
    assert owner.silent_since(run, at(bound)) is None
    assert owner.silent_since(run, at(bound + 1)) == run.started
    heard = run._replace(heard=at(100))
    assert owner.silent_since(heard, at(100 + bound)) is None
    assert owner.silent_since(heard, at(101 + bound)) == at(100)
    assert owner.silent_since(heard._replace(state=State.LOST), at(500)) is None


def test_a_tracker_that_can_be_seen_is_never_silent() -> None:
    run = run_of("J", "r1")._replace(owner=owner.this_process())
    assert owner.is_here(run.owner)
    assert owner.silent_since(run, at(10_000)) is None
    assert owner.silent_since(run._replace(owner=changed(3, "1")), at(10_000)) is None  # that one is gone


def test_an_owner_is_named_for_people() -> None:
    assert owner.named("db1 boot 123 456 pid:[1] machine") == "pid 123 on db1"
    assert owner.named("") == ""


@pytest.mark.parametrize(("gone", "state"), [(True, State.LOST), (False, State.RUNNING)])
def test_a_hook_of_a_process_that_is_gone_is_lost(gone: bool, state: State) -> None:
    spec = replace(job_of("J"), hooks=(TaskSpec(name="on_end", action=Shell("true")),))
    run = run_of("J", "r1", state=State.FAILED)._replace(owner=changed(3, "1") if gone else owner.this_process())
    record = owner.actual_record(record_of(run, spec, [attempt_of(2)]))
    assert (record.state, record.hooks["on_end"].state) == (State.FAILED, state)


def test_without_proc_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = changed(3, "1")
    monkeypatch.setattr(owner, "boot_id", lambda: "")
    monkeypatch.setattr(owner, "_started", lambda _: "")
    assert not owner.is_gone(ended)
    assert str(os.getpid()) in owner.this_process()
