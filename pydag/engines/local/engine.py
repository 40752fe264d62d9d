"""The embedded engine: attempts are processes of this machine. It waits for the operating system and never polls.

Each attempt is `bash -c COMMAND` (of a strict one `bash -eo pipefail -c COMMAND`), or what that would start (`direct`),
in a session of its own, with one pipe for stdout and stderr. docs/design.md says why a pipe, and what becomes of a
daemon that keeps it open.
"""

from __future__ import annotations

import heapq
import math
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path

from pydag.engines.base import Engine, Event
from pydag.engines.local import timeslice
from pydag.engines.local.descriptors import command_room, exit_descriptor
from pydag.engines.local.direct import DirectStarts
from pydag.engines.local.ends import ended, not_started
from pydag.engines.local.environment import as_argument, encoded_variables
from pydag.engines.local.journal import Journal
from pydag.engines.local.process import Process, ProcessEnd, Starter, keep_child_ends, program_on_path
from pydag.engines.local.sessions import kill_sessions, live_sessions, signal_groups, signal_sessions
from pydag.errors import EngineError, InvalidJob
from pydag.model.actions import HttpRequest, Shell
from pydag.model.run import Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""

LINGER = 1.0
"""Seconds for which output is still read after a command ended while something it left behind holds the pipe open."""

_MANY = 50  # tasks from which on short turns on the CPU earn more than the 2 ms that asking for them takes
_SEVERAL = 5  # tasks from which on direct starts earn more than asking bash for its environment takes
_QUIET = 0.02  # seconds before a pipe is read: most commands have ended by then, and it holds their output so long
_CHUNK = 64 * 1024  # bytes a pipe holds
_CHUNKS_AT_EXIT = 16  # a command's last output is in the pipe; more comes only from something that outlives it
_SESSION_CHECK = 0.02  # seconds between two checks of a stopped session that has lost its leader
_LONGEST_WAIT = 3600.0  # seconds; the system counts milliseconds in 32 bits, and a timeout may be a year
_KILL_WAIT = 2.0  # seconds in which what was killed disappears, unless the kernel holds it


class _Phase(Enum):
    FRESH = auto()  # next: its pipe is watched
    RUNNING = auto()  # next: its timeout
    LINGERING = auto()  # ended by itself; next: its pipe is closed
    TERMINATING = auto()  # has SIGTERM; next: SIGKILL
    KILLED = auto()  # has SIGKILL; next: whatever is left is given up


class _Child:  # not a dataclass: making one takes longer than the start of a command
    __slots__ = (
        "deadline",
        "exit_fd",
        "exited",
        "number",
        "phase",
        "pipe",
        "process",
        "stopped_for",
        "task",
        "timeout",
        "watched",
    )

    def __init__(self, task: int, number: int, timeout: float, process: Process, exit_fd: int, pipe: int) -> None:
        self.task = task
        self.number = number
        self.timeout = timeout
        self.process = process
        self.exit_fd = exit_fd
        self.pipe: int | None = pipe
        self.watched = False  # whether its pipe is polled
        self.phase = _Phase.FRESH
        self.deadline = 0.0  # when the phase ends, by the monotonic clock
        self.exited = False
        self.stopped_for: Reason | None = None


class LocalEngine(Engine):
    """Runs attempts on this machine. `task_timeout` (seconds) holds for tasks that set none.

    `short_turns` lets it ask for short turns on the CPU, which its thread then keeps. `stdin` is a file that each
    command reads from its beginning, so that no two of them may run at once; it stays the caller's. `journal` is told
    of each start.
    """

    name = "local"

    def __init__(
        self,
        *,
        task_timeout: float,
        environ: Mapping[str, str] = os.environ,
        short_turns: bool = False,
        stdin: int | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.slots = usable_cpus()
        self.room = command_room()
        self._task_timeout = task_timeout
        self._commands: list[tuple[Shell, float | None]] = []
        self._path = environ.get("PATH", os.defpath)
        self._environ = encoded_variables(environ.items())
        self._directory = ""
        self._bash = ""
        self._direct: DirectStarts | None = None
        self._children: set[_Child] = set()
        self._leaderless: set[_Child] = set()  # being stopped; the leader has ended, others of its session may live
        self._timers: list[tuple[float, int, _Child]] = []  # when (monotonic), serial number: a heap
        self._serial = 0
        self._short_turns = short_turns
        self._ends_ignored = False
        self._closed = False
        self._events: list[Event] = []
        self._stdin = stdin
        self._starter = Starter(stdin)
        self._journal = journal
        self._poll = select.poll()  # a few hundred descriptors at most, and no wrapper of Python's around it
        self._handlers: dict[int, tuple[Callable[[_Child], None], _Child]] = {}  # by descriptor
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._poll.register(self._wake_read, select.POLLIN)

    def prepare(self, spec: JobSpec) -> None:
        """Find bash and remember the working directory, which the job keeps to its end."""
        self._commands = [_command_of(task) for task in spec.tasks]
        bash = program_on_path("bash", self._path)
        if bash is None:
            raise EngineError("bash is not on PATH, and commands run under it: install bash or correct PATH")
        self._bash = bash
        if len(spec.tasks) >= _SEVERAL:
            self._direct = DirectStarts(bash, self._environ, self._starter)
        try:
            self._directory = str(Path.cwd())
        except FileNotFoundError:
            raise EngineError("the working directory was removed: change to one that exists, then run again") from None
        self._ends_ignored = keep_child_ends()
        if self._short_turns and len(spec.tasks) >= _MANY:
            timeslice.ask_for_short()

    def start(self, task: int, number: int, env: Mapping[str, str]) -> None:
        """Spawn the command. Where that fails (no such directory, no memory), the attempt ends; nothing is raised."""
        shell, own_timeout = self._commands[task]
        timeout = self._task_timeout if own_timeout is None else own_timeout
        pipe = write_end = None
        try:
            pipe, write_end = os.pipe()
            if self._stdin is not None:
                os.lseek(self._stdin, 0, os.SEEK_SET)
            process = self._spawn(shell, encoded_variables(env.items()), write_end)
            if self._journal is not None:
                self._journal.add(env, number, process.pid)
        except OSError as error:
            if pipe is not None:
                os.close(pipe)
            if error.errno is None:  # not the system's, but from a signal handler of the caller's, as a TimeoutError
                raise
            self._events.append(not_started(task, number, error))
            return
        finally:
            if write_end is not None:
                os.close(write_end)
        os.set_blocking(pipe, False)
        child = _Child(task, number, timeout, process, exit_descriptor(process.pid), pipe)
        self._children.add(child)
        self._register(child.exit_fd, self._exited, child)
        self._enter(child, _Phase.FRESH, min(_QUIET, timeout))

    def _spawn(self, shell: Shell, added: Mapping[bytes, bytes], output: int) -> Process:
        directory = os.path.join(self._directory, as_argument(shell.cwd)) if shell.cwd else self._directory
        here = self._starter.can_spawn(directory)
        direct = self._direct.find(shell.command, shell.env, added, directory) if here and self._direct else None
        if direct is not None:
            try:
                return self._starter.spawn(direct.program, direct.words, output=output, environ=direct.environ)
            except OSError as error:  # it cannot be executed: bash says why, or runs it as a script
                if error.errno is None:
                    raise
        environ = {**self._environ, **encoded_variables(shell.env), **added}
        # The program is a whole path; $0 stays "bash". As options they cost no line of the command, and bash turns them
        # on after BASH_ENV, which is somebody else's.
        options = ("-eo", "pipefail", "-c") if shell.strict else ("-c",)
        words = ("bash", *options, as_argument(shell.command))
        if here:
            return self._starter.spawn(self._bash, words, output=output, environ=environ)
        return self._starter.popen(self._bash, words, output=output, environ=environ, directory=directory)

    def wait(self, timeout: float | None) -> list[Event]:
        """Block until a process ends, writes, or must be stopped."""
        if not self._events:
            for descriptor, _ in self._poll.poll(self._poll_timeout(timeout)):
                if descriptor == self._wake_read:
                    self._drain_wakes()
                elif descriptor in self._handlers:  # else another event of this turn has closed it
                    handle, child = self._handlers[descriptor]
                    handle(child)
            if self._leaderless:
                sessions = live_sessions()
                for child in tuple(self._leaderless):
                    if child.process.pid not in sessions:
                        self._end(child)
                    elif child.phase is _Phase.KILLED:  # a group that was made meanwhile has not had its signal
                        signal_groups(sessions[child.process.pid], signal.SIGKILL)
            self._fire_timers()
        events, self._events = self._events, []
        return events

    def wake(self) -> None:
        """Make a `wait` return. Where the pipe is full, it has been woken already."""
        with suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def stop(self, *, force: bool) -> None:
        """SIGTERM to every session and SIGKILL after a grace; with `force`, SIGKILL now."""
        self._stop(self._not_ended(), Reason.INTERRUPTED, force=force)

    def close(self) -> None:
        """Kill what still runs, reap it, and close every descriptor."""
        if self._closed:
            return
        self._closed = True
        kill_sessions((child.process.pid for child in self._not_ended()), _KILL_WAIT)
        for child in tuple(self._children):
            self._release(child)
        if self._journal is not None:
            self._journal.close()
        self._starter.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        if self._ends_ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    # The life of a child, in the order in which it happens.

    def _readable(self, child: _Child) -> None:
        self._read(child)
        if child.pipe is None and child.phase is _Phase.LINGERING:
            self._end(child)

    def _read(self, child: _Child) -> bool:
        """Read once, and return whether there was something. Close the pipe at its end."""
        assert child.pipe is not None
        try:
            data = os.read(child.pipe, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._close_pipe(child)
            return False
        self._events.append(Output(task=child.task, number=child.number, data=data))
        return True

    def _not_ended(self) -> list[_Child]:
        return [child for child in self._children if child.phase is not _Phase.LINGERING]

    def _stop(self, children: list[_Child], reason: Reason, *, force: bool) -> None:
        for child in children:
            child.stopped_for = child.stopped_for or reason
        if force:
            children = [child for child in children if child.phase is not _Phase.KILLED]
        else:
            children = [child for child in children if child.phase in (_Phase.FRESH, _Phase.RUNNING)]
        signal_sessions((child.process.pid for child in children), signal.SIGKILL if force else signal.SIGTERM)
        for child in children:
            self._enter(child, *((_Phase.KILLED, _KILL_WAIT) if force else (_Phase.TERMINATING, GRACE)))

    def _exited(self, child: _Child) -> None:
        """The leader is a zombie from here on: it is reaped last, so that its group's number stays its own."""
        child.exited = True
        self._unregister(child.exit_fd)
        for _ in range(_CHUNKS_AT_EXIT):
            if child.pipe is None or not self._read(child):
                break
        if child.stopped_for:
            self._leaderless.add(child)
        elif child.pipe is None:
            self._end(child)
        else:
            self._enter(child, _Phase.LINGERING, LINGER)

    def _end(self, child: _Child) -> None:
        if child.stopped_for:  # where /proc cannot be read, others of its group may live
            signal_groups({child.process.pid}, signal.SIGKILL)
        self._events.append(ended(child.task, child.number, self._release(child), child.stopped_for))

    def _release(self, child: _Child) -> ProcessEnd | None:
        """Reap the leader, which has ended or was killed, and forget the child. Returns what `Process.wait` does."""
        self._children.discard(child)
        self._leaderless.discard(child)
        if not child.exited:
            self._unregister(child.exit_fd)
        os.close(child.exit_fd)
        if child.pipe is not None:
            self._close_pipe(child)
        return child.process.wait()

    def _watch(self, child: _Child) -> None:
        """Read its pipe from now on, as it is written to."""
        if child.pipe is not None and not child.watched:
            self._register(child.pipe, self._readable, child)
            child.watched = True

    def _register(self, descriptor: int, handle: Callable[[_Child], None], child: _Child) -> None:
        self._poll.register(descriptor, select.POLLIN)
        self._handlers[descriptor] = handle, child

    def _unregister(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._handlers[descriptor]

    def _close_pipe(self, child: _Child) -> None:
        assert child.pipe is not None
        if child.watched:
            self._unregister(child.pipe)
        os.close(child.pipe)
        child.pipe = None

    # Time.

    def _enter(self, child: _Child, phase: _Phase, seconds: float) -> None:
        if phase is not _Phase.FRESH:
            self._watch(child)
        child.phase = phase
        child.deadline = time.monotonic() + seconds
        self._serial += 1
        heapq.heappush(self._timers, (child.deadline, self._serial, child))

    def _fire_timers(self) -> None:
        now = time.monotonic()
        late: list[_Child] = []
        unheeding: list[_Child] = []
        while self._timers and self._timers[0][0] <= now:
            due, _, child = heapq.heappop(self._timers)
            if child not in self._children or child.deadline != due:
                continue  # it ended, or entered another phase since
            if child.phase is _Phase.FRESH:
                self._enter(child, _Phase.RUNNING, child.timeout - _QUIET)
            elif child.phase is _Phase.RUNNING:
                late.append(child)
            elif child.phase is _Phase.TERMINATING:
                unheeding.append(child)
            elif child.exited:
                self._end(child)
        if late:
            self._stop(late, Reason.TIMEOUT, force=False)
        if unheeding:
            self._stop(unheeding, Reason.TIMEOUT, force=True)

    def _poll_timeout(self, timeout: float | None) -> int | None:
        """Milliseconds until something is due: the caller's timeout, a timer, a check of sessions without a leader."""
        while self._timers and self._timers[0][2] not in self._children:
            heapq.heappop(self._timers)
        due = [] if timeout is None else [timeout]
        if self._timers:
            due.append(max(0.0, self._timers[0][0] - time.monotonic()))
        if self._leaderless:
            due.append(_SESSION_CHECK)
        return math.ceil(min(*due, _LONGEST_WAIT) * 1000) if due else None

    def _drain_wakes(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wake_read, 512):
                pass


def _command_of(task: TaskSpec) -> tuple[Shell, float | None]:
    """What to run and its own timeout. Raises `InvalidJob` where this engine cannot run it."""
    action = task.action
    if isinstance(action, HttpRequest) or action.nodes:
        what = "is an HttpTask" if isinstance(action, HttpRequest) else f"asks for the node {action.nodes[0]!r}"
        raise InvalidJob(f"task {task.name!r} {what}, which only gocron has: set GOCRON_ADDRESS to run it there")
    return action, task.timeout


def usable_cpus() -> int:
    """The CPUs that this process may use, which a container or taskset can make fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
