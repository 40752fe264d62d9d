"""Options and values that several commands take, and all their spellings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from pydag.cli.completion import JobName


class Count(click.ParamType[int]):
    """A whole number above 0. `-n=5` is taken as `-n 5`, as users of the seed write it."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Refuse what is no count, naming it."""
        text = str(value).removeprefix("=")
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"{text!r} is not a whole number above 0", param, ctx)
        return min(int(text), sys.maxsize)  # more than that no history holds, and SQLite takes no larger number


def job_name_option(text: str) -> Callable[[Any], Any]:
    """`--job_name`, as the seed has it, and `--job-name`."""
    return click.option("--job_name", "--job-name", "job", type=JobName(), help=text)


def job_option(text: str) -> Callable[[Any], Any]:
    """`--job` of a file that has several; every name that such an option has anywhere is taken."""
    return click.option("--job", "--name", "--job_name", "--job-name", "name", metavar="NAME", help=text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document (docs/json.md).")
