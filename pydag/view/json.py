"""What `log`, `list` and `status` give to programs: one JSON document each, as `docs/json.md` describes it.

Fields may be added; none changes its meaning or is removed. Text for people is in `pydag.view.log`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydag.model.actions import Shell
from pydag.model.params import ParamSpec
from pydag.model.run import Attempt, AttemptOutput, JobEntry, Run, RunRecord, TaskRun, Usage
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.view.wording import state_counts

if TYPE_CHECKING:
    from pydag.schedule.schedulers.base import Upcoming  # reads time zones: only for those who have a schedule

Document = dict[str, object]


def log(job: str, records: Sequence[RunRecord], *, now: datetime) -> str:
    """`pydag log J --json`."""
    return _text({"job": job, "runs": [_record(record, now) for record in records]})


def run(record: RunRecord, *, now: datetime) -> str:
    """One run, as `pydag log J --json` has it: what hooks read."""
    return _text(_record(record, now)) + "\n"


def task_output(job: str, task: TaskSpec, kept: Iterable[AttemptOutput], *, now: datetime) -> str:
    """`pydag log J --task-name T --json`. JSON has no bytes: what is not UTF-8 becomes U+FFFD."""
    attempts = [
        {"run": each.run.id, **_attempt(each.attempt, now), "output": b"".join(each.output).decode(errors="replace")}
        for each in kept
    ]
    return _text({"job": job, "task": task.name, "attempts": attempts})


def jobs(
    entries: Sequence[JobEntry],
    schedules: Mapping[str, Upcoming],
    on_gocron_alone: Sequence[str],
    *,
    now: datetime,
) -> str:
    """`pydag list --json`."""
    listed = [{**_entry(entry, now), **_schedule(schedules.get(entry.name))} for entry in entries]
    return _text({"jobs": listed, "on_gocron_alone": list(on_gocron_alone)})


def tasks(spec: JobSpec) -> str:
    """`pydag tasks J --json`."""
    names = spec.upstream_names()
    listed = [_task(task, names[task.name]) for task in spec.tasks]
    return _text({"job": spec.name, "tasks": listed, "hooks": [_task(hook, []) for hook in spec.hooks]})


def params(specs: Sequence[ParamSpec]) -> str:
    """`pydag params FILE --json`."""
    listed = [
        {
            "name": spec.name,
            "type": spec.type.value,
            "default": spec.default,
            "choices": list(spec.choices),
            "help": spec.help,
            "secret": spec.secret,
        }
        for spec in specs
    ]
    return _text({"params": listed})


def status(
    running: Sequence[RunRecord],
    entries: Sequence[JobEntry],
    last_results: Mapping[str, Run],
    schedules: Mapping[str, Upcoming],
    *,
    now: datetime,
) -> str:
    """`pydag status --json`. The arguments are those of `pydag.view.status.status`."""
    return _text(
        {
            "running": [
                {**_run(record.run, now), "tasks": _counts(record), "running_tasks": _running_tasks(record, now)}
                for record in running
            ],
            "jobs": [
                {
                    "name": entry.name,
                    "last_result": _run_or_null(last_results.get(entry.name), now),
                    **_schedule(schedules.get(entry.name)),
                }
                for entry in entries
            ],
        }
    )


def _text(document: Document) -> str:
    # ASCII is the same whatever the output's encoding; without indentation it is written several times faster.
    return json.dumps({"format": 1, **document})


def _time(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="microseconds") if time else None


def _times(state: State, started: datetime | None, ended: datetime | None, now: datetime) -> Document:
    """What still runs has lasted until now; where nobody knows when it ended, there is no duration."""
    until = ended if state.final else now
    seconds = (until - started).total_seconds() if started and until else None
    return {"state": state.value, "started": _time(started), "ended": _time(ended), "duration": seconds}


def _run(run: Run, now: datetime) -> Document:
    return {
        "id": run.id,
        "job": run.job,
        "engine": run.engine,
        **_times(run.state, run.started, run.ended, now),
        "scheduled_for": _time(run.scheduled_for),
        "params": dict(run.params),
        "again": run.origin.again or None,
        "heard": _time(run.heard),
        "detail": run.start_failure,
    }


def _record(record: RunRecord, now: datetime) -> Document:
    upstream = record.spec.upstream_names()
    tasks = [_task_run(task, upstream[task.name], now) for task in record.tasks.values()]
    hooks = [_task_run(hook, [], now) for hook in record.hooks.values()]
    return {**_run(record.run, now), "tasks": tasks, "hooks": hooks}


def _task_run(task: TaskRun, upstream: list[str], now: datetime) -> Document:
    return {
        "name": task.name,
        **_times(task.state, task.started, task.ended, now),
        "reason": task.reason.value if task.reason else None,
        "upstream": upstream,
        "attempts": [_attempt(attempt, now) for attempt in task.attempts],
    }


def _attempt(attempt: Attempt, now: datetime) -> Document:
    return {
        "number": attempt.number,
        **_times(attempt.state, attempt.started, attempt.ended, now),
        "reason": attempt.reason.value if attempt.reason else None,
        "exit_status": attempt.exit_status,
        "signal": attempt.signal,
        "detail": attempt.detail,
        "output_dropped": attempt.output_dropped,
        "host": attempt.host,
        "usage": _usage(attempt.usage) if attempt.usage else None,
    }


def _usage(usage: Usage) -> Document:
    return {
        "user_cpu": round(usage.user, 6),
        "system_cpu": round(usage.system, 6),
        "largest_process_peak_memory": usage.peak_memory,
    }


def _entry(entry: JobEntry, now: datetime) -> Document:
    last = _run_or_null(entry.last_run, now)
    return {"name": entry.name, "saved": _time(entry.saved), "tasks": entry.tasks, "last_run": last}


def _schedule(upcoming: Upcoming | None) -> Document:
    if upcoming is None:
        return {"schedule": None}
    next_fire = _time(upcoming.next)
    return {
        "schedule": {
            "cron": upcoming.expression,
            "next": next_fire,
            "on": upcoming.scheduler,
            "node": upcoming.node,
            "detail": upcoming.detail,
        }
    }


def _task(task: TaskSpec, upstream: list[str]) -> Document:
    """Without its `env`, where people put secrets."""
    return {
        "name": task.name,
        "command": task.action.text,
        "upstream": upstream,
        "when": task.when.value,
        "timeout": task.timeout,
        "retries": task.retries,
        "retry_delay": task.retry_delay,
        "cwd": task.action.cwd if isinstance(task.action, Shell) else None,
        "strict": task.action.strict if isinstance(task.action, Shell) else None,
    }


def _counts(record: RunRecord) -> Document:
    counts = state_counts(task.state for task in record.tasks.values())
    return {state.value: number for state, number in counts.items()}


def _running_tasks(record: RunRecord, now: datetime) -> list[Document]:
    """Those that run now, the longest running first."""
    running = [task for task in record.tasks.values() if task.state is State.RUNNING]
    running.sort(key=lambda task: task.attempts[-1].started or now)
    return [{"name": task.name, **_attempt(task.attempts[-1], now)} for task in running]


def _run_or_null(run: Run | None, now: datetime) -> Document | None:
    return _run(run, now) if run else None
