"""Hostile names, as the names of a job and of its tasks, through everything that shows or stores a name."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from pydag.cli.main import main
from pydag.testing import HOSTILE_NAMES
from tests.support.commands import flow


class Done(NamedTuple):
    status: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """The command line, called in this process: two dozen names through a dozen commands are many processes."""
    monkeypatch.setattr(sys, "path", sys.path.copy())

    def called(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["pydag", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Done(end.value.code, *capfd.readouterr())

    return called


def document(done: Done) -> dict[str, list[dict[str, object]]]:
    assert (done.status, done.err) == (0, "")
    loaded: dict[str, list[dict[str, object]]] = json.loads(done.out)
    return loaded


def job_and_task(name: str) -> str:
    """A file with a job of this name; so is its first task called, and a second one fails."""
    return flow(
        f"job = Job({name!r}, description={name!r})\n"
        f"first = Task({name!r}, 'printf %s \"$PYDAG_JOB|$PYDAG_TASK|$ASKED\"', env={{'ASKED': {name!r}}})\n"
        f"second = Task({name!r}[:-1] + '2', 'echo no; false').after(first)\n"
        "job.add_task(first, second)\njob.run()\n"
    )


def check_nothing_was_executed(directory: Path) -> None:
    assert not list(directory.parent.rglob("evil"))
    assert not list(directory.parent.glob("*escape*"))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_goes_through_every_command(name: str, call: Call, directory: Path) -> None:
    other = name[:-1] + "2"
    done = call("run", job_and_task(name))
    assert (done.status, done.err) == (1, "")
    assert f"`{name}` success" in done.out
    assert f"`{other}` failed" in done.out

    assert name in call("list").out.split("\n")
    assert call("list", f"--job_name={name}").out == f"{name}\n{other}\n"
    for style in ("flat", "tree"):
        log = call("log", f"--style={style}", "--", name).out
        assert log.startswith(f">> >> >> >> >> Log For Job `{name}` <<")
        assert log.count(f"`{name}`") == 3
        assert f"✗ `{other}` at " in log
    (run,) = document(call("log", "--json", "--", name))["runs"]
    assert run["job"] == name
    (attempt,) = document(call("log", "--json", f"--task_name={name}", "--", name))["attempts"]
    assert attempt["output"] == f"{name}|{name}|{name}"
    assert f"\n{name}|{name}|{name}\n" in call("log", f"--task_name={name}", "--", name).out
    assert name in call("status").out
    assert document(call("status", "--json", "--", name))["jobs"][0]["name"] == name
    assert call("run", "flow.py", f"--job={name}").status == 1
    assert call("log", "--follow", "--", name).status == 0

    assert call("delete", "--", name) == (0, f"deleted {name} and its history\n", "")
    assert document(call("list", "--json"))["jobs"] == []
    assert call("log", "--", name).status == 6
    check_nothing_was_executed(directory)


@pytest.mark.dot
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_drawn_as_text(name: str, call: Call, directory: Path) -> None:
    job_and_task(name)
    for file in ("out.dot", "out.svg"):
        assert call("graph", "flow.py", "-o", file) == (0, f"wrote {file}\n", "")
    shown = "".join("".join(ElementTree.parse("out.svg").getroot().itertext()).split()).replace("\xa0", "")
    assert "".join(name.split()).replace("\ufeff", "")[:20] in shown.replace("\ufeff", "")
    assert Path("out.dot").read_text().startswith("digraph")

    before = set(directory.iterdir())
    done = call("graph", "flow.py")
    assert (done.status, done.err) == (0, "")
    (new,) = set(directory.iterdir()) - before
    assert done.out == f"wrote {new.name}\n"
    assert new.read_bytes().startswith(b"\x89PNG")
    assert not new.name.startswith(("-", "."))
    check_nothing_was_executed(directory)


def test_all_of_them_live_side_by_side_in_one_job_and_history(call: Call) -> None:
    tasks = "".join(f"    Task({name!r}, 'true')\n" for name in HOSTILE_NAMES)
    flow(f"with Job('all') as job:\n{tasks}")
    assert call("run", "flow.py").status == 0
    assert call("list", "--job_name=all").out == "".join(f"{name}\n" for name in HOSTILE_NAMES)
    log = call("log", "all", "--style=tree").out
    assert all(f"✓ `{name}` at " in log for name in HOSTILE_NAMES)
    flow("".join(f"Job({name!r}).add_task(Task('t', 'true'))\n" for name in HOSTILE_NAMES))
    for name in HOSTILE_NAMES:
        assert call("run", "flow.py", f"--job={name}").status == 0
    assert sorted(call("list").out.splitlines()) == sorted([*HOSTILE_NAMES, "all"])
    status = call("status").out
    assert all(name in status for name in HOSTILE_NAMES)


def test_the_hints_that_are_printed_can_be_pasted_into_a_shell(call: Call) -> None:
    """The command that a failed run prints last shows its output, whatever the names are."""
    for name in HOSTILE_NAMES:
        job_and_task(name)
        hint = re.search(r"  all of it: pydag (.*)", call("run", "flow.py").out)
        assert hint
        done = call(*shlex.split(hint[1]))
        assert (done.status, done.err) == (0, "")
        assert f"Log For Task `{name[:-1]}2`" in done.out


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "\x1b[31m", "a\0b", "\x7f", "\u2028", "", "  ", "x" * 201])
def test_a_name_that_cannot_be_shown_is_refused_when_the_file_is_read(name: str, call: Call, own_home: Path) -> None:
    for text in (f"job = Job({name!r})\n", f"Task({name!r}, 'true')\n"):
        done = call("run", flow(text))
        assert (done.status, done.out) == (2, "")
        assert "pydag: 'flow.py', line 2: the name " in done.err
        assert done.err.count("\n") == 1
        assert "\x1b" not in done.err
    assert not own_home.exists()


def test_a_name_on_the_command_line_that_is_not_text_is_not_found_and_shown_harmlessly(call: Call) -> None:
    call("run", job_and_task("J"))
    for name in ("a\nb", "\x1b[31m", "\udcff"):
        done = call("log", name)
        assert (done.status, done.out) == (6, "")
        assert done.err.count("\n") == 1
        assert "\x1b" not in done.err
