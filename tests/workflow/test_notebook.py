"""A notebook gives its jobs as a Python file does; what only Jupyter understands is refused with its cell."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pydag import LoadError
from pydag.workflow.loader import load_job
from tests.support.commands import pydag


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())


def notebook(*cells: str, name: str = "flow.ipynb") -> str:
    """Write a notebook; a cell that begins with # is text."""
    documents = [
        {"cell_type": "markdown" if cell.startswith("#") else "code", "source": cell.splitlines(keepends=True)}
        for cell in cells
    ]
    Path(name).write_text(json.dumps({"cells": documents, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
    return name


def refused(*cells: str) -> str:
    with pytest.raises(LoadError) as caught:
        load_job(notebook(*cells))
    return str(caught.value)


def test_the_code_cells_make_the_job_and_the_run_in_one_is_left_out() -> None:
    file = notebook(
        "# A title",
        "from pydag import Job, Task",
        "with Job('N') as job:\n    Task('a', 'echo ran')",
        "text = '''\n%matplotlib\n'''",
        "job.run()",
        "raise SystemError('after the run')",
    )
    assert [task.name for task in load_job(file).tasks] == ["a"]
    done = pydag("run", file)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "line",
    ["%matplotlib inline", "!pip list", "files = !ls", "x = %pwd", "print?", "?print", "%%bash", "  %time x = 1"],
)
def test_what_only_jupyter_understands_is_refused_with_its_cell(line: str) -> None:
    assert refused("# A title", f"{line}\necho done") == (
        f"cell 2 of {str(Path('flow.ipynb').absolute())!r} has {line.strip()!r}, which only Jupyter understands: "
        "take it out, or put the job into a notebook without it"
    )


def test_an_error_is_told_with_its_cell_and_line() -> None:
    assert "cell 3, line 2, at `1 / 0`: ZeroDivisionError" in refused("a = 1\nb = 2", "# text", "c = 3\n1 / 0")
    assert "cell 2, line 1: SyntaxError" in refused("a = 1", "if a\n")


@pytest.mark.parametrize("text", ["no json", "{}", '{"cells": 3}', '{"worksheets": []}', "[]"])
def test_what_is_no_notebook_is_told(text: str) -> None:
    Path("flow.ipynb").write_text(text)
    with pytest.raises(LoadError, match="is not a notebook in format 4"):
        load_job("flow.ipynb")
