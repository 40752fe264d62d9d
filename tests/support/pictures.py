"""Jobs to draw, and what is read back from their pictures."""

from __future__ import annotations

import os
import random
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

import pytest

from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State, When
from pydag.view import picture

SVG = "{http://www.w3.org/2000/svg}"
LINK_TITLE = "{http://www.w3.org/1999/xlink}title"


def task(name: str, *upstream: int, when: When = When.SUCCESS) -> TaskSpec:
    return TaskSpec(name=name, action=Shell("true"), upstream=upstream, when=when)


def job(*names: str, name: str = "Job") -> JobSpec:
    """A job of tasks one after the other."""
    return JobSpec(name=name, tasks=tuple(task(each, *([n - 1] if n else [])) for n, each in enumerate(names)))


def fan(width: int) -> JobSpec:
    middle = (task(f"part {number}", 0) for number in range(width))
    return JobSpec(name="Fan", tasks=(task("split"), *middle, task("merge", *range(1, width + 1))))


def layered(layers: int, width: int, upstream: int) -> JobSpec:
    chance = random.Random(7)
    tasks = []
    for layer in range(layers):
        above = range((layer - 1) * width, layer * width)
        for number in range(width):
            befores = chance.sample(above, upstream) if layer else []
            tasks.append(task(f"layer {layer} step {number}", *befores))
    return JobSpec(name="Layers", tasks=tuple(tasks))


def svg(spec: JobSpec, directory: Path, states: Mapping[str, State] | None = None) -> ElementTree.Element:
    return ElementTree.parse(picture.write(spec, directory / "picture.svg", states)).getroot()


def groups(picture: ElementTree.Element, kind: str) -> dict[str, ElementTree.Element]:
    """What was drawn for each node or edge, by its identifier in the DOT text."""
    found = {}
    for group in picture.iter(f"{SVG}g"):
        if group.get("class") == kind:
            found[group.findtext(f"{SVG}title") or ""] = group
    return found


def lines(element: ElementTree.Element) -> list[str]:
    return [(text.text or "").replace("\N{NO-BREAK SPACE}", " ") for text in element.iter(f"{SVG}text")]


def tooltips(element: ElementTree.Element) -> list[str]:
    titles = (link.get(LINK_TITLE, "") for link in element.iter(f"{SVG}a"))
    return [title.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ") for title in titles]


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", head[16:])
    return width, height


def put_dot(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    """Make this script the `dot` that is found."""
    directory.mkdir(exist_ok=True)
    program = directory / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
