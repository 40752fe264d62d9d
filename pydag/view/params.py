"""What `params` shows: a line for each parameter of a file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from pydag.model.params import ParamSpec
from pydag.view.terminal import Display
from pydag.view.text import padded, sanitized, text_width
from pydag.view.wrapping import wrapped

NONE = 'The file has no parameters. param("DAY", default="today", type="date") declares one (docs/parameters.md).'
"""What is said of a file that has none."""

_HEADINGS = ("name", "type", "default", "choices", "help")
_GAP = "  "


def params(specs: Sequence[ParamSpec], display: Display) -> Iterator[str]:
    """A table in the file's order, below its headings; nothing where there are none."""
    if not specs:
        return
    rows = [_HEADINGS, *map(_cells, specs)]
    widths = [max(map(text_width, column)) for column in zip(*rows, strict=True)]
    for place, row in enumerate(rows):
        line = _GAP.join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield from wrapped(line, display) if place else [display.heading(line)]


def _cells(spec: ParamSpec) -> tuple[str, ...]:
    default = "must be given" if spec.default is None else shlex.quote(sanitized(spec.default))
    choices = ", ".join(shlex.quote(sanitized(choice)) for choice in spec.choices)
    kind = f"{spec.type.value}, secret" if spec.secret else spec.type.value
    return (spec.name, kind, "from the environment" if spec.secret else default, choices, sanitized(spec.help))
