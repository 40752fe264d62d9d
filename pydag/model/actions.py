"""Actions: what a task does when it runs. A kind of task is a record here, and each knows its stored form.

An engine says which kinds it can run. A new kind also needs its class in `pydag.workflow.tasks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class Shell(NamedTuple):
    """A command that runs as `bash -c` runs it, or, `strict`, as it runs after `set -eo pipefail`.

    `env` is added to the environment. `cwd` is where it runs, None for the engine's own directory. `nodes` are those of
    gocron, by id or alias: it runs on each of them, or on the first node there is.
    """

    command: str
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None
    nodes: tuple[int | str, ...] = ()
    strict: bool = False

    @property
    def text(self) -> str:
        """What people see of it."""
        return self.command

    def document(self) -> dict[str, object]:
        """Its stored form. What it does not set is left out: most commands set nothing."""
        document: dict[str, object] = {"command": self.command}
        if self.env:
            document["env"] = self.env
        if self.cwd is not None:
            document["cwd"] = self.cwd
        if self.nodes:
            document["nodes"] = self.nodes
        if self.strict:
            document["strict"] = True
        return document

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read `document` back; `TypeError` or `ValueError` where it has another form."""
        options = dict(document)
        if "env" in options:
            options["env"] = tuple((name, value) for name, value in options["env"])
        if "nodes" in options:
            options["nodes"] = tuple(options["nodes"])
        return cls(**options)


class HttpRequest(NamedTuple):
    """A URL that the engine's server asks for, by GET or POST; it succeeds where the answer is 200."""

    url: str
    method: str = "GET"

    @property
    def text(self) -> str:
        """What people see of it."""
        return self.url

    def document(self) -> dict[str, object]:
        """Its stored form."""
        return {"url": self.url, "method": self.method}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read `document` back; raises as `Shell.read` does."""
        return cls(**document)


Action = Shell | HttpRequest

KINDS: Mapping[str, type[Action]] = {"shell": Shell, "http": HttpRequest}
"""Each kind by the word that stands for it in stored jobs: never change one."""

NAMES: Mapping[type[Action], str] = {kind: name for name, kind in KINDS.items()}
