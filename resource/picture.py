"""Make a picture of what a terminal shows: coloured text becomes SVG.

FORCE_COLOR=1 pydag log TestJob | python resource/picture.py > log.svg
tmux capture-pane -e -p | python resource/picture.py > run.svg    (during a run)
rsvg-convert --zoom 1.5 log.svg > resource/images/JobLogFlat.png    (Debian: librsvg2-bin, fonts-dejavu-core)
"""

from __future__ import annotations

import re
import sys
from html import escape

LINE, COLUMN, MARGIN = 19, 8.43, 16  # pixels, for DejaVu Sans Mono of 14
COLOURS = {
    "31": "#e06c75",
    "1;31": "#ff5f6d",
    "32": "#7ec07e",
    "33": "#d7af5f",
    "34": "#61a5ef",
    "35": "#c678dd",
    "36": "#56b6c2",
}
PLAIN = "#dcdfe4"


def svg(text: str) -> str:
    """The picture of these lines, as wide and as high as needed."""
    lines = text.rstrip("\n").split("\n")
    longest = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    width, height = longest * COLUMN + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    rows = "".join(
        f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 14}" xml:space="preserve">{_spans(line)}</text>\n'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}">\n'
        '<rect width="100%" height="100%" rx="8" fill="#1e2127"/>\n'
        f'<g font-family="DejaVu Sans Mono, monospace" font-size="14">\n{rows}</g>\n</svg>\n'
    )


def _spans(line: str) -> str:
    """One span for each colour: `split` gives text and colour codes in turns."""
    pieces = ["0", *re.split(r"\x1b\[([0-9;]*)m", line)]
    return "".join(
        f'<tspan fill="{COLOURS.get(code, PLAIN)}">{escape(text)}</tspan>'
        for code, text in zip(pieces[::2], pieces[1::2], strict=True)
        if text
    )


if __name__ == "__main__":
    sys.stdout.write(svg(sys.stdin.read()))
