"""Parameters as a user gives them: `pydag run load.py DAY=...` and `python load.py DAY=...` alike."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PYDAG, pydag, run

LOAD = """\
from pydag import Job, Task, param

day = param("DAY", default="today", type="date", help="the day to load")
city = param("CITY", default="Berlin", choices=["Berlin", "Paris"])
parts = param("PARTS", default=1, type="int")
with Job("Load") as job:
    Task("Fetch", 'echo "$DAY $CITY $PARTS"')
    for part in range(parts):
        Task(f"part {part}", f"echo {day:%d.%m.} > part{part}")
job.run()
"""

both = pytest.mark.parametrize("command", [(*PYDAG, "run", "load.py"), (sys.executable, "load.py")])


@pytest.fixture(autouse=True)
def load() -> None:
    Path("load.py").write_text(LOAD)


def runs(job: str = "Load") -> list[Any]:
    found: list[Any] = json.loads(pydag("log", job, "--json").stdout)["runs"]
    return found


def output(task: str = "Fetch", job: str = "Load") -> str:
    attempts: list[dict[str, str]] = json.loads(pydag("log", job, "--task-name", task, "--json").stdout)["attempts"]
    return attempts[0]["output"]


@both
def test_values_reach_the_file_and_the_commands(command: tuple[str, ...]) -> None:
    done = run(*command, "DAY=2026-03-01", "CITY=Paris", "PARTS=2")
    assert (done.returncode, done.stderr) == (0, "")
    assert output() == "2026-03-01 Paris 2\n"
    assert [Path(f"part{part}").read_text() for part in range(2)] == ["01.03.\n"] * 2
    assert not Path("part2").exists()


@both
def test_defaults_hold_where_nothing_is_given_whatever_the_environment_says(command: tuple[str, ...]) -> None:
    done = run(*command, CITY="Paris", DAY="2026-03-01")
    assert (done.returncode, done.stderr) == (0, "")
    assert output() == f"{date.today()} Berlin 1\n"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("DYA=2026-03-01", "'load.py' has no parameter DYA: did you mean DAY?"),
        ("CITY=Pris", "CITY='Pris' is not one of 'Berlin', 'Paris': did you mean 'Paris'?"),
        ("PARTS=many", "PARTS='many' is not a whole number: give one such as 5"),
        ("DAY=", "DAY='' is not a date: give one such as 2026-03-01, or today, yesterday or scheduled"),
    ],
)
def test_what_cannot_be_right_is_one_line_before_anything_runs(argument: str, message: str, own_home: Path) -> None:
    for command in ((*PYDAG, "run", "load.py"), (*PYDAG, "run"), (sys.executable, "load.py")):
        done = run(*command, argument)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"pydag: {message}\n")
    assert not Path("part0").exists()
    assert not own_home.exists()


def test_a_value_of_a_file_without_parameters_is_refused() -> None:
    Path("load.py").write_text("from pydag import Job, Task\nwith Job('Load') as job:\n    Task('t', 'touch ran')\n")
    done = pydag("run", "load.py", "DAY=2026-03-01")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "'load.py' has no parameter DAY: declare it with param(\"DAY\", ...)" in done.stderr
    assert not Path("ran").exists()


def test_a_declaration_that_cannot_be_right_is_named_with_its_line() -> None:
    Path("load.py").write_text('from pydag import param\nday = param("PATH")\n')
    done = pydag("run", "load.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "line 2" in done.stderr
    assert "param('PATH'): the environment variable PATH already means something" in done.stderr


def test_a_parameter_of_an_imported_module_belongs_to_the_file() -> None:
    Path("common.py").write_text('from pydag import param\ncity = param("CITY", default="Berlin")\n')
    Path("load.py").write_text(
        "import common\nfrom pydag import Job, Task, param\nassert param('CITY', default='Berlin') == common.city\n"
        "with Job('Load') as job:\n    Task('Fetch', 'echo $CITY')\nif __name__ == '__main__':\n    job.run()\n"
    )
    for command in ((*PYDAG, "run", "load.py"), (sys.executable, "load.py")):
        assert run(*command, "CITY=Paris").returncode == 0
        assert output() == "Paris\n"


def test_a_program_that_is_not_the_file_keeps_its_own_arguments() -> None:
    Path("load.py").write_text(LOAD.removesuffix("job.run()\n") + "def main():\n    job.run()\n")
    Path("tool.py").write_text("import load\nload.main()\n")
    done = run(sys.executable, "tool.py", "-x", "speed=high")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_tasks_own_variable_wins_and_pydags_own_too() -> None:
    Path("load.py").write_text(
        "from pydag import Job, Task, param\nparam('DAY', default='today', type='date')\n"
        "with Job('Load') as job:\n    Task('Fetch', 'echo $DAY $PYDAG_TASK', env={'DAY': 'mine'})\n"
    )
    assert pydag("run", "load.py").returncode == 0
    assert output() == "mine Fetch\n"


def test_a_notebook_takes_values_too() -> None:
    cells = [{"cell_type": "code", "source": LOAD}]
    Path("load.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    assert pydag("run", "load.ipynb", "CITY=Paris", "DAY=2026-03-01").returncode == 0
    assert output() == "2026-03-01 Paris 1\n"


def test_the_picture_is_that_of_the_given_values() -> None:
    assert pydag("graph", "load.py", "PARTS=3", "-o", "load.dot").returncode == 0
    assert Path("load.dot").read_text().count("part ") >= 3


def test_params_lists_what_a_file_takes_and_runs_nothing(own_home: Path) -> None:
    done = pydag("params", "load.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["name", "DAY", "CITY", "PARTS"]
    listed = json.loads(pydag("params", "--json").stdout)["params"]
    assert listed[1] == {
        "name": "CITY",
        "type": "text",
        "default": "Berlin",
        "choices": ["Berlin", "Paris"],
        "help": "",
        "secret": False,
    }
    assert not own_home.exists()


NEEDY = """\
from pydag import Job, Task, param
token, count = param("TOKEN", secret=True), param("COUNT", type="int")
share = 100 // count
param("LATER", default="x")
"""


def test_params_makes_up_what_must_be_given_and_says_where_that_is_not_enough() -> None:
    Path("load.py").write_text(NEEDY)
    done = pydag("params", "load.py")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["name", "TOKEN", "COUNT"]
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.endswith("what comes after that is not listed: give values as NAME=VALUE\n")
    done = pydag("params", "load.py", "COUNT=4")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].split() == ["LATER", "text", "x"]
    assert pydag("params", "load.py", "COUNT=4", "LATR=x").returncode == 2


def test_params_of_a_file_without_any_says_how_to_declare_one() -> None:
    Path("load.py").write_text("from pydag import Job, Task\n")
    done = pydag("params", "load.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("The file has no parameters. param(")
    Path("load.py").write_text("1 / 0\n")
    done = pydag("params", "load.py")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_hook_gets_the_values_too() -> None:
    Path("load.py").write_text(
        "from pydag import Job, Task, param\nparam('DAY', default='2026-03-01', type='date')\n"
        "with Job('Load', on_end='echo $DAY > hook'):\n    Task('Fetch', 'true')\n"
    )
    assert pydag("run", "load.py").returncode == 0
    assert Path("hook").read_text() == "2026-03-01\n"


SECRET = """\
from pydag import Job, Task, param

token = param("TOKEN", secret=True)
with Job("Load", {options}) as job:
    Task("Fetch", {command}, env={{"N": str(len(token))}})
"""


def secret(command: str = "'echo ${#TOKEN} $N'", options: str = "") -> None:
    Path("load.py").write_text(SECRET.format(command=command, options=options))


def test_a_secret_reaches_commands_and_stands_nowhere(own_home: Path) -> None:
    secret()
    done = pydag("run", "load.py", TOKEN="hunter2-hunter2")
    assert (done.returncode, done.stderr) == (0, "")
    assert output() == "15 15\n"
    shown = "".join(pydag(*words).stdout for words in (["log", "Load", "--json"], ["list", "--json"], ["status"]))
    kept = b"".join(path.read_bytes() for path in own_home.rglob("*") if path.is_file())
    assert "hunter2" not in done.stdout + shown
    assert b"hunter2" not in kept


def test_a_secret_on_the_command_line_is_refused_and_not_repeated() -> None:
    secret()
    done = pydag("run", "load.py", "TOKEN=hunter2", TOKEN="x")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "TOKEN is a secret, and others can read a command line" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_secret_in_a_command_is_refused() -> None:
    secret(command="f'echo {token}'")
    done = pydag("run", "load.py", TOKEN="hunter2")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "task 'Fetch': its command holds the value of the secret parameter TOKEN" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_secret_is_refused_where_a_server_would_keep_it() -> None:
    secret(options="engine='gocron'")
    done = pydag("run", "load.py", TOKEN="hunter2", GOCRON_ADDRESS="http://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr == (
        "pydag: job 'Load' runs on gocron, whose server would keep the secret parameter TOKEN in its commands: "
        'run it with engine="local", or let the command read the secret on its node\n'
    )
