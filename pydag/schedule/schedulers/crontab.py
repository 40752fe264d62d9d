"""The user's crontab as a scheduler."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from pydag.errors import InvalidSetting
from pydag.schedule.expression import CronExpression
from pydag.schedule.schedulers.base import FailedStart, ScheduleEntry, Scheduler, Undo, refuse_another_home
from pydag.schedule.schedulers.crontab_file import Crontab
from pydag.schedule.schedulers.crontab_plan import PlanBlock, in_the_place_of_plan, plan_blocks, without_plan_blocks
from pydag.schedule.schedulers.crontab_text import (
    CrontabBlock,
    blocks,
    cron_line,
    settings_above,
    with_block,
    without_block,
)
from pydag.schedule.submission import Submission, start_command, submission_id
from pydag.schedule.zone import local_zone


class CrontabScheduler(Scheduler):
    """`file` is the crontab, `home` the PYDAG_HOME whose jobs it starts."""

    name = "crontab"
    title = "the crontab"
    unreadable = "the crontab cannot be read"

    def __init__(self, file: Crontab, home: Path) -> None:
        self._file = file
        self._home = home

    def parse(self, text: str) -> CronExpression:
        """Five fields, or a name such as `@daily`."""
        return CronExpression.parse(text)

    def zone_name(self, job: str) -> str | None:
        """The zone that CRON_TZ sets for the job's entry. Raises `InvalidSetting` where cron would not follow it."""
        zone = settings_above(self._file.read(), job).get("CRON_TZ")
        if zone is None:
            return None
        if not self._file.follows_cron_tz():
            raise InvalidSetting(
                f"CRON_TZ={zone} stands in the crontab, and this machine's cron ignores it: the job would run at other "
                "times than it says; take it out with `crontab -e`"
            )
        local_zone(zone)
        return zone

    def line(self, submission: Submission) -> str:
        """The cron line."""
        return cron_line(self._block(submission)).decode(errors="surrogateescape")

    def entries(self) -> Mapping[str, ScheduleEntry]:
        """One for each marked block, and for each that a program before this pydag put there by means of plan."""
        text = self._file.read()
        found: list[PlanBlock | CrontabBlock] = [
            *plan_blocks(text),
            *blocks(text),
        ]  # of two with one id the latter counts
        return {
            submission_id(block.name): ScheduleEntry(expression=block.expression, command=block.command)
            for block in found
        }

    def put(self, submission: Submission) -> Undo:
        """Atomic among pydag's processes."""
        new = self._block(submission)
        before = b""

        def change(text: bytes) -> bytes:
            nonlocal before
            before = text
            return in_the_place_of_plan(text, new)

        def undo() -> None:
            own = [block for block in blocks(before) if block.name == new.name]
            self._file.edit(
                lambda text: (
                    before
                    if text == in_the_place_of_plan(before, new)
                    else (with_block(text, own[0]) if own else without_block(text, new.name))
                )
            )

        self._file.edit(change)
        return undo

    def remove(self, job: str) -> bool:
        """Change the job's own block, and one that plan made of it, and not one other byte."""

        def change(text: bytes) -> bytes:
            for block in blocks(text):
                if block.name == job:
                    refuse_another_home(block.command, job, self._home, self.title)
            return without_plan_blocks(without_block(text, job), job)

        return self._file.edit(change)

    def failed_starts(self, submission: Submission) -> tuple[FailedStart, ...]:
        """None: cron keeps no record of what it could not start."""
        return ()

    def close(self) -> None:
        """It holds nothing."""

    def _block(self, submission: Submission) -> CrontabBlock:
        command = shlex.join(start_command(submission.id, self._home))
        return CrontabBlock(name=submission.job, expression=submission.expression.text, command=command)
