"""What may be pruned: never what goes on, nor the newest success, nor the newest failure."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pydag.model.run import Run
from pydag.model.states import State
from pydag.runs.retention import prunable
from pydag.settings import Keep
from pydag.testing import at, run_of

DAY = 86400


def runs_of(*states: State) -> list[Run]:
    """A run a day, newest first: the first one started at day 0, the next a day before."""
    return [run_of("J", f"r{age}", -age * DAY, state) for age, state in enumerate(states)]


def ids(runs: list[Run]) -> list[str]:
    return [run.id for run in runs]


OK, BAD, LOST, GOES_ON = State.SUCCESS, State.FAILED, State.LOST, State.RUNNING


def test_the_newest_runs_stay_and_the_oldest_goes_first() -> None:
    runs = runs_of(OK, BAD, OK, BAD, OK)
    assert ids(prunable(runs, Keep(runs=3), at(0))) == ["r4", "r3"]
    assert prunable(runs, Keep(runs=5), at(0)) == prunable(runs, Keep(), at(0)) == []


def test_a_run_goes_that_is_older_than_the_limit() -> None:
    runs = runs_of(OK, BAD, OK, BAD, OK)
    assert ids(prunable(runs, Keep(age=timedelta(days=2)), at(0))) == ["r4", "r3"]
    assert ids(prunable(runs, Keep(age=timedelta(days=2)), at(0.000001))) == ["r4", "r3", "r2"]
    assert ids(prunable(runs, Keep(runs=4, age=timedelta(days=3)), at(0))) == ["r4"]


def test_the_newest_success_and_the_newest_failure_stay_however_old() -> None:
    assert ids(prunable(runs_of(OK, OK, OK, BAD, BAD), Keep(runs=1), at(0))) == ["r4", "r2", "r1"]
    assert ids(prunable(runs_of(BAD, LOST, BAD, OK, OK), Keep(runs=1), at(0))) == ["r4", "r2", "r1"]
    assert ids(prunable(runs_of(LOST, BAD, OK), Keep(runs=1), at(0))) == ["r1"]


def test_a_run_that_goes_on_stays() -> None:
    assert ids(prunable(runs_of(OK, BAD, GOES_ON, OK), Keep(runs=1), at(0))) == ["r3"]


@given(
    st.lists(st.sampled_from(State)),
    st.builds(Keep, runs=st.none() | st.integers(1, 5), age=st.none() | st.integers(1, 5).map(timedelta)),
)
def test_what_stays_is_what_was_asked_for_and_what_is_protected(states: list[State], keep: Keep) -> None:
    runs = runs_of(*states)
    gone = set(ids(prunable(runs, keep, at(0))))
    stays = [run for run in runs if run.id not in gone]
    for wanted in ({State.SUCCESS}, {State.FAILED, State.LOST}):
        newest = next((run for run in runs if run.state in wanted), None)
        assert newest is None or newest in stays
    assert all(run.state.final for run in runs if run.id in gone)
    for place, run in enumerate(runs):
        within = (keep.runs is None or place < keep.runs) and (keep.age is None or at(0) - run.started <= keep.age)
        assert not (within and run.id in gone)
