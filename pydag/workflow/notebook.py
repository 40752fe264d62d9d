"""Notebook: the code cells of an .ipynb file as one Python source. Nothing is run, and Jupyter is not needed."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass

from pydag.errors import LoadError, shortest_path

# What only Jupyter understands. Searched only in cells that are not valid Python: a string may begin a line with %.
_MAGIC = re.compile(r"\s*(?:[%!?]|[\w, .]+=\s*[%!]|.*\?\s*$)")


@dataclass(frozen=True, slots=True)
class Notebook:
    """Code cells in order, each with its number among all cells, from 1 as Jupyter's outline counts them."""

    cells: tuple[tuple[int, str], ...]

    @property
    def source(self) -> str:
        """The cells behind each other; each begins on a line of its own."""
        return "\n".join(text for _, text in self.cells) + "\n"

    def place(self, line: int) -> str:
        """Where a line of the source stands: `cell 3, line 2`."""
        for number, text in self.cells:
            lines = text.count("\n") + 1
            if line <= lines:
                return f"cell {number}, line {line}"
            line -= lines
        return f"line {line}"


def read(data: bytes, file: str) -> Notebook:
    """Read a notebook. Raises `LoadError` for another kind of file, and for a cell that is not plain Python."""
    try:
        cells = json.loads(data)["cells"]
        texts = [
            (number, "".join(cell["source"])) for number, cell in enumerate(cells, 1) if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError):
        raise LoadError(f"{file!r} is not a notebook in format 4: save it once more with a Jupyter of today") from None
    for number, text in texts:
        _check(number, text, file)
    return Notebook(tuple(texts))


def _check(number: int, text: str, file: str) -> None:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        magic = next((line.strip() for line in text.splitlines() if _MAGIC.match(line)), None)
        if magic is not None:
            raise LoadError(
                f"cell {number} of {file!r} has {magic!r}, which only Jupyter understands: "
                "take it out, or put the job into a notebook without it"
            ) from None
        line, what = (f", line {error.lineno}", error.msg) if isinstance(error, SyntaxError) else ("", str(error))
        raise LoadError(f"{shortest_path(file)!r}, cell {number}{line}: {type(error).__name__}: {what}") from None
