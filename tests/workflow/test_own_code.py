"""Wrong options and operators: one line with the place and what was meant. Errors of others are left alone."""

from __future__ import annotations

import pytest

from pydag import LoadError
from pydag.workflow.loader import load_job
from pydag.workflow.own_code import described
from tests.support.commands import flow

SCHEDULE = "when a job starts is said on the command line: `pydag submit FILE --cron EXPR`"
TASKS = "job = Job('J')\na, b, c, d = (Task(name, 'true') for name in 'abcd')\njob.add_task(a, b, c, d)\n"


def told(line: str) -> str:
    with pytest.raises(LoadError) as caught:
        load_job(flow(f"from pydag import HttpTask, param\n{TASKS}{line}\n"))
    return str(caught.value).removeprefix("'flow.py', line 6: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Task('x', 'y', retry=3)", "Task(...) has no option 'retry'; did you mean 'retries'?"),
        ("Task('x', cmd='y')", "Task(...) has no option 'cmd'; did you mean 'command'?"),
        ("Task('x', 'y', trigger_rule='all')", "Task(...) has no option 'trigger_rule'; did you mean 'when'?"),
        ("HttpTask('x', 'http://x', retry=3)", "HttpTask(...) has no option 'retry'; did you mean 'retries'?"),
        ("Task.from_file('x.py', retry=3)", "Task.from_file(...) has no option 'retry'; did you mean 'retries'?"),
        ("Job('x', parallel=3)", "Job(...) has no option 'parallel'; did you mean 'max_parallel'?"),
        ("job.run(chekc=False)", "Job.run(...) has no option 'chekc'; did you mean 'check'?"),
        ("job.run(xyz=1)", "Job.run(...) has no option 'xyz': it takes mode, check"),
        ("param('X', defualt='y')", "param(...) has no option 'defualt'; did you mean 'default'?"),
        (
            "Task('x', 'y', depends_on=[a])",
            "Task(...) has no option 'depends_on': what a task waits for is written as an edge: `before >> task`",
        ),
        ("Job('x', schedule='@daily')", f"Job(...) has no option 'schedule': {SCHEDULE}"),
    ],
)
def test_an_unknown_option_is_told_with_the_one_that_was_meant(line: str, message: str) -> None:
    assert told(line) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "[b, c] >> [d]",
            "two lists cannot stand beside each other around >>; did you mean `for task in [...]: [...] >> task`?",
        ),
        (
            "a >> [b] << (c, d)",
            "two lists cannot stand beside each other around <<; did you mean `for task in [...]: [...] << task`?",
        ),
        ("a > b", "> connects no tasks; did you mean `a >> b`?"),
        ("a < b", "< connects no tasks; did you mean `a << b`?"),
        ("a | b", "| connects no tasks; did you mean `a >> b`?"),
        ("a + b", "+ connects no tasks; did you mean `a >> b`?"),
        ("a, b >> c", "`a, b >> c` makes no edge of every task; did you mean `[a, b] >> c`?"),
        ("a >> b, c", "`a >> b, c` makes no edge of every task; did you mean `a >> [b, c]`?"),
        ("if a:\n    a << b, c", "`a << b, c` makes no edge of every task; did you mean `a << [b, c]`?"),
    ],
)
def test_a_wrong_operator_is_told_with_the_one_that_was_meant(line: str, message: str) -> None:
    assert told(line).removeprefix("'flow.py', line 7: ") == message


@pytest.mark.parametrize(
    "line", ["a >> b, b >> c", "a >> [b, c]", "x = a, b >> c", "print(a, b >> c)", "# a, b >> c", "'''\na, b >> c\n'''"]
)
def test_a_line_that_makes_all_its_edges_is_left_alone(line: str) -> None:
    assert len(load_job(flow(f"{TASKS}{line}\n")).tasks) == 4


def test_operators_and_options_of_others_keep_pythons_own_words() -> None:
    assert (
        told("[1] >> 2")
        == "'flow.py', line 6, at `[1] >> 2`: TypeError: unsupported operand type(s) for >>: 'list' and 'int'"
    )
    assert "unexpected keyword argument 'x'" in told("def own(): ...\nown(x=1)")


def test_a_line_of_the_file_cannot_control_the_terminal() -> None:
    assert "\x1b" not in told("'\x1b[31m' + 1")


def test_an_error_of_no_file_has_no_place() -> None:
    assert described(TypeError("x")) is None
