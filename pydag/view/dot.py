"""A job as DOT text, the language of graphviz.

Names are data here, never DOT: tasks get identifiers of their own, and names are only in labels and tooltips, escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape as html_escape
from math import ceil, sqrt

from pydag.errors import count
from pydag.model.graph import layers
from pydag.model.spec import JobSpec
from pydag.model.states import State, When
from pydag.view.palette import STYLES, StateStyle
from pydag.view.wording import counted_states, state_counts

PAD = 0.3
"""Inches of white around the picture."""

# This many tasks with the same neighbours, or more, are drawn as one block of rows instead of one endless row.
_BLOCK = 9
_MAX_LINES = 4
_FEW_TASKS, _MANY_LAYERS = 30, 25
# Curves around boxes take time that grows faster than the number of edges; nobody can follow one of so many.
_MANY_EDGES = 400

_FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
_INK, _FAINT, _EDGE = "#1F2D3D", "#6B7A8C", "#8595A8"
_NOT_IN_XML = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile(r"(?<=[\s_./:,;|-])")

_PLAIN = StateStyle("", "", "", "#EDF2FA", "#6C8EBF", _INK)  # a task without a state
_CONDITIONS = {
    When.FAILURE: {
        "style": "dashed",
        "color": STYLES[State.FAILED].line,
        "fontcolor": "#B23327",
        "label": " on failure ",
    },
    When.ALWAYS: {"style": "dashed", "color": _FAINT, "fontcolor": "#55606C", "label": " always "},
}


def source(spec: JobSpec, states: Mapping[str, State] | None = None) -> str:
    """The job as DOT text, layers from top to bottom.

    `states` has the states of tasks by their names, shown as a colour, a sign and a word; other tasks are drawn plain.
    Nine or more tasks (or chains of tasks) that come after the same tasks, before the same tasks and on the same
    condition are drawn as one block, and an edge of the block stands for one of each of them.
    """
    from graphviz import Digraph  # takes 19 ms, and most commands draw nothing

    states = states or {}
    digraph = Digraph("job")
    digraph.attr("graph", **_graph_attributes(spec, states))
    digraph.attr("node", shape="box", fontname=_FONT, fontsize="12", penwidth="1.1", margin="0.16,0.09", height="0.42")
    digraph.attr("edge", color=_EDGE, penwidth="0.9", arrowsize="0.6", fontname=_FONT, fontsize="10")
    drawn_as: dict[int, str] = {}
    for block in _blocks(spec):
        if len(block) < _BLOCK:
            for number in (number for chain in block for number in chain):
                drawn_as[number] = f"t{number}"
                digraph.node(f"t{number}", **_node(spec, number, states))
        else:
            name = f"b{block[0][0]}"
            drawn_as.update((number, name) for chain in block for number in chain)
            digraph.node(name, shape="plain", label=_table(spec, block, states))
    for tail, head, when in _edges(spec, drawn_as):
        digraph.edge(tail, head, **_CONDITIONS.get(when, {}))
    text: str = digraph.source
    return text


def _blocks(spec: JobSpec) -> Iterable[list[list[int]]]:
    """All tasks, as chains; chains between the same neighbours, on the same conditions, stand together."""
    after = spec.downstream()
    alike: dict[object, list[list[int]]] = {}
    for number, task in enumerate(spec.tasks):
        if _only_next(spec, after, task.upstream):
            continue  # its chain starts further up
        chain = [number]
        while _only_next(spec, after, chain[-1:]) and len(after[chain[-1]]) == 1:
            chain.append(after[chain[-1]][0])
        whens = tuple(spec.tasks[each].when for each in chain)
        alike.setdefault((frozenset(task.upstream), frozenset(after[chain[-1]]), whens), []).append(chain)
    return alike.values()


def _only_next(spec: JobSpec, after: Sequence[Sequence[int]], before: Sequence[int]) -> bool:
    """Whether `before` is one task with one task after it, which waits for nothing else."""
    return len(before) == 1 and len(after[before[0]]) == 1 and len(spec.tasks[after[before[0]][0]].upstream) == 1


def _edges(spec: JobSpec, drawn_as: Mapping[int, str]) -> Iterable[tuple[str, str, When]]:
    """Each edge between what is drawn, once."""
    edges = {}
    for number, task in enumerate(spec.tasks):
        for before in task.upstream:
            if drawn_as[before] != drawn_as[number]:
                edges[drawn_as[before], drawn_as[number]] = task.when
    return ((tail, head, when) for (tail, head), when in edges.items())


def _table(spec: JobSpec, block: Sequence[Sequence[int]], states: Mapping[str, State]) -> str:
    """A block as an HTML-like label: a box with a cell for each task, chains from top to bottom."""
    length = len(block[0])
    # Boxes are about three times as wide as high; this makes the block about one and a half times as wide as high.
    columns = ceil(sqrt(len(block) * length * 0.6))
    rows = []
    for start in range(0, len(block), columns):
        chains = block[start : start + columns]
        if start and length > 1:
            rows.append('<TD HEIGHT="8"></TD>')
        for depth in range(length):
            if depth:
                arrow = _arrow(spec.tasks[chains[0][depth]].when)
                rows.append(f"<TD>{arrow}</TD>" * len(chains))
            rows.append("".join(_cell(spec, chain[depth], states) for chain in chains))
    kind = "tasks" if length == 1 else f"chains of {length} tasks"
    caption = f'<FONT POINT-SIZE="10" COLOR="{_FAINT}">{len(block)} {kind} side by side</FONT>'
    grid = "".join(f"<TR>{row}</TR>" for row in rows)
    return (
        f'<<TABLE STYLE="ROUNDED" COLOR="#D5DDE8" BGCOLOR="#F8FAFC" CELLBORDER="0" CELLPADDING="4"><TR><TD>{caption}'
        f'</TD></TR><TR><TD><TABLE BORDER="0" CELLSPACING="6" CELLPADDING="0">{grid}</TABLE></TD></TR></TABLE>>'
    )


def _arrow(when: When) -> str:
    condition = _CONDITIONS.get(when, {"color": _EDGE, "label": ""})
    sign = f'<FONT POINT-SIZE="14" COLOR="{condition["color"]}">↓</FONT>'
    return f'{sign}<FONT POINT-SIZE="10" COLOR="{condition["color"]}">{condition["label"]}</FONT>'


def _cell(spec: JobSpec, number: int, states: Mapping[str, State]) -> str:
    task = spec.tasks[number]
    box = _style(states.get(task.name))
    style = "ROUNDED,DASHED" if box.dashed else "ROUNDED"
    # A cell has its tooltip only on a link, so only where the cell does not show the whole name.
    cut = len(task.name) > _MAX_LINES * _width(spec)
    tooltip = f' HREF="#" TOOLTIP="{html_escape(_tooltip(task.name))}"' if cut else ""
    return (
        f'<TD BORDER="1" CELLPADDING="7" STYLE="{style}" BGCOLOR="{box.fill}" COLOR="{box.line}"{tooltip}>'
        f'<FONT COLOR="{box.text}">{_label(spec, number, states)}</FONT></TD>'
    )


def _node(spec: JobSpec, number: int, states: Mapping[str, State]) -> dict[str, str]:
    from graphviz import nohtml  # as above

    task = spec.tasks[number]
    box = _style(states.get(task.name))
    return {
        "label": f"<{_label(spec, number, states)}>",
        "tooltip": nohtml(_tooltip(task.name).replace("&", "&amp;")),
        "style": "rounded,filled,dashed" if box.dashed else "rounded,filled",
        "fillcolor": box.fill,
        "color": box.line,
        "fontcolor": box.text,
    }


def _label(spec: JobSpec, number: int, states: Mapping[str, State]) -> str:
    name = spec.tasks[number].name
    label = _html(_lines(name, _width(spec)))
    state = states.get(name)
    if state is None:
        return label
    style = _style(state)
    return label + _small([f"{style.sign} {state.value}"], style.text, 10)


def _width(spec: JobSpec) -> int:
    return 24 if len(spec.tasks) <= _FEW_TASKS else 16


def _style(state: State | None) -> StateStyle:
    return STYLES[state] if state else _PLAIN


def _graph_attributes(spec: JobSpec, states: Mapping[str, State]) -> dict[str, str]:
    crowded = sum(len(task.upstream) for task in spec.tasks) > _MANY_EDGES
    deep = len(layers(spec.upstream_names())) > _MANY_LAYERS
    return {
        "label": _title(spec, states),
        "labelloc": "t",
        "fontname": _FONT,
        "fontsize": "18",
        "fontcolor": _INK,
        "bgcolor": "white",
        "pad": str(PAD),
        "rankdir": "TB",
        "charset": "UTF-8",
        "nodesep": "0.2" if crowded else "0.3",
        "ranksep": "1.4" if crowded else "0.3" if deep else "0.45",
        "splines": "line" if crowded else "true",
    }


def _title(spec: JobSpec, states: Mapping[str, State]) -> str:
    counts = counted_states(state_counts(states[task.name] for task in spec.tasks if task.name in states))
    tasks = count(len(spec.tasks), "task") + (f": {counts}" if counts else "")
    description = _lines(" ".join(spec.description.split()), 60) if spec.description else []
    small = [*description, tasks]
    return f"<<B>{_html(_lines(spec.name, 48))}</B>{_small(small, _FAINT, 12)}<BR/> >"


def _lines(text: str, width: int) -> list[str]:
    """The text in lines of about `width`, broken after words and parts of names; past four its middle is left out."""
    if len(text) > _MAX_LINES * width:
        text = f"{text[: (_MAX_LINES - 2) * width]}…{text[1 - width :]}"
    lines = [""]
    for piece in _BREAKS.split(text):
        for start in range(0, len(piece), width):
            part = piece[start : start + width]
            if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    return lines


def _html(lines: Iterable[str]) -> str:
    """Lines, escaped so that an HTML-like label shows them literally; `dot` reads backslashes there too."""
    return "<BR/>".join(html_escape(_printable(line)).replace("\\", "\\\\") for line in lines)


def _small(lines: Iterable[str], colour: str, points: int) -> str:
    return f'<BR/><FONT POINT-SIZE="{points}" COLOR="{colour}">{_html(lines)}</FONT>'


def _tooltip(name: str) -> str:
    """The name, literally. Some versions of `dot` unescape a tooltip twice: a word joiner ends each escape."""
    return _printable(name).replace("\\", "\\\\\u2060")


def _printable(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
