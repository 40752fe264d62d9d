"""The end of a run: what the failed tasks wrote last, and one line that sums up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydag.errors import count
from pydag.model.run import Attempt, RunRecord
from pydag.model.spec import TaskSpec
from pydag.model.states import State
from pydag.view.outlet import Outlet
from pydag.view.tails import OutputTail, OutputTails
from pydag.view.terminal import Display, print_stderr
from pydag.view.text import padded, sanitized, shell_word
from pydag.view.times import elapsed
from pydag.view.wording import counted_tasks, cpu_time, failure, why_never_started
from pydag.view.wrapping import wrapped

_BAR = "  │ "
_NAME = 60  # columns of a task's name on a terminal; the command below it has the whole name


def final_lines(record: RunRecord, tails: OutputTails, display: Display) -> Iterator[str]:
    """The last lines of a run's display: the tails of failed tasks, and the summary."""
    for attempt, tail in tails.failed.values():
        yield from _failed(record, attempt, tail, display)
    yield from _other_failures(record, tails, display)
    for line in failed_hooks(record):
        yield display.paint(f"{display.sign(State.FAILED)} {line}", State.FAILED)
    yield display.paint(summary(record), record.state)


def summary(record: RunRecord) -> str:
    """`TestJob: failed after 3.2s; 4 success, 1 failed, 2 skipped; 1.2s CPU`. CPU only where the engine measured it."""
    run = record.run
    if run.never_started:
        return f"{sanitized(run.job)}: {why_never_started(run)}"
    counts = counted_tasks(record.tasks.values())
    after = f" after {elapsed(run.started, run.ended)}" if run.ended else ""
    used = cpu_time(record)
    return f"{sanitized(run.job)}: {run.state.value}{after}; {counts}" + (f"; {used}" if used else "")


def failure_block(
    task: TaskSpec, attempt: Attempt, lines: Iterable[str], names: int, display: Display
) -> Iterator[str]:
    """What a terminal shows of a task when it fails: `✗ load  0.4s  exit 1`, and the last lines of its output.

    The name has at least so many columns.
    """
    name = padded(display.fit(sanitized(task.name), _NAME), names)
    took = f"  {elapsed(attempt.started, attempt.ended)}" if attempt.started and attempt.ended else ""
    yield from wrapped(
        f"{display.sign(attempt.state)} {name}{took}  {failure(task, attempt)}", display, state=attempt.state
    )
    for line in lines:
        yield from wrapped(line, display, guide=_BAR, rest=_BAR)


def next_command(record: RunRecord) -> tuple[str, str]:
    """The command that one types after such a run, and what it shows."""
    job, bad = record.run.job, record.unsuccessful(State.FAILED, State.LOST)
    if len(bad) == 1:
        return _log_command(job, bad[0].name), "all of its output"
    if bad:
        return _pydag_log(job, "--failed -n 1"), "what failed, with its output"
    return _pydag_log(job), "this run and those before it"


def failed_hooks(record: RunRecord) -> Iterator[str]:
    """A line for each hook of the run that did not succeed, with the command that shows its output."""
    for hook in record.spec.hooks:
        attempts = record.entry(hook.name).attempts
        if attempts and attempts[-1].state is not State.SUCCESS:
            command = _log_command(record.run.job, hook.name)
            of = f"`{sanitized(hook.name)}` of {sanitized(record.run.job)}"
            yield f"{of}: {failure(hook, attempts[-1])}; its output: {command}"


def finish(out: Outlet, text: str, record: RunRecord) -> None:
    """Write the last text of a run's display. Where the output is gone, stderr says how a run ended that went wrong."""
    out.finish(text)
    if out.gone:
        say_failure(record)


def say_failure(record: RunRecord) -> None:
    """Say on stderr how a run ended that went wrong; of a success nothing."""
    if record.state is not State.SUCCESS:
        print_stderr(f"pydag: {summary(record)}")


def _failed(record: RunRecord, attempt: Attempt, tail: OutputTail, display: Display) -> Iterator[str]:
    task = record.spec.tasks[attempt.task]
    lines = tail.lines()
    if attempt.exit_status is None and attempt.signal is None:  # pydag did not see its end: it may have written more
        wrote = "; the last output that is known:" if lines else ""
    else:
        wrote = "; its last output:" if lines else "; it wrote nothing"
    name = sanitized(task.name)
    if display.width is not None:
        name = display.fit(name, _NAME)
    yield display.paint(f"{display.sign(attempt.state)} `{name}`: {failure(task, attempt)}{wrote}", attempt.state)
    bar = display.graphics(_BAR)
    for line in lines:
        yield bar + line
    if lines:
        yield f"  all of it: {_log_command(record.run.job, task.name)}"


def _other_failures(record: RunRecord, tails: OutputTails, display: Display) -> Iterator[str]:
    """How many more tasks failed; their output is not shown."""
    shown = {record.spec.tasks[number].name for number in tails.failed}
    others = [task.name for task in record.unsuccessful(State.FAILED, State.LOST) if task.name not in shown]
    if others:
        words = f"{count(len(others), 'more task')} failed; the first: {_log_command(record.run.job, others[0])}"
        yield display.paint(f"{display.sign(State.FAILED)} {words}", State.FAILED)


def _log_command(job: str, task: str) -> str:
    """The command that shows all of a task's output, quoted for a shell."""
    return _pydag_log(job, f"--task-name {shell_word(task)} -n 1")


def _pydag_log(job: str, options: str = "") -> str:
    words = [f"-- {shell_word(job)}", options][::-1] if job.startswith("-") else [shell_word(job), options]
    return " ".join(["pydag log", *filter(None, words)])
