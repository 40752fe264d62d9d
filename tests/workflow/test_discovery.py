"""The workflow file of a directory: found by its name or by what it imports, else one line that says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pydag import LoadError
from pydag.workflow.discovery import workflow_file


def found() -> str:
    return workflow_file(Path()).name


def error() -> str:
    with pytest.raises(LoadError) as caught:
        found()
    return str(caught.value)


def test_dag_py_comes_before_workflow_py_and_both_before_any_other() -> None:
    Path("other.py").write_text("import pydag\n")
    assert found() == "other.py"
    Path("workflow.py").touch()
    assert found() == "workflow.py"
    Path("dag.py").touch()
    assert found() == "dag.py"


@pytest.mark.parametrize(
    "text",
    [
        "from pydag import Job",
        "from pydag.job import GoCronJob",
        "import pydag",
        "import os, pydag",
        "import os\nif os:\n    import pydag as p",
    ],
)
def test_the_only_file_that_imports_pydag_is_found(text: str) -> None:
    Path("flow.py").write_text(f"# a flow\n{text}\n")
    Path("other.py").write_text("import os\nimport pydag_plugin\nfrom mypydag import x  # import pydag\n")
    Path("notes.txt").write_text("import pydag\n")
    Path("folder.py").mkdir()
    assert found() == "flow.py"


def test_a_notebook_is_found_too() -> None:
    Path("flow.ipynb").write_text('{"cells": [{"source": [\n   "from pydag import Job\\n"\n]}]}')
    assert found() == "flow.ipynb"


def test_no_file_is_told_with_the_next_step(directory: Path) -> None:
    assert error() == (
        f"there is no workflow file in {directory} (no dag.py, no workflow.py, no file that imports pydag): "
        "give the path of one, or `pydag init` writes a first one"
    )


def test_several_files_are_named() -> None:
    for name in ("b.py", "a.py"):
        Path(name).write_text("import pydag\n")
    assert error() == "2 files here import pydag (a.py, b.py): name the one that you mean, or call it dag.py"


def test_a_directory_that_is_gone_is_told(directory: Path) -> None:
    gone = directory / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert error() == ("the working directory was removed: change to one that exists, then run again")
