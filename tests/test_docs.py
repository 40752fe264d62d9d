"""The documents agree with the code: the files, names and links in them exist."""

from __future__ import annotations

import builtins
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SOURCES = "\n".join(path.read_text() for path in sorted(ROOT.glob("pydag/**/*.py")))

document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def in_backticks(path: Path, pattern: str) -> list[str]:
    """What stands in backticks and fits the pattern; calls and code blocks are left out."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return sorted(set(re.findall(rf"`({pattern})`", text)))


@document
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    named = in_backticks(path, r"(?:pydag|tests|docs|examples|benchmarks)/[\w./-]*")
    assert [name for name in named if not (ROOT / name).exists()] == []


@document
def test_every_dotted_name_of_pydag_leads_to_something(path: Path) -> None:
    for name in in_backticks(path, r"pydag(?:\.\w+)+"):
        if name.split(".")[-1] in ("svg", "png", "dot", "pdf", "py"):
            continue
        module, _, attribute = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), attribute), name


def test_every_class_that_the_design_names_is_in_the_code() -> None:
    for name in in_backticks(ROOT / "docs" / "design.md", r"[A-Z][a-z]+(?:[A-Z]\w+|)(?:\.\w+)*(?:\(\))?"):
        first, *more = name.removesuffix("()").split(".")
        if hasattr(builtins, first):
            continue
        assert re.search(rf"\bclass {first}\b|^{first}\b.* = ", SOURCES, re.MULTILINE), name
        for attribute in more:
            assert re.search(rf"\bdef {attribute}\b|^ +{attribute}: ", SOURCES, re.MULTILINE), name


@document
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in [_anchor(heading) for heading in headings], link


def _anchor(heading: str) -> str:
    """A heading as the part of a link behind `#`."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
