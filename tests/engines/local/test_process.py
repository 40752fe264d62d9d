"""How the embedded engine starts a process, in the directory of this one and in another."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydag.engines.local.process import Starter

PROGRAM = """
import functools, os, sys
from pydag.engines.local.process import Starter
starter = Starter()
read_end, write_end = os.pipe()
start = starter.spawn if starter.can_spawn(os.getcwd()) else functools.partial(starter.popen, directory=os.getcwd())
process = start("/bin/bash", ("bash", "-c", "cat; echo out; echo err >&2"), output=write_end, environ=os.environb)
os.close(write_end)
with open(read_end, "rb") as output, open(sys.argv[1], "wb") as found:
    found.write(output.read())
sys.exit(process.wait().returncode)
"""


@pytest.fixture(params=["here", "elsewhere"])
def directory(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path if request.param == "here" else "/")
    return str(tmp_path)


@pytest.fixture
def inherited(tmp_path: Path) -> Iterator[int]:
    """A descriptor that is left open for all the children of this process."""
    number = os.open(tmp_path / "lock", os.O_WRONLY | os.O_CREAT)
    os.set_inheritable(number, True)
    yield number
    os.close(number)


def run(command: str, directory: str) -> tuple[int | None, str]:
    starter = Starter()
    read_end, write_end = os.pipe()
    words = ("bash", "-c", command)
    if starter.can_spawn(directory):
        process = starter.spawn("/bin/bash", words, output=write_end, environ=os.environb)
    else:
        process = starter.popen("/bin/bash", words, output=write_end, environ=os.environb, directory=directory)
    os.close(write_end)
    with open(read_end) as output:
        text = output.read()
    starter.close()
    end = process.wait()
    return end and end.returncode, text


def test_it_starts_in_the_directory_and_its_end_is_known(directory: str) -> None:
    assert run("pwd; exit 3", directory) == (3, f"{directory}\n")
    assert run("kill -9 $$", directory) == (-9, "")


def test_it_leads_a_session_of_its_own(directory: str) -> None:
    # pid (command) state parent group session
    status, text = run('set -- $(< /proc/$$/stat); echo "$(($1 == $5)) $(($1 == $6))"', directory)
    assert (status, text) == (0, "1 1\n")


def test_a_descriptor_that_was_inherited_goes_no_further(directory: str, inherited: int) -> None:
    assert run(f"[[ ! -e /proc/self/fd/{inherited} ]]", directory) == (0, "")


def test_a_descriptor_over_the_limit_does_no_harm(tmp_path: Path) -> None:
    """`ulimit -n` can be lowered below what is open, and posix_spawn closes no such number."""
    found = tmp_path / "found"
    command = 'exec 200> /dev/null; ulimit -n 128; "$1" -c "$2" "$3"'
    program = PROGRAM.replace("cat; echo out", "cat; [[ -e /proc/self/fd/200 ]] || echo out")
    subprocess.run(["bash", "-c", command, "bash", sys.executable, program, str(found)], check=True)
    assert found.read_text() == "out\nerr\n"


def test_signals_that_python_ignores_end_a_command(directory: str) -> None:
    assert run("kill -PIPE $$", directory) == (-13, "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors_lose_no_output(closed: str, tmp_path: Path) -> None:
    found = tmp_path / "found"
    command = f'"$1" -c "$2" "$3" {closed}'
    subprocess.run(["bash", "-c", command, "bash", sys.executable, PROGRAM, str(found)], check=True)
    assert found.read_text() == "out\nerr\n"


def test_a_directory_that_is_gone_is_the_operating_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run("true", str(tmp_path / "gone"))
