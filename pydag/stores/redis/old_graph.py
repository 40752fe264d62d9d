"""The graph that a `GoCronJob` program before this pydag pickled on Redis, read as data.

A pickle says which classes and functions to call. Here each of networkx is an empty shell, the containers of Python
are themselves, and anything else is refused: no code that a pickle names is executed.
"""

from __future__ import annotations

import builtins
import io
import pickle
from typing import Any

from pydag.errors import CycleError
from pydag.model.actions import Shell
from pydag.model.graph import order
from pydag.model.spec import JobSpec, TaskSpec

_CONTAINERS = frozenset({"dict", "list", "set", "frozenset", "tuple"})


class _Hollow:
    """Stands for any class of networkx: it takes what the pickle gives it, and does nothing."""

    def __new__(cls, *_: object) -> _Hollow:
        return object.__new__(cls)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What the pickle means by a name, where that is harmless."""
        if module.partition(".")[0] == "networkx":
            return _Hollow
        if module == "builtins" and name in _CONTAINERS:
            return getattr(builtins, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a graph")


def read_graph(job: str, data: bytes) -> JobSpec | None:
    """The job whose graph this is: its tasks, commands and edges. None for anything else."""
    try:
        graph = _Reader(io.BytesIO(data)).load()
        commands = {name: facts["command"] for name, facts in graph._node.items()}
        upstream: dict[str, list[str]] = {name: [] for name in commands}
        for before, successors in graph._adj.items():
            for after in successors:
                upstream[after].append(before)
        if not all(isinstance(text, str) for pair in commands.items() for text in pair):
            return None
        order(upstream)
    except (pickle.UnpicklingError, CycleError, ArithmeticError, AttributeError, EOFError, ImportError):
        return None
    except (LookupError, MemoryError, RecursionError, TypeError, ValueError):
        return None
    numbers = {name: number for number, name in enumerate(commands)}
    tasks = (
        TaskSpec(name=name, action=Shell(command), upstream=tuple(numbers[before] for before in upstream[name]))
        for name, command in commands.items()
    )
    return JobSpec(name=job, tasks=tuple(tasks))
