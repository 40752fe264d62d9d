"""Short turns on the CPU: asked for by pydag's own process with many tasks, for its thread and no command's."""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from pydag.engines.local import timeslice
from pydag.engines.local.engine import LocalEngine
from pydag.engines.local.timeslice import SHORT
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.testing.engine_contract import collect, output_of
from pydag.testing.records import job_of
from tests.support.commands import PYDAG, run, simple

Result = TypeVar("Result")

GETATTR = {"x86_64": 315, "aarch64": 275, "riscv64": 275}  # sched_getattr
HOW = f"""
import ctypes, struct
attributes = ctypes.create_string_buffer(56)
ctypes.CDLL(None).syscall({GETATTR.get(platform.machine(), -1)}, 0, attributes, 56, 0)
print(struct.unpack("=IIQiIQQQII", attributes.raw)[5])
"""


def turn() -> int:
    """Nanoseconds of a turn of this thread, as the kernel says; 0 where it knows of no such thing."""
    attributes = ctypes.create_string_buffer(56)
    ctypes.CDLL(None).syscall(GETATTR.get(platform.machine(), -1), 0, attributes, 56, 0)
    found: int = struct.unpack("=IIQiIQQQII", attributes.raw)[5]
    return found


def granted() -> bool:
    """Whether this kernel gives turns of another length."""
    version = platform.release().split(".")
    return platform.machine() in GETATTR and (int(version[0]), int(version[1])) >= (6, 12)


def in_thread(do: Callable[[], Result]) -> Result:
    """Turns belong to a thread: one that ends afterwards leaves those of the others as they were."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(do).result()


def test_turns_become_short_as_often_as_it_is_asked_for() -> None:
    def ask() -> list[int]:
        found = [turn()]
        for _ in range(2):
            timeslice.ask_for_short()
            found.append(turn())
        return found

    usual, *then = in_thread(ask)
    short = SHORT if granted() else usual
    assert then == [short, short]
    assert usual != SHORT


def test_an_engine_asks_for_them_where_it_may_and_there_are_many_tasks() -> None:
    def prepared(tasks: int, short_turns: bool) -> int:
        engine = LocalEngine(task_timeout=60.0, short_turns=short_turns)
        engine.prepare(job_of("job", tasks))
        engine.close()
        return turn()

    usual = in_thread(turn)
    assert in_thread(lambda: prepared(10, short_turns=True)) == usual
    assert in_thread(lambda: prepared(1000, short_turns=False)) == usual
    assert in_thread(lambda: prepared(1000, short_turns=True)) == (SHORT if granted() else usual)


@pytest.mark.parametrize(("command", "changed"), [((*PYDAG, "run"), True), ((sys.executable,), False)])
def test_the_command_line_changes_the_policy_of_its_process_and_a_script_keeps_its_own(
    command: tuple[str, ...], changed: bool
) -> None:
    look = f"exec {sys.executable} -c 'import os; print(os.sched_getscheduler(os.getppid()))' > policy"
    simple(*["true"] * 50, look)
    assert run(*command, "flow.py").returncode == 0
    # An older Linux takes the flag as well, and leaves the turns as they are.
    asks = changed and platform.machine() in GETATTR
    assert bool(int(Path("policy").read_text()) & os.SCHED_RESET_ON_FORK) == asks


@pytest.mark.parametrize("cwd", [None, "/"])
def test_a_command_has_the_turns_and_the_policy_that_it_always_had(cwd: str | None) -> None:
    def run_with(tasks: int) -> bytes:
        command = f"nice; python3 -c '{HOW}import os; print(os.sched_getscheduler(0), os.sched_getparam(0))'"
        task = TaskSpec(name="t", action=Shell(command, cwd=cwd))
        engine = LocalEngine(task_timeout=60.0, short_turns=True)
        engine.prepare(JobSpec(name="job", tasks=(task,) * tasks))
        engine.start(0, 1, {})
        found = output_of(collect(engine, 1), 0)
        engine.close()
        return found

    assert in_thread(lambda: run_with(1000)) == in_thread(lambda: run_with(1))


def asked() -> tuple[int, int]:
    """A turn before short ones are asked for, and after."""
    before = turn()
    timeslice.ask_for_short()
    return before, turn()


@pytest.mark.parametrize(
    "other",
    [
        {"getpriority": lambda *_: -5},
        {"sched_getscheduler": lambda _: os.SCHED_BATCH},
        {"uname": lambda: os.uname_result(("Linux", "host", "6.12", "", "m68k"))},
    ],
    ids=["a negative nice, which a reset would take from the commands", "another policy", "another machine"],
)
def test_nothing_is_asked_for(other: dict[str, Callable[..., object]], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fake in other.items():
        monkeypatch.setattr(os, name, fake)
    before, after = in_thread(asked)
    assert before == after


def test_a_python_without_ctypes_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    before, after = in_thread(asked)
    assert before == after
