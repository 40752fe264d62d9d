"""Options and values that several commands take, in all their spellings."""

from __future__ import annotations

import sys
from typing import Any

import click

from pydag.errors import shown


class Count(click.ParamType[int]):
    """A whole number above 0. `-n=5` is taken as `-n 5`, because users of the seed write it so."""

    name = "n"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).removeprefix("=")
        try:
            number = int(text) if text.isdecimal() else 0
        except ValueError:  # more digits than Python reads
            number = sys.maxsize
        if number < 1:
            self.fail(f"{shown(text)} is not a whole number above 0", param, ctx)
        return min(number, sys.maxsize)  # no history holds more than that, and SQLite takes no larger number


class _Aliased(click.Option):
    """An option that help, hints and completion know by one name, and that can be given by its aliases too."""

    def __init__(self, *declared: Any, aliases: tuple[str, ...], **options: Any) -> None:
        super().__init__(*declared, **options)
        self._aliases = aliases

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        shown = self.opts
        self.opts = [*shown, *self._aliases]
        super().add_to_parser(parser, ctx)
        self.opts = shown


job_option = click.option(
    "--job",
    "name",
    cls=_Aliased,
    aliases=("--name", "--job-name"),
    metavar="NAME",
    help="The job, where FILE has several.",
)
"""Chooses a job of a file. It takes every name that such an option has in any command."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document (docs/json.md).")
