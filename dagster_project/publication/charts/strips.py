"""One way to draw a list of things: each with its label above a strip, on which bars, ticks and dots lie.

All pictures of this kind share one specification: a compiled specification costs Vega more time than the marks do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import altair as alt

from dagster_project.publication.charts.drawing import (
    LINE_HEIGHT,
    WIDTH,
    Frame,
    compiled,
    drawn,
    in_place,
    said,
    texts,
    wrapped,
)

_LEFT, _RIGHT = 8, 88
_WIDE = WIDTH - _LEFT - _RIGHT
_STRIP, _GAP, _HEADING = 18, 9, 24
_AXIS, _KEY = 26, 20


@dataclass(frozen=True)
class Strip:
    """A thing: its label, what is said at the end of its strip, and what lies on that.

    `bars` are (from, to, class, width), `ticks` places, `dots` (place, class, shape); a `heading` stands above the
    first of a group.
    """

    label: str
    said: str
    bars: Sequence[tuple[float, float, str, int]] = ()
    ticks: Sequence[float] = ()
    dots: Sequence[tuple[float, str, str]] = ()
    heading: str | None = None


@dataclass(frozen=True)
class Axis:
    """From which figure to which strips go, what is written above them at which, and `key`: words for what is drawn,
    each as (bar, tick or dot, class, words).
    """

    low: float
    high: float
    marks: Sequence[tuple[float, str]]
    key: Sequence[tuple[str, str, str]] = ()

    def at(self, place: float) -> float:
        """The figure that lies at a place in user units."""
        return self.low + place / _WIDE * (self.high - self.low)

    def place(self, figure: float) -> float:
        return (figure - self.low) / (self.high - self.low) * _WIDE


@dataclass
class _Drawn:
    bars: list[dict[str, Any]] = field(default_factory=list)
    ticks: list[dict[str, Any]] = field(default_factory=list)
    dots: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)

    def strip(self, strip: Strip, axis: Axis, top: float) -> float:
        """Adds a strip below `top`; returns where the next one starts."""
        if strip.heading is not None:
            self.texts.append(said(-_LEFT, top + 16, strip.heading, "strong"))
            top += _HEADING
        lines = wrapped(strip.label)
        self.texts.append(said(-_LEFT, top + 12, lines))
        y = top + LINE_HEIGHT * len(lines) + _STRIP / 2
        self.bars.append({"x": axis.low, "x2": axis.high, "y": y, "kind": "track", "width": 8})
        self.bars += [
            {"x": low, "x2": high, "y": y, "kind": kind, "width": width}
            for low, high, kind, width in strip.bars
        ]
        self.ticks += [{"x": place, "y": y - 8, "y2": y + 8} for place in strip.ticks]
        self.dots += [{"x": place, "y": y, "kind": kind, "shape": shape} for place, kind, shape in strip.dots]
        self.texts.append(said(WIDTH - _LEFT, y + 5, strip.said, "strong", "right"))
        return top + LINE_HEIGHT * len(lines) + _STRIP + _GAP

    def key(self, axis: Axis) -> None:
        """Adds what each sign means, above the axis."""
        x, y = 0.0, -_AXIS - 10.0
        for sign, kind, words in axis.key:
            if sign == "dot":
                self.dots.append({"x": axis.at(x), "y": y, "kind": kind, "shape": "circle"})
            elif sign == "bar":
                self.bars.append(
                    {"x": axis.at(x - 6), "x2": axis.at(x + 10), "y": y, "kind": kind, "width": 8}
                )
            else:
                self.ticks.append({"x": axis.at(x), "y": y - 8, "y2": y + 8})
            start = x + (16 if sign == "bar" else 10)
            self.texts.append(said(start, y + 5, words))
            x = start + 6.1 * len(words) + 14


def picture(strips: Sequence[Strip], axis: Axis) -> Element:
    """The strips below each other, the axis above them."""
    all_of_it, top = _Drawn(), 5.0
    for strip in strips:
        top = all_of_it.strip(strip, axis, top)
    all_of_it.key(axis)
    ends = {axis.low: "left", axis.high: "right"}
    for figure, words in axis.marks:
        all_of_it.texts.append(said(axis.place(figure), -8, words, "axis", ends.get(figure, "center")))
    return drawn(
        _strips(bool(axis.key)),
        {
            # What lies on a track comes after all tracks.
            "bars": sorted(all_of_it.bars, key=lambda bar: (bar["kind"] != "track", bar["kind"])),
            "ticks": all_of_it.ticks,
            "dots": all_of_it.dots,
            "texts": all_of_it.texts,
        },
        top,
        {"x": (axis.low, axis.high)},
    )


@cache
def _strips(has_key: bool) -> dict[str, Any]:
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, 1], nice=False, zero=False), axis=None)
    y = in_place("y")

    def of(data: str) -> alt.Chart:
        return alt.Chart(alt.NamedData(data))

    return compiled(
        of("bars")
        .mark_rule()
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            stroke=alt.Stroke("kind:N", scale=None),
            strokeWidth=alt.StrokeWidth("width:Q", scale=None),
        )
        + of("ticks").mark_rule(stroke="ink", strokeWidth=2).encode(x=x, y=y, y2="y2:Q")
        + of("dots")
        .mark_point(size=120, stroke="ground", strokeWidth=1.5)
        .encode(x=x, y=y, fill=alt.Fill("kind:N", scale=None), shape=alt.Shape("shape:N", scale=None))
        + texts(),
        Frame(1, _LEFT, _RIGHT, _AXIS + _KEY * has_key, 0),
    )
