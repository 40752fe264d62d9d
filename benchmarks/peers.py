"""The programs that run a graph: pydag and its peers. Each gets one command for every task, and runs two tasks at once.

A peer writes the graph down in its own form, outside of the time measured. The output of each task goes into a log
file of its own, except with pydag, which has its history, and with doit, which drops it.
"""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.samples import Contender

_LOGS = "logs"


def pydag_command(*arguments: str) -> list[str]:
    """The command that the package installs, of this interpreter's own environment."""
    return [str(Path(sys.executable).with_name("pydag")), *arguments]


def pydag(graph: Graph, command: str = "true") -> Contender:
    """`pydag run`: the tasks' times, states and output are in the history when it ends."""

    def prepare(directory: Path) -> list[str]:
        _write_graph(graph, directory)
        (directory / "workflow.py").write_text(_WORKFLOW.replace("COMMAND", command))
        return pydag_command("run", "workflow.py", "--max-parallel", "2")

    return Contender(name="pydag", prepare=prepare)


def pydag_on(kind: str, graph: Graph, command: str = "true") -> Contender:
    """`pydag run` whose stdout is a terminal of 80x24 (`pty`) or a `pipe`, and somebody reads it."""
    inner = pydag(graph, command)

    def prepare(directory: Path) -> list[str]:
        return [sys.executable, str(Path(__file__).with_name("terminal.py")), kind, *inner.prepare(directory)]

    return Contender(name=f"pydag on a {kind}", prepare=prepare)


def make(graph: Graph, shell: str | None = "/bin/bash", command: str = "true") -> Contender:
    """GNU make with phony targets, so that it looks at no files. Without a shell it takes its default, `/bin/sh`."""

    def prepare(directory: Path) -> list[str]:
        (directory / _LOGS).mkdir()
        names = " ".join(f"t{number}" for number in range(len(graph)))
        recipe = f"{{ {command}; }}" if ";" in command else command
        rules = (
            f"t{number}: {' '.join(f't{before}' for before in upstream)}\n\t@{recipe} > {_LOGS}/{number} 2>&1\n"
            for number, upstream in enumerate(graph)
        )
        (directory / "Makefile").write_text(f"all: {names}\n.PHONY: all {names}\n{''.join(rules)}")
        return ["make", "-j2", *([f"SHELL={shell}"] if shell else [])]

    return Contender(
        name=f"make, {Path(shell).name if shell else _default_shell()}, logs",
        prepare=prepare,
        missing="" if shutil.which("make") else "make is not on PATH",
    )


def _default_shell() -> str:
    return Path("/bin/sh").resolve().name


def doit(graph: Graph) -> Contender:
    """doit with command actions and two processes."""

    def prepare(directory: Path) -> list[str]:
        _write_graph(graph, directory)
        (directory / "dodo.py").write_text(_DODO)
        return [sys.executable, "-m", "doit", "-n2"]

    return Contender(name="doit", prepare=prepare, missing=_absent("doit"))


def luigi(graph: Graph) -> Contender:
    """luigi with its local scheduler and two workers; the log file of a task is its target."""

    def prepare(directory: Path) -> list[str]:
        (directory / _LOGS).mkdir()
        _write_graph(graph, directory)
        (directory / "work.py").write_text(_LUIGI.format(logs=_LOGS))
        last = str(len(graph) - 1)
        return [sys.executable, "work.py", "--number", last, "--local-scheduler", "--workers", "2"]

    return Contender(name="luigi", prepare=prepare, missing=_absent("luigi"))


def bare_loop(graph: Graph) -> Contender:
    """The least that a Python program can do for a task. It knows no order, so only fans are given to it."""

    def prepare(directory: Path) -> list[str]:
        (directory / _LOGS).mkdir()
        (directory / "loop.py").write_text(_LOOP.format(count=len(graph), logs=_LOGS))
        return [sys.executable, "loop.py"]

    return Contender(name="bare loop with logs", prepare=prepare)


def _write_graph(graph: Graph, directory: Path) -> None:
    """For those whose workflows are Python: nobody writes ten thousand tuples into a program."""
    (directory / "graph.json").write_text(json.dumps(graph))


def _absent(module: str) -> str:
    return "" if find_spec(module) else f"{module} is not installed"


_WORKFLOW = """
import json
from pathlib import Path

from pydag import Job, Task

GRAPH = json.loads(Path("graph.json").read_text())

with Job("Work"):
    tasks = []
    for number, upstream in enumerate(GRAPH):
        task = Task(f"t{number}", "COMMAND")
        task.set_upstream(tasks[before] for before in upstream)
        tasks.append(task)
"""

_DODO = """
import json
from pathlib import Path

from doit.action import CmdAction

GRAPH = json.loads(Path("graph.json").read_text())
DOIT_CONFIG = {"verbosity": 0}


def task_work():
    for number, upstream in enumerate(GRAPH):
        yield {
            "name": str(number),
            "actions": [CmdAction("true", executable="/bin/bash")],
            "task_dep": [f"work:{before}" for before in upstream],
        }
"""

_LUIGI = """
import json
import subprocess
from pathlib import Path

import luigi

GRAPH = json.loads(Path("graph.json").read_text())


class Work(luigi.Task):
    number = luigi.IntParameter()

    def requires(self):
        return [Work(number=before) for before in GRAPH[self.number]]

    def output(self):
        return luigi.LocalTarget(f"{logs}/{{self.number}}")

    def run(self):
        with open(self.output().path, "wb") as log:
            subprocess.run(["/bin/bash", "-c", "true"], stdout=log, stderr=log, check=True)


luigi.run(main_task_cls=Work)
"""

_LOOP = """
import os

running = 0
for number in range({count}):
    if running == 2:
        os.wait()
        running -= 1
    log = os.open(f"{logs}/{{number}}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    redirect = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    os.posix_spawn("/bin/bash", ["bash", "-c", "true"], os.environ, file_actions=redirect)
    os.close(log)
    running += 1
while running:
    os.wait()
    running -= 1
"""
