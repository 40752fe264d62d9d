"""The entries of the program before this pydag: which blocks they are, and that every other byte stays."""

from __future__ import annotations

import pytest

from pydag.schedule.schedulers.crontab_plan import in_the_place_of_plan, plan_blocks, without_plan_blocks
from pydag.schedule.schedulers.crontab_text import CrontabBlock, with_block, without_block
from tests.support.old_pydag import plan_block

NEW = CrontabBlock(name="J", expression="0 5 * * *", command="new")
NOTEBOOK = "/usr/bin/jupyter nbconvert --execute --to notebook {} --stdout"


@pytest.mark.parametrize(
    ("block", "found"),
    [
        (plan_block("J", "/home/me/a.py"), ("J", "0 0 * * *", "no", "/home/me/a.py")),
        (plan_block("a job: with *", "/a.py", "@daily"), ("a job: with *", "@daily", "no", "/a.py")),
        (plan_block("J", "/n.ipynb", "*/5 * * * 1-5", NOTEBOOK), ("J", "*/5 * * * 1-5", "no", "/n.ipynb")),
        (plan_block("J", "/a.py", command="/opt/python -u {}"), ("J", "0 0 * * *", "no", "/a.py")),
    ],
)
def test_a_block_names_its_job_its_expression_and_its_file(block: bytes, found: tuple[str, ...]) -> None:
    (read,) = plan_blocks(b"# before\n" + block + b"# after\n")
    assert (read.name, read.expression, read.run_new, read.file) == found
    assert without_plan_blocks(b"# before\n" + block + b"# after\n", read.name) == b"# before\n# after\n"


@pytest.mark.parametrize(
    "text",
    [
        b"# Begin Plan generated jobs for: main\n0 1 * * * tidy up\n# End Plan generated jobs for: main\n",
        plan_block("J", "/a.py").replace(b"\n0 0", b"\n# 0 0"),
        plan_block("J", "/a.py").replace(b"End Plan generated jobs for: J", b"End Plan generated jobs for: K"),
        plan_block("J", "/a.py").replace(b"# End", b"0 0 * * * more\n# End"),
        plan_block("J", "/a.sh"),
        b"#" + plan_block("J", "/a.py"),
    ],
)
def test_what_the_older_program_did_not_write_is_left_alone(text: bytes) -> None:
    assert plan_blocks(text) == []
    assert without_plan_blocks(text, "J") == text
    assert in_the_place_of_plan(text, NEW) == with_block(text, NEW)


def test_the_new_block_takes_the_place_of_the_older_one() -> None:
    older = plan_block("J", "/a.py")
    text = b"A=1\n" + older + plan_block("K", "/k.py") + b"# last\n" + older
    changed = in_the_place_of_plan(text, NEW)
    assert without_block(changed, "J") == b"A=1\n" + plan_block("K", "/k.py") + b"# last\n"
    assert changed.startswith(b"A=1\n# pydag begin ")


def test_a_block_of_pydags_own_keeps_its_place() -> None:
    text = with_block(b"A=1\n", NEW) + b"B=2\n" + plan_block("J", "/a.py")
    assert in_the_place_of_plan(text, NEW) == with_block(b"A=1\n", NEW) + b"B=2\n"
