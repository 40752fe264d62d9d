"""An attempt that runs on gocron, and what was seen of it. Its moments are in seconds of the monotonic clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydag.gocron.records import LogRow


@dataclass(slots=True, eq=False)
class RunningAttempt:
    """Started, and not seen to end. `timeout` is in seconds."""

    task: int
    number: int
    task_id: int
    timeout: float
    newest_before: int = 0  # the newest log row before the trigger
    row: int = 0  # the log row of this attempt, once it was seen
    executes: bool = False  # its row does not wait in gocron's queue
    triggered: bool = False
    unconfirmed: bool = False  # the answer to the trigger was lost
    sent: float = 0.0  # when it was triggered
    since: float = 0.0  # when it was triggered, or asked to stop
    row_seen: float = 0.0  # when a row of it was seen first
    alive: float = 0.0  # when it ran for certain, the last time that somebody looked
    deadline: float = 0.0  # when it is given up as lost
    lost_because: str = ""  # the reason then
    said: str = ""  # what was last said of its waiting

    def seen(self, row: int, now: float) -> bool:
        """Note its row, which was received now, and return whether it is new."""
        new = self.row != row
        if not self.row_seen:
            self.row_seen = now
        self.row = row
        return new

    def rows_of(self, rows: Mapping[int, Sequence[LogRow]]) -> list[LogRow]:
        """Of the rows by task, each task's oldest first, those that came after its trigger."""
        return [row for row in rows.get(self.task_id, ()) if row.id > self.newest_before]
