"""How long a run still takes, as the job's last successful runs let one guess."""

from __future__ import annotations

from datetime import datetime

from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.runs.reporter import PastRuns
from pydag.view import tree
from pydag.view.live.board import Board


class Estimate:
    """The time left of one run.

    It is the longer of two: the longest chain of tasks that is left, each taken for as long as its median; and all the
    work that is left, shared by as many tasks at once as ran on average in the earlier runs. So parallelism is that of
    the earlier runs, and at the start of a run the estimate is what they took. Of a large job only the number of tasks
    that are left is looked at.
    """

    def __init__(self, spec: JobSpec, past: PastRuns) -> None:
        self._past = past
        self._seconds = [past.tasks.get(task.name, 0.0) for task in spec.tasks]
        self._parallel = sum(self._seconds) / past.total if past.total > 0 else 0.0
        self._order = [row.task for row in tree.rows(spec)][::-1] if past.tasks else []

    def seconds_left(self, board: Board, now: datetime) -> float:
        """0 where nothing can be said."""
        if not self._past.tasks:
            return self._past.total * (1 - board.done / max(len(board.states), 1))
        if not self._parallel:
            return 0.0
        chains = [0.0] * len(self._seconds)
        longest = work = 0.0
        for task in self._order:
            if board.states[task].final:
                continue
            own = self._left_of(task, board, now)
            work += own
            chains[task] = own + max((chains[each] for each in board.after[task]), default=0.0)
            longest = max(longest, chains[task])
        return max(longest, work / self._parallel)

    def _left_of(self, task: int, board: Board, now: datetime) -> float:
        seconds = self._seconds[task]
        attempt = board.running.get(task)
        if attempt and attempt.started:
            return max(seconds - (now - attempt.started).total_seconds(), 0.0)
        waiting = board.waiting.get(task)
        if waiting and waiting.ended and board.states[task] is State.PENDING:
            delay = board.spec.tasks[task].retry_delay - (now - waiting.ended).total_seconds()
            return seconds + max(delay, 0.0)
        return seconds


def about(seconds: float) -> str:
    """`about 4s left`, coarser where it is longer; empty for less than half a second."""
    if seconds < 0.5:
        return ""
    if seconds < 10:
        return f"about {max(round(seconds), 1)}s left"
    if seconds < 57.5:
        return f"about {round(seconds / 5) * 5}s left"
    minutes = max(round(seconds / 60), 1)
    return f"about {minutes}m left" if minutes < 60 else f"about {minutes // 60}h {minutes % 60:02}m left"
