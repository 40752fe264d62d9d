"""What programs of the pydag before this one left behind, in its format: written by hand, without its packages."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

MODULE = "networkx.classes.digraph"


def graph(upstream: Mapping[str, Sequence[str]], command: str = "echo {}") -> bytes:
    """The value of a META key: the pickle of a graph of networkx whose nodes have their names and commands."""
    after: dict[str, dict[str, dict[str, str]]] = {name: {} for name in upstream}
    before: dict[str, dict[str, dict[str, str]]] = {name: {} for name in upstream}
    for name, befores in upstream.items():
        for each in befores:
            after[each][name] = before[name][each] = {}
    nodes = {name: {"task_name": name, "command": command.format(name)} for name in upstream}
    return pickled({"graph_attr_dict_factory": dict, "graph": {}, "_node": nodes, "_adj": after, "_pred": before})


def pickled(state: Mapping[str, Any]) -> bytes:
    """The pickle of an object of networkx that holds this."""
    with _networkx() as kind:
        found = kind()
        found.__dict__.update(state)
        return pickle.dumps(found, 4)


@contextmanager
def _networkx() -> Iterator[type]:
    """A class that pickle takes for that of networkx, which need not be installed."""
    module = ModuleType(MODULE)
    kind = type("DiGraph", (), {"__module__": MODULE})
    module.DiGraph = kind  # type: ignore[attr-defined]  # that is how a module gets a name
    before = {name: sys.modules.get(name) for name in (MODULE, "networkx", "networkx.classes")}
    sys.modules.update({MODULE: module, "networkx": ModuleType("networkx"), "networkx.classes": ModuleType("classes")})
    try:
        yield kind
    finally:
        for name, old in before.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old


def plan_block(name: str, file: str, cron: str = "0 0 * * *", command: str = "/usr/bin/python {}") -> bytes:
    """The block that plan wrote into the crontab for it."""
    line = f"{cron} export PYDAG_RUN_NEW=no && {command.format(file)}"
    return f"# Begin Plan generated jobs for: {name}\n{line}\n# End Plan generated jobs for: {name}\n".encode()
