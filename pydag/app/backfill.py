"""The use cases of a fire time: run what is due, say why it could not start, make up for what was missed."""

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
from pydag.runs.signals import signals_to
from pydag.schedule.schedulers.crontab_text import entry_id
from pydag.schedule.submission import Submission, Submissions, words
from pydag.settings import Settings

_STEP = timedelta.resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """The fire times of a range that are to be run, oldest first, and how many have a successful run already."""

    submission: Submission
    due: list[datetime]
    done: int


def backfill(job: str, first: date, last: date) -> Backfill:
    """What is to be made up for from the start of `first` to the end of `last`, days of the job's clock; up to now.

    Raises `NotFound` where the job was never submitted.
    """
    submissions = Submissions(Settings.load().home)
    job_spec(job)
    if submissions.raw(entry_id(job)) is None:
        raise NotFound(f"job {job!r} was never submitted, so it has no fire times: use `pydag submit FILE --cron`")
    submission = submissions.load(entry_id(job))
    clock = submission.clock
    end = min(_midnight(last + timedelta(days=1), clock), datetime.now(UTC) + _STEP)
    times = list(submission.schedule.between(_midnight(first, clock), end, clock))
    with opened_store(Settings.load(), reading=True) as store:
        done = {run.scheduled_for for run in store.runs(job, state=State.SUCCESS)}
    due = [fire for fire in times if fire.astimezone(UTC) not in done]
    return Backfill(submission=submission, due=due, done=len(times) - len(due))


def _midnight(day: date, clock: tzinfo) -> datetime:
    return datetime.combine(day, time(), clock).astimezone(UTC)


def make_up(
    submission: Submission, times: Iterable[datetime], *, parallel: int, told: Callable[[datetime, int], None]
) -> bool:
    """Run the job for each of these times, in processes of their own, so many at once. True where somebody stopped it.

    `told` hears of each end: its time and its exit status. A stop (Ctrl-C, SIGTERM) is passed on to those that run,
    and nothing new starts; a second one makes them kill.
    """
    waiting, running = deque(times), dict[int, tuple[subprocess.Popen[bytes], datetime]]()
    stops = 0

    def stop() -> None:
        nonlocal stops
        stops += 1
        for pid in list(running):
            os.kill(pid, signal.SIGTERM)

    command = words(submission.id, Settings.load().home)
    with signals_to(stop):
        while running or (waiting and not stops):
            while waiting and not stops and len(running) < parallel:
                fire = waiting.popleft()
                # In a session of its own, Ctrl-C reaches it through `stop` alone, and once.
                child = subprocess.Popen(
                    [*command, "--for", fire.isoformat()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
                running[child.pid] = child, fire
                if stops:
                    os.kill(child.pid, signal.SIGTERM)
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if ended and ended.si_pid in running:
                child, fire = running.pop(ended.si_pid)
                told(fire, child.wait())
    return stops > 0
