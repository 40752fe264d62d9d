"""The use cases of fire times that have passed: find those without a successful run, and run the job for each."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pydag.app.backends import opened_store
from pydag.app.jobs import job_spec
from pydag.errors import NotFound
from pydag.model.states import State
from pydag.runs.signals import signals_to, status_after
from pydag.schedule.submission import Submission, Submissions, start_command, submission_id
from pydag.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """The fire times of a range that are to be run, oldest first, and how many have a successful run already."""

    submission: Submission
    due: list[datetime]
    done: int


def plan_backfill(job: str, first: date, last: date) -> Backfill:
    """What is to be run for the days from `first` to `last`, both included, in the job's time zone; nothing after now.

    Raises `NotFound` where the job was never submitted.
    """
    submissions = Submissions(Settings.load().home)
    job_spec(job)
    if submissions.raw(submission_id(job)) is None:
        raise NotFound(f"job {job!r} was never submitted, so it has no fire times: use `pydag submit FILE --cron`")
    submission = submissions.load(submission_id(job))
    fire_times = submission.fire_times
    start, end = _midnight(first, fire_times.zone), _midnight(last + timedelta(days=1), fire_times.zone)
    times = list(fire_times.between(start, min(end, datetime.now(UTC) + timedelta.resolution)))
    with opened_store(Settings.load(), reading=True) as store:
        done = {run.scheduled_for for run in store.runs(job, states=[State.SUCCESS])}
    due = [fire for fire in times if fire.astimezone(UTC) not in done]
    return Backfill(submission=submission, due=due, done=len(times) - len(due))


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def run_fire_times(
    submission: Submission, times: Iterable[datetime], *, parallel: int, ended: Callable[[datetime, int], None]
) -> int:
    """Run the job for each of these times in a process of its own, `parallel` at once. Gives 0.

    Where a signal stopped it, it gives the exit status that stands for that.

    `ended` is called at each end with the time and the exit status. A stop (Ctrl-C, SIGTERM) is passed on to the
    processes that run, and nothing new starts; a second one makes them kill.
    """
    waiting, running = deque(times), dict[int, tuple[subprocess.Popen[bytes], datetime]]()
    stops = 0

    def stop() -> None:
        nonlocal stops
        stops += 1
        for pid in list(running):
            os.kill(pid, signal.SIGTERM)

    command = start_command(submission.id, Settings.load().home)
    with signals_to(stop) as received:
        while running or (waiting and not stops):
            while waiting and not stops and len(running) < parallel:
                fire = waiting.popleft()
                # It has a session of its own, so that Ctrl-C reaches it only through `stop`, and once.
                child = subprocess.Popen(
                    [*command, "--for", fire.isoformat()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
                running[child.pid] = child, fire
                if stops:
                    os.kill(child.pid, signal.SIGTERM)
            end = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if end and end.si_pid in running:
                child, fire = running.pop(end.si_pid)
                ended(fire, child.wait())
    return status_after(received) if stops else 0
