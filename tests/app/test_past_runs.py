from __future__ import annotations

from collections.abc import Sequence

import pytest

from pydag.app.backends import opened_store
from pydag.app.past_runs import past_runs
from pydag.model.run import Attempt
from pydag.model.spec import JobSpec
from pydag.model.states import Reason, State
from pydag.runs.reporter import PastRuns
from pydag.settings import Settings
from pydag.testing import at
from tests.support.samples import fan, job, run_of, success

SPEC = job("J", {"a": [], "b": ["a"]})


def ran(
    number: int, attempts: Sequence[Attempt], ended: float, state: State = State.SUCCESS, *, spec: JobSpec = SPEC
) -> None:
    run = run_of(spec, [], State.RUNNING, ended=None, run_id=f"r{number}").run
    with opened_store(Settings.load()) as store:
        handle = store.begin(run._replace(started=at(number * 1000)), spec)
        handle.write(
            [each._replace(started=at(number * 1000), ended=at(number * 1000 + _took(each))) for each in attempts]
        )
        handle.finish(state, at(number * 1000 + ended))


def _took(attempt: Attempt) -> float:
    return (attempt.ended - attempt.started).total_seconds() if attempt.started and attempt.ended else 0.0


def test_the_medians_are_those_of_the_last_successful_runs() -> None:
    for number, seconds in enumerate([500, 1, 2, 3, 4, 50]):
        ran(number, [success(0, 0, seconds), success(1, 0, 7)], seconds + 7)
    ran(6, [success(0, 0, 900)], 900, State.FAILED)
    assert past_runs(SPEC) == PastRuns(10, {"a": 3, "b": 7})


def test_a_run_that_left_tasks_out_does_not_count() -> None:
    ran(0, [success(0, 0, 5), success(1, 0, 7)], 12)
    for number in (1, 2, 3):
        ran(number, [success(0, 0, 1)._replace(state=State.SUCCESS)], 1)
    left_out = Attempt.not_attempted(1, State.SKIPPED, reason=Reason.LEFT_OUT)
    with opened_store(Settings.load()) as store:
        for number in (1, 2, 3):
            store.reopen(f"r{number}").write([left_out])
    assert past_runs(SPEC) == PastRuns(12, {"a": 5, "b": 7})


def test_a_job_that_never_succeeded_has_none() -> None:
    assert past_runs(SPEC) is None
    ran(0, [], 3, State.FAILED)
    assert past_runs(SPEC) is None


@pytest.mark.parametrize(("width", "tasks"), [(900, 1), (1100, 0)])
def test_of_a_large_job_only_whole_runs_are_read(width: int, tasks: int) -> None:
    spec = fan(width)
    ran(0, [success(0, 0, 3)], 40, spec=spec)
    past = past_runs(spec)
    assert past
    assert (past.total, len(past.tasks)) == (40, tasks)
