"""Jobs and runs to show: the example that users know, and graphs with very many paths."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output, Run, RunRecord, record_of
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.runs.reporter import Reporter
from pydag.testing import START, at


def job(name: str, upstream: Mapping[str, Sequence[str]], *, retries: int = 0, timeout: float | None = None) -> JobSpec:
    names = list(upstream)
    tasks = (
        TaskSpec(
            name=task,
            action=Shell("true"),
            upstream=tuple(names.index(before) for before in befores),
            retries=retries,
            timeout=timeout,
        )
        for task, befores in upstream.items()
    )
    return JobSpec(name=name, tasks=tuple(tasks))


TEST_JOB = job(
    "TestJob",
    {
        "Sync Data": [],
        "Feature Engineering1": ["Sync Data"],
        "Feature Engineering2": ["Sync Data"],
        "Machine Learning": ["Feature Engineering1", "Feature Engineering2"],
        "Send Email": ["Machine Learning"],
    },
)


def layered(layers: int, width: int, befores: int) -> JobSpec:
    """Each task comes after so many random tasks of the layer above."""
    draw = random.Random(7)
    tasks = [TaskSpec(name=f"0-{place}", action=Shell("true")) for place in range(width)]
    for layer in range(1, layers):
        above = range((layer - 1) * width, layer * width)
        tasks += [
            TaskSpec(name=f"{layer}-{place}", action=Shell("true"), upstream=tuple(draw.sample(above, befores)))
            for place in range(width)
        ]
    return JobSpec(name="Layers", tasks=tuple(tasks))


def fan(width: int) -> JobSpec:
    """A root, so many parallel tasks, a sink."""
    middle = [TaskSpec(name=f"t{n}", action=Shell("true"), upstream=(0,)) for n in range(1, width + 1)]
    sink = TaskSpec(name="sink", action=Shell("true"), upstream=tuple(range(1, width + 1)))
    return JobSpec(name="Fan", tasks=(TaskSpec(name="root", action=Shell("true")), *middle, sink))


def running(task: int, started: float, *, number: int = 1) -> Attempt:
    return Attempt(task=task, number=number, state=State.RUNNING, started=at(started))


def success(task: int, started: float, ended: float, *, number: int = 1) -> Attempt:
    return Attempt(task=task, number=number, state=State.SUCCESS, started=at(started), ended=at(ended), exit_status=0)


def failed(
    task: int,
    started: float,
    ended: float,
    *,
    number: int = 1,
    exit_status: int | None = 1,
    signal: int | None = None,
    reason: Reason | None = None,
    detail: str = "",
    output_dropped: int = 0,
) -> Attempt:
    return Attempt(
        task=task,
        number=number,
        state=State.FAILED,
        started=at(started),
        ended=at(ended),
        exit_status=exit_status,
        signal=signal,
        reason=reason,
        detail=detail,
        output_dropped=output_dropped,
    )


def skipped(task: int) -> Attempt:
    return Attempt.not_attempted(task, State.SKIPPED, reason=Reason.UPSTREAM)


def run_of(
    spec: JobSpec,
    attempts: Sequence[Attempt],
    state: State = State.SUCCESS,
    *,
    ended: float | None = 42,
    run_id: str = "r1",
) -> RunRecord:
    run = Run(
        id=run_id,
        job=spec.name,
        engine="local",
        state=state,
        started=START,
        ended=None if ended is None else at(ended),
    )
    return record_of(run, spec, attempts)


def all_well(spec: JobSpec) -> RunRecord:
    return run_of(spec, [success(number, number, number + 0.5) for number in range(len(spec.tasks))])


GOOD = run_of(
    TEST_JOB,
    [success(0, 10, 19.5), success(1, 20, 29), success(2, 20, 24.25), success(3, 30, 39), success(4, 40, 42)],
)
BAD = run_of(
    TEST_JOB,
    [success(0, 1, 1.4), failed(1, 2, 2.5), success(2, 2, 14), skipped(3), skipped(4)],
    State.FAILED,
    ended=14.2,
    run_id="r0",
)

STORY: list[list[Attempt | Output]] = [
    [running(0, 0)],
    [success(0, 0, 0.4), running(1, 1), running(2, 1)],
    [Output(task=1, number=1, data=b"one\ntwo"), Output(task=2, number=1, data=b"other\n")],
    [Output(task=1, number=1, data=b" and more\nbroken\n"), failed(1, 1, 3)],
    [success(2, 1, 13), skipped(3), skipped(4)],
]
STORY_ENDS = run_of(
    TEST_JOB, [success(0, 0, 0.4), failed(1, 1, 3), success(2, 1, 13), skipped(3), skipped(4)], State.FAILED, ended=13.2
)


def change(reporter: Reporter, changes: Sequence[Attempt | Output]) -> None:
    """Tell a reporter of these attempts and outputs as one change."""
    reporter.changed(
        [each for each in changes if isinstance(each, Attempt)], [each for each in changes if isinstance(each, Output)]
    )


def replay(reporter: Reporter, changes: Sequence[Sequence[Attempt | Output]], record: RunRecord) -> None:
    reporter.run_started(record.run, record.spec)
    for each in changes:
        change(reporter, each)
    reporter.run_ended(record)
    reporter.close()
