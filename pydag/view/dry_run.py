"""What `run --dry-run` shows: the tasks in the order in which they may start, and how each would run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydag.errors import count
from pydag.model.actions import Shell
from pydag.model.graph import layers
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State, When
from pydag.view.terminal import Display
from pydag.view.text import padded, sanitized, text_width
from pydag.view.times import duration
from pydag.view.wording import given_values, task_names, why_skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A run that would be: the job, the numbers of the tasks that are left out, and what holds for all others.

    `task_timeout` (seconds) is that of a task that sets none. `max_parallel` is None where the engine decides.
    """

    spec: JobSpec
    engine: str
    left_out: frozenset[int]
    params: tuple[tuple[str, str], ...]
    max_parallel: int | None
    task_timeout: float


_WHEN = {When.SUCCESS: "", When.FAILURE: " if one failed", When.ALWAYS: " whatever their end"}


def dry_run(plan: DryRun, display: Display) -> Iterator[str]:
    """A title, and two lines for each task: its step, name and options, and what it runs.

    Tasks of one step do not wait for each other. What is left out has one line. The hooks follow.
    """
    spec = plan.spec
    yield display.heading(_title(plan))
    names = max(text_width(sanitized(task.name)) for task in spec.tasks) + 2
    steps = layers(spec.upstream_names())
    for step, step_names in enumerate(steps, start=1):
        for name in step_names:
            number = spec.number(name)
            assert number is not None
            task = spec.tasks[number]
            quoted = padded(f"`{sanitized(name)}`", names)
            sign = f"{step:>{len(str(len(steps)))}}"
            if number in plan.left_out:
                words = why_skipped(task, Reason.LEFT_OUT)
                yield _cut(display, display.paint(f"{sign} {quoted}  {words}", State.SKIPPED))
            else:
                yield _cut(display, f"{sign} {quoted}  {', '.join(_options(plan, task))}")
                yield _cut(display, f"{' ' * len(sign)}   {_command(task)}")
    for hook in spec.hooks:
        yield _cut(display, f"then `{hook.name}`  {', '.join(_options(plan, hook))}")
        yield _cut(display, f"     {_command(hook)}")


def _title(plan: DryRun) -> str:
    every = len(plan.spec.tasks)
    runs = every - len(plan.left_out)
    words = [count(every, "task") if runs == every else f"{runs} of {count(every, 'task')}"]
    words.append("on this machine" if plan.engine == "local" else f"on {plan.engine}")
    if plan.max_parallel:
        words.append(f"at most {plan.max_parallel} at once")
    if plan.params:
        words.append(f"with {given_values(plan.params)}")
    return f"{sanitized(plan.spec.name)} would run: {', '.join(words)}"


def _options(plan: DryRun, task: TaskSpec) -> Iterator[str]:
    if task.upstream:
        names = [plan.spec.tasks[number].name for number in task.upstream]
        yield f"after {task_names(names)}{_WHEN[task.when]}"
    yield f"timeout {duration(task.timeout or plan.task_timeout)}"
    if task.retries:
        wait = f", {duration(task.retry_delay)} apart" if task.retry_delay else ""
        yield f"up to {task.retries + 1} attempts{wait}"
    if isinstance(task.action, Shell):
        if task.action.nodes:
            yield f"node {', '.join(map(str, task.action.nodes))}"
        if task.action.cwd is not None:
            yield f"in {sanitized(task.action.cwd)}"


def _command(task: TaskSpec) -> str:
    first, *more = task.action.text.strip().splitlines()
    return sanitized(first) + (f" (and {count(len(more), 'more line')})" if more else "")


def _cut(display: Display, line: str) -> str:
    return line if display.width is None else display.cut(line, display.width)
