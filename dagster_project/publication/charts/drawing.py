"""From a chart's specification and rows to SVG: compiled once, drawn often, coloured by classes.

Altair says what is drawn, Vega draws it. Two ways of theirs are bent here, both measured:

- A specification is compiled from Vega-Lite to Vega once per kind of chart; rows are put in for each picture.
- Vega measures each text that it places, which takes longer than all else (0.5 ms a text) and depends on the fonts of
  the machine. So texts are drawn at size 0, which Vega doesn't measure, where the specification says; their size, as
  all colours, comes from a class of the style sheet. The same rows give the same bytes on every machine.

Colours in a specification are therefore names of classes (`mine`, `others`, `segment-1`), not colours.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import altair as alt
import vl_convert as vlc
from markupsafe import Markup

from dagster_project.publication.charts.chart import Cell, Chart
from dagster_project.shown import in_one_line

# User units: a phone shows them nearly as they are, a wide page somewhat larger.
WIDTH = 360
TEXT_SIZE, LINE_HEIGHT = 14, 17
# Of a letter in units: wide enough for nearly all words in Arial.
_LETTER = 7.1
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_TRANSLATED = re.compile(r"translate\(([-\d.e]+),([-\d.e]+)\)")
_NOWHERE = "translate(0,0)"
_KEPT = ("d", "x", "y", "width", "height", "transform")
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Frame:
    """The room around what is drawn, and its size: all of it in user units."""

    height: float
    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0

    @property
    def width(self) -> float:
        return WIDTH - self.left - self.right


def compiled(chart: alt.TopLevelMixin, frame: Frame) -> dict[str, Any]:
    """The specification as Vega, whose data are put in later; keep it, as this takes some milliseconds."""
    said = chart.to_dict()
    said |= {
        "width": frame.width,
        "height": frame.height,
        "autosize": "none",
        "padding": {
            "left": frame.left,
            "right": frame.right,
            "top": frame.top,
            "bottom": frame.bottom,
        },
        "background": None,
    }
    said["config"] = {
        "view": {"stroke": None},
        "font": "Arial",
        "mark": {"invalid": None},
        "point": {"opacity": 1},
        "text": {"fontSize": 0, "lineHeight": LINE_HEIGHT, "baseline": "alphabetic", "fill": "ink"},
        "axis": {
            "labelFontSize": 0,
            "labelOverlap": False,
            "labelBound": False,
            "labelFlush": False,
            "labelColor": "axis",
            "labelLimit": 0,
            "gridColor": "grid",
            "domain": False,
            "ticks": False,
            "title": None,
        },
        "aria": False,
    }
    return dict(vlc.vegalite_to_vega(said))


def drawn(
    vega: Mapping[str, Any],
    data: Mapping[str, Rows],
    height: float | None = None,
    domains: Mapping[str, tuple[float, float]] | None = None,
) -> Element:
    """The picture of the rows, each under the name of its data in the specification. What the specification can't know
    before its rows may be said here: the height, and the domains of scales by their names.
    """
    known = domains or {}
    # Texts of a class together, as they don't lie over each other.
    rows = {
        name: sorted(of, key=lambda one: (one["kind"], one["align"])) if name == "texts" else list(of)
        for name, of in data.items()
    }
    filled = [{**one, "values": rows[one["name"]]} if one["name"] in rows else one for one in vega["data"]]
    scales = [
        {**scale, "domain": list(known[scale["name"]])} if scale["name"] in known else scale
        for scale in vega.get("scales", ())
    ]
    whole = {**vega, "data": filled, "scales": scales}
    if height is not None:
        whole["height"] = height
    # As text, which the engine takes over faster than a mapping.
    return _by_class(ElementTree.fromstring(vlc.vega_to_svg(json.dumps(whole))))


def in_place(field: str, kind: type[alt.X] | type[alt.Y] = alt.Y) -> Any:
    """A channel whose rows hold user units: laid out already."""
    return kind(f"{field}:Q", scale=None, axis=None)


def said(
    x: float, y: float, text: str | Sequence[str], kind: str = "ink", align: str = "left"
) -> dict[str, Any]:
    """A row of `texts`: where, what (one line or several), of which class, and on which side of its place."""
    return {"x": x, "y": y, "text": text, "kind": kind, "align": align}


def texts() -> alt.Chart:
    """All texts of a picture, from its data `texts`: one kind of mark, as each costs time."""
    made: alt.Chart = (
        alt.Chart(alt.NamedData("texts"))
        .mark_text(align=alt.ExprRef("datum.align"))
        .encode(x=in_place("x", alt.X), y=in_place("y"), text="text:N", fill=alt.Fill("kind:N", scale=None))
    )
    return made


def charted(
    name: str,
    title: str,
    alt: str,
    picture: Element,
    headings: tuple[str, ...],
    rows: Sequence[Sequence[str | Cell]],
    notes: tuple[str, ...] = (),
) -> Chart:
    """The picture as a chart of a page."""
    return Chart(name, title, alt, _inline(picture, name, title, alt), headings, rows, notes)


def _inline(picture: Element, name: str, title: str, alt_text: str) -> Markup:
    """The picture as part of a page, named and described for those who don't see it."""
    whole = Element("svg")
    whole.set("class", "chart__picture")
    whole.set("viewBox", picture.get("viewBox", ""))
    whole.set("role", "img")
    whole.set("aria-labelledby", f"chart-{name}-title chart-{name}-desc")
    for tag, said in (("title", title), ("desc", alt_text)):
        element = SubElement(whole, tag)
        element.set("id", f"chart-{name}-{tag}")
        element.text = in_one_line(said)
    for child in picture:
        whole.append(child)
    return Markup(ElementTree.tostring(whole, encoding="unicode"))


def _tag(element: Element) -> str:
    """Without the namespace, which a picture within a page doesn't have."""
    return element.tag.rpartition("}")[2]


def _by_class(drawn_by_vega: Element) -> Element:
    """Only shapes and texts, in the order in which they lie over each other, with classes in place of colours."""
    picture = Element("svg")
    picture.set("viewBox", drawn_by_vega.get("viewBox", ""))
    for child in drawn_by_vega:
        _take_over(child, picture)
    return picture


def _take_over(element: Element, into: Element) -> None:
    tag = _tag(element)
    if tag == "g":
        group = Element("g")
        if (moved := _rounded(element.get("transform", ""))) not in ("", _NOWHERE):
            group.set("transform", moved)
        for child in element:
            _take_over(child, group)
        _join(group, into)
    elif tag == "line":
        SubElement(into, "path", {"d": _as_path(element)} | _class(element, tag))
    elif tag == "text":
        x, y = _moved(element)
        made = SubElement(into, tag, {"x": f"{x:g}", "y": f"{y:g}"} | _class(element, tag))
        made.text = element.text
        for line in element:
            below = {"dy": line.attrib["dy"]} if "dy" in line.attrib else {}
            SubElement(made, "tspan", {"x": f"{x:g}"} | below).text = line.text
    elif not _shows_nothing(element):
        kept = {key: _rounded(element.attrib[key]) for key in _KEPT if key in element.attrib}
        if kept.get("transform") == _NOWHERE:
            del kept["transform"]
        SubElement(into, tag, kept | _class(element, tag)).text = element.text


def _as_path(line: Element) -> str:
    """A line from its place, as a path: lines of one class then make one path."""
    x, y = _moved(line)
    across, down = (round(float(line.get(key, "0")), 1) for key in ("x2", "y2"))
    way = f"h{across:g}" if not down else f"v{down:g}" if not across else f"l{across:g},{down:g}"
    return f"M{x:g},{y:g}{way}"


def _moved(element: Element) -> tuple[float, float]:
    """Where an element is moved to."""
    found = _TRANSLATED.fullmatch(element.get("transform", _NOWHERE))
    if found is None:
        raise ValueError(
            f"Expected a place, found {element.get('transform')!r}: Vega draws it in another way."
        )
    return round(float(found[1]), 1), round(float(found[2]), 1)


def _join(group: Element, into: Element) -> None:
    """Puts a group's children where it would lie: neighbours of one class together, lines of it as one path."""
    target = SubElement(into, "g", group.attrib) if group.attrib else into
    for kind, run in groupby(group, key=lambda one: (one.tag == "g", one.get("class"))):
        children = list(run)
        paths = [one for one in children if one.tag == "path" and "transform" not in one.attrib]
        if kind[1] is not None and len(paths) == len(children) > 1:
            d = "".join(one.get("d", "") for one in paths)
            SubElement(target, "path", {"d": d, "class": kind[1]})
        elif kind[1] is not None and not kind[0] and len(children) > 1:
            shared = SubElement(target, "g", {"class": kind[1]})
            for child in children:
                del child.attrib["class"]
                shared.append(child)
        else:
            target.extend(children)


def _shows_nothing(element: Element) -> bool:
    return element.get("fill", "none") in ("none", "transparent") and element.get("stroke") is None


def _class(element: Element, tag: str) -> dict[str, str]:
    """Colours, widths and the side of a text as classes."""
    fill, stroke = element.get("fill"), element.get("stroke")
    found = []
    if fill and fill not in ("none", "transparent"):
        found.append(f"{'t' if tag == 'text' else 'f'}-{fill}")
    if stroke and stroke not in ("none", "transparent"):
        found.append(f"s-{stroke}")
        if (width := element.get("stroke-width", "1")) != "1":
            found.append(f"w-{width.replace('.', '-')}")
    if tag == "text" and (side := element.get("text-anchor", "start")) != "start":
        found.append(f"a-{side}")
    return {"class": " ".join(found)} if found else {}


def _rounded(text: str) -> str:
    """Coordinates to a tenth of a unit, which no eye tells apart."""
    return _NUMBER.sub(lambda number: f"{round(float(number[0]), 1):g}", text)


def wrapped(text: str, width: float = WIDTH) -> list[str]:
    """The text in lines that fit a width in user units, broken between words where there are any."""
    return textwrap.wrap(in_one_line(text), max(4, math.floor(width / _LETTER))) or [""]
