"""`pydag init`: a first file that runs at once, and nothing that was there before is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.commands import pydag, run


def test_the_two_next_commands_work_in_an_empty_directory() -> None:
    done = pydag("init")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "wrote dag.py; next:\n  pydag run\n  pydag log First\n",
        "",
    )
    ran = pydag("run")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "First: success after " in ran.stdout
    assert pydag("log", "First").returncode == 0
    assert sorted(path.name for path in Path().iterdir()) == ["dag.py"]


def test_the_file_is_a_script_too_and_has_what_a_checker_of_code_wants() -> None:
    assert pydag("init", "load.py").stdout == "wrote load.py; next:\n  pydag run load.py\n  pydag log First\n"
    done = run("python3", "-c", "import ast; ast.parse(open('load.py').read())")
    assert done.returncode == 0
    assert max(map(len, Path("load.py").read_text().splitlines())) <= 120


@pytest.mark.parametrize(("place", "path"), [("my flows", "my flows/dag.py"), (".", "dag.py"), ("a/b.py", "a/b.py")])
def test_a_directory_gets_a_dag_py_and_is_made_where_it_is_missing(place: str, path: str) -> None:
    done = pydag("init", place)
    assert done.returncode == 0
    assert Path(path).is_file()
    command = re.findall(r"^  pydag (run.*)$", done.stdout, re.MULTILINE)
    assert command == [{"dag.py": "run", "a/b.py": "run a/b.py"}.get(path, f"run '{path}'")]


@pytest.mark.parametrize(("place", "path"), [([], "dag.py"), (["x.py"], "x.py")])
def test_what_is_there_already_is_left_alone(place: list[str], path: str) -> None:
    Path(path).write_text("mine")
    done = pydag("init", *place)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"pydag: {path!r} is there already and stays as it is: give another FILE or DIR\n"
    assert Path(path).read_text() == "mine"


def test_a_link_to_nothing_is_not_followed() -> None:
    Path("dag.py").symlink_to("elsewhere.py")
    assert pydag("init").returncode == 2
    assert not Path("elsewhere.py").exists()


def test_a_place_that_cannot_be_written_is_told() -> None:
    Path("file").touch()
    done = pydag("init", "file/x.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "pydag: 'file/x.py' cannot be written (File exists): give a FILE or DIR that you may write\n"
    )
