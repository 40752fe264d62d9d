"""What the embedded engine promises beyond the contract: processes, groups, output, daemons."""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pydag.engines.base import Ended, Event, Launch
from pydag.engines.local import engine as local_engine
from pydag.engines.local.engine import LocalEngine
from pydag.errors import EngineError
from pydag.model.run import Output
from pydag.model.states import Reason, State
from pydag.testing.engine_contract import collect, launch, one_end, output_of
from pydag.testing.records import job_of
from pydag.workflow.tasks.checks import MAX_SECONDS
from tests.support.processes import alive, pid_in, start
from tests.support.processes import output_of as output_of_program
from tests.support.waiting import eventually

LIMIT = 1024 * 1024
MakeEngine = Callable[..., LocalEngine]


@pytest.fixture
def make() -> Iterator[MakeEngine]:
    made = []

    def make_engine(output_limit: int = LIMIT, environ: dict[str, str] | None = None) -> LocalEngine:
        engine = LocalEngine(output_limit=output_limit, environ=os.environ if environ is None else environ)
        made.append(engine)
        engine.prepare(job_of("job"), "run-1")
        return engine

    yield make_engine
    for engine in made:
        engine.close()


def test_a_command_is_run_as_bash_runs_it(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, '[[ a == a ]] && echo "$0 $#" {1..3}; exit 7'))
    events = collect(engine, 1)
    assert output_of(events, 0) == b"bash 0 1 2 3\n"
    assert one_end(events).exit_status == 7


def test_the_environment_is_the_callers_with_the_launch_on_top(make: MakeEngine) -> None:
    engine = make(environ={"PATH": os.environ["PATH"], "KEPT": "kept", "TAKEN": "from the caller"})
    engine.start(launch(0, 'echo "$KEPT, $TAKEN, $NEW"', TAKEN="from the task", NEW="new"))
    assert output_of(collect(engine, 1), 0) == b"kept, from the task, new\n"


def test_it_runs_where_the_engine_was_prepared_or_in_its_cwd_seen_from_there(
    make: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    engine = make()
    monkeypatch.chdir("/")
    engine.start(launch(0, "pwd"))
    engine.start(Launch(task=1, number=1, command="pwd", timeout=60, env={}, cwd="sub"))
    events = collect(engine, 2)
    assert output_of(events, 0) == f"{tmp_path}\n".encode()
    assert output_of(events, 1) == f"{tmp_path}/sub\n".encode()


def test_a_cwd_that_is_not_there_ends_the_attempt_and_says_so(make: MakeEngine) -> None:
    engine = make()
    engine.start(Launch(task=0, number=1, command="true", timeout=60, env={}, cwd="/no/such/place"))
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason) == (State.FAILED, Reason.NOT_STARTED)
    assert "/no/such/place" in end.detail


def test_a_working_directory_that_vanished_is_named(
    make: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    engine = make()
    gone.rmdir()
    engine.start(launch(0, "true"))
    assert one_end(collect(engine, 1)).detail == f"No such file or directory: {str(gone)!r}"


@pytest.mark.parametrize(("number", "limit"), [(errno.EMFILE, "ulimit -n"), (errno.EAGAIN, "ulimit -u")])
def test_a_limit_that_keeps_an_attempt_from_starting_is_named(
    make: MakeEngine, monkeypatch: pytest.MonkeyPatch, number: int, limit: str
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    engine = make()
    monkeypatch.setattr(os, "posix_spawn", full)
    engine.start(launch(0, "true"))
    end = one_end(collect(engine, 1))
    assert end.reason is Reason.NOT_STARTED
    assert end.detail == f"{os.strerror(number)}: lower max_parallel, or raise `{limit}`"


@pytest.mark.parametrize("left", [0, 10])
def test_without_room_for_a_single_command_there_is_no_engine(tmp_path: Path, left: int) -> None:
    program = f"""
        from pydag.engines.local.engine import LocalEngine
        import encodings.idna, traceback  # whatever is needed later
        taken = len(os.listdir("/dev/fd")) - 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken + {left}, taken + {left}))
        try:
            LocalEngine(output_limit=1)
        except EngineError as error:
            print(error)
    """
    assert "raise `ulimit -n` to" in output_of_program(start(program))


def test_an_environment_too_large_for_the_kernel_ends_the_attempt(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, "true", HUGE="x" * 3_000_000))
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason) == (State.FAILED, Reason.NOT_STARTED)


def test_without_bash_nothing_is_prepared() -> None:
    engine = LocalEngine(output_limit=LIMIT, environ={"PATH": "/nonexistent"})
    with pytest.raises(EngineError, match="bash is not on PATH"):
        engine.prepare(job_of("job"), "run-1")
    engine.close()


def test_stdin_is_empty(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, "cat; echo done"))
    assert output_of(collect(engine, 1), 0) == b"done\n"


def test_a_signal_is_told_as_a_signal(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, "kill -KILL $$"))
    end = one_end(collect(engine, 1))
    assert (end.state, end.exit_status, end.signal) == (State.FAILED, None, signal.SIGKILL)


def test_stdout_and_stderr_keep_their_order(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, "for i in {1..200}; do echo out $i; echo err $i >&2; done"))
    expected = b"".join(f"out {i}\nerr {i}\n".encode() for i in range(1, 201))
    assert output_of(collect(engine, 1), 0) == expected


def test_reopening_dev_stderr_loses_nothing(make: MakeEngine) -> None:
    """With a file in place of the pipe, each `>` would truncate what was written before."""
    engine = make()
    engine.start(launch(0, "echo a; echo b > /dev/stderr; echo c > /dev/stdout; echo d"))
    assert output_of(collect(engine, 1), 0) == b"a\nb\nc\nd\n"


def test_binary_output_without_a_newline_comes_byte_for_byte(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, r"printf '\000\377\r\n\033[31m\200end'"))
    assert output_of(collect(engine, 1), 0) == b"\0\xff\r\n\x1b[31m\x80end"


def test_output_over_the_limit_is_cut_and_counted_and_does_not_block(make: MakeEngine) -> None:
    engine = make(output_limit=1000)
    engine.start(launch(0, "head -c 5000000 /dev/zero"))
    events = collect(engine, 1)
    assert output_of(events, 0) == bytes(1000)
    assert one_end(events).output_dropped == 4_999_000


def test_a_limit_met_exactly_is_no_cut(make: MakeEngine) -> None:
    engine = make(output_limit=1000)
    engine.start(launch(0, "head -c 1000 /dev/zero"))
    events = collect(engine, 1)
    assert (len(output_of(events, 0)), one_end(events).output_dropped) == (1000, 0)


def test_a_gigabyte_of_output_passes_in_bounded_memory(make: MakeEngine) -> None:
    engine = make(output_limit=LIMIT)
    engine.start(launch(0, "head -c 1073741824 /dev/zero"))
    kept = largest = 0
    end = None
    while end is None:
        events = engine.wait(60.0)
        sizes = [len(event.data) for event in events if isinstance(event, Output)]
        kept, largest = kept + sum(sizes), max(largest, sum(sizes))
        end = next((event for event in events if isinstance(event, Ended)), None)
    assert (kept, end.output_dropped, end.state) == (LIMIT, 1073741824 - LIMIT, State.SUCCESS)
    assert largest <= LIMIT


def test_a_daemon_that_holds_the_output_open_does_not_hang_the_run_and_lives_on(
    make: MakeEngine, tmp_path: Path
) -> None:
    engine = make()
    pid_file = tmp_path / "pid"
    engine.start(launch(0, f"setsid sleep 600 & echo $! > {pid_file}; echo started"))
    events = collect(engine, 1)
    assert one_end(events).state is State.SUCCESS
    assert output_of(events, 0) == b"started\n"
    daemon = pid_in(pid_file)
    assert alive(daemon)
    os.kill(daemon, signal.SIGKILL)


OTHER_GROUPS = (
    "timeout 600 sleep 601 & echo $! > {pid}; wait",
    "timeout 600 sleep 601 | {{ echo $BASHPID > {pid}; cat; }}",
    "set -m; sleep 601 & echo $! > {pid}; wait",
    "set -m; sleep 601 & echo $! > {pid}; trap '' TERM; while :; do sleep 0.01; done",
)


@pytest.mark.parametrize("how", ["stop", "timeout", "close"])
@pytest.mark.parametrize("command", OTHER_GROUPS)
def test_a_group_that_a_command_makes_in_its_session_ends_with_it(
    command: str, how: str, make: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`timeout` does so, and a shell with job control."""
    monkeypatch.setattr(local_engine, "GRACE", 0.2)
    engine = make()
    engine.start(launch(0, command.format(pid=tmp_path / "pid"), timeout=2.0 if how == "timeout" else 3600.0))
    pid = pid_in(tmp_path / "pid")
    if how == "close":
        engine.close()
    else:
        if how == "stop":
            engine.stop(force=False)
        assert one_end(collect(engine, 1)).state in (State.CANCELLED, State.FAILED)
    eventually(lambda: not alive(pid))


def test_a_daemon_that_writes_without_end_does_not_hang_the_run(make: MakeEngine, tmp_path: Path) -> None:
    engine = make()
    engine.start(launch(0, f"yes & echo $! > {tmp_path / 'pid'}"))
    assert one_end(collect(engine, 1)).state is State.SUCCESS
    daemon = pid_in(tmp_path / "pid")
    eventually(lambda: not alive(daemon))  # its next write found the pipe closed


def test_what_a_process_substitution_writes_after_the_end_is_kept(
    make: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engine, "LINGER", 30.0)  # it ends with the pipe; a busy machine must not end it before
    engine = make()
    engine.start(launch(0, "exec > >(sleep 0.1; cat); echo late"))
    assert output_of(collect(engine, 1), 0) == b"late\n"


def test_a_command_that_closes_its_output_and_goes_on_is_awaited(make: MakeEngine, tmp_path: Path) -> None:
    engine = make()
    engine.start(launch(0, f"exec >&- 2>&-; sleep 0.2; touch {tmp_path / 'done'}; exit 4"))
    assert one_end(collect(engine, 1)).exit_status == 4
    assert (tmp_path / "done").exists()


def test_a_timeout_takes_children_and_grandchildren_with_it(make: MakeEngine, tmp_path: Path) -> None:
    engine = make()
    command = f"bash -c 'sleep 601 & echo $! > {tmp_path / 'pid'}; sleep 602' & sleep 603"
    engine.start(launch(0, command, timeout=1.0))
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason) == (State.FAILED, Reason.TIMEOUT)
    assert not alive(pid_in(tmp_path / "pid"))


def test_a_timeout_of_a_year_is_more_milliseconds_than_a_system_call_takes(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, "sleep 0.1", timeout=MAX_SECONDS))
    events: list[Event] = []
    while not events:
        events = engine.wait(None)
    assert one_end(events).state is State.SUCCESS


def test_what_ignores_sigterm_is_killed_after_the_grace(
    make: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engine, "GRACE", 0.2)
    engine = make()
    child = f"(trap '' TERM; echo $BASHPID > {tmp_path / 'pid'}; while :; do sleep 0.1; done)"
    engine.start(launch(0, f"trap '' TERM; {child} & while :; do sleep 0.1; done"))
    pid = pid_in(tmp_path / "pid")
    engine.stop(force=False)
    end = one_end(collect(engine, 1))
    assert (end.state, end.signal) == (State.CANCELLED, signal.SIGKILL)
    assert not alive(pid)


def test_a_child_that_outlives_its_stopped_leader_has_the_grace_to_clean_up(make: MakeEngine, tmp_path: Path) -> None:
    engine = make()
    trap = f"trap 'sleep 0.3; touch {tmp_path / 'clean'}; exit' TERM"
    engine.start(launch(0, f"({trap}; echo $BASHPID > {tmp_path / 'pid'}; sleep 600 & wait) > /dev/null 2>&1 & wait"))
    pid_in(tmp_path / "pid")
    engine.stop(force=False)
    assert one_end(collect(engine, 1)).state is State.CANCELLED
    assert (tmp_path / "clean").exists()


def test_a_forced_stop_does_not_wait_for_the_grace(make: MakeEngine, tmp_path: Path) -> None:
    engine = make()
    engine.start(launch(0, f"trap '' TERM; echo $$ > {tmp_path / 'pid'}; while :; do sleep 0.1; done"))
    pid_in(tmp_path / "pid")
    engine.stop(force=False)
    engine.stop(force=True)
    assert one_end(collect(engine, 1)).signal == signal.SIGKILL


def test_closing_kills_what_runs(tmp_path: Path) -> None:
    engine = LocalEngine(output_limit=LIMIT)
    engine.prepare(job_of("job"), "run-1")
    engine.start(launch(0, f"echo $$ > {tmp_path / 'pid'}; sleep 600 & wait"))
    pid = pid_in(tmp_path / "pid")
    engine.close()
    assert not alive(pid)


@pytest.mark.parametrize("cwd", [None, "/"])
def test_an_end_that_something_else_in_this_process_took_is_lost(
    make: MakeEngine, tmp_path: Path, cwd: str | None
) -> None:
    engine = make()
    engine.start(launch(0, f"echo $$ > {tmp_path / 'pid'}")._replace(cwd=cwd))
    os.waitpid(pid_in(tmp_path / "pid"), 0)
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason, end.exit_status, end.signal) == (State.LOST, Reason.UNKNOWN, None, None)
    assert "something else in this process" in end.detail


def test_an_end_that_was_taken_before_anything_could_await_it_is_lost(
    make: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(pid: int) -> int:
        os.waitpid(pid, 0)
        raise ProcessLookupError

    monkeypatch.setattr(os, "pidfd_open", too_late)
    engine = make()
    engine.start(launch(0, "true"))
    assert one_end(collect(engine, 1)).state is State.LOST


def test_a_stop_is_told_as_a_stop_whoever_took_the_end(make: MakeEngine, tmp_path: Path) -> None:
    engine = make()
    engine.start(launch(0, f"echo $$ > {tmp_path / 'pid'}; exec sleep 600"))
    pid = pid_in(tmp_path / "pid")
    engine.stop(force=False)
    os.waitpid(pid, 0)
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason, end.exit_status, end.signal) == (State.CANCELLED, Reason.INTERRUPTED, None, None)


def test_closing_kills_all_although_something_else_takes_their_ends(tmp_path: Path) -> None:
    engine = LocalEngine(output_limit=LIMIT)
    engine.prepare(job_of("job"), "run-1")
    for task in range(4):
        engine.start(launch(task, f"echo $$ > {tmp_path / str(task)}; exec sleep 600"))
    pids = [pid_in(tmp_path / str(task)) for task in range(4)]
    os.kill(pids[0], signal.SIGKILL)
    os.waitpid(pids[0], 0)
    engine.close()
    assert not any(alive(pid) for pid in pids)


def test_nothing_is_left_open_after_many_attempts(make: MakeEngine) -> None:
    engine = make()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        engine.start(launch(0, "echo some words"))
        collect(engine, 1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_wait_is_woken_from_another_thread(make: MakeEngine) -> None:
    engine = make()
    threading.Timer(0.05, engine.wake).start()
    assert engine.wait(None) == []


def test_without_pidfd_a_thread_awaits_each_child(make: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    engine = make()
    for task in range(4):
        engine.start(launch(task, f"echo task {task}; exit {task}"))
    events = collect(engine, 4)
    ends = {event.task: event.exit_status for event in events if isinstance(event, Ended)}
    assert ends == {0: 0, 1: 1, 2: 2, 3: 3}
    assert output_of(events, 2) == b"task 2\n"


@pytest.fixture
def children_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGCHLD, before)


@pytest.mark.usefixtures("children_ignored")
def test_a_failure_is_known_although_whoever_started_us_ignored_the_end_of_children(make: MakeEngine) -> None:
    engine = make()
    engine.start(launch(0, "exit 3"))
    assert one_end(collect(engine, 1)).exit_status == 3


@pytest.mark.usefixtures("children_ignored")
def test_the_end_of_children_is_ignored_again_once_the_engine_is_closed(make: MakeEngine) -> None:
    engine = make()
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
    engine.close()
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN


@pytest.mark.usefixtures("children_ignored")
def test_where_the_end_of_children_stays_ignored_nothing_starts(make: MakeEngine) -> None:
    errors: list[EngineError] = []

    def prepare() -> None:
        try:
            make()
        except EngineError as error:
            errors.append(error)

    thread = threading.Thread(target=prepare)
    thread.start()
    thread.join()
    assert "SIGCHLD" in str(errors[0])
