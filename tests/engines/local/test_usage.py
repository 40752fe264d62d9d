"""What an attempt used: CPU seconds, and memory only where it is known to be the command's own."""

import sys

import pytest

from pydag.model.actions import Shell
from pydag.model.run import Usage
from pydag.model.spec import TaskSpec
from pydag.testing.engine_contract import collect, one_end
from tests.support.local_engine import MakeEngine

MIB = 1024 * 1024


def usage_of(start: MakeEngine, command: str, cwd: str | None) -> Usage:
    usage = one_end(collect(start(TaskSpec(name="t", action=Shell(command, cwd=cwd))), 1)).usage
    assert usage is not None
    return usage


def python(program: str) -> str:
    return f"{sys.executable} -ISc '{program}'"


@pytest.fixture(params=[None, "/"], ids=["here", "elsewhere"])
def cwd(request: pytest.FixtureRequest) -> str | None:
    directory: str | None = request.param
    return directory


def test_the_peak_of_a_command_that_allocates_much_is_known(start: MakeEngine, cwd: str | None) -> None:
    peak = usage_of(start, python(f"bytearray({400 * MIB})"), cwd).peak_memory
    assert peak is not None
    assert 400 * MIB < peak < 500 * MIB


def test_it_is_that_of_the_largest_process_and_not_a_sum(start: MakeEngine, cwd: str | None) -> None:
    large = python(f"bytearray({400 * MIB})")
    peak = usage_of(start, f"{large}; {large} & {large}; wait", cwd).peak_memory
    assert peak is not None
    assert 400 * MIB < peak < 500 * MIB


@pytest.mark.parametrize("command", ["true", "true; true", python("pass")])
def test_the_memory_of_pydag_itself_is_not_taken_for_a_commands(
    start: MakeEngine, cwd: str | None, command: str
) -> None:
    assert usage_of(start, command, cwd).peak_memory is None


def test_cpu_seconds_are_those_of_the_command_and_what_it_waited_for(start: MakeEngine, cwd: str | None) -> None:
    burn = python("import time\nwhile time.process_time() < 0.3: pass")
    usage = usage_of(start, f"{burn}; true", cwd)
    assert 0.2 < usage.user + usage.system < 3.0
    assert usage_of(start, "sleep 0.3; true", cwd).user < 0.2


def test_system_time_is_separate(start: MakeEngine) -> None:
    usage = usage_of(start, "head -c 1000000000 /dev/zero > /dev/null", None)
    assert usage.system > usage.user
