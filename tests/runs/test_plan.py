"""Plan: properties over random graphs, random `when`, random outcomes, random parallelism."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State, When
from pydag.runs.plan import Plan

ENDS = [State.SUCCESS, State.SUCCESS, State.FAILED, State.LOST, State.CANCELLED]


def job(*tasks: tuple[When, tuple[int, ...]]) -> JobSpec:
    return JobSpec(
        name="job",
        tasks=tuple(
            TaskSpec(name=f"t{number}", action=Shell("true"), when=when, upstream=upstream)
            for number, (when, upstream) in enumerate(tasks)
        ),
    )


@st.composite
def jobs(draw: st.DrawFn) -> JobSpec:
    """Any graph without circles. Numbers do not follow the edges: a task may come before its upstream tasks."""
    size = draw(st.integers(1, 12))
    number_of = draw(st.permutations(range(size)))
    tasks: dict[int, tuple[When, tuple[int, ...]]] = {}
    for place, number in enumerate(number_of):
        earlier = st.lists(st.sampled_from(number_of[:place]), unique=True, max_size=4) if place else st.just([])
        tasks[number] = draw(st.sampled_from(When)), tuple(draw(earlier))
    return job(*(tasks[number] for number in range(size)))


@dataclass
class Walk:
    """A run of a plan with workers that draw which task ends next, and how."""

    spec: JobSpec
    data: st.DataObject
    outcomes: list[State]
    parallel: int
    cancel_at: int | None = None
    started: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def go(self) -> Plan:
        plan = Plan(self.spec)
        self.skipped += [number for number, state in enumerate(plan.states) if state is State.SKIPPED]
        running: list[int] = []
        steps = 0
        while not plan.done:
            if steps == self.cancel_at:
                self.cancelled = plan.cancel()
                assert plan.take() is None
            steps += 1
            while len(running) < self.parallel and (number := plan.take()) is not None:
                self._check_start(number, running)
                running.append(number)
            if running:
                self._end_one(plan, running)
            else:
                assert plan.done, "nothing runs and nothing is ready, yet the plan is not done"
        assert plan.take() is None
        assert not running
        return plan

    def _check_start(self, number: int, running: list[int]) -> None:
        assert number not in self.started, "a task started twice"
        assert not self.cancelled, "a task started after the cancellation"
        over = {*self.ended, *self.skipped}
        assert over.issuperset(self.spec.tasks[number].upstream), "a task started before its upstream had ended"
        self.started.append(number)

    def _end_one(self, plan: Plan, running: list[int]) -> None:
        number = running.pop(self.data.draw(st.integers(0, len(running) - 1)))
        self.ended.append(number)
        self.skipped += plan.finish(number, self.outcomes[number])


@st.composite
def walks(draw: st.DrawFn, *, cancel: bool = False) -> Walk:
    spec = draw(jobs())
    size = len(spec.tasks)
    return Walk(
        spec=spec,
        data=draw(st.data()),
        outcomes=draw(st.lists(st.sampled_from(ENDS), min_size=size, max_size=size)),
        parallel=draw(st.integers(1, size)),
        cancel_at=draw(st.integers(0, size)) if cancel else None,
    )


def expected(spec: JobSpec, outcomes: list[State]) -> list[State]:
    """What must become of each task, straight from the definition of `when`, by asking upstream again and again."""

    def state(number: int) -> State:
        task = spec.tasks[number]
        before = [state(each) for each in task.upstream]
        if task.when is When.SUCCESS:
            runs = all(each is State.SUCCESS for each in before)
        elif task.when is When.ALWAYS:
            runs = True
        else:
            runs = any(failed_or_because_of_it(each) for each in task.upstream)
        return outcomes[number] if runs else State.SKIPPED

    def failed_or_because_of_it(number: int) -> bool:
        if state(number) is State.SKIPPED:
            return any(failed_or_because_of_it(each) for each in spec.tasks[number].upstream)
        return state(number) is not State.SUCCESS

    return [state(number) for number in range(len(spec.tasks))]


@given(walks())
def test_every_run_ends_with_each_task_run_or_skipped_exactly_as_when_says(walk: Walk) -> None:
    plan = walk.go()
    assert plan.states == expected(walk.spec, walk.outcomes)
    skipped = [number for number, state in enumerate(plan.states) if state is State.SKIPPED]
    assert sorted(walk.skipped) == skipped
    assert sorted(walk.started) == sorted(walk.ended) == sorted({*range(len(plan.states))}.difference(skipped))


@given(walks(cancel=True))
def test_a_cancelled_run_ends_and_leaves_nothing_pending(walk: Walk) -> None:
    plan = walk.go()
    assert all(state.final for state in plan.states)
    assert all(plan.states[number] is State.CANCELLED for number in walk.cancelled)
    whole = sorted(walk.started + walk.skipped + walk.cancelled)
    assert whole == list(range(len(plan.states)))


@given(walks(cancel=True))
def test_the_outcome_is_success_only_where_nothing_failed_was_lost_or_cancelled(walk: Walk) -> None:
    plan = walk.go()
    worst = {State.FAILED, State.LOST, State.CANCELLED}.intersection(plan.states)
    assert (plan.outcome() is State.SUCCESS) == (not worst)
    assert plan.outcome() in (worst or {State.SUCCESS})


@given(jobs())
def test_with_one_worker_and_no_failure_success_tasks_run_in_a_valid_order(spec: JobSpec) -> None:
    plan = Plan(spec)
    seen: list[int] = []
    while (number := plan.take()) is not None:
        assert all(before in seen or plan.states[before] is State.SKIPPED for before in spec.tasks[number].upstream)
        seen.append(number)
        plan.finish(number, State.SUCCESS)
    assert plan.done


def finished(spec: JobSpec, outcomes: dict[int, State]) -> list[str]:
    plan = Plan(spec)
    while (number := plan.take()) is not None:
        plan.finish(number, outcomes.get(number, State.SUCCESS))
    return [state.value for state in plan.states]


def test_a_failure_fails_only_what_depends_on_it() -> None:
    success = When.SUCCESS
    spec = job((success, ()), (success, (0,)), (success, (1,)), (success, ()), (success, (3,)))
    assert finished(spec, {0: State.FAILED}) == ["failed", "skipped", "skipped", "success", "success"]


def test_a_cleanup_runs_after_a_failure_that_a_skipped_task_passed_on() -> None:
    spec = job((When.SUCCESS, ()), (When.SUCCESS, (0,)), (When.FAILURE, (1,)), (When.SUCCESS, (2,)))
    assert finished(spec, {0: State.FAILED}) == ["failed", "skipped", "success", "success"]
    assert finished(spec, {}) == ["success", "success", "skipped", "skipped"]


def test_a_task_for_failures_without_upstream_tasks_never_runs() -> None:
    plan = Plan(job((When.FAILURE, ())))
    assert (plan.done, plan.states, plan.outcome()) == (True, [State.SKIPPED], State.SUCCESS)


def test_a_skip_because_nothing_failed_is_no_failure_to_what_follows() -> None:
    spec = job((When.SUCCESS, ()), (When.FAILURE, (0,)), (When.FAILURE, (1,)), (When.ALWAYS, (2,)))
    assert finished(spec, {}) == ["success", "skipped", "skipped", "success"]


def test_the_outcome_is_running_until_the_last_task_ended() -> None:
    plan = Plan(job((When.SUCCESS, ())))
    assert plan.outcome() is State.RUNNING
    assert plan.take() == 0
    assert plan.outcome() is State.RUNNING
    assert plan.finish(0, State.SUCCESS) == []
    assert plan.outcome() is State.SUCCESS


def test_only_a_running_task_can_end() -> None:
    plan = Plan(job((When.SUCCESS, ())))
    with pytest.raises(ValueError, match="task 0 is pending, only a running task can end"):
        plan.finish(0, State.SUCCESS)
    plan.take()
    with pytest.raises(ValueError, match="running is not an end"):
        plan.finish(0, State.RUNNING)


def test_a_second_cancellation_changes_nothing() -> None:
    plan = Plan(job((When.SUCCESS, ()), (When.SUCCESS, ())))
    plan.take()
    assert plan.cancel() == [1]
    assert plan.cancel() == []
    assert not plan.done
    plan.finish(0, State.CANCELLED)
    assert plan.done


def test_what_has_ended_before_is_never_taken_and_decides_what_follows() -> None:
    success = When.SUCCESS
    spec = job((success, ()), (success, (0,)), (success, (1,)), (When.FAILURE, (2,)), (success, ()))
    plan = Plan(spec, {0: State.SUCCESS, 1: State.SUCCESS})
    assert plan.skipped_at_start == []
    assert [plan.take(), plan.take(), plan.take()] == [2, 4, None]
    assert plan.finish(2, State.SUCCESS) == [3]
    plan.finish(4, State.SUCCESS)
    assert (plan.done, plan.outcome()) == (True, State.SUCCESS)


def test_a_failure_before_the_walk_skips_what_depends_on_it() -> None:
    success = When.SUCCESS
    plan = Plan(job((success, ()), (success, (0,)), (success, (1,)), (When.FAILURE, (2,))), {0: State.FAILED})
    assert plan.skipped_at_start == [1, 2]
    assert plan.take() == 3
    plan.finish(3, State.SUCCESS)
    assert plan.outcome() is State.FAILED


def test_a_walk_of_which_all_has_ended_is_done() -> None:
    plan = Plan(job((When.SUCCESS, (1,)), (When.SUCCESS, ())), {0: State.SUCCESS, 1: State.SUCCESS})
    assert (plan.done, plan.outcome(), plan.take()) == (True, State.SUCCESS, None)
