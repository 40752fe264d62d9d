"""A run of which only failures are shown, at its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from pydag.model.run import Attempt, Output, Run, RunRecord
from pydag.model.spec import JobSpec
from pydag.model.states import State
from pydag.view.outlet import Outlet
from pydag.view.summary import final_lines, finish
from pydag.view.tails import OutputTails
from pydag.view.terminal import Display


class QuietReporter:
    """A Reporter. Of a run that succeeds it shows nothing."""

    def __init__(self, stream: TextIO, display: Display) -> None:
        self._out = Outlet(stream)
        self._display = display

    def run_started(self, run: Run, spec: JobSpec) -> None:
        """Nothing is shown."""
        self._tails = OutputTails(spec)

    def changed(self, attempts: Sequence[Attempt], outputs: Sequence[Output]) -> None:
        """Output is kept for the end, in case its task fails."""
        for output in outputs:
            self._tails.add(output)
        for attempt in attempts:
            if attempt.state.final:
                self._tails.ended(attempt)

    def stopping(self, at: datetime) -> None:
        """Nothing is shown."""

    def hook_started(self, name: str, at: datetime) -> None:
        """Nothing is shown."""

    def run_ended(self, record: RunRecord) -> None:
        """The failed tasks with their last output, and the summary. After a success, hooks may have failed."""
        lines = list(final_lines(record, self._tails, self._display))
        if record.state is State.SUCCESS:
            lines.pop()  # the summary
        finish(self._out, "".join(f"{line}\n" for line in lines), record)

    def close(self) -> None:
        """Waits until a reader that had stopped has read everything."""
        self._out.finish()
