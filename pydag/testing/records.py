"""Small jobs, runs and attempts to test with, hostile names, and the one moment at which the time of tests starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Run
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State

START = datetime(2022, 12, 26, 15, 28, 1, 123457, tzinfo=UTC)

HOSTILE_NAMES = (
    "a",
    "A",
    "a b",
    " padded  with   spaces ",
    ".",
    "..",
    "../../escape",
    "/absolute",
    "~root",
    "CON",
    "-n",
    "--help",
    "_",
    "%",
    "100%s %d %% {0}",
    "*",
    "*?[a-z]",
    "a:b::c",
    "it's",
    'it\'s "quoted" `so`',
    "$(touch evil) ${HOME} `touch evil`",
    "; touch evil & | > evil # no comment",
    "' OR 1=1; DROP TABLE run; --",
    "C:\\new\\table\\",
    "\\N \\G \\L \\T \\E \\H \\n \\l \\r \\ud83d",
    'back\\"quote\\\\"',
    "{curly|x}",
    "[red]not red[/red] [/]",
    "<b>bold</b> &amp; &lt; &#65; ]]> <!-- -->",
    "<<i>html</i>>",
    "-> a >> b; c [label=d]",
    "digraph",
    "t0",
    "é",
    "e\N{COMBINING ACUTE ACCENT}",
    "\N{ROCKET}\N{SNOWMAN} \u5de5\u4f5c",
    "\U0001f469\u200d\U0001f680 \U0001f1e9\U0001f1ea",
    "\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0639\u0627\u0644\u0645",
    "\ufeffbom\u200b",
    "n" * 200,
    "\u5de5" * 200,
    "\N{ROCKET}" * 200,
)
"""Names that a job and a task may have, and that have broken programs before."""


def at(seconds: float) -> datetime:
    """A moment, so many seconds after `START`."""
    return START + timedelta(seconds=seconds)


def job_of(name: str, tasks: int = 2, command: str = "true") -> JobSpec:
    """A job of so many tasks, each after the one before."""
    return JobSpec(
        name=name,
        tasks=tuple(
            TaskSpec(name=f"t{number}", action=Shell(command), upstream=(number - 1,) if number else ())
            for number in range(tasks)
        ),
    )


def run_of(job: str, run_id: str, seconds: float = 0, state: State = State.RUNNING) -> Run:
    """A run that started so many seconds after `START`."""
    return Run(id=run_id, job=job, engine="local", state=state, started=at(seconds), owner="host:1:2")


def attempt_of(task: int, number: int = 1, state: State = State.RUNNING) -> Attempt:
    """An attempt that started at `START`."""
    return Attempt(task=task, number=number, state=state, started=START)
