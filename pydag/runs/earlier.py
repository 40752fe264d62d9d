"""What a run finds done already: by itself, where it is resumed, or by an earlier run. Decisions alone, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydag.model.run import Attempt, RunRecord, TaskRun, tried_again
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State


class Earlier(NamedTuple):
    """What there is before the tracker begins.

    `kept` are attempts, or ends without one, that the history has of this run. `new` are such that it gets when the run
    begins. `ended` says of each task that will not start how it counts for those after it, and `numbers` the number of
    the first attempt of each task that had attempts before.
    """

    kept: Sequence[Attempt] = ()
    new: Sequence[Attempt] = ()
    ended: dict[int, State] = {}  # noqa: RUF012  # never changed
    numbers: dict[int, int] = {}  # noqa: RUF012  # never changed


NOTHING = Earlier()


def left_out(tasks: Iterable[int], at: datetime) -> Earlier:
    """Tasks that somebody did not ask for: they are skipped, and count as a success."""
    return _not_started(tasks, State.SKIPPED, Reason.LEFT_OUT, at)


def done_by_another_run(tasks: Iterable[int], at: datetime) -> Earlier:
    """Tasks that succeeded in an earlier run."""
    return _not_started(tasks, State.SUCCESS, Reason.EARLIER, at)


def of_resumed(record: RunRecord, cause: str) -> Earlier:
    """What a run did before it is resumed: what succeeded stays, and so does what failed with no retry left.

    An attempt that ran when the tracker ended is lost, whatever it achieved, with `cause` as its detail. Its task
    starts anew, as do tasks that were cancelled; what was skipped because of others is decided again.
    """
    kept: list[Attempt] = []
    new: list[Attempt] = []
    ended: dict[int, State] = {}
    numbers: dict[int, int] = {}
    for number, (task, done) in enumerate(zip(record.spec.tasks, record.tasks.values(), strict=True)):
        kept += done.attempts
        if done.attempts:
            numbers[number] = done.attempts[-1].number + 1
        if _stays(task, done):
            ended[number] = State.SUCCESS if done.state is State.SKIPPED else done.state
            if not done.attempts:
                kept.append(Attempt.not_attempted(number, done.state, reason=done.reason))
            continue
        if done.attempts and not done.attempts[-1].state.final:
            del kept[-1]
            new.append(done.attempts[-1]._replace(state=State.LOST, reason=Reason.UNKNOWN, detail=cause))
        if done.state in (State.SKIPPED, State.CANCELLED):  # an end without an attempt, which is taken back
            new.append(Attempt.not_attempted(number, State.PENDING))
    return Earlier(kept=kept, new=new, ended=ended, numbers=numbers)


def both(one: Earlier, other: Earlier) -> Earlier:
    """What the two say of different tasks."""
    return Earlier(
        kept=[*one.kept, *other.kept],
        new=[*one.new, *other.new],
        ended={**one.ended, **other.ended},
        numbers={**one.numbers, **other.numbers},
    )


def _stays(task: TaskSpec, done: TaskRun) -> bool:
    if done.state is State.SUCCESS:
        return True
    if done.state is State.SKIPPED:
        return done.reason is Reason.LEFT_OUT
    return done.state is State.FAILED and not tried_again(task, done.attempts[-1])


def _not_started(tasks: Iterable[int], state: State, reason: Reason, at: datetime) -> Earlier:
    new = [Attempt.not_attempted(task, state, reason=reason, ended=at) for task in tasks]
    return Earlier(new=new, ended={attempt.task: State.SUCCESS for attempt in new})
