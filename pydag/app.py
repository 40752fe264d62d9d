"""The use cases: run, list, log, status, delete, draw. Parses and prints nothing by itself."""

from __future__ import annotations

import atexit
import gc
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, NoReturn

from pydag import owner, remote
from pydag.backends import engine_for, store_for
from pydag.errors import InvalidJob, NotFound, RunFailed, StillRunning
from pydag.job import Job
from pydag.run import Run, RunRecord, lost
from pydag.settings import Settings
from pydag.spec import JobSpec, TaskSpec
from pydag.state import State
from pydag.stores.base import JobEntry, Store

if TYPE_CHECKING:
    from types import TracebackType

    from pydag import follow
    from pydag.engines.base import Engine
    from pydag.history import Kept
    from pydag.report import Reporter

INTERRUPTED = 130
"""The exit status after Ctrl-C or SIGTERM, as a shell gives it."""


def run_job(
    job: Job,
    *,
    mode: str = "execute",
    check: bool = True,
    max_parallel: int | None = None,
    scheduled_for: datetime | None = None,
    reporter: Reporter | None = None,
    own_process: bool = False,
) -> RunRecord | None:
    """What `Job.run` promises. `max_parallel` goes before the job's own.

    `scheduled_for` is the run's logical date; `reporter` is told in place of the screen; `own_process` says that this
    process is a command of pydag's and no user's program.
    """
    spec = job.check()
    settings = Settings.load()
    with _store(settings) as store, closing(engine_for(job, settings, own_process=own_process)) as engine:
        if mode == "submit":
            engine.prepare(spec, "")
            store.save_job(spec, datetime.now(UTC))
            return None
        record = _execute(spec, settings, store, engine, max_parallel, scheduled_for, reporter)
    job.last_run = record
    if check and record.state is not State.SUCCESS:
        if sys.excepthook is sys.__excepthook__:  # a program's own hook stays
            sys.excepthook = _one_line
        raise RunFailed(_failure(record), record)
    return record


def _one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """How a script ends that does not catch `RunFailed`: where it was raised says nothing, and the screen said why."""
    if not isinstance(error, RunFailed):
        sys.__excepthook__(kind, error, traceback)
    elif sys.stderr:
        sys.stderr.write(f"pydag: {error}\n")


@contextmanager
def history(*, reading: bool = False) -> Iterator[Store]:
    """The history that the settings name. Opened for `reading`, one that does not exist is not made."""
    with _store(Settings.load(), reading=reading) as store:
        yield store


def jobs() -> list[JobEntry]:
    """Every job of the history, the one saved last first."""
    with _store(Settings.load(), reading=True) as store:
        return [_honest_entry(entry) for entry in store.jobs()]


def jobs_elsewhere(entries: list[JobEntry]) -> list[str]:
    """The jobs that gocron has and the history has not, newest first. Raises `EngineError`."""
    return remote.jobs(besides=[entry.name for entry in entries])


def job_spec(name: str) -> JobSpec:
    """A job's current definition. Raises `NotFound` with the nearest name there is."""
    with _store(Settings.load(), reading=True) as store:
        return _spec(store, name)


def records(job: str, count: int) -> list[RunRecord]:
    """The newest runs of a job, newest first. Raises `NotFound`."""
    with _store(Settings.load(), reading=True) as store:
        _spec(store, job)
        return [_honest(store.load(run)) for run in store.runs(job, limit=count)]


def task_outputs(job: str, task: str, count: int) -> tuple[TaskSpec, Iterator[Kept]]:
    """A task, and its newest attempts with their output, newest first, over all runs. Raises `NotFound`.

    The history is open until the iterator is at its end; the output of each is read before the next is asked for.
    """
    spec = job_spec(job)
    newest = next(_attempts_of(job, task), None)
    number = spec.number(task)
    if newest is not None:
        return newest[0], (kept for _, kept in islice(_attempts_of(job, task), count))
    if number is None:
        raise _unknown_task(spec, task)
    return spec.tasks[number], iter(())


def _attempts_of(job: str, task: str) -> Iterator[tuple[TaskSpec, Kept]]:
    from pydag.history import Kept

    with _store(Settings.load(), reading=True) as store:
        for run in store.runs(job):
            record = _honest(store.load(run))
            number = record.spec.number(task)
            if number is None:
                continue
            for attempt in reversed(record.tasks[task].attempts):
                output = store.output(run.id, number, attempt.number)
                yield record.spec.tasks[number], Kept(run=run, attempt=attempt, output=output)


def follow_run(job: str, reporter: Reporter) -> bool:
    """Tell a reporter of the job's newest run, to its end. False where it never ran. Raises `NotFound`."""
    from pydag import follow

    with _newest(job) as found:
        if found:
            store, look = found
            follow.events(look, _pause, store, reporter)
        return found is not None


def follow_output(job: str, task: str, stream: BinaryIO) -> bool:
    """Copy the task's output in the job's newest run to a stream, to its end. False where the job never ran.

    Raises `NotFound`.
    """
    from pydag import follow

    with _newest(job) as found:
        if found is None:
            return False
        store, look = found
        spec = look().spec
        if spec.number(task) is None:
            raise _unknown_task(spec, task)
        follow.output(look, _pause, store, task, stream)
        return True


@contextmanager
def _newest(job: str) -> Iterator[tuple[Store, follow.Look] | None]:
    """The store, and how to read the job's newest run in it anew."""
    with _store(Settings.load(), reading=True) as store:
        _spec(store, job)
        runs = store.runs(job, limit=1)
        yield (store, lambda: _honest(store.load(runs[0]))) if runs else None


def _pause() -> None:
    """Between two looks at a run that another process makes; nothing is waiting for it but a pair of eyes."""
    time.sleep(0.2)


class Status(NamedTuple):
    """What runs now, every job with its newest run, and the newest ended run of each job whose newest still goes."""

    running: list[RunRecord]
    jobs: list[JobEntry]
    ended: dict[str, Run]


def status(job: str | None = None) -> Status:
    """How things stand: of one job or of all. Raises `NotFound`."""
    with _store(Settings.load(), reading=True) as store:
        entries = [_honest_entry(entry) for entry in store.jobs()]
        if job is not None:
            entries = [entry for entry in entries if entry.name == job] or _raise(_unknown_job(store, job))
        live = [run for run in store.runs(job, state=State.RUNNING) if not owner.is_gone(run.owner)]
        ended = {}
        for name in {run.job for run in live}:
            before = next((run for run in map(_honest_run, store.runs(name)) if run.state.final), None)
            if before:
                ended[name] = before
        return Status(running=[store.load(run) for run in live], jobs=entries, ended=ended)


def delete(job: str, settings: Settings, *, force: bool = False) -> None:
    """Take a job, its history and its tasks on the gocron of the settings out.

    Raises `NotFound`, and `StillRunning` unless `force`.
    """
    with _store(settings) as store:
        try:
            store.job(job)
        except NotFound:
            if not remote.delete(job, settings, force=force):
                raise _unknown_job(store, job) from None
            return
        if not force:
            _refuse_if_live(store, job, "or delete it all the same with --force")
        remote.delete(job, settings, force=force)
        store.delete(job)


def _refuse_if_live(store: Store, job: str, way_out: str) -> None:
    live = [run.id for run in store.runs(job, state=State.RUNNING) if not owner.is_gone(run.owner)]
    if live:
        raise StillRunning(f"job {job!r} runs now (run {live[0]}): wait for its end or stop it, {way_out}")


def draw_beside(job: Job, directory: Path) -> None:
    """What `print(job)` does beside printing: the picture, and one line on stderr where there is none."""
    from pydag import draw
    from pydag.look import tell

    try:
        spec = job.check()
    except InvalidJob as error:
        message: str | None = f"no picture of {job.name!r}: {error}"
    else:
        message = draw.write_beside(spec, directory, _states(job.last_run))
    if message:
        tell(message)


def draw_file(job: Job, path: Path | None, *, with_states: bool) -> Path:
    """Write the picture of a job (default: JOB.png here) and say where.

    `with_states` colours it by the job's newest run; raises `NotFound` where there is none.
    """
    from pydag import draw

    states = None
    if with_states:
        newest = records(job.name, 1) or _raise(NotFound(f"job {job.name!r} has not run yet: run it first"))
        states = _states(newest[0])
    return draw.write(job.check(), path or Path(draw.file_name(job.name, ".png")), states)


# Running.


def _execute(
    spec: JobSpec,
    settings: Settings,
    store: Store,
    engine: Engine,
    max_parallel: int | None,
    scheduled_for: datetime | None,
    reporter: Reporter | None,
) -> RunRecord:
    from pydag.show import reporter_for
    from pydag.tracker import Tracker

    if engine.name == "gocron":  # two runs would share the job's tasks there, and take each other's ends for their own
        _refuse_if_live(store, spec.name, "then run it again")
    reporter = reporter or reporter_for(sys.stdout)
    try:
        run = _new_run(spec.name, engine.name, scheduled_for)
        engine.prepare(spec, run.id)
        tracker = Tracker(
            spec,
            run,
            engine=engine,
            store=store,
            reporter=reporter,
            task_timeout=settings.task_timeout,
            max_parallel=max_parallel,
        )
        gc.freeze()  # the job stays to the end of the run: the collector need not walk through it again and again
        with signals_to(tracker.interrupt):
            record = tracker.track()
    finally:
        gc.unfreeze()
        reporter.close()
    if tracker.interrupted:
        # In a shell of Python's own, Ctrl-C must not end the shell.
        raise KeyboardInterrupt if hasattr(sys, "ps1") else SystemExit(INTERRUPTED)
    return record


def _new_run(job: str, engine: str, scheduled_for: datetime | None) -> Run:
    return Run(
        id=new_run_id(),
        job=job,
        engine=engine,
        state=State.RUNNING,
        started=datetime.now(UTC),
        owner=owner.own(),
        scheduled_for=scheduled_for,
    )


@contextmanager
def signals_to(interrupt: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C, SIGQUIT, SIGTERM and a closed terminal call `interrupt`.

    Python takes signals in its main thread alone; in another one, the end of Python does.
    """
    if threading.current_thread() is not threading.main_thread():
        with _end_to(interrupt):
            yield
        return
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        handler = signal.getsignal(number)
        if handler is not signal.SIG_IGN:  # as under nohup
            before[number] = handler
            signal.signal(number, lambda *_: interrupt())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _end_to(interrupt: Callable[[], None]) -> Iterator[None]:
    """Where Python ends meanwhile, call `interrupt` and wait for what comes of it; on a Ctrl-C, call it again."""
    left = threading.Event()

    def stop() -> None:
        while not left.is_set():
            interrupt()
            with suppress(KeyboardInterrupt):
                left.wait()

    atexit.register(stop)
    try:
        yield
    finally:
        atexit.unregister(stop)
        left.set()


def new_run_id() -> str:
    """Sorts by time, and is unique without asking anybody."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(4).hex()}"


def _failure(record: RunRecord) -> str:
    bad = record.unsuccessful()
    named = ", ".join(repr(task.name) for task in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    return f"job {record.spec.name!r} {record.state.value}: {named}{more} did not succeed (run {record.id})"


def _states(record: RunRecord | None) -> dict[str, State] | None:
    return {name: task.state for name, task in record.tasks.items()} if record else None


# Reading.


@contextmanager
def _store(settings: Settings, *, reading: bool = False) -> Iterator[Store]:
    """The history. Opened for `reading`, one that does not exist is empty and is not made."""
    store = store_for(settings, reading=reading)
    try:
        yield store
    finally:
        store.close()


def _spec(store: Store, job: str) -> JobSpec:
    try:
        return store.job(job)
    except NotFound:
        raise _unknown_job(store, job) from None


def _unknown_job(store: Store, job: str) -> NotFound:
    known = [entry.name for entry in store.jobs()]
    return _not_found(f"there is no job {job!r} in the history", job, known, "pydag list")


def _unknown_task(spec: JobSpec, task: str) -> NotFound:
    known = [each.name for each in spec.tasks]
    where = f"pydag list --job_name {shlex.quote(spec.name)}"
    return _not_found(f"there is no task {task!r} in the job {spec.name!r}", task, known, where)


def _not_found(message: str, name: str, known: list[str], where: str) -> NotFound:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return NotFound(f"{message}; did you mean {close[0]!r}?" if close else f"{message}: `{where}` shows what there is")


def _honest_run(run: Run) -> Run:
    """The run as it is: one that says it goes on while its process has ended is lost, whatever it last wrote."""
    if run.state is State.RUNNING and owner.is_gone(run.owner):
        return run._replace(state=State.LOST)
    return run


def _honest_entry(entry: JobEntry) -> JobEntry:
    return entry._replace(last_run=_honest_run(entry.last_run)) if entry.last_run else entry


def _honest(record: RunRecord) -> RunRecord:
    return record if _honest_run(record.run) is record.run else lost(record)


def _raise(error: Exception) -> NoReturn:
    """`raise` as an expression."""
    raise error
