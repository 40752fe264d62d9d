"""How the embedded engine runs a command: bash, environment, directory, and what keeps it from starting."""

import errno
import os
import signal
from pathlib import Path

import pytest

from pydag.engines.local.engine import LocalEngine
from pydag.errors import EngineError
from pydag.model.actions import Shell
from pydag.model.run import Attempt
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State
from pydag.testing.engine_contract import collect, one_end, output_of
from tests.support.local_engine import MakeEngine, job_of_commands, start_all
from tests.support.processes import output_of as output_of_program
from tests.support.processes import start as start_program


def test_a_command_is_run_as_bash_runs_it(start: MakeEngine) -> None:
    engine = start('[[ a == a ]] && echo "$0 $#" {1..3}; exit 7')
    events = collect(engine, 1)
    assert output_of(events, 0) == b"bash 0 1 2 3\n"
    assert one_end(events).exit_status == 7


def strict(command: str) -> TaskSpec:
    return TaskSpec(name="strict", action=Shell(command, strict=True))


def test_a_strict_command_is_as_under_bash_but_for_its_options(start: MakeEngine) -> None:
    engine = start(strict('[[ a == a ]] && echo "$0 $# $- $LINENO" {1..3}; set -o | grep -E "errexit|pipefail"'))
    words = output_of(collect(engine, 1), 0).split()
    assert words == [b"bash", b"0", b"ehBc", b"1", b"1", b"2", b"3", b"errexit", b"on", b"pipefail", b"on"]


def test_the_program_of_a_strict_command_replaces_its_shell(start: MakeEngine) -> None:
    engine = start(strict("A=1 sh -c 'echo $PPID'"))
    assert output_of(collect(engine, 1), 0) == f"{os.getpid()}\n".encode()


def test_a_file_that_bash_reads_first_is_not_strict(prepare: MakeEngine, tmp_path: Path) -> None:
    (tmp_path / "env.sh").write_text("false\necho read")
    engine = prepare(strict("echo on; false; echo off"), environ={**os.environ, "BASH_ENV": str(tmp_path / "env.sh")})
    start_all(engine, 1)
    events = collect(engine, 1)
    assert output_of(events, 0) == b"read\non\n"
    assert one_end(events).exit_status == 1


def test_a_stage_that_sigpipe_ended_gives_a_strict_command_its_status(start: MakeEngine) -> None:
    engine = start(strict("seq 1 1000000 | head -n1"), "seq 1 1000000 | head -n1")
    ends = {event.task: event.exit_status for event in collect(engine, 2) if isinstance(event, Attempt)}
    assert ends == {0: 141, 1: 0}


def test_each_command_reads_what_the_engine_was_given_from_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "input").write_text("given")
    with open(tmp_path / "input") as file:
        engine = LocalEngine(task_timeout=60.0, stdin=file.fileno())
        engine.prepare(job_of_commands("cat", TaskSpec(name="elsewhere", action=Shell("cat", cwd="/"))))
        for task in (0, 1, 0):
            engine.start(task, 1, {})
            assert output_of(collect(engine, 1), task) == b"given"
        engine.close()
        file.seek(0)
        assert file.read() == "given"


def test_the_environment_is_the_callers_with_the_tasks_and_then_pydags_own_on_top(prepare: MakeEngine) -> None:
    command = 'echo "$KEPT, $TAKEN, $NEW, $PYDAG_TASK"'
    task = TaskSpec(
        name="t", action=Shell(command, env=(("TAKEN", "the task's"), ("NEW", "new"), ("PYDAG_TASK", "a lie")))
    )
    engine = prepare(task, environ={"PATH": os.environ["PATH"], "KEPT": "kept", "TAKEN": "the caller's"})
    engine.start(0, 1, {"PYDAG_TASK": "t"})
    assert output_of(collect(engine, 1), 0) == b"kept, the task's, new, t\n"


def test_it_runs_where_the_engine_was_prepared_or_in_its_cwd_seen_from_there(
    prepare: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    engine = prepare("pwd", TaskSpec(name="in sub", action=Shell("pwd", cwd="sub")))
    monkeypatch.chdir("/")
    start_all(engine, 2)
    events = collect(engine, 2)
    assert output_of(events, 0) == f"{tmp_path}\n".encode()
    assert output_of(events, 1) == f"{tmp_path}/sub\n".encode()


def test_a_cwd_that_is_not_there_ends_the_attempt_and_says_so(start: MakeEngine) -> None:
    engine = start(TaskSpec(name="t", action=Shell("true", cwd="/no/such/place")))
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason) == (State.FAILED, Reason.NOT_STARTED)
    assert "/no/such/place" in end.detail


def test_a_working_directory_that_vanished_is_named(
    prepare: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    engine = prepare("true")
    gone.rmdir()
    engine.start(0, 1, {})
    assert one_end(collect(engine, 1)).detail == f"No such file or directory: {str(gone)!r}"


@pytest.mark.parametrize(("number", "limit"), [(errno.EMFILE, "ulimit -n"), (errno.EAGAIN, "ulimit -u")])
def test_a_limit_that_keeps_an_attempt_from_starting_is_named(
    start: MakeEngine, monkeypatch: pytest.MonkeyPatch, number: int, limit: str
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_spawn", full)
    engine = start("true")
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
            LocalEngine(task_timeout=1)
        except EngineError as error:
            print(error)
    """
    assert "raise `ulimit -n` to" in output_of_program(start_program(program))


def test_an_environment_too_large_for_the_kernel_ends_the_attempt(start: MakeEngine) -> None:
    engine = start(TaskSpec(name="t", action=Shell("true", env=(("HUGE", "x" * 3_000_000),))))
    end = one_end(collect(engine, 1))
    assert (end.state, end.reason) == (State.FAILED, Reason.NOT_STARTED)


def test_without_bash_nothing_is_prepared(prepare: MakeEngine) -> None:
    with pytest.raises(EngineError, match="bash is not on PATH"):
        prepare("true", environ={"PATH": "/nonexistent"})


def test_stdin_is_empty(start: MakeEngine) -> None:
    engine = start("cat; echo done")
    assert output_of(collect(engine, 1), 0) == b"done\n"


def test_a_signal_is_reported_as_a_signal(start: MakeEngine) -> None:
    engine = start("kill -KILL $$")
    end = one_end(collect(engine, 1))
    assert (end.state, end.exit_status, end.signal) == (State.FAILED, None, signal.SIGKILL)


@pytest.mark.parametrize("tasks", [1, 10])
def test_an_error_out_of_the_callers_signal_handler_is_not_taken_for_the_systems(
    prepare: MakeEngine, monkeypatch: pytest.MonkeyPatch, tasks: int
) -> None:
    """A TimeoutError is an OSError. Whatever it interrupted may have started, so nothing may start in its place."""
    spawned: list[object] = []

    def interrupted(program: object, words: tuple[str, ...], *arguments: object, **options: object) -> int:
        if words[-1] == "env -0":  # that is asked once, before the first start without a shell
            return spawn(program, words, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came
        spawned.append(program)
        raise TimeoutError("enough")

    spawn = os.posix_spawn
    engine = prepare(*["true"] * tasks)
    monkeypatch.setattr(os, "posix_spawn", interrupted)
    with pytest.raises(TimeoutError, match="enough"):
        engine.start(0, 1, {})
    assert len(spawned) == 1
