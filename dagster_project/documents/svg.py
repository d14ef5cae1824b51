"""Shapes of SVG files that need nothing from outside: text in a font that every machine has, colours by stage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

INK, LINE, PAPER = "#1d2733", "#8494a5", "#ffffff"
# Light enough for dark text on them, told apart by more than hue: neighbours differ in lightness too.
FILLS = ("#e8edf2", "#d4e6f7", "#fdeecb", "#d9efdc", "#f6dfe6", "#e4def5", "#d3eeee", "#fbe2d2", "#ececd6")
STROKES = ("#68788a", "#2f74b5", "#a97b0c", "#3a8348", "#ad456c", "#6a53b0", "#227f83", "#b4602a", "#77772f")
CHARACTER = 7.2
SMALL_CHARACTER = 5.9


def document(width: float, height: float, title: str, description: str, shapes: Sequence[str]) -> str:
    """A whole SVG file; `title` and `description` are what a screen reader says."""
    size = f"{_px(width)} {_px(height)}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{_px(width)}" '
            f'height="{_px(height)}" role="img" font-family="Arial, Helvetica, sans-serif">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(description)}</desc>",
            f'<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/></marker></defs>',
            rectangle(0, 0, width, height, fill=PAPER),
            *shapes,
            "</svg>\n",
        ]
    )


def rectangle(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str,
    stroke: str = "none",
    thick: float = 1,
    round_: int = 0,
) -> str:
    """A rectangle with its corner at x, y."""
    return (
        f'<rect x="{_px(x)}" y="{_px(y)}" width="{_px(width)}" height="{_px(height)}" rx="{round_}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{thick:g}"/>'
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 13,
    bold: bool = False,
    anchor: str = "start",
    fill: str = INK,
) -> str:
    """A line of text on the base line y."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{_px(x)}" y="{_px(y)}" font-size="{size}"{weight} text-anchor={quoteattr(anchor)} '
        f'fill="{fill}">{escape(words)}</text>'
    )


def line(path: str, *, arrow: bool, stroke: str = LINE, thick: float = 1.3) -> str:
    """A path without filling, with an arrow at its end or not."""
    end = ' marker-end="url(#arrow)"' if arrow else ""
    numbers = re.sub(r"-?\d+\.\d+", lambda found: _px(float(found.group())), path)
    return f'<path d="{numbers}" fill="none" stroke="{stroke}" stroke-width="{thick:g}"{end}/>'


def _px(number: float) -> str:
    """Half pixels are fine enough, and the same on every machine."""
    return f"{round(number * 2) / 2:g}"
