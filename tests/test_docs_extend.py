"""The code of docs/extend.md, run as it stands there: a command, an engine and a store that keep their contracts."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pydag.cli import group
from pydag.cli.main import main
from pydag.stores.memory import MemoryStore
from pydag.testing import attempt_of, job_of, run_of
from tests.support.commands import simple

DOCUMENT = Path(__file__).parent.parent / "docs" / "extend.md"
BLOCKS: dict[str, str] = dict(
    re.findall(r"^```python\n# ([^\n]*)\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
)


def module(file: str) -> Any:
    """The block of that file, as the module it would be; other blocks can import it."""
    name = file.removesuffix(".py").replace("/", ".")
    made = ModuleType(name)
    sys.modules[name] = made
    parent, _, own = name.rpartition(".")
    if name.startswith("pydag."):
        setattr(import_module(parent), own, made)
    exec(compile(BLOCKS[file], f"{DOCUMENT.name}: {file}", "exec"), made.__dict__)
    return made


module("pydag/view/slowest.py")
module("pydag/cli/slowest.py")
module("pydag/engines/threads.py")
counting = module("pydag/stores/counting.py")

TestThreadEngine = module("tests/engines/test_threads.py").TestThreadEngine
TestCountingStore = module("tests/stores/test_counting.py").TestCountingStore


def test_every_block_of_the_document_is_run() -> None:
    assert set(BLOCKS) == {
        "pydag/view/slowest.py",
        "pydag/cli/slowest.py",
        "one line of COMMANDS",
        "pydag/engines/threads.py",
        "tests/engines/test_threads.py",
        "pydag/stores/counting.py",
        "tests/stores/test_counting.py",
    }
    assert DOCUMENT.read_text().count("```python\n") == len(BLOCKS)


def test_the_command_is_listed_and_lists_the_slowest_task_first(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    command = eval(BLOCKS["one line of COMMANDS"], {"LazyCommand": group.LazyCommand})
    monkeypatch.setitem(group.pydag.commands, command.name, command)

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["pydag", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
        return capfd.readouterr().out

    assert "slowest  " in call("--help")
    call("run", simple("true", "sleep 0.2"))
    assert [line.split()[1] for line in call("slowest", "TestJob").splitlines()] == ["t1", "t0"]


def test_the_store_counts_what_is_written() -> None:
    store = counting.CountingStore(MemoryStore())
    run = store.begin(run_of("J", "r1"), job_of("J"))
    run.write([attempt_of(0)])
    run.write([attempt_of(1)])
    assert (store.writes, store.bytes) == (2, 0)
