"""The user's crontab as a clock."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from pydag.errors import InvalidSetting
from pydag.schedule.expression import Schedule
from pydag.schedule.schedulers import crontab_text
from pydag.schedule.schedulers.base import Clock, Entry, Undo, Unstarted, refuse_another
from pydag.schedule.schedulers.crontab_file import Crontab
from pydag.schedule.schedulers.crontab_text import settings_above, with_entry, without_entry
from pydag.schedule.submission import Submission, words
from pydag.schedule.zone import local_zone


class CrontabClock(Clock):
    """`file` is the crontab, `home` the PYDAG_HOME whose jobs it starts."""

    place = "the crontab"

    def __init__(self, file: Crontab, home: Path) -> None:
        self._file = file
        self._home = home

    def read(self, expression: str) -> Schedule:
        """Five fields, or `@daily` and friends."""
        return Schedule.parse(expression)

    def zone(self, job: str) -> str | None:
        """The zone that CRON_TZ sets for the job's entry. Raises `InvalidSetting` where cron would not heed it."""
        zone = settings_above(self._file.read(), job).get("CRON_TZ")
        if zone is None:
            return None
        if not self._file.reads_cron_tz():
            raise InvalidSetting(
                f"CRON_TZ={zone} stands in the crontab, and this machine's cron ignores it: the job would run at other "
                "times than it says; take it out with `crontab -e`"
            )
        local_zone(zone)
        return zone

    def line(self, submission: Submission) -> str:
        """The cron line."""
        return crontab_text.line(self._entry(submission)).decode(errors="surrogateescape")

    def entries(self) -> Mapping[str, Entry]:
        """Each marked block."""
        found = crontab_text.entries(self._file.read())
        return {entry.id: Entry(schedule=entry.schedule, command=entry.command) for entry in found}

    def put(self, submission: Submission) -> Undo:
        """Atomic among pydag's processes."""
        new = self._entry(submission)
        before: list[crontab_text.Entry] = []

        def change(text: bytes) -> bytes:
            before[:] = [entry for entry in crontab_text.entries(text) if entry.name == new.name]
            return with_entry(text, new)

        def undo() -> None:
            self._file.edit(lambda text: with_entry(text, before[0]) if before else without_entry(text, new.name))

        self._file.edit(change)
        return undo

    def take(self, job: str) -> bool:
        """Change the job's own block and not one other byte."""

        def change(text: bytes) -> bytes:
            for entry in crontab_text.entries(text):
                if entry.name == job:
                    refuse_another(entry.command, job, self._home, self.place)
            return without_entry(text, job)

        return self._file.edit(change)

    def unstarted(self, submission: Submission) -> tuple[Unstarted, ...]:
        """None: cron keeps no record of what it could not start."""
        return ()

    def close(self) -> None:
        """It holds nothing."""

    def _entry(self, submission: Submission) -> crontab_text.Entry:
        command = shlex.join(words(submission.id, self._home))
        return crontab_text.Entry(name=submission.job, schedule=submission.cron, command=command)
