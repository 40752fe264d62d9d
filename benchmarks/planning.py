"""A script: build a job of so many tasks, check it, and plan it to its end without running anything."""

from __future__ import annotations

import sys

from pydag import Job, Task
from pydag.model.states import State
from pydag.runs.plan import Plan

WIDTH = 100


def main(tasks: int) -> None:
    """Layers of `WIDTH` tasks, each after three of the layer before."""
    job = Job("Large")
    before: list[Task] = []
    for layer in range(tasks // WIDTH):
        row = [Task(f"task {layer}.{place}", "true") for place in range(WIDTH)]
        for place, task in enumerate(row if before else ()):
            task.set_upstream(before[place], before[place - 1], before[place - 2])
        job.add_task(*row)
        before = row
    plan = Plan(job.check())
    while not plan.done:
        task_number = plan.take()
        assert task_number is not None
        plan.finish(task_number, State.SUCCESS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
