"""How a task or an attempt stands, in words: `exit 1`, `timeout after 5s`, `skipped: upstream did not succeed`."""

from __future__ import annotations

from datetime import datetime
from signal import Signals

from pydag.model.run import Attempt, Run, TaskRun
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State, When
from pydag.view.text import between, duration, harmless


def standing(task: TaskSpec, done: TaskRun, now: datetime) -> str:
    """All there is to say of a task behind its name and time: how long, how it ended, which attempt."""
    if not done.attempts:
        return _without_attempt(task, done)
    started, attempt = done.attempts[0].started, done.attempts[-1]
    words = []
    if done.state is State.RUNNING and started:
        words.append(f"running for {between(started, now)}")
    elif started and attempt.ended:
        words.append(between(started, attempt.ended))
    words.append(ending(task, attempt))
    if done.state is State.CANCELLED and attempt.state is not State.CANCELLED:
        words.append("cancelled before the next attempt")
    if attempt.number > 1 or (attempt.state is State.FAILED and task.retries):
        words.append(of_attempts(task, attempt))
    if done.state is State.PENDING:
        words.append("waiting for the next")
    return ", ".join(word for word in words if word)


def of_attempts(task: TaskSpec, attempt: Attempt) -> str:
    """`attempt 2 of 4`."""
    return f"attempt {attempt.number} of {max(task.retries + 1, attempt.number)}"


def ending(task: TaskSpec, attempt: Attempt) -> str:
    """How an attempt ended, in a few words; nothing where it succeeded or has not ended."""
    how = _exit(attempt)
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
    detail = harmless(" ".join(attempt.detail.split()))
    return f"{how} ({detail})" if how else detail


def failure(task: TaskSpec, attempt: Attempt) -> str:
    """`ending` of an attempt that did not succeed, which always has something to say."""
    return ending(task, attempt) or "failed"


def never_started(run: Run) -> str:
    """Why a run that was due did not come about."""
    return f"never started: {harmless(' '.join(run.start_failure.split()))}"


def why_skipped(task: TaskSpec) -> str:
    """What a skipped task was waiting for."""
    return "skipped: nothing upstream failed" if task.when is When.FAILURE else "skipped: upstream did not succeed"


def _without_attempt(task: TaskSpec, done: TaskRun) -> str:
    if done.state is State.SKIPPED:
        return why_skipped(task)
    if done.state is State.CANCELLED:
        return "cancelled before it started"
    return str(done.state.value)


def _exit(attempt: Attempt) -> str:
    if attempt.signal is not None:
        return f"signal {attempt.signal}{_signal_name(attempt.signal)}"
    return f"exit {attempt.exit_status}" if attempt.exit_status else ""


def _signal_name(number: int) -> str:
    try:
        return f" ({Signals(number).name})"
    except ValueError:
        return ""  # a real-time signal has a number alone
