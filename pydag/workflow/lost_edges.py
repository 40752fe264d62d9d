"""Edges that Python reads otherwise than they were meant: in `a, b >> c` it connects b alone, and says nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator


def lost_edge(source: str) -> tuple[int, str] | None:
    """The line of such a statement, and what to say of it; None where there is none."""
    for statement in _statements(ast.parse(source).body):
        value = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(value, ast.Tuple) and (meant := _meant(value.elts)):
            written = ", ".join(map(ast.unparse, value.elts))
            return statement.lineno, f"`{written}` makes no edge of every task; did you mean `{meant}`?"
    return None


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements, without a look into their expressions."""
    for statement in body:
        yield statement
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            for each in getattr(statement, inner, ()):
                yield from _statements([each] if isinstance(each, ast.stmt) else each.body)


def _meant(elements: list[ast.expr]) -> str | None:
    """`[a, b] >> c` for `a, b >> c`, and `a >> [b, c]` for `a >> b, c`; None where each element does something."""
    edges = [each for each in elements if isinstance(each, ast.BinOp) and isinstance(each.op, ast.RShift | ast.LShift)]
    idle = [each for each in elements if isinstance(each, ast.Name | ast.Attribute | ast.Subscript)]
    if len(edges) != 1 or len(idle) != len(elements) - 1:
        return None
    (edge,) = edges
    place = elements.index(edge)
    sign = ">>" if isinstance(edge.op, ast.RShift) else "<<"
    return f"{_side([*elements[:place], edge.left])} {sign} {_side([edge.right, *elements[place + 1 :]])}"


def _side(tasks: list[ast.expr]) -> str:
    texts = [ast.unparse(each) for each in tasks]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
