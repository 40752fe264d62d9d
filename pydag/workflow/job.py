"""Job: a named set of tasks. It checks itself; running it is the work of `pydag.app`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextvars import Token
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn, Protocol, overload

from pydag.errors import InvalidJob, count, shown
from pydag.model.graph import order
from pydag.model.spec import HOOKS, JobSpec, TaskSpec
from pydag.model.states import Overlap
from pydag.workflow.hooks import Hook, checked_hook, hook_spec
from pydag.workflow.params.parameters import PROGRAM, Parameters
from pydag.workflow.params.secrets import refuse_secrets_in
from pydag.workflow.tasks.base import Task, collector
from pydag.workflow.tasks.checks import NOT_FOR_A_PROGRAM, checked_name, checked_overlap, checked_strict

if TYPE_CHECKING:
    from types import TracebackType

    from pydag.model.run import RunRecord


class Reader(Protocol):
    """Reads a file for its jobs. It collects each job that is made meanwhile, and lets none of them run, ever."""

    path: Path
    """The file."""

    parameters: Parameters
    """What the file declares meanwhile, and the values that it is read with."""

    def made(self, job: Job) -> None:
        """The file made this job."""

    def refuse_run(self, job: Job) -> NoReturn:
        """The file, or what it started, asked this job to run."""


class Job:
    """A directed acyclic graph of tasks.

    At most `max_parallel` tasks run at once; None leaves it to the engine (here: one for each CPU that this process
    may use). Inside `with Job(...)` every task that is made belongs to it.

    `strict` decides for its tasks that do not say it themselves; None leaves it to PYDAG_STRICT.

    `on_failure`, `on_success` and `on_end` are its hooks: a command, or a task with options, that runs on this machine
    when a run has ended, with the run as JSON on stdin. A run that is lost or never started counts as a failure.

    `overlap` says whether a run may begin while another one of the job goes on: "allow", or "forbid". On gocron, where
    both would use the same tasks, it never may.

    `engine` is "local" or "gocron"; None runs on gocron where GOCRON_ADDRESS is set, and here where it is not.
    """

    reader: ClassVar[Reader | None] = None
    """Who reads a file for its jobs now, in any thread of this process. The loader sets it."""

    def __init__(
        self,
        name: str,
        *,
        max_parallel: int | None = None,
        description: str = "",
        engine: str | None = None,
        strict: bool | None = None,
        on_failure: Hook | None = None,
        on_success: Hook | None = None,
        on_end: Hook | None = None,
        overlap: str | Overlap = Overlap.ALLOW,
    ) -> None:
        self.name = checked_name(name, "job")
        if max_parallel is not None and (type(max_parallel) is not int or not 1 <= max_parallel <= sys.maxsize):
            raise InvalidJob(
                f"job {name!r}: max_parallel={shown(max_parallel)} must be a whole number, from 1 to {sys.maxsize}"
            )
        self.engine = engine
        self.task_manager: object | None = None
        self.max_parallel = max_parallel
        self.description = _checked_description(description, name)
        self.strict = checked_strict(strict, f"job {name!r}")
        self.overlap = checked_overlap(overlap, name)
        given = zip(HOOKS, (on_failure, on_success, on_end), strict=True)
        self.hooks = {hook: checked_hook(what, hook, name) for hook, what in given if what is not None}
        self.last_run: RunRecord | None = None
        """What the newest `run` of this object did; its states colour the picture."""
        self._tasks: dict[str, Task] = {}
        self._entered: list[Token[Callable[[Task], None] | None]] = []
        self._reader = Job.reader  # kept: a thread, or a process of multiprocessing, may run the job after the reading
        self.parameters = self._reader.parameters if self._reader else PROGRAM
        """What its file, or this program, takes from whoever runs it."""
        file = self._reader.path if self._reader else _program()
        self.file = file.absolute() if file else None
        """The file that makes it. None where there is none: in a notebook, or typed into Python."""
        if self._reader:
            self._reader.made(self)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks, in the order in which they were added."""
        return tuple(self._tasks.values())

    def add_task(self, *tasks: Task) -> None:
        """Add tasks. Adding one of these tasks again changes nothing."""
        for task in tasks:
            if not isinstance(task, Task):
                hint = "write add_task(*tasks) for a list of them" if isinstance(task, Iterable) else "add Task objects"
                raise InvalidJob(f"job {self.name!r}: {shown(task)} is not a Task; {hint}")
            if task.job is not None and task.job is not self:
                raise InvalidJob(
                    f"task {task.name!r} belongs to the job {task.job.name!r} and cannot be in {self.name!r} too: "
                    "make a second task"
                )
            if self._tasks.setdefault(task.name, task) is not task:
                raise InvalidJob(f"job {self.name!r} has two tasks named {task.name!r}: rename one of them")
            task.job = self

    def check(self, *, strict: bool = True) -> JobSpec:
        """The job as a checked, frozen record. Raises `InvalidJob` (a cycle: `CycleError`).

        `strict` holds for what says it neither in a task nor in the job.
        """
        if not self._tasks:
            raise InvalidJob(f"job {self.name!r} has no tasks: add some with add_task(...)")
        numbers = {task: number for number, task in enumerate(self._tasks.values())}
        for task in numbers:
            for other in (*task.upstream, *task.downstream):
                if other not in numbers:
                    raise InvalidJob(
                        f"task {other.name!r} has an edge with {task.name!r} but is not in the job {self.name!r}: "
                        + _next_step(other)
                    )
        order({task.name: [before.name for before in task.upstream] for task in numbers})
        spec = JobSpec(
            name=self.name,
            description=self.description,
            max_parallel=self.max_parallel,
            tasks=tuple(self._task_spec(task, numbers, strict) for task in numbers),
            params=self.parameters.specs,
            hooks=tuple(self._hook_spec(name, hook, strict) for name, hook in self.hooks.items()),
        )
        refuse_secrets_in(spec, self.parameters.secrets)
        return spec

    def _hook_spec(self, name: str, hook: Hook, strict: bool) -> TaskSpec:
        if name in self._tasks:
            raise InvalidJob(f"job {self.name!r} has a task named {name!r}, as its hook: rename the task")
        return hook_spec(hook, name, self.name, job_strict=self.strict, strict=strict)

    def _task_spec(self, task: Task, numbers: dict[Task, int], strict: bool) -> TaskSpec:
        return TaskSpec(
            name=task.name,
            action=task.final_action(job_strict=self.strict, strict=strict),
            upstream=tuple(numbers[before] for before in task.upstream),
            when=task.when,
            timeout=task.timeout,
            retries=task.retries,
            retry_delay=task.retry_delay,
        )

    @overload
    def run(self, mode: Literal["execute"] = "execute", check: bool = True) -> RunRecord: ...

    @overload
    def run(self, mode: Literal["submit"], check: bool = True) -> None: ...

    def run(self, mode: str = "execute", check: bool = True) -> RunRecord | None:
        """Run the job to its end and return what happened, or, as "submit", only check and record it.

        Raises `InvalidJob`, `InvalidSetting`, `StoreError` or `EngineError` before anything runs; `RunFailed` when a
        task did not succeed and `check` is true. After Ctrl-C or SIGTERM every task has been stopped and the script
        ends with status 130 or 143 (`SystemExit`; in an interactive Python `KeyboardInterrupt`).
        """
        if mode not in ("execute", "submit"):
            raise InvalidJob(f'job {self.name!r}: mode={shown(mode)} is unknown; use "execute" or "submit"')
        if self._reader:
            self._reader.refuse_run(self)
        if sys._getframe(1).f_globals.get("__name__") == "__main__":  # else the command line is another program's
            self.parameters.refuse_undeclared(sys.argv[0])
        from pydag.cli import script  # the one way up: all that a run needs is imported when a job runs

        if mode == "execute":
            return script.run(self, check=check)
        script.submit(self)
        return None

    def __enter__(self) -> Job:
        self._entered.append(collector.set(self.add_task))
        return self

    def __exit__(self, *error: object) -> None:
        collector.reset(self._entered.pop())

    def __str__(self) -> str:
        """`<NAME with N tasks>`; the picture of the job is written into the working directory beside it."""
        if self._reader is None:
            from pydag.cli import script

            script.draw(self)
        return repr(self)

    def __repr__(self) -> str:
        return f"<{self.name} with {count(len(self._tasks), 'task')}>"


def _program() -> Path | None:
    """The file of the program that runs."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file) if file else None


def _checked_description(description: object, name: str) -> str:
    if not isinstance(description, str):
        raise InvalidJob(f"job {name!r}: the description must be text, not {shown(description)}")
    if found := NOT_FOR_A_PROGRAM.search(description):
        raise InvalidJob(f"job {name!r}: the description holds {found[0]!r}, which cannot be passed to a program")
    return description


def _next_step(missing: Task) -> str:
    if missing.job is None:
        return "add it with add_task(...)"
    return f"it is in {missing.job.name!r}, and edges stay inside one job"


class GoCronJob(Job):
    """A Job that runs on gocron.

    `task_manager` is a `PyGoCron`, whose server and login are used; without one the GOCRON_* variables name them.
    """

    def __init__(
        self,
        name: str,
        task_manager: object | None = None,
        *,
        max_parallel: int | None = None,
        description: str = "",
        strict: bool | None = None,
        on_failure: Hook | None = None,
        on_success: Hook | None = None,
        on_end: Hook | None = None,
    ) -> None:
        super().__init__(
            name,
            max_parallel=max_parallel,
            description=description,
            engine="gocron",
            strict=strict,
            on_failure=on_failure,
            on_success=on_success,
            on_end=on_end,
        )
        self.task_manager = task_manager


def _uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Python calls it before a program ends with an error that nobody caught."""
    if isinstance(error, Exception):
        from pydag.cli import excepthook  # the other way up, for programs that end so

        excepthook.end(error)
    else:
        sys.__excepthook__(kind, error, traceback)


if sys.excepthook is sys.__excepthook__:  # the hook of the user's program stays
    sys.excepthook = _uncaught
