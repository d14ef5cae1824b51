"""Charts as files of their own, for slides: a file that travels alone says what it is and how it is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import vl_convert as vlc

from dagster_project.notices import NOT_A_VERDICT
from dagster_project.publication import addresses
from dagster_project.publication.charts.chart import Chart
from dagster_project.publication.charts.drawing import LINE_HEIGHT, TEXT_SIZE, WIDTH, wrapped
from dagster_project.publication.charts.league_table import RANKS, distribution, ranked_dots
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.rendering import Produced

# The colours of light pages, as `web/_charts.scss` has them: a test holds both against each other.
PALETTE: Mapping[str, str] = {
    "mine": "#0d5560",
    "others": "#6f868b",
    "peers": "#8fa9ae",
    "track": "#e6eeee",
    "grid": "#cfdadb",
    "standard": "#9c5a00",
    "better": "#0b5a66",
    "worse": "#9a4a08",
    "segment-1": "#084851",
    "segment-2": "#3792a0",
    "segment-3": "#b4812a",
    "segment-4": "#7d2f04",
    "segment-5": "#4b2448",
}
_INK, _GROUND = "#16262a", "#ffffff"
_MARGIN, _BETWEEN = 20, 14
# Pixels for a user unit: 1,200 across, as slides want them.
_SCALE = 3


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's charts that are about no single organisation, as SVG; those of league tables as PNG too, as a PNG
    of every metric would be thirty times as large as all of them are.
    """
    for chart in charts_of(content):
        svg = standalone(chart, content)
        yield Produced(addresses.chart(content.quarter, chart.name), svg.encode())
        if chart.name.startswith(RANKS):
            png = vlc.svg_to_png(svg, scale=_SCALE)
            yield Produced(addresses.chart(content.quarter, chart.name, "png"), png)


def charts_of(content: QuarterContent) -> Iterator[Chart]:
    """Ranks of every league table, and the values of every metric in each."""
    for table_name in content.tables:
        ranks = ranked_dots(content, table_name)
        if ranks is not None:
            yield ranks
        for metric_id in sorted(
            {row["metric_id"] for row in content.find("metric_ranking", table_name=table_name)}
        ):
            values = distribution(content, table_name, metric_id)
            if values is not None:
                yield values


def standalone(chart: Chart, content: QuarterContent) -> str:
    """The chart as an SVG that needs no page: its title, whose figures they are and of which release drawn into it,
    colours instead of classes.
    """
    picture = ElementTree.fromstring(chart.svg)
    _, _, _, height = map(float, picture.get("viewBox", "0 0 0 0").split())
    whole = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
    whole.set("aria-labelledby", picture.get("aria-labelledby", ""))
    whole.extend(one for one in picture if one.tag in ("title", "desc"))
    SubElement(whole, "rect", {"width": "100%", "height": "100%", "fill": _GROUND})
    text = SubElement(whole, "g", {"font-family": "Arial, sans-serif", "fill": _INK})
    y = _lines(text, _MARGIN, chart.title, size=16, weight="bold")
    y = _lines(text, y, f"{content.label} ({content.quarter})") + _BETWEEN
    drawn = SubElement(whole, "g", {"transform": f"translate({_MARGIN},{y:g})", "fill": "none"})
    drawn.set("font-family", "Arial, sans-serif")
    drawn.set("font-size", str(TEXT_SIZE))
    drawn.extend(one for one in picture if one.tag not in ("title", "desc"))
    for element in drawn.iter():
        _colour(element)
    y += height + _BETWEEN
    for said in (*chart.notes, *_about(content)):
        y = _lines(text, y, said, size=11)
    wide, high = WIDTH + 2 * _MARGIN, y + _MARGIN
    whole.set("viewBox", f"0 0 {wide} {high:g}")
    whole.set("width", str(wide))
    whole.set("height", f"{high:g}")
    return ElementTree.tostring(whole, encoding="unicode") + "\n"


def _about(content: QuarterContent) -> tuple[str, ...]:
    return (
        NOT_A_VERDICT,
        content.notice,
        f"NHS league tables, recomputed: release {content.release_id}.",
    )


def _lines(into: Element, y: float, text: str, size: int = TEXT_SIZE, weight: str | None = None) -> float:
    """Writes a text in as many lines as it needs; returns where the next one starts."""
    for line in wrapped(text, WIDTH * TEXT_SIZE / size):
        y += LINE_HEIGHT * size / TEXT_SIZE
        element = SubElement(into, "text", {"x": str(_MARGIN), "y": f"{y:g}", "font-size": str(size)})
        if weight is not None:
            element.set("font-weight", weight)
        element.text = line
    return y


def _colour(element: Element) -> None:
    """Puts attributes in place of classes, as `web/_charts.scss` does it for a page."""
    named = element.attrib.pop("class", "").split()
    if element.tag == "text":
        element.set("fill", _INK)
    for one in named:
        kind, _, name = one.partition("-")
        if kind == "t":
            element.set("fill", _INK)
            if name in ("strong", "label"):
                element.set("font-weight", "bold")
            if name == "label":
                for key, value in (("stroke", _GROUND), ("stroke-width", "4"), ("paint-order", "stroke")):
                    element.set(key, value)
        elif kind == "a":
            element.set("text-anchor", name)
        elif kind == "w":
            element.set("stroke-width", name.replace("-", "."))
            if name == "1-5":
                element.set("stroke-opacity", "0.6")
        else:
            colour = {"ink": _INK, "axis": _INK, "ground": _GROUND}.get(name) or PALETTE[name]
            element.set("fill" if kind == "f" else "stroke", colour)
