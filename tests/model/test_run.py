"""RunRecord: what the attempts of a run say of its tasks and its hooks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pydag.model.actions import Shell
from pydag.model.run import record_of, with_lost_hooks
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.testing.records import attempt_of, job_of, run_of

RUN = run_of("J", "r", state=State.FAILED)


def with_hooks(*names: str) -> JobSpec:
    return replace(job_of("J", 2), hooks=tuple(TaskSpec(name=name, action=Shell("true")) for name in names))


def test_the_numbers_behind_the_last_task_are_those_of_the_hooks() -> None:
    spec = with_hooks("on_failure", "on_end")
    assert [spec.number(name) for name in ("t0", "t1", "on_failure", "on_end", "on_success")] == [0, 1, 2, 3, None]
    assert [entry.name for entry in spec.entries] == ["t0", "t1", "on_failure", "on_end"]
    record = record_of(RUN, spec, [attempt_of(0, state=State.FAILED), attempt_of(3, state=State.SUCCESS)])
    assert [task.state for task in record.tasks.values()] == [State.FAILED, State.PENDING]
    assert {name: hook.state for name, hook in record.hooks.items()} == {"on_end": State.SUCCESS}
    assert record.entry("on_end").attempts == (attempt_of(3, state=State.SUCCESS),)
    assert (record.entry("t0").state, record.entry("on_failure").attempts) == (State.FAILED, ())
    assert record.unsuccessful() == [record.tasks["t0"]]


@pytest.mark.parametrize(("hook", "lost"), [(State.RUNNING, State.LOST), (State.SUCCESS, State.SUCCESS)])
def test_a_hook_whose_tracker_ended_is_lost_and_the_run_stays_as_it_was(hook: State, lost: State) -> None:
    record = with_lost_hooks(record_of(RUN, with_hooks("on_end"), [attempt_of(2, state=hook)]))
    assert (record.state, record.hooks["on_end"].state) == (State.FAILED, lost)


def test_a_run_that_never_started_has_hooks_and_no_attempt_of_a_task() -> None:
    record = record_of(
        RUN._replace(start_failure="no file"), with_hooks("on_end"), [attempt_of(2, state=State.SUCCESS)]
    )
    assert {task.reason for task in record.tasks.values()} == {Reason.NOT_STARTED}
    assert record.hooks["on_end"].state is State.SUCCESS
