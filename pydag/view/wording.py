"""What happened, in words: `exit 1`, `timeout after 5s`, `2 of 5 tasks done`, `skipped: upstream did not succeed`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from signal import Signals

from pydag.errors import count
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Run, RunRecord, TaskRun, Usage
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State, When
from pydag.runs.owner import named, silent_since
from pydag.view.text import sanitized
from pydag.view.times import duration, elapsed, local_time

STOPPING = "stopping; Ctrl-C again kills the tasks"
"""What is said of a run from the request to stop until its end."""

_SIGPIPE_STATUS = 128 + Signals.SIGPIPE
"""What bash makes of a stage of a pipe that SIGPIPE ended: `seq 1 1000000 | head -n1`."""

MAX_NAMES = 3
"""So many tasks are named in one line; the others are counted."""

_LONGEST_VALUE = 60  # characters of a parameter


def task_status(task: TaskSpec, done: TaskRun, now: datetime) -> str:
    """What stands after the task's name and start: how long it took, how it ended, which attempt it was."""
    if not done.attempts:
        return _without_attempt(task, done)
    started, attempt = done.attempts[0].started, done.attempts[-1]
    words = []
    if done.state is State.RUNNING and started:
        words.append(f"running for {elapsed(started, now)}")
    elif started and attempt.ended:
        words.append(elapsed(started, attempt.ended))
    words.append(how_it_ended(task, attempt))
    if attempt.number > 1 or (attempt.state is State.FAILED and task.retries):
        words.append(which_attempt(task, attempt))
    if done.state is State.PENDING:
        words.append("waiting for the next")
    if done.state is State.CANCELLED and attempt.state is State.FAILED:
        words.append("cancelled before the next")
    return ", ".join(word for word in words if word)


def which_attempt(task: TaskSpec, attempt: Attempt) -> str:
    """`attempt 2 of 4`."""
    return f"attempt {attempt.number} of {max(task.retries + 1, attempt.number)}"


def how_it_ended(task: TaskSpec, attempt: Attempt) -> str:
    """How an attempt ended, in a few words; empty where it succeeded or has not ended."""
    how = _exit(task, attempt)
    if attempt.reason is Reason.TIMEOUT:
        how = f"timeout after {duration(task.timeout)}" if task.timeout else "timeout"
    elif attempt.reason is Reason.NOT_STARTED:
        how = "could not be started"
    elif attempt.state is State.CANCELLED:
        how = "cancelled"
    elif attempt.state is State.LOST:
        how = "lost: its outcome cannot be known"
    if not attempt.detail:
        return how
    detail = sanitized(" ".join(attempt.detail.split()))
    return f"{how} ({detail})" if how else detail


def failure(task: TaskSpec, attempt: Attempt) -> str:
    """`how_it_ended`, for an attempt that did not succeed: never empty."""
    return how_it_ended(task, attempt) or "failed"


def why_never_started(run: Run) -> str:
    """Why a run that was due did not start."""
    return f"never started: {sanitized(' '.join(run.start_failure.split()))}"


def why_skipped(task: TaskSpec, reason: Reason | None) -> str:
    """Which condition of the task was not met, or that nobody asked for it."""
    if reason is Reason.LEFT_OUT:
        return "left out of this run"
    return "skipped: nothing upstream failed" if task.when is When.FAILURE else "skipped: upstream did not succeed"


def why_lost(run: Run) -> str:
    """Of a run whose tracker has ended before it: which process that was, and when it was last heard of."""
    process = f" ({named(run.owner)})" if named(run.owner) else ""
    heard = f", last heard of at {local_time(run.heard)}" if run.heard else ""
    return f"its pydag{process} was ended{heard}"


def silence(run: Run, now: datetime) -> str:
    """What is said of a run that goes on, as far as one knows, and has not been heard of for too long."""
    since = silent_since(run, now)
    process = f" ({named(run.owner)})" if named(run.owner) else ""
    return f", not heard of since {local_time(since)}{process}" if since else ""


def state_counts(states: Iterable[State]) -> dict[State, int]:
    """How many there are in each state; states without any have 0."""
    counts = dict.fromkeys(State, 0)
    for state in states:
        counts[state] += 1
    return counts


def counted_states(counts: Mapping[State, int]) -> str:
    """`4 success, 1 failed, 2 skipped`, without the states that nothing is in."""
    return ", ".join(f"{number} {state.value}" for state, number in counts.items() if number)


def counted_tasks(tasks: Collection[TaskRun]) -> str:
    """`4 success, 1 failed, 2 left out`: as `counted_states`, where what nobody asked for is not skipped."""
    counts = state_counts(task.state for task in tasks if task.reason is not Reason.LEFT_OUT)
    left_out = sum(task.reason is Reason.LEFT_OUT for task in tasks)
    return ", ".join(filter(None, (counted_states(counts), f"{left_out} left out" if left_out else "")))


def progress(record: RunRecord) -> str:
    """`2 of 5 tasks done, 1 failed`."""
    counts = state_counts(task.state for task in record.tasks.values())
    done = counts[State.SUCCESS] + counts[State.FAILED] + counts[State.SKIPPED]
    failed = f", {counts[State.FAILED]} failed" if counts[State.FAILED] else ""
    return f"{done} of {count(len(record.tasks), 'task')} done{failed}"


def task_names(names: Sequence[str]) -> str:
    """The first names, and how many more there are: "`a`, `b`, `c` and 2 more"."""
    listed = ", ".join(f"`{sanitized(name)}`" for name in names[:MAX_NAMES])
    return f"{listed} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else listed


def given_values(params: Iterable[tuple[str, str]]) -> str:
    """The values of parameters as a command line has them: `DAY=2026-03-01 CITY='New York'`. A long one is cut."""
    return " ".join(f"{name}={shlex.quote(_short(sanitized(text)))}" for name, text in params)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def attempt_usage(usage: Usage) -> str:
    """`CPU 0.7s user, 0.1s system; peak memory of its largest process 45 MB`."""
    words = f"CPU {duration(usage.user)} user, {duration(usage.system)} system"
    if usage.peak_memory is not None:
        words += f"; peak memory of its largest process {_memory(usage.peak_memory)}"
    return words


def cpu_time(record: RunRecord) -> str:
    """`1.2s CPU`, the sum over all attempts of the run; empty where it is not known of any."""
    usages = [attempt.usage for task in record.tasks.values() for attempt in task.attempts if attempt.usage]
    return f"{duration(sum(usage.user + usage.system for usage in usages))} CPU" if usages else ""


def _memory(size: int) -> str:
    """In units of 1,000, as disks and networks have them: `812 kB`, `45 MB`, `1.2 GB`."""
    if size < 1_000_000:
        return f"{size // 1000} kB"
    if size < 1_000_000_000:
        return f"{size // 1_000_000} MB"
    return f"{size / 1_000_000_000:.1f} GB"


def _without_attempt(task: TaskSpec, done: TaskRun) -> str:
    if done.state is State.SKIPPED:
        return why_skipped(task, done.reason)
    if done.state is State.CANCELLED:
        return "cancelled before it started"
    if done.reason is Reason.EARLIER:
        return "success, in an earlier run"
    return str(done.state.value)


def _exit(task: TaskSpec, attempt: Attempt) -> str:
    if attempt.exit_status == _SIGPIPE_STATUS and isinstance(task.action, Shell) and task.action.strict:
        return f"exit {attempt.exit_status} (SIGPIPE: a stage of a pipe outlived its reader; strict=False allows that)"
    if attempt.signal is not None:
        return f"signal {attempt.signal}{_signal_name(attempt.signal)}"
    return f"exit {attempt.exit_status}" if attempt.exit_status else ""


def _signal_name(number: int) -> str:
    try:
        return f" ({Signals(number).name})"
    except ValueError:
        return ""  # a real-time signal has only a number
